//! Several engines over one database.

use martlet_domain::cart::Cart;
use serde_json::Value;

use super::{CHEAP, TestApp};
use crate::{
    clock::Clock,
    config::Config,
    inspector::How,
    price_cart::PricedCart,
    redis::Redis,
    state::{AppState, Foundation},
};

impl TestApp {
    /// Another instance over the same database, set up by default, with the same clock.
    pub fn another_instance(&self) -> AppState {
        let foundation = Foundation {
            db: self.state.db.clone(),
            redis: Redis::off(),
            host: self.state.selling.pricer.host().clone(),
            inspection: How::Here(self.state.selling.pricer.host().clone()),
            clock: Clock::Set(self.clock.clone()),
            ids: self.state.world.ids.clone(),
            password_cost: CHEAP,
        };
        AppState::new(&Config::default(), foundation).expect("an engine")
    }

    /// A cart's price, as an instance works it out.
    pub async fn price(&self, on: &AppState, cart: &str) -> PricedCart {
        let id = cart.parse().expect("an id");
        let cart: Cart = on.db.find_cart(self.store.id, id).await.expect("a read").expect("a cart");
        let priced = on.selling.pricer.price_cart(&on.db, self.store.id, cart, self.clock.now()).await;
        priced.expect("a price")
    }

    /// What a merchant sees of an installation's figures.
    pub async fn figures(&self, installation: &martlet_domain::plugin::Installation) -> Value {
        let path = format!("/api/v1/admin/installations/{}/figures", installation.id);
        self.admin_get(&path).await.expect_status(200).body
    }
}
