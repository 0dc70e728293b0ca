//! Rules as they would be with those that are only tried.

use super::{Installation, InstallationStage, Rulebook};

impl Rulebook {
    /// The installations that are asked beside live traffic.
    pub fn shadows(&self) -> impl Iterator<Item = &Installation> {
        self.installations.iter().filter(|installation| installation.stage == InstallationStage::Shadow)
    }

    /// The same rules with those of the shadows active that `joins` says. It keeps its number, and isn't
    /// the rulebook of that number: nothing priced under it may be shown, stored or sold.
    #[must_use]
    pub fn with_shadows(&self, joins: impl Fn(&Installation) -> bool) -> Self {
        let mut tried = self.clone();
        for installation in &mut tried.installations {
            if installation.stage == InstallationStage::Shadow && joins(installation) {
                installation.stage = InstallationStage::Active;
            }
        }
        tried
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Digest, Id,
        plugin::{FailurePolicy, World},
    };

    fn installation(sequence: i64, stage: InstallationStage) -> Installation {
        Installation {
            id: Id::new(uuid::Uuid::from_u128(sequence.unsigned_abs().into())),
            sequence,
            plugin: "percentage-off".to_owned(),
            version: "1.0.0".to_owned(),
            component: Digest::of(&[]),
            world: World::Promotion,
            config: "{}".to_owned(),
            classes: Vec::new(),
            stage,
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
        }
    }

    #[test]
    fn those_that_join_are_active_and_all_else_stays_as_it_is() {
        use InstallationStage::{Active, Canary, Draft, Quarantined, Shadow};
        let stages = [Draft, Shadow, Canary(10), Active, Quarantined, Shadow];
        let installations = (1..).zip(stages).map(|(sequence, stage)| installation(sequence, stage));
        let rules = Rulebook { installations: installations.collect(), ..Rulebook::without_rules() };
        assert_eq!(rules.shadows().map(|shadow| shadow.sequence).collect::<Vec<_>>(), [2, 6]);
        let tried = rules.with_shadows(|shadow| shadow.sequence == 6);
        let stages: Vec<_> = tried.installations.iter().map(|installation| installation.stage).collect();
        assert_eq!(stages, [Draft, Shadow, Canary(10), Active, Quarantined, Active]);
        let unchanged = |rules: &Rulebook| {
            rules.installations.iter().map(|installation| installation.id).collect::<Vec<_>>()
        };
        assert_eq!(unchanged(&tried), unchanged(&rules));
        assert_eq!(rules.with_shadows(|_| false), rules);
    }
}
