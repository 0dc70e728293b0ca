//! Carts that can be filled again in the same way, and what a merchant does to rules.

use martlet_domain::{Id, cart::Cart, catalog::Variant, coupon::Coupon, customer::CustomerFacts};
use martlet_tests::{
    components_dir,
    random::Dice,
    shop::{Shop, at_once},
};
use serde_json::{Value, json};

/// Shoppers at a time.
const SHOPPERS: usize = 4;

/// What somebody puts into a cart.
pub(crate) struct Wish {
    pub(crate) lines: Vec<(Id<Variant>, u32)>,
    pub(crate) coupons: Vec<Id<Coupon>>,
    /// What is known of the shopper. Nothing of a guest.
    pub(crate) customer: Option<CustomerFacts>,
}

/// What there is to be wished for.
pub(crate) struct Goods {
    variants: Vec<Id<Variant>>,
    coupons: Vec<Id<Coupon>>,
}

impl Goods {
    /// More of all variants than anybody will order, and coupons that aren't used up: who orders the same
    /// again finds all as it was.
    pub(crate) fn of(shop: &Shop) -> Self {
        let first = json!({
            "code": "ALWAYSFIRST", "installation": installed(shop, "coupon-standard"), "config": {
                "gives": {"percent_ppm": 150_000}, "first_order_only": true,
                "cap": {"amount": 3_000, "currency": "USD"},
            },
        });
        let first = shop.admin("POST", "/coupons", None, Some(&first)).expect(201);
        let mut coupons = ["WELCOME10", "FREESHIP"].map(|code| shop.find_coupon(code)).to_vec();
        coupons.push(first.text("/id").parse().expect("an id"));
        Self { variants: shop.plenty(), coupons }
    }

    /// So many wishes, the same for a seed.
    pub(crate) fn wishes(&self, seed: u64, count: usize) -> Vec<Wish> {
        let mut dice = Dice::new(seed);
        let wishes = (0..count).map(|_| {
            let groups: Vec<String> = match dice.roll(3) {
                0 => vec!["trade".to_owned()],
                _ => Vec::new(),
            };
            let order_count = u32::try_from(dice.roll(3)).expect("a count");
            let facts =
                CustomerFacts { groups, order_count, lifetime_spend: i64::from(order_count) * 10_000 };
            Wish {
                lines: dice.lines(&self.variants),
                coupons: self.coupons.iter().copied().filter(|_| dice.roll(4) == 0).collect(),
                customer: (dice.roll(2) == 0).then_some(facts),
            }
        });
        wishes.collect()
    }
}

impl Wish {
    /// A new cart of it. A customer is a new one too: who has ordered is known otherwise afterwards.
    pub(crate) fn cart(&self, shop: &Shop) -> Id<Cart> {
        let customer = self.customer.clone().map(|facts| shop.known_customer(facts));
        shop.cart(&self.lines, &self.coupons, customer)
    }
}

/// Does one piece of work for each item, by a few shoppers at a time. The results, in the items' order.
pub(crate) fn in_turns<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let parts: Vec<&[T]> = items.chunks(items.len().div_ceil(SHOPPERS)).collect();
    let results = at_once(&parts, |part| part.iter().map(&work).collect::<Vec<R>>());
    results.into_iter().flatten().collect()
}

/// Id of the installation of a plugin.
pub(crate) fn installed(shop: &Shop, plugin: &str) -> String {
    let all = shop.admin("GET", "/installations", None, None).expect(200);
    let all = all.body["items"].as_array().expect("installations").clone();
    let found = all.iter().find(|one| one["plugin"] == plugin).expect("it is installed");
    found["id"].as_str().expect("an id").to_owned()
}

/// Stores a plugin that the demo store hasn't got.
pub(crate) fn upload(shop: &Shop, plugin: &str) {
    let component = std::fs::read(components_dir().join(format!("{plugin}.wasm"))).expect("a component");
    shop.engine.upload(&shop.engine.key(), &component).expect(201);
}

/// Publishes a new installation. Its id.
pub(crate) fn install(shop: &Shop, body: &Value) -> String {
    shop.admin("POST", "/installations", None, Some(body)).expect(201).text("/id").to_owned()
}

/// Publishes a change of an installation.
pub(crate) fn change(shop: &Shop, installation: &str, body: &Value) {
    shop.admin("PATCH", &format!("/installations/{installation}"), None, Some(body)).expect(200);
}

/// The amount of money.
#[track_caller]
pub(crate) fn total(body: &Value) -> i64 {
    martlet_tests::quote::amount(&body["totals"]["total"])
}
