//! Carts that look random and are the same in each run.

use std::collections::BTreeMap;

use martlet_domain::{Id, catalog::Variant};
use serde_json::json;

use crate::shop::Shop;

/// Numbers that look random and are the same in each run (Knuth's MMIX generator).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Other numbers for each seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of so many numbers from 0 on.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).expect("an index")]
    }

    /// Lines of a cart: one to eight variants, one to six of each.
    pub fn lines(&mut self, variants: &[Id<Variant>]) -> Vec<(Id<Variant>, u32)> {
        let mut lines = BTreeMap::new();
        for _ in 0..=self.roll(7) {
            lines.insert(self.pick(variants), u32::try_from(1 + self.roll(6)).expect("a quantity"));
        }
        lines.into_iter().collect()
    }
}

impl Shop {
    /// All variants of the demo store, of each more than anybody will order.
    pub fn plenty(&self) -> Vec<Id<Variant>> {
        let listed = self.admin("GET", "/products?limit=100", None, None).expect(200);
        let products = listed.body["items"].as_array().expect("products").clone();
        let mut all = Vec::new();
        for product in products {
            let path = format!("/products/{}/variants", product["id"].as_str().expect("an id"));
            let variants = self.admin("GET", &path, None, None).expect(200);
            for variant in variants.body["items"].as_array().expect("variants") {
                let id = variant["id"].as_str().expect("an id");
                let counted = json!({"on_hand": 1_000_000});
                self.admin("PUT", &format!("/variants/{id}/stock"), None, Some(&counted)).expect(200);
                all.push(id.parse().expect("an id"));
            }
        }
        all
    }
}
