//! A closed database with orders of real plugins in it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::http::Method;
use martlet_domain::{
    Id,
    cart::Cart,
    order::{Means, NewOrder, Order, OrderNumber},
};
use martlet_plugin_host::{Host, HostConfig};
use martlet_store::{Committed, Db, Placement, StoreConfig, Work};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    replay::{Replay, Replayed},
    testing::{Installed, TestApp},
};

pub(super) const TEN_PERCENT: &str = r#"{"percent_ppm": 100000}"#;

/// A closed database with orders in it.
pub(crate) struct Shop {
    pub(super) app: TestApp,
    pub(crate) file: PathBuf,
    pub(crate) orders: Vec<Order>,
}

impl Shop {
    /// So many orders, under one rulebook and then under another.
    pub(crate) async fn with(orders: usize) -> Self {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        for (sku, size) in [("MUG-S", "S"), ("MUG-M", "M")] {
            app.variant(&product, sku, size, 1_000_000).await;
        }
        let coupon = app.publish(&[Installed::new("coupon-standard", "{}")]).await.remove(0);
        let coupon = json!({"code": "SUMMER", "installation": coupon.id, "config": {"gives": {"percent_ppm": 50_000}}});
        app.admin_post("/api/v1/admin/coupons", coupon).await.expect_status(201);
        let mut placed = Vec::new();
        for number in 0..orders {
            if number == orders / 2 {
                let more =
                    [Installed::new("coupon-standard", "{}"), Installed::new("percentage-off", TEN_PERCENT)];
                app.publish(&more).await;
            }
            let cart = cart(&app, number).await;
            placed.push(place(&app, cart).await);
            app.clock.advance(Duration::from_millis(7));
        }
        app.state.db.close().await;
        Self { file: file(&app.state.db), app, orders: placed }
    }

    /// Works all orders out again, from a database that may be another.
    pub(super) async fn replay(&self, db: Db) -> Vec<Replayed> {
        // Another engine, in which nothing is compiled yet.
        let host = Arc::new(Host::new(HostConfig { slots: 4, ..HostConfig::default() }).expect("a host"));
        let replay = Arc::new(Replay::new(db, host, self.app.store.id));
        let (mut all, mut after): (Vec<Replayed>, _) = (Vec::new(), None);
        loop {
            let page = replay.next(None, after).await.expect("a page");
            let Some(last) = page.last() else { return all };
            after = Some(last.order);
            all.extend(page);
        }
    }

    /// The database after one bit of a text in it was flipped, wherever the text stands.
    pub(super) async fn flipped(&self, text: &[u8], place: usize) -> (TempDir, Db) {
        let mut bytes = std::fs::read(&self.file).expect("a file");
        let found: Vec<usize> =
            (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)).collect();
        assert!(!found.is_empty(), "it stands in the file");
        found.iter().for_each(|at| bytes[at + place] ^= 1);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("flipped.db");
        std::fs::write(&path, bytes).expect("a file");
        let db = open(&path).await;
        (folder, db)
    }
}

fn file(db: &Db) -> PathBuf {
    match db {
        Db::Sqlite { write, .. } => write.connect_options().get_filename().to_path_buf(),
        Db::MySql(_) => panic!("tests have a file"),
    }
}

pub(super) async fn open(path: &Path) -> Db {
    Db::open(&format!("sqlite:{}", path.display()), &StoreConfig::default()).await.expect("a database")
}

/// A cart unlike its neighbours.
pub(super) async fn cart(app: &TestApp, number: usize) -> Cart {
    let mut lines = vec![json!({"sku": "MUG-S", "quantity": 1 + number % 7})];
    if number.is_multiple_of(3) {
        lines.push(json!({"sku": "MUG-M", "quantity": 1 + number % 4}));
    }
    let body = json!({"lines": lines});
    let cart = app.request(Method::POST, "/api/v1/carts").json(&body).send().await.expect_status(201);
    let id = cart.body["id"].as_str().expect("an id").to_owned();
    if number > 0 && number.is_multiple_of(2) {
        let path = format!("/api/v1/carts/{id}/coupons");
        app.request(Method::POST, &path).json(&json!({"code": "summer"})).send().await;
    }
    let id: Id<Cart> = id.parse().expect("an id");
    app.state.db.find_cart(app.store.id, id).await.expect("a read").expect("a cart")
}

async fn place(app: &TestApp, cart: Cart) -> Order {
    let (db, now) = (&app.state.db, app.clock.now());
    let priced = app.state.selling.pricer.price_cart(db, app.store.id, cart, now).await.expect("a price");
    let random = app.state.world.ids.bytes();
    let (order, ask) = Order::place(NewOrder {
        id: app.state.world.ids.next(now),
        number: OrderNumber::from_random([random[0], random[1], random[2], random[3], random[4]]),
        cart: &priced.cart,
        quote: &priced.quote,
        rulebook: &priced.rulebook,
        coupons: &[],
        titles: &HashMap::new(),
        means: Means { provider: "test".parse().expect("a provider"), token: "ok".to_owned() },
        awaited_by: None,
        now,
        pending_until: now,
    });
    let (store, receipt, engine) = (app.store.id, priced.quote.receipt, "0.1.0");
    let placement = Placement { store, order: order.clone(), ask, receipt, engine, fuel: 1, claim: None };
    let committed = db.commit(&[Work::Place(Box::new(placement))]).await.expect("a commit");
    assert_eq!(committed, [Committed::Done]);
    order
}
