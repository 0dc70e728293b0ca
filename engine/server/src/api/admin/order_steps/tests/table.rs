//! The table of steps, walked over HTTP, and what the documentation says of it.

use std::time::Duration;

use martlet_domain::order::{
    OrderStatus::{self, *},
    Step::{self, *},
    TRANSITIONS,
};

use super::*;

/// Mugs that there are at first.
const MUGS: i64 = 1_000;
/// What merchants can do.
const BY_MERCHANTS: [Step; 6] = [Cancel, FulfilSome, FulfilRest, Complete, RefundSome, RefundRest];

async fn shop() -> (TestApp, Value) {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    let mug = app.variant(&product, "MUG", "S", MUGS).await;
    (app, mug)
}

/// The token with which a step can be made to happen.
fn token(from: OrderStatus, by: Step) -> &'static str {
    match (from, by) {
        (_, Pay) => "tok_timeout",
        (_, Decline) => "tok_timeout_decline",
        (PendingPayment, _) => "tok_unreachable",
        (Cancelled, _) | (_, RefundRefused) => "tok_refund_refused",
        _ => "tok_approve",
    }
}

/// Where a merchant's step is asked for, and how.
fn request(by: Step) -> (&'static str, Value) {
    let amount = json!({"amount": 1, "currency": "USD"});
    match by {
        Cancel => ("cancel", json!({"reason": "a test"})),
        FulfilSome => ("fulfillments", json!({"lines": [{"position": 0, "quantity": 1}]})),
        FulfilRest => ("fulfillments", json!({})),
        Complete => ("complete", json!({})),
        RefundSome => ("refunds", json!({"reason": "a test", "amount": amount})),
        RefundRest => ("refunds", json!({"reason": "a test"})),
        Pay | Decline | Expire | RefundRefused => panic!("{by:?} is not a merchant's step"),
    }
}

/// Makes a step happen.
async fn perform(app: &TestApp, order: &Value, by: Step) {
    match by {
        Pay | Decline => {
            app.clock.advance(Duration::from_secs(16));
            app.sweep().await;
        }
        Expire => {
            app.clock.advance(Duration::from_secs(900));
            app.sweep().await;
        }
        RefundRefused => drop(app.sweep().await),
        _ => {
            let (step, body) = request(by);
            take(app, order, step, body).await;
        }
    }
}

/// An order of three mugs that is where a step is to be taken from.
async fn reach(app: &TestApp, from: OrderStatus, by: Step) -> Value {
    let cart = app.cart(&[("MUG", 3)]).await;
    if from == PendingPayment {
        let total = app.total(&cart).await;
        let answer = app.checkout(&cart, "k", total, token(from, by)).send().await;
        answer.expect_problem(503, "payment_unknown");
        let pending = app.admin_get("/api/v1/admin/orders?status=pending_payment").await.body;
        return pending["items"][0].clone();
    }
    let order = app.order(&cart, token(from, by)).await;
    app.sweep().await;
    let way: &[Step] = match from {
        PendingPayment | Paid => &[],
        PartlyFulfilled => &[FulfilSome],
        Fulfilled => &[FulfilRest],
        Completed => &[FulfilRest, Complete],
        PartlyRefunded => &[RefundSome],
        Refunded => &[RefundRest],
        Cancelled => &[Cancel],
    };
    for step in way {
        perform(app, &order, *step).await;
    }
    if from == Cancelled && by != RefundRefused {
        // The provider refuses to pay back, so that there is something to refund.
        app.sweep().await;
    }
    order
}

async fn status(app: &TestApp, order: &Value) -> OrderStatus {
    app.order_now(order).await["status"].as_str().unwrap().parse().unwrap()
}

/// What all orders together say of the stock is what the stock says.
async fn audit(app: &TestApp, mug: &Value) {
    let (mut on_hand, mut reserved) = (MUGS, 0);
    for order in app.admin_get("/api/v1/admin/orders?limit=100").await.body["items"].as_array().unwrap() {
        let units = |member: &str| order["lines"][0][member].as_i64().unwrap();
        on_hand += units("returned") - units("fulfilled");
        reserved += units("quantity") - units("fulfilled") - units("released");
    }
    assert_eq!(app.stock(mug).await, (on_hand, reserved));
}

#[tokio::test]
async fn every_step_of_the_table_happens() {
    let (app, mug) = shop().await;
    for (from, by, to) in TRANSITIONS {
        let order = reach(&app, *from, *by).await;
        assert_eq!(status(&app, &order).await, *from, "before {by:?}");
        audit(&app, &mug).await;
        perform(&app, &order, *by).await;
        assert_eq!(status(&app, &order).await, *to, "{from}, {by:?}");
        audit(&app, &mug).await;
    }
}

#[tokio::test]
async fn no_step_happens_that_is_not_in_the_table() {
    let (app, mug) = shop().await;
    for from in OrderStatus::ALL {
        let order = reach(&app, from, Cancel).await;
        let before = app.order_now(&order).await;
        assert_eq!(before["status"], from.as_str());
        for by in BY_MERCHANTS.into_iter().filter(|by| from.after(*by).is_none()) {
            let (step, body) = request(by);
            let known = (from, by) == (Cancelled, Cancel);
            let code = if known { "order_already_cancelled" } else { "order_step_not_allowed" };
            let refused = refuse(&app, &order, step, body, 409, code).await;
            assert_eq!(refused["order_status"], from.as_str(), "{by:?}");
        }
        assert_eq!(app.order_now(&order).await, before);
        audit(&app, &mug).await;
    }
}

#[test]
fn the_documentation_has_the_same_table() {
    let words = |step: &Step| match step {
        Pay => "the provider sets the money aside",
        Decline => "the provider says no",
        Expire => "it isn't paid in time",
        Cancel => "the merchant calls it off",
        FulfilSome => "units are shipped, and others remain",
        FulfilRest => "the last units are shipped",
        Complete => "the merchant is through with it",
        RefundSome => "part of the money goes back",
        RefundRest => "all money that is left goes back",
        RefundRefused => "the provider refuses to pay back",
    };
    let rows = TRANSITIONS.iter().map(|(from, by, to)| format!("| `{from}` | {} | `{to}` |\n", words(by)));
    let table = format!("| From | What happens | To |\n|---|---|---|\n{}", rows.collect::<String>());
    let page = include_str!("../../../../../../../docs/orders.md");
    assert!(page.contains(&table), "docs/orders.md needs this table:\n\n{table}");
}
