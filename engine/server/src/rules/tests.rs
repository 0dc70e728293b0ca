use axum::http::Method;
use martlet_domain::plugin::{InstallationStage, World};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Installed, TestApp};

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
