//! Components of published versions, as they were built then. They answer today as they did, for ever.

use std::path::PathBuf;

use martlet_domain::{
    Digest,
    plugin::World,
    quote::{Class, Destination, Outcome, Snapshot},
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
    Golden {
        version: "1.0.0",
        name: "percentage-off",
        digest: "bd30f36ebaed63e172d351454c5b50bf7f909f70158bca4f62fa086e8264f5bd",
        world: World::Promotion,
        config: r#"{"percent_ppm":100000,"on":"order","minimum_spend":{"amount":500,"currency":"USD"}}"#,
        classes: &[Class::Order],
        answers: "2644148b28c632b53a95ee941a02e11f9462036f37d77ff597b9e37bc15512f8",
    },
    Golden {
        version: "1.0.0",
        name: "coupon-standard",
        digest: "48c783f83cb81d635f690b68c36299b81e4b8a9db2ca359c43903041769a67ee",
        world: World::Coupon,
        config: r#"{"gives":{"percent_ppm":250000}}"#,
        classes: &[Class::Order],
        answers: "0a01ef94ba10360f53b97b62a071fe65c1eb6d6acdd09299b642be510c50e597",
    },
    Golden {
        version: "1.0.0",
        name: "volume-pricing",
        digest: "522cbf9b0bd01d724a6c104010f58be3a753f82484d9a6e86b00da51da041d78",
        world: World::Pricing,
        config: r#"{"breaks":[{"goods":{"categories":["shirts"]},"from":2,"percent_ppm":100000}]}"#,
        classes: &[],
        answers: "449bbda7ccda600208d76e74dbd6f0179376538567773413f7338ed7aa3a3427",
    },
    Golden {
        version: "1.0.0",
        name: "shipping-flat",
        digest: "1b782aa7398724dafbc5c6755cd90f12b778aeaef7280216769731badff439c0",
        world: World::ShippingRates,
        config: r#"{"methods":[{"method":{"handle":"tracked","name":"Tracked"},"amounts":[{"amount":900,"currency":"USD"}]}]}"#,
        classes: &[],
        answers: "e51681f4b738a79040dfda697f409153dd0720ace4cc9fa68ac9386cbf566149",
    },
    Golden {
        version: "1.0.0",
        name: "tax-table",
        digest: "681a2abac0e24251a74124b17f24fd241914042a387a1a4986d91e40fd3bde22",
        world: World::Tax,
        config: r#"{"countries":[{"country":"GB","included":true,"components":[{"name":"VAT","percent_ppm":200000,"categories":[{"category":"food","percent_ppm":0}]}]}]}"#,
        classes: &[],
        answers: "c5960bed0a008ef1f7f8d10a6f679b9ee1af2a0531fad1bbc713b963e98bf80d",
    },
    Golden {
        version: "1.0.0",
        name: "order-limits",
        digest: "f5607314915383543dded174f2388134230e69ef7701e65f61dd21f1e08b508c",
        world: World::CheckoutValidation,
        config: r#"{"most_units":[{"most":3,"count":"together"}]}"#,
        classes: &[],
        answers: "de1299a33a87e91f66538235f31bd502dc5209a4eda432779acfd69f4dbc052c",
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
                let destination = Some(Destination { country: "GB".to_owned(), region: None });
                let snapshot = Snapshot { destination, ..snapshot };
                let call = call(&component, golden.config);
                host.evaluate(&host.prepare(&snapshot), &call).expect("the call is made").evaluation.outcome
            })
            .collect();
        // A failure has no messages either. Nothing may stand against a small order.
        let mut on_goods = answers.iter().skip(1).map(|answer| !answer.messages().is_empty());
        let is_heard = if golden.world == World::CheckoutValidation {
            on_goods.any(|says| says)
        } else {
            on_goods.all(|says| says)
        };
        assert!(is_heard, "{name} of {version} says nothing: {answers:?}");
        let written = serde_json::to_string(&answers).expect("answers are JSON");
        let answered = Digest::of(written.as_bytes()).to_string();
        if answered != golden.answers {
            changed.push(format!("{name} of {version} answers {answered}: {written}"));
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}
