//! Components of published versions, as they were built then. They answer today as they did, for ever.

use std::path::PathBuf;

use martlet_domain::{
    Digest,
    plugin::World,
    quote::{Class, Outcome, Proposal},
};

use crate::support::*;

/// One golden component: where it lies, what it is, and the digest of what it answers to [`CARTS`].
struct Golden {
    version: &'static str,
    name: &'static str,
    digest: &'static str,
    world: World,
    config: &'static str,
    classes: &'static [Class],
    answers: &'static str,
}

const GOLDEN: &[Golden] = &[
    Golden {
        version: "0.1.0",
        name: "percentage-off",
        digest: "8cf4a5bbf9a95676b5a82f0d06fdf44acb8ec7c8de210adaff48f3cabeb9756a",
        world: World::Promotion,
        config: r#"{"percent_ppm":100000,"on":"order","minimum_spend":{"amount":500,"currency":"USD"}}"#,
        classes: &[Class::Order],
        answers: "2644148b28c632b53a95ee941a02e11f9462036f37d77ff597b9e37bc15512f8",
    },
    Golden {
        version: "0.1.0",
        name: "coupon-standard",
        digest: "dc43574f2bbd238f5a28c34c9e1f6450faa17b7107229cdc63e1b8029b9d2e13",
        world: World::Coupon,
        config: r#"{"gives":{"percent_ppm":250000}}"#,
        classes: &[Class::Order],
        answers: "0a01ef94ba10360f53b97b62a071fe65c1eb6d6acdd09299b642be510c50e597",
    },
    Golden {
        version: "0.1.0",
        name: "volume-pricing",
        digest: "6649072b78c2b1557751bce82ddbb367ec31738055955f402a96aa24b81cb522",
        world: World::Pricing,
        config: r#"{"breaks":[{"goods":{"categories":["shirts"]},"from":2,"percent_ppm":100000}]}"#,
        classes: &[],
        answers: "87f81514dc262835d0a6bfe3f1ef23112c92d5c0976d9fc8e1412e96622940f4",
    },
];

/// Lines of the carts they are asked about.
const CARTS: [usize; 3] = [0, 1, 50];

#[test]
fn components_of_every_published_version_answer_as_they_always_did() {
    let host = host();
    let mut changed = Vec::new();
    for golden in GOLDEN {
        let Golden { version, name, .. } = golden;
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/golden")
            .join(version)
            .join(format!("{name}.wasm"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(Digest::of(&bytes).to_string(), golden.digest, "{name} of {version} was changed");
        let component = host.load(&bytes).unwrap_or_else(|error| panic!("{name} of {version}: {error}"));
        assert_eq!((component.world(), component.wit_version()), (golden.world, *version));
        assert_eq!(component.describe().expect("it describes itself").name, *name);
        assert_eq!(component.validate_config(golden.config).expect("it takes it"), golden.classes);
        let answers: Vec<Outcome> = CARTS
            .into_iter()
            .map(|lines| {
                let snapshot =
                    if golden.world == World::CheckoutValidation { checkout(lines) } else { cart(lines) };
                let call = call(&component, golden.config);
                host.evaluate(&host.prepare(&snapshot), &call).expect("the call is made").evaluation.outcome
            })
            .collect();
        assert!(
            answers.iter().skip(1).all(|answer| *answer != Outcome::Proposed(Proposal::default())),
            "{name} of {version} says nothing: {answers:?}"
        );
        let written = serde_json::to_string(&answers).expect("answers are JSON");
        let answered = Digest::of(written.as_bytes()).to_string();
        if answered != golden.answers {
            changed.push(format!("{name} of {version} answers {answered}: {written}"));
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}
