use uuid::Uuid;

use super::*;
use crate::{
    Digest,
    money::Money,
    plugin::{GroupMode, World},
    quote::Class,
};

const NOW: Timestamp = Timestamp::from_millis(5_000);

fn id(number: u128) -> Id<Installation> {
    Id::new(Uuid::from_u128(number))
}

fn installation(number: u128, world: World) -> Installation {
    Installation {
        id: id(number),
        sequence: i64::try_from(number).unwrap(),
        plugin: format!("plugin-{number}"),
        version: "1.0.0".to_owned(),
        component: Digest::of(b"one"),
        world,
        config: "{}".to_owned(),
        classes: if world == World::Promotion { vec![Class::Order] } else { Vec::new() },
        stage: InstallationStage::Active,
        priority: 0,
        group: None,
        failure_policy: world.default_failure_policy(),
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

fn group(name: &str, class: GroupClass) -> Group {
    Group { name: name.to_owned(), class, rank: 0, mode: GroupMode::Best, on_list_amounts: false }
}

/// A rulebook with a promotion (1), a coupon plugin (2) and a group for orders.
fn active() -> Rulebook {
    Rulebook {
        number: 7,
        note: "seven".to_owned(),
        created_at: Timestamp::from_millis(0),
        groups: vec![group("orders", GroupClass::Candidates(Class::Order))],
        installations: vec![installation(1, World::Promotion), installation(2, World::Coupon)],
    }
}

fn put(installation: Installation) -> RuleChange {
    RuleChange::Put(Box::new(installation))
}

fn changed(changes: Vec<RuleChange>) -> Result<Rulebook, Vec<RuleProblem>> {
    active().changed("next".to_owned(), NOW, changes, &BTreeMap::new())
}

/// Where the only change of the rules is wrong.
fn wrong(change: RuleChange) -> Vec<String> {
    let problems = changed(vec![change]).map(|next| next.number).unwrap_err();
    problems.into_iter().map(|problem| problem.pointer).collect()
}

fn usd(minor_units: i64) -> Option<Money> {
    Some(Money { minor_units, currency: "USD".parse().unwrap() })
}

#[test]
fn changes_make_the_next_rulebook_one_after_the_other() {
    let added = Installation { sequence: 0, ..installation(9, World::Pricing) };
    let louder = Installation { priority: 5, ..installation(1, World::Promotion) };
    let next = changed(vec![put(added), put(louder), RuleChange::Remove(id(2))]).unwrap();
    assert_eq!((next.number, next.note.as_str(), next.created_at), (8, "next", NOW));
    let set: Vec<_> = next.installations.iter().map(|it| (it.id, it.sequence, it.priority)).collect();
    assert_eq!(set, [(id(1), 1, 5), (id(9), 3, 0)]);
    assert_eq!(next.groups, active().groups);
    assert_eq!(changed(Vec::new()).unwrap().installations, active().installations);
}

#[test]
fn an_installation_that_does_not_keep_to_the_rules_is_refused_where_it_doesnt() {
    let promotion = || installation(1, World::Promotion);
    let at = |millis| Some(Timestamp::from_millis(millis));
    let tags = |count: usize| (0..count).map(|tag| tag.to_string()).collect::<Vec<_>>();
    let cases: [(Installation, &[&str]); 14] = [
        (Installation { stage: InstallationStage::Canary(0), ..promotion() }, &["/canary_percent"]),
        (Installation { stage: InstallationStage::Canary(100), ..promotion() }, &["/canary_percent"]),
        (Installation { priority: MAX_RANK + 1, ..promotion() }, &["/priority"]),
        (Installation { failure_policy: FailurePolicy::Reject, ..promotion() }, &["/failure_policy"]),
        (Installation { starts_at: at(5), ends_at: at(5), ..promotion() }, &["/ends_at"]),
        (Installation { exclusivity_tags: tags(17), ..promotion() }, &["/exclusivity_tags"]),
        (Installation { exclusivity_tags: vec!["x".repeat(65)], ..promotion() }, &["/exclusivity_tags"]),
        (Installation { gift_skus: vec!["A".parse().unwrap(); 2], ..promotion() }, &["/gift_skus"]),
        (
            Installation { budget: usd(0), daily_budget: usd(-1), ..promotion() },
            &["/budget", "/daily_budget"],
        ),
        (
            Installation {
                budget: usd(5),
                customer_budget: Some(Money { minor_units: 5, currency: "KRW".parse().unwrap() }),
                ..promotion()
            },
            &["/customer_budget"],
        ),
        (Installation { group: Some("none".to_owned()), ..promotion() }, &["/group"]),
        (
            Installation { group: Some("orders".to_owned()), classes: vec![Class::Line], ..promotion() },
            &["/group"],
        ),
        (Installation { group: Some("orders".to_owned()), ..installation(3, World::Pricing) }, &["/group"]),
        (
            Installation {
                group: Some("orders".to_owned()),
                budget: usd(5),
                exclusivity_tags: tags(1),
                gift_skus: vec!["A".parse().unwrap()],
                ..installation(3, World::Tax)
            },
            &["/exclusivity_tags", "/gift_skus", "/budget", "/group"],
        ),
    ];
    for (refused, pointers) in cases {
        assert_eq!(wrong(put(refused.clone())), pointers, "{refused:?}");
    }
    let full = Installation {
        stage: InstallationStage::Canary(99),
        priority: -MAX_RANK,
        failure_policy: FailurePolicy::Block,
        starts_at: at(5),
        ends_at: at(6),
        exclusivity_tags: tags(16),
        gift_skus: vec!["A".parse().unwrap()],
        budget: usd(i64::MAX),
        daily_budget: usd(1),
        customer_budget: usd(1),
        group: Some("orders".to_owned()),
        ..promotion()
    };
    assert_eq!(changed(vec![put(full.clone())]).unwrap().installations[0], full);
    let coupon = Installation { group: Some("orders".to_owned()), ..installation(2, World::Coupon) };
    assert!(changed(vec![put(coupon)]).is_ok(), "a coupon's class is its own");
}

#[test]
fn budgets_stay_in_the_currency_that_counts_what_was_given() {
    let mut rules = active();
    rules.installations[0].daily_budget = usd(5);
    let won = Some(Money { minor_units: 5, currency: "KRW".parse().unwrap() });
    let moved = Installation { daily_budget: won, ..rules.installations[0].clone() };
    let problems = rules.changed(String::new(), NOW, vec![put(moved)], &BTreeMap::new()).unwrap_err();
    assert_eq!(problems.iter().map(|it| it.pointer.as_str()).collect::<Vec<_>>(), ["/daily_budget"]);
    // Also while it has no budget, is in no rulebook, or comes back.
    let usd_is_counted = BTreeMap::from([(id(1), "USD".parse().unwrap())]);
    let won = Installation { budget: won, ..installation(1, World::Promotion) };
    for rules in [active(), Rulebook { installations: Vec::new(), ..active() }] {
        let problems = rules.changed(String::new(), NOW, vec![put(won.clone())], &usd_is_counted);
        let problems = problems.unwrap_err();
        assert_eq!(problems[0].pointer, "/budget");
        assert!(problems[0].problem.contains("make a new installation"), "{problems:?}");
    }
    let back = Rulebook { installations: vec![won], ..active() };
    assert!(back.miscounted(&usd_is_counted).unwrap().contains("KRW"));
    assert_eq!(back.miscounted(&BTreeMap::new()), None);
    let more = Installation { daily_budget: None, budget: usd(9), ..rules.installations[0].clone() };
    assert!(rules.changed(String::new(), NOW, vec![put(more)], &BTreeMap::new()).is_ok());
}

#[test]
fn groups_are_named_once_and_stay_while_they_are_named() {
    let orders = || group("orders", GroupClass::Candidates(Class::Order));
    let mut rules = active();
    rules.installations[0].group = Some("orders".to_owned());
    let wrong = |groups: Vec<Group>| -> Vec<String> {
        let problems = rules
            .changed(String::new(), NOW, vec![RuleChange::Groups(groups)], &BTreeMap::new())
            .unwrap_err();
        problems.into_iter().map(|problem| problem.pointer).collect()
    };
    assert_eq!(wrong(vec![]), ["/groups"]);
    assert_eq!(wrong(vec![orders(), orders()]), ["/groups/1/name"]);
    assert_eq!(wrong(vec![orders(), group("", GroupClass::Pricing)]), ["/groups/1/name"]);
    assert_eq!(wrong(vec![orders(), group(" x", GroupClass::Pricing)]), ["/groups/1/name"]);
    assert_eq!(wrong(vec![group("orders", GroupClass::Pricing)]), ["/groups/0/class"]);
    assert_eq!(wrong(vec![Group { rank: i32::MIN, ..orders() }]), ["/groups/0/rank"]);
    let many = (0..=MAX_GROUPS).map(|name| group(&name.to_string(), GroupClass::Pricing));
    assert_eq!(wrong(std::iter::once(orders()).chain(many).collect()), ["/groups"]);
    // Whoever leaves first, or lets go of the name, is no obstacle.
    let gone = vec![RuleChange::Groups(vec![]), RuleChange::Remove(id(1))];
    assert_eq!(rules.changed(String::new(), NOW, gone, &BTreeMap::new()).unwrap().groups, []);
    let without = vec![put(installation(1, World::Promotion)), RuleChange::Groups(vec![])];
    assert!(rules.changed(String::new(), NOW, without, &BTreeMap::new()).is_ok());
    let renamed = Installation { group: Some("new".to_owned()), ..installation(1, World::Promotion) };
    let new = group("new", GroupClass::Candidates(Class::Order));
    assert!(
        rules
            .changed(String::new(), NOW, vec![put(renamed), RuleChange::Groups(vec![new])], &BTreeMap::new())
            .is_ok()
    );
}

#[test]
fn problems_name_their_change_and_what_is_not_changed_is_not_looked_at() {
    let mut rules = active();
    rules.installations[1].group = Some("never there".to_owned());
    let fine = put(installation(1, World::Promotion));
    assert!(rules.changed(String::new(), NOW, vec![fine.clone()], &BTreeMap::new()).is_ok());
    let bad = put(Installation { priority: i32::MIN, ..installation(5, World::Promotion) });
    let problems = rules.changed(String::new(), NOW, vec![fine, bad], &BTreeMap::new()).unwrap_err();
    assert_eq!(problems.iter().map(|it| it.change).collect::<Vec<_>>(), [1]);
}

#[test]
fn whoever_is_switched_off_comes_back_to_where_it_was() {
    let canary = Installation { stage: InstallationStage::Canary(7), ..installation(1, World::Promotion) };
    assert_eq!(canary.released(), None);
    let off = canary.quarantined("it failed".to_owned(), NOW).unwrap();
    assert_eq!(off.stage, InstallationStage::Quarantined);
    assert_eq!(off.quarantined("again".to_owned(), NOW), None);
    assert_eq!(off.released(), Some(canary.clone()));
    assert_eq!(off.clone().outside(), off);
    assert_eq!(canary.outside().stage, InstallationStage::Draft);
    let old = Installation { quarantine: None, ..off };
    assert_eq!(old.released().unwrap().stage, InstallationStage::Draft);
}

#[test]
fn switching_off_is_possible_whatever_else_is_wrong() {
    let mut rules = active();
    rules.installations[0].group = Some("never there".to_owned());
    let off = || RuleChange::Quarantine { installation: id(1), reason: "it failed".to_owned(), at: NOW };
    let next = rules.changed(String::new(), NOW, vec![off(), off()], &BTreeMap::new()).unwrap();
    let quarantine = next.installations[0].quarantine.as_ref().unwrap();
    assert_eq!((quarantine.at, quarantine.from), (NOW, InstallationStage::Active));
    assert_eq!(next.installations[0].group, rules.installations[0].group);
}

#[test]
fn going_back_leaves_in_quarantine_what_was_switched_off_as_it_was() {
    let older = active();
    let mut now = active();
    now.number = 9;
    now.installations[0] = now.installations[0].quarantined("it failed".to_owned(), NOW).unwrap();
    now.installations.push(installation(3, World::Pricing));
    let next = now.back_to(&older, &[], "back".to_owned(), NOW);
    assert_eq!((next.number, next.note.as_str(), next.installations.len()), (10, "back", 2));
    let quarantine = next.installations[0].quarantine.clone().unwrap();
    assert_eq!((quarantine.reason.as_str(), quarantine.from), ("it failed", InstallationStage::Active));
    assert_eq!(next.installations[0].stage, InstallationStage::Quarantined);
    // Another component is what one goes back for.
    now.installations[0].component = Digest::of(b"two");
    assert_eq!(now.back_to(&older, &[], String::new(), NOW).installations, older.installations);
    // It is also heard of from what it was when it was last in a rulebook.
    let off = older.installations[0].quarantined("it failed".to_owned(), NOW).unwrap();
    let without = Rulebook { installations: Vec::new(), ..active() };
    let next = without.back_to(&older, &[off], String::new(), NOW);
    assert_eq!(next.installations[0].stage, InstallationStage::Quarantined);
    assert_eq!(without.back_to(&older, &[], String::new(), NOW).installations, older.installations);
}
