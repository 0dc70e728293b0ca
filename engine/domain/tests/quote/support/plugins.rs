//! Installations in one line, with what they answer.

use martlet_domain::{
    Digest, Timestamp,
    coupon::Coupon,
    money::Money,
    plugin::{FailurePolicy, Installation, InstallationStage, World},
    quote::{Candidate, Class, Evaluation, Failure, Outcome, Proposal, Stage, Standing},
};

use super::{id, stage_of};

/// An installation, its coupons, and what it answers.
#[derive(Debug, Clone)]
pub(crate) struct Plugin {
    pub(crate) installation: Installation,
    pub(crate) coupons: Vec<(Coupon, Standing)>,
    pub(crate) answers: Answers,
}

/// What a plugin answers when it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Answers {
    /// In each stage the candidates whose class belongs there.
    InPlace(Vec<Candidate>),
    /// The same in every stage.
    Always(Proposal),
    /// Just this.
    Is(Outcome),
    /// Nothing, because it fails.
    Fails(Failure),
}

/// An automatic promotion.
pub(crate) fn promotion<const N: usize>(candidates: [Candidate; N]) -> Plugin {
    plugin(World::Promotion, candidates.to_vec())
}

/// A pricing plugin. It proposes unit prices.
pub(crate) fn pricing<const N: usize>(prices: [Candidate; N]) -> Plugin {
    plugin(World::Pricing, prices.to_vec())
}

/// A coupon plugin, with one coupon of it on the cart.
pub(crate) fn code<const N: usize>(code: &str, candidates: [Candidate; N]) -> Plugin {
    let plugin = plugin(World::Coupon, candidates.to_vec());
    plugin.also(code, |_| {})
}

/// A coupon plugin with a coupon that is special.
pub(crate) fn special_code(
    code: &str,
    candidate: Candidate,
    change: impl FnOnce(&mut (Coupon, Standing)),
) -> Plugin {
    plugin(World::Coupon, vec![candidate]).also(code, change)
}

/// A plugin of some world. Candidates without a key are called `a`, `b` and so on.
pub(crate) fn plugin(world: World, mut candidates: Vec<Candidate>) -> Plugin {
    for (candidate, key) in candidates.iter_mut().zip('a'..='z').filter(|(it, _)| it.key.is_empty()) {
        candidate.key = key.to_string();
    }
    let mut classes: Vec<Class> = candidates.iter().map(|candidate| candidate.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let installation = Installation {
        id: id(0),
        sequence: 0,
        plugin: String::new(),
        version: "1.0.0".to_owned(),
        component: Digest::of(&[]),
        world,
        config: "{}".to_owned(),
        classes,
        stage: InstallationStage::Active,
        priority: 0,
        group: None,
        failure_policy: FailurePolicy::Skip,
        gift_skus: Vec::new(),
        budget: None,
        daily_budget: None,
        customer_budget: None,
        starts_at: None,
        ends_at: None,
        exclusivity_tags: Vec::new(),
        quarantine: None,
        templates: Vec::new(),
    };
    Plugin { installation, coupons: Vec::new(), answers: Answers::InPlace(candidates) }
}

impl Plugin {
    /// Puts another coupon of this installation on the cart.
    pub(crate) fn also(mut self, code: &str, change: impl FnOnce(&mut (Coupon, Standing))) -> Self {
        let coupon = Coupon {
            id: id(self.coupons.len()),
            code: code.parse().unwrap(),
            installation: id(0),
            config: "{}".to_owned(),
            classes: self.installation.classes.clone(),
            enabled: true,
            starts_at: None,
            ends_at: None,
            total_limit: None,
            per_customer_limit: None,
            version: 1,
        };
        let mut on_cart = (coupon, Standing::default());
        change(&mut on_cart);
        self.coupons.push(on_cart);
        self
    }

    pub(crate) fn priority(mut self, priority: i32) -> Self {
        self.installation.priority = priority;
        self
    }

    pub(crate) fn sequence(mut self, sequence: i64) -> Self {
        self.installation.sequence = sequence;
        self
    }

    pub(crate) fn group(mut self, name: &str) -> Self {
        self.installation.group = Some(name.to_owned());
        self
    }

    pub(crate) fn may_give(mut self, sku: &str) -> Self {
        self.installation.gift_skus.push(sku.parse().unwrap());
        self
    }

    /// What it may give in all.
    pub(crate) fn budget(mut self, minor_units: i64, currency: &str) -> Self {
        self.installation.budget = Some(Money { minor_units, currency: currency.parse().unwrap() });
        self
    }

    pub(crate) fn stage(mut self, stage: InstallationStage) -> Self {
        self.installation.stage = stage;
        self
    }

    pub(crate) fn policy(mut self, policy: FailurePolicy) -> Self {
        self.installation.failure_policy = policy;
        self
    }

    pub(crate) fn classes(mut self, classes: &[Class]) -> Self {
        self.installation.classes = classes.to_vec();
        self
    }

    pub(crate) fn answers(mut self, answers: Answers) -> Self {
        self.answers = answers;
        self
    }

    /// From when until when it is asked.
    pub(crate) fn window(mut self, starts_at: Option<i64>, ends_at: Option<i64>) -> Self {
        self.installation.starts_at = starts_at.map(Timestamp::from_millis);
        self.installation.ends_at = ends_at.map(Timestamp::from_millis);
        self
    }

    /// A tag that the merchant gives it.
    pub(crate) fn merchants_tag(mut self, tag: &str) -> Self {
        self.installation.exclusivity_tags.push(tag.to_owned());
        self
    }

    pub(crate) fn fails(self, failure: Failure) -> Self {
        self.answers(Answers::Fails(failure))
    }

    /// Makes it the how-manieth installation of the store.
    pub(super) fn number(&mut self, number: usize) {
        let installation = &mut self.installation;
        installation.id = id(number);
        installation.plugin = format!("p{number}");
        installation.component = Digest::of(&number.to_be_bytes());
        if installation.sequence == 0 {
            installation.sequence = i64::try_from(number).unwrap();
        }
        for (index, (coupon, _)) in self.coupons.iter_mut().enumerate() {
            coupon.id = id(100 * number + index);
            coupon.installation = installation.id;
        }
    }

    pub(crate) fn answer(&self, stage: Stage) -> Evaluation {
        let outcome = match &self.answers {
            Answers::Fails(failure) => Outcome::Failed(failure.clone()),
            Answers::Is(outcome) => outcome.clone(),
            Answers::Always(proposal) => Outcome::Proposed(proposal.clone()),
            Answers::InPlace(candidates) => {
                let belongs = |candidate: &&Candidate| {
                    self.installation.world == World::Pricing || stage_of(candidate.class) == stage
                };
                let candidates = candidates.iter().filter(belongs).cloned().collect();
                Outcome::Proposed(Proposal { candidates, declined: Vec::new() })
            }
        };
        Evaluation { outcome, fuel: 1 }
    }
}
