//! Whom a rulebook and a cart's coupons say to ask.

use super::{
    Call, Class, Evaluation, Input, Stage, Standing,
    budget::Budgets,
    resolve::Entrant,
    verdict::{PluginReference, Reason, Source, Verdict},
};
use crate::plugin::{Installation, InstallationStage, World};

/// Somebody to ask: an installation, by its index in the rulebook, and for a coupon plugin one of
/// the cart's coupons.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    installation: usize,
    coupon: Option<usize>,
}

/// Everybody who can be asked, by installation sequence, then coupon; and a verdict for every
/// coupon that can't be used, whose plugin is never asked.
pub(super) fn of(input: &Input) -> (Vec<Asked>, Vec<Verdict>) {
    let mut usable = Vec::new();
    let mut refusals = Vec::new();
    for (index, on_cart) in input.coupons.iter().enumerate() {
        let coupon = &on_cart.coupon;
        let installed = live(input)
            .filter(|(_, installation)| installation.world == World::Coupon)
            .find(|(_, installation)| installation.id == coupon.installation);
        let refusal = coupon.refusal(input.as_of, on_cart.standing, input.customer.is_some());
        let closed = installed.and_then(|(_, installation)| closed(installation, input));
        let reason = match (refusal, closed, installed) {
            (None, None, Some((installation, _))) => {
                usable.push(Asked { installation, coupon: Some(index) });
                continue;
            }
            (Some(refusal), ..) => Reason::Coupon(refusal),
            (None, Some(closed), _) => closed,
            (None, None, None) => Reason::Unavailable,
        };
        let stage = Stage::first_of(World::Coupon, &coupon.classes);
        let source = Source {
            installation: coupon.installation,
            plugin: installed.map(|(_, installation)| reference(installation)),
            coupon: Some(coupon.code.clone()),
        };
        refusals.push(Verdict::on_call(stage, source, reason));
    }
    let mut roster = usable;
    for (index, installation) in live(input).filter(|(_, known)| known.world != World::Coupon) {
        match closed(installation, input) {
            None => roster.push(Asked { installation: index, coupon: None }),
            Some(reason) => {
                let stage = Stage::first_of(installation.world, &installation.classes);
                let plugin = Some(reference(installation));
                let source = Source { installation: installation.id, plugin, coupon: None };
                refusals.push(Verdict::on_call(stage, source, reason));
            }
        }
    }
    roster.sort_by_key(|asked| (asked.installation(input).sequence, asked.coupon));
    (roster, refusals)
}

/// The installations that are asked for this cart.
fn live(input: &Input) -> impl Iterator<Item = (usize, &Installation)> {
    input.rulebook.installations.iter().enumerate().filter(|(_, installation)| match installation.stage {
        InstallationStage::Active => true,
        InstallationStage::Canary(percent) => input.bucket < u16::from(percent) * 100,
        InstallationStage::Draft | InstallationStage::Shadow | InstallationStage::Quarantined => false,
    })
}

/// Why an installation isn't asked at this moment, where its window says so.
fn closed(installation: &Installation, input: &Input) -> Option<Reason> {
    match installation.starts_at {
        _ if installation.is_in_window(input.as_of) => None,
        Some(start) if input.as_of < start => Some(Reason::NotStarted),
        _ => Some(Reason::Ended),
    }
}

fn reference(installation: &Installation) -> PluginReference {
    PluginReference {
        name: installation.plugin.clone(),
        version: installation.version.clone(),
        component: installation.component,
    }
}

impl Asked {
    pub(super) fn installation(self, input: &Input) -> &Installation {
        &input.rulebook.installations[self.installation]
    }

    /// The classes its candidates can have; none for unit prices.
    fn classes(self, input: &Input) -> &[Class] {
        match self.coupon {
            Some(coupon) => &input.coupons[coupon].coupon.classes,
            None => &self.installation(input).classes,
        }
    }

    pub(super) fn is_asked_in(self, stage: Stage, input: &Input) -> bool {
        let world = self.installation(input).world;
        if world.has_classes() {
            self.classes(input).iter().any(|class| Stage::of(*class) == stage)
        } else {
            stage == Stage::first_of(world, &[])
        }
    }

    pub(super) fn source(self, input: &Input) -> Source {
        let installation = self.installation(input);
        Source {
            installation: installation.id,
            plugin: Some(reference(installation)),
            coupon: self.coupon.map(|coupon| input.coupons[coupon].coupon.code.clone()),
        }
    }

    /// What it is asked. Of a budget it sees what its own earlier candidates have left.
    pub(super) fn call(self, input: &Input, budgets: &Budgets) -> Call {
        let installation = self.installation(input);
        let coupon = self.coupon.map(|coupon| &input.coupons[coupon]);
        let standing = coupon.map_or_else(|| standing(input, installation), |coupon| coupon.standing);
        Call {
            installation: installation.id,
            component: installation.component,
            world: installation.world,
            config: coupon.map_or(&installation.config, |coupon| &coupon.coupon.config).clone(),
            coupon: coupon.map(|coupon| coupon.coupon.code.clone()),
            standing: Standing { budget_left: budgets.left(installation.id), ..standing },
        }
    }

    pub(super) fn entrant<'a>(self, input: &'a Input, evaluation: &'a Evaluation) -> Entrant<'a> {
        let installation = self.installation(input);
        let group = |name| input.rulebook.groups.iter().find(|group| Some(&group.name) == name);
        Entrant {
            source: self.source(input),
            world: installation.world,
            priority: installation.priority,
            sequence: installation.sequence,
            coupon: self.coupon,
            group: group(installation.group.as_ref()),
            classes: self.classes(input),
            gifts: &installation.gift_skus,
            tags: &installation.exclusivity_tags,
            evaluation,
        }
    }
}

fn standing(input: &Input, installation: &Installation) -> Standing {
    let known = input.standings.iter().find(|(id, _)| *id == installation.id);
    known.map(|(_, standing)| *standing).unwrap_or_default()
}
