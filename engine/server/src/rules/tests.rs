use axum::http::Method;
use martlet_domain::plugin::{InstallationStage, World};
use serde_json::{Value, json};

use super::*;
use crate::{
    price_cart::turns::Entry,
    testing::{Installed, TestApp},
};

const INSTALLATIONS: &str = "/api/v1/admin/installations";

fn asked(body: Value) -> Box<InstallationRequest> {
    Box::new(serde_json::from_value(body).unwrap())
}

#[tokio::test]
async fn a_draft_is_the_next_rulebook_and_nothing_is_published() {
    let app = TestApp::new().await;
    app.uploaded(World::Promotion).await;
    let rules = Rules::from_ref(&app.state);
    let store = app.store.id;
    let body = json!({"plugin": "small-promotion", "config": {"percent": 1}, "stage": "active"});
    let made = rules.change(store, None, None, RuleRequest::Install(asked(body.clone()))).await.unwrap();
    let known = made.installation.unwrap();
    let active = rules.active(store).await.unwrap();
    let at = |index: usize, request| (format!("/changes/{index}"), request);
    let requests = [
        at(0, RuleRequest::Install(asked(body))),
        at(1, RuleRequest::Change(known, asked(json!({"priority": 5})))),
        at(2, RuleRequest::Change(known, asked(json!({"stage": "shadow"})))),
    ];
    let draft = rules.draft(store, &active, &requests).await.unwrap();
    assert_eq!((draft.rulebook.number, draft.rulebook.installations.len()), (2, 2));
    let changed = draft.rulebook.installation(known).unwrap();
    assert_eq!((changed.priority, changed.stage), (5, InstallationStage::Shadow));
    let new = draft.rulebook.installation(draft.installations[0].unwrap()).unwrap();
    assert_eq!((new.sequence, &draft.installations[1..]), (2, &[Some(known), Some(known)][..]));
    assert_eq!(rules.active(store).await.unwrap(), active);
    assert_eq!(app.state.db.list_installations(store).await.unwrap().len(), 1);

    let refused = [
        at(0, RuleRequest::Change(known, asked(json!({"priority": 5})))),
        at(1, RuleRequest::Change(known, asked(json!({"config": {}})))),
    ];
    let Err(Error::ConfigRefused { violations }) = rules.draft(store, &active, &refused).await else {
        panic!("refused")
    };
    assert_eq!(violations[0].pointer, "/changes/1/config/percent");
    let refused = [
        at(0, RuleRequest::Remove(known)),
        at(
            1,
            RuleRequest::Install(asked(
                json!({"plugin": "small-promotion", "config": {"percent": 1}, "group": "none"}),
            )),
        ),
    ];
    let Err(Error::InvalidBody { violations }) = rules.draft(store, &active, &refused).await else {
        panic!("refused")
    };
    assert_eq!(violations[0].pointer, "/changes/1/group");
    let gone = [at(0, RuleRequest::Remove(known)), at(1, RuleRequest::Remove(known))];
    assert!(rules.draft(store, &active, &gone).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn the_next_quote_is_under_the_rules_that_were_just_made() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG-S", "S", 5).await;
    let cart = app.cart(&[("MUG-S", 1)]).await;
    app.publish(&[Installed::new("percentage-off", r#"{"percent_ppm": 100000}"#)]).await;
    let quote = async || app.get(&format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body;
    let before = quote().await;
    assert_eq!(
        (&before["rulebook"], &before["totals"]["goods_discount"]["amount"]),
        (&json!(1), &json!(200))
    );
    let id = app.admin_get(INSTALLATIONS).await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("{INSTALLATIONS}/{id}");
    app.admin_patch(&path, json!({"config": {"percent_ppm": 500_000}})).await.expect_status(200);
    let after = quote().await;
    assert_eq!(
        (&after["rulebook"], &after["totals"]["goods_discount"]["amount"]),
        (&json!(2), &json!(1_000))
    );
    app.request(Method::POST, "/api/v1/admin/rulebooks/rollback")
        .key(&app.key)
        .send()
        .await
        .expect_status(200);
    let back = quote().await;
    assert_eq!((&back["rulebook"], &back["totals"]), (&json!(3), &before["totals"]));
}

/// 2.00 off each order of 19.99, of 3.00 a day: one order a day has it, and one that comes to nothing
/// gives it back.
#[tokio::test]
async fn a_budget_a_day_is_used_up_given_back_and_there_again_tomorrow() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG-S", "S", 50).await;
    app.publish(&[Installed::new("percentage-off", r#"{"percent_ppm": 100000}"#)]).await;
    let id = app.admin_get(INSTALLATIONS).await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("{INSTALLATIONS}/{id}");
    let budget = json!({"daily_budget": {"amount": 300, "currency": "USD"}});
    app.admin_patch(&path, budget).await.expect_status(200);
    let discount = async |cart: &str| {
        let quote = app.get(&format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body;
        quote["totals"]["goods_discount"]["amount"].as_i64().unwrap()
    };
    let cart = async || app.cart(&[("MUG-S", 1)]).await;
    let (one, two) = (cart().await, cart().await);
    assert_eq!((discount(&one).await, discount(&two).await), (200, 200));
    let order = app.order(&one, "tok_approve").await;
    assert_eq!(discount(&two).await, 0, "1.00 is left today");
    let cancelled = app.step(&order, "cancel", &json!({"reason": "A mistake"})).send().await;
    cancelled.expect_status(200);
    assert_eq!(discount(&two).await, 200);
    app.order(&two, "tok_approve").await;
    let three = cart().await;
    assert_eq!(discount(&three).await, 0);
    app.clock.advance(std::time::Duration::from_secs(12 * 3_600));
    assert_eq!(discount(&three).await, 200, "another day has begun");
}

/// 2.00 off, of 3.00 a customer. Guests get nothing.
#[tokio::test]
async fn a_budget_a_customer_is_each_ones_own() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG-S", "S", 50).await;
    app.publish(&[Installed::new("percentage-off", r#"{"percent_ppm": 100000}"#)]).await;
    let id = app.admin_get(INSTALLATIONS).await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let budget = json!({"customer_budget": {"amount": 300, "currency": "USD"}});
    app.admin_patch(&format!("{INSTALLATIONS}/{id}"), budget).await.expect_status(200);
    let guest = app.cart(&[("MUG-S", 1)]).await;
    let quote = app.get(&format!("/api/v1/carts/{guest}/quote")).await.expect_status(200).body;
    assert_eq!(quote["totals"]["goods_discount"]["amount"], 0);
    assert_eq!(quote["candidates"][0]["reason"]["code"], "budget_spent");
    for email in ["jo@example.com", "kim@example.com"] {
        let who = app.customer(email).await;
        for discount in [200, 0] {
            let lines = json!({"lines": [{"sku": "MUG-S", "quantity": 1}]});
            let cart = app.post_as(&who, "/api/v1/carts", &lines).await.expect_status(201).body;
            let cart = cart["id"].as_str().unwrap();
            let quote =
                app.get_as(&who, &format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body;
            assert_eq!(quote["totals"]["goods_discount"]["amount"], discount, "{email}: {quote:#?}");
            let total = quote["totals"]["total"]["amount"].as_i64().unwrap();
            let order =
                app.checkout(cart, &format!("{email}-{discount}"), total, "tok_approve").token(&who.access);
            order.send().await.expect_status(201);
        }
    }
}

#[tokio::test]
async fn a_configuration_is_checked_once_and_when_it_is_the_stores_turn() {
    let app = TestApp::new().await;
    app.uploaded(World::Promotion).await;
    let rules = Rules::from_ref(&app.state);
    let (store, turns) = (app.store.id, app.state.selling.pricer.turns());
    let checks = || turns.journal().iter().filter(|(_, entry)| *entry == Entry::Asked).count();
    let body = json!({"plugin": "small-promotion", "config": {"percent": 1}});
    let installs = (0..4).map(|_| {
        let (rules, asked) = (rules.clone(), asked(body.clone()));
        tokio::spawn(async move { rules.change(store, None, None, RuleRequest::Install(asked)).await })
    });
    for install in installs.collect::<Vec<_>>() {
        install.await.unwrap().unwrap();
    }
    assert_eq!(rules.active(store).await.unwrap().installations.len(), 4);
    assert_eq!(checks(), 4);
}

#[tokio::test]
async fn the_currency_of_a_budget_stays_when_budgets_and_installations_have_gone() {
    let app = TestApp::new().await;
    app.uploaded(World::Promotion).await;
    let body = json!({"plugin": "small-promotion", "config": {"percent": 1},
        "budget": {"amount": 500, "currency": "USD"}});
    let made = app.admin_post(INSTALLATIONS, body).await.expect_status(201).body;
    let path = format!("{INSTALLATIONS}/{}", made["id"].as_str().unwrap());
    let won = async || {
        let body = json!({"daily_budget": {"amount": 500, "currency": "KRW"}});
        let answer = app.admin_patch(&path, body).await.expect_problem(422, "invalid_body");
        let (pointer, detail) = answer.violation();
        assert_eq!(pointer, "/daily_budget");
        assert!(detail.contains("make a new installation"), "{detail}");
    };
    won().await;
    app.admin_patch(&path, json!({"budget": null})).await.expect_status(200);
    won().await;
    app.request(Method::DELETE, &path).key(&app.key).send().await;
    assert_eq!(Rules::from_ref(&app.state).active(app.store.id).await.unwrap().installations, []);
    won().await;
    let dollars = json!({"daily_budget": {"amount": 500, "currency": "USD"}});
    app.admin_patch(&path, dollars).await.expect_status(200);
}

#[tokio::test]
async fn a_version_that_refuses_what_coupons_are_configured_with_is_refused() {
    let app = TestApp::new().await;
    app.uploaded(World::Coupon).await;
    let made = app.admin_post(INSTALLATIONS, json!({"plugin": "small-coupon"})).await.expect_status(201).body;
    let coupon = json!({"code": "summer", "installation": made["id"], "config": {"percent": 5}});
    app.admin_post("/api/v1/admin/coupons", coupon).await.expect_status(201);
    let path = format!("{INSTALLATIONS}/{}", made["id"].as_str().unwrap());
    let strict = r#"{"type": "object", "properties": {"percent": {"type": "integer", "minimum": 10}}}"#;
    app.upload(World::Coupon, "2.0.0", strict).await;
    let refused = app.admin_patch(&path, json!({"version": "2.0.0"})).await;
    let refused = refused.expect_problem(422, "config_refused");
    let (pointer, detail) = refused.violation();
    assert_eq!(pointer, "/version");
    assert!(detail.contains("SUMMER"), "{detail}");
    app.upload(World::Coupon, "3.0.0", "{}").await;
    app.admin_patch(&path, json!({"version": "3.0.0"})).await.expect_status(200);
}

#[tokio::test]
async fn gifts_beyond_their_number_are_refused_before_they_are_looked_for() {
    let app = TestApp::builder().body_limit(1 << 20).build().await;
    app.uploaded(World::Promotion).await;
    // More than a database takes in a statement.
    let skus: Vec<String> = (0..40_000).map(|number| format!("S{number}")).collect();
    let body = json!({"plugin": "small-promotion", "config": {"percent": 1}, "gift_skus": skus});
    let refused = app.admin_post(INSTALLATIONS, body).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.violation().0, "/gift_skus");
}
