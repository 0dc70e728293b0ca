//! Installations, their groups and their coupons, made of any bytes.

use arbitrary::Result;
use martlet_domain::{
    Digest, Timestamp,
    coupon::Coupon,
    money::Money,
    plugin::{FailurePolicy, Group, GroupClass, GroupMode, Installation, InstallationStage, World},
    quote::{Class, CouponInput, Outcome, Stage, Standing},
};

use crate::{
    answers::{Any, CLASSES},
    carts::{NOW, id},
};

const GROUPS: [&str; 4] = ["g0", "g1", "g2", "g3"];
const MODES: [GroupMode; 4] = [GroupMode::Stack, GroupMode::Best, GroupMode::First, GroupMode::Stop];
const STAGES: [InstallationStage; 5] = [
    InstallationStage::Active,
    InstallationStage::Canary(50),
    InstallationStage::Shadow,
    InstallationStage::Draft,
    InstallationStage::Quarantined,
];
const POLICIES: [FailurePolicy; 4] =
    [FailurePolicy::Skip, FailurePolicy::Reject, FailurePolicy::BasePrice, FailurePolicy::Block];

/// An installation with what it answers.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) installation: Installation,
    pub(crate) standing: Option<Standing>,
    coupon: Coupon,
    of_coupon: Standing,
    /// One or two, which the stages take in turns.
    answers: Vec<Outcome>,
    /// Whether it leaves out what belongs to other stages.
    knows_its_place: bool,
}

impl Installed {
    pub(crate) fn answer(&self, stage: Stage) -> Outcome {
        let mut answer = self.answers[stage as usize % self.answers.len()].clone();
        if let Outcome::Proposed(proposal) = &mut answer
            && self.knows_its_place
            && stage != Stage::Pricing
        {
            proposal.candidates.retain(|candidate| Stage::of(candidate.class) == stage);
        }
        answer
    }

    /// The coupon of it that is on the cart.
    pub(crate) fn coupon(&self, index: usize) -> Option<CouponInput> {
        let coupon = Coupon { id: id(100 + index), ..self.coupon.clone() };
        let coupon = CouponInput { coupon, standing: self.of_coupon };
        (self.installation.world == World::Coupon).then_some(coupon)
    }
}

impl Any<'_> {
    pub(crate) fn groups(&mut self) -> Result<Vec<Group>> {
        let mut groups = self.some(GROUPS.len(), |any| {
            let class = any.below(CLASSES.len() + 1)?;
            Ok(Group {
                name: String::new(),
                class: CLASSES.get(class).map_or(GroupClass::Pricing, |class| GroupClass::Candidates(*class)),
                rank: any.one_of(&[0, 1, -1])?,
                mode: any.one_of(&MODES)?,
                on_list_amounts: any.one_in(4)?,
            })
        })?;
        for (group, name) in groups.iter_mut().zip(GROUPS) {
            name.clone_into(&mut group.name);
        }
        Ok(groups)
    }

    /// The next installation of the store.
    pub(crate) fn installed(&mut self) -> Result<Installed> {
        let number = self.number();
        let world = self.one_of(&World::ALL)?;
        let classes = self.classes()?;
        let mut answers = vec![self.outcome(world)?];
        answers.extend(self.maybe(2, |any| any.outcome(world))?);
        Ok(Installed {
            standing: self.maybe(3, Self::standing)?,
            coupon: self.coupon(number, &classes)?,
            of_coupon: self.standing()?,
            answers,
            knows_its_place: !self.one_in(8)?,
            installation: Installation {
                id: id(number),
                // Any order, but each has a place of its own.
                sequence: i64::from(self.any::<i8>()?) * 16 + i64::try_from(number).unwrap_or(0),
                plugin: format!("p{number}"),
                version: "1.0.0".to_owned(),
                component: Digest::of(&number.to_be_bytes()),
                world,
                config: "{}".to_owned(),
                classes,
                stage: if self.one_in(8)? { self.one_of(&STAGES)? } else { InstallationStage::Active },
                priority: self.one_of(&[0, 1, -1, i32::MAX, i32::MIN])?,
                group: self.maybe(2, |any| any.one_of(&GROUPS))?.map(str::to_owned),
                failure_policy: self.one_of(&POLICIES)?,
                gift_skus: self.some(4, Self::sku)?,
                budget: self.maybe(6, Self::budget)?,
                daily_budget: self.maybe(12, Self::budget)?,
                customer_budget: self.maybe(12, Self::budget)?,
                starts_at: self.maybe(16, Self::moment)?,
                ends_at: self.maybe(16, Self::moment)?,
                exclusivity_tags: self.maybe(12, |any| any.some(2, Self::tag))?.unwrap_or_default(),
                quarantine: None,
                templates: Vec::new(),
            },
        })
    }

    /// All of them where the bytes have come to their end.
    fn classes(&mut self) -> Result<Vec<Class>> {
        let without: u8 = if self.one_in(4)? { self.any()? } else { 0 };
        Ok((0..).zip(CLASSES).filter(|(bit, _)| without >> bit & 1 == 0).map(|(_, class)| class).collect())
    }

    fn coupon(&mut self, number: usize, classes: &[Class]) -> Result<Coupon> {
        let limit = |any: &mut Self| Ok(any.one_of(&[1, 2, 0])?);
        Ok(Coupon {
            id: id(0),
            code: format!("CODE{number}").parse().map_err(|_| arbitrary::Error::IncorrectFormat)?,
            installation: id(number),
            config: "{}".to_owned(),
            classes: classes.to_vec(),
            enabled: !self.one_in(16)?,
            starts_at: self.maybe(16, Self::moment)?,
            ends_at: self.maybe(16, Self::moment)?,
            total_limit: self.maybe(8, limit)?,
            per_customer_limit: self.maybe(8, limit)?,
            version: 1,
        })
    }

    fn standing(&mut self) -> Result<Standing> {
        let used = if self.one_in(8)? { self.any()? } else { 0 };
        let budget_left = self.maybe(4, Self::amount)?;
        Ok(Standing { used, used_by_customer: used.min(1), budget_left })
    }

    fn budget(&mut self) -> Result<Money> {
        let currency = self.one_of(&["KRW", "USD", "KWD", "EUR"])?;
        let currency = currency.parse().map_err(|_| arbitrary::Error::IncorrectFormat)?;
        Ok(Money { minor_units: self.amount()?, currency })
    }

    fn moment(&mut self) -> Result<Timestamp> {
        Ok(Timestamp::from_millis(self.one_of(&[NOW, NOW - 1, NOW + 1])?))
    }
}
