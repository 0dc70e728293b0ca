use std::time::Duration;

use axum::{extract::FromRef as _, http::Method};
use martlet_domain::{Id, access::Role, plugin::FailurePolicy, simulation::KEPT};
use martlet_store::{NewSimulation, Queued, SimulationHold};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    price_cart::turns::{Turn, Urgency},
    rules::Rules,
    testing::{Installed, TestApp},
};

const PATH: &str = "/api/v1/admin/simulations";

/// A shop that takes a part off, given in millionths, with a mug for 19.99 and 10 % of tax on top.
async fn shop(percent_ppm: u32) -> (TestApp, Value) {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    let variant = app.variant(&product, "MUG", "S", 1_000).await;
    app.publish(&[percent_off(percent_ppm)]).await;
    (app, variant)
}

fn percent_off(percent_ppm: u32) -> Installed {
    Installed::new("percentage-off", &format!(r#"{{"percent_ppm": {percent_ppm}}}"#))
}

async fn order(app: &TestApp, units: i64) -> Value {
    let cart = app.cart(&[("MUG", units)]).await;
    app.order(&cart, "tok_approve").await
}

/// Id of an installation of the active rulebook.
async fn installation(app: &TestApp, plugin: &str) -> String {
    let items = app.admin_get("/api/v1/admin/installations").await.expect_status(200).body;
    let items = items["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["plugin"] == plugin).expect("it is installed");
    found["id"].as_str().unwrap().to_owned()
}

/// A draft of the active rulebook with another configuration, on the last orders.
async fn other_config(app: &TestApp, plugin: &str, config: Value) -> Value {
    let change = json!({"id": installation(app, plugin).await, "config": config});
    json!({"changes": [change], "on": {"orders": {"last": 5_000}}})
}

async fn begin(app: &TestApp, body: Value) -> String {
    let begun = app.admin_post(PATH, body.clone()).await.expect_status(202);
    let id = begun.body["id"].as_str().unwrap().to_owned();
    assert_eq!(begun.header("location"), format!("{PATH}/{id}"));
    assert_eq!(begun.body["asked"], body);
    id
}

async fn get(app: &TestApp, id: &str) -> Value {
    app.admin_get(&format!("{PATH}/{id}")).await.expect_status(200).body
}

/// A simulation that has ended.
async fn simulated(app: &TestApp, body: Value) -> Value {
    let id = begin(app, body).await;
    app.state.selling.simulations.idle().await;
    let simulation = get(app, &id).await;
    assert_eq!(simulation["state"], "done", "{simulation:#}");
    simulation
}

async fn orders(app: &TestApp, simulation: &Value, query: &str) -> Vec<Value> {
    let path = format!("{PATH}/{}/orders{query}", simulation["id"].as_str().unwrap());
    app.admin_get(&path).await.expect_status(200).body["items"].as_array().unwrap().clone()
}

/// Keeps whatever no shopper waits for from having a turn, until they are dropped.
async fn hold_turns(app: &TestApp) -> Vec<Turn> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut turns = Vec::new();
    for _ in 1..cores.max(2) {
        let turn = app.state.selling.pricer.turns().take(app.store.id, Urgency::Background).await;
        turns.push(turn.unwrap());
    }
    turns
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// At 10 % off: 1,999 - 200 + 180, 3,998 - 400 + 360, 5,997 - 600 + 540. At 20 % off: 1,999 - 400 + 160,
/// 3,998 - 800 + 320, 5,997 - 1,199 + 480.
#[tokio::test]
async fn past_orders_under_a_draft_come_to_what_they_would_have_cost() {
    let (app, variant) = shop(100_000).await;
    let mut placed = Vec::new();
    for units in [1, 2, 3] {
        placed.push(order(&app, units).await);
    }
    let stock = app.stock(&variant).await;
    let body = other_config(&app, "percentage-off", json!({"percent_ppm": 200_000})).await;
    let simulation = simulated(&app, body).await;
    assert_eq!((&simulation["done"], &simulation["total"]), (&json!(3), &json!(3)));
    let result = &simulation["result"];
    assert_eq!(
        result["sums"],
        json!([{
            "orders": 3, "before": usd(11_874), "after": usd(10_555), "difference": usd(-1_319),
            "winners": 3, "saved": usd(1_319), "losers": 0, "surcharged": usd(0), "unchanged": 0,
        }])
    );
    let tally = &result["installations"][0];
    assert_eq!((&tally["applied_before"], &tally["applied_after"]), (&json!(3), &json!(3)));
    assert_eq!(tally["given"], json!([{"before": usd(1_200), "after": usd(2_399)}]));
    assert_eq!((&tally["calls"], &tally["failures"]), (&json!(3), &json!({})));
    assert!(tally["fuel"].as_u64().unwrap() > 0);
    // Those placed last come first.
    let rows = orders(&app, &simulation, "").await;
    let numbers: Vec<&Value> = rows.iter().map(|row| &row["number"]).collect();
    assert!(numbers.into_iter().eq(placed.iter().rev().map(|order| &order["number"])));
    assert_eq!((&rows[2]["total_before"], &rows[2]["total_after"]), (&usd(1_979), &usd(1_759)));
    let change = &rows[2]["changes"][0];
    assert_eq!(
        (&change["kind"], &change["before"]["given"], &change["after"]["given"]),
        (&json!("changed"), &usd(200), &usd(400))
    );
    assert_eq!(orders(&app, &simulation, "?outcome=loser").await, [] as [Value; 0]);
    assert_eq!(orders(&app, &simulation, "?outcome=winner&limit=2").await.len(), 2);
    // Nothing that shoppers meet has changed.
    assert_eq!(app.stock(&variant).await, stock);
    for order in &placed {
        assert_eq!(&app.order_now(order).await["number"], &order["number"]);
    }
    let active = app.admin_get("/api/v1/admin/rulebooks/active").await.expect_status(200);
    assert_eq!(active.body["number"], 1);
    let cart = app.cart(&[("MUG", 1)]).await;
    assert_eq!(app.total(&cart).await, 1_979);
}

/// Two orders at 10 % off and one at 20 %; the draft takes 20 % off.
#[tokio::test]
async fn winners_losers_and_those_who_pay_the_same_are_told_apart_with_the_reason() {
    let (app, _) = shop(200_000).await;
    order(&app, 1).await;
    app.publish(&[percent_off(100_000)]).await;
    order(&app, 2).await;
    let removed = json!({
        "changes": [{"id": installation(&app, "percentage-off").await, "remove": true}],
        "on": {"orders": {"last": 10}},
    });
    let without = simulated(&app, removed).await;
    // 1,999 + 200 and 3,998 + 400.
    let sums = &without["result"]["sums"][0];
    assert_eq!((&sums["losers"], &sums["before"], &sums["after"]), (&json!(2), &usd(5_717), &usd(6_597)));
    let rows = orders(&app, &without, "?outcome=loser").await;
    let lost = &rows[0]["changes"][0];
    assert_eq!((&lost["kind"], &lost["before"]["given"]), (&json!("lost"), &usd(400)));
    assert_eq!((&lost["plugin"], &lost["after"]), (&json!("percentage-off"), &Value::Null));

    let twenty = simulated(&app, json!({"rulebook": 1, "on": {"orders": {"last": 10}}})).await;
    let sums = &twenty["result"]["sums"][0];
    assert_eq!((&sums["winners"], &sums["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(orders(&app, &twenty, "?outcome=unchanged").await[0]["changes"], json!([]));

    // A group in which the installation that was there loses to a new one.
    let class = app.admin_get("/api/v1/admin/installations").await.body["items"][0]["classes"][0].clone();
    let group = json!({"name": "main", "class": class, "mode": "best"});
    let contest = json!({
        "groups": [group],
        "changes": [
            {"id": installation(&app, "percentage-off").await, "group": "main"},
            {"plugin": "percentage-off", "config": {"percent_ppm": 300_000}, "stage": "active", "group": "main"},
        ],
        "on": {"orders": {"last": 1}},
    });
    let contested = simulated(&app, contest).await;
    let rows = orders(&app, &contested, "").await;
    assert_eq!(rows.len(), 1);
    let changes = rows[0]["changes"].as_array().unwrap();
    let lost = changes.iter().find(|change| change["kind"] == "lost").unwrap();
    assert_eq!((&lost["after"]["status"], &lost["after"]["reason"]), (&json!("rejected"), &json!("lost_to")));
    assert!(lost["after"]["explanation"].as_str().unwrap().contains("percentage-off"), "{lost:#}");
    assert!(changes.iter().any(|change| change["kind"] == "gained"));
}

#[tokio::test]
async fn a_plugin_that_never_ends_shows_as_failures_and_the_job_ends() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG", "S", 1_000).await;
    app.publish(&[percent_off(100_000), Installed::new("hostile", r#"{"mode": "silent"}"#)]).await;
    for units in [1, 2] {
        order(&app, units).await;
    }
    let mut body = other_config(&app, "hostile", json!({"mode": "loop"})).await;
    let simulation = simulated(&app, body.clone()).await;
    let result = &simulation["result"];
    assert_eq!((&result["failed"], &result["sums"][0]["unchanged"]), (&json!(0), &json!(2)));
    let hostile = result["installations"].as_array().unwrap().iter();
    let hostile = hostile.clone().find(|tally| tally["plugin"] == "hostile").unwrap();
    assert_eq!(hostile["failures"], json!({"out_of_fuel": 2}));
    // As one without which nothing can be ordered.
    body["changes"][0]["failure_policy"] = json!("block");
    let blocked = simulated(&app, body).await;
    assert_eq!((&blocked["result"]["failed"], &blocked["result"]["sums"]), (&json!(2), &json!([])));
    let rows = orders(&app, &blocked, "?outcome=failed").await;
    assert_eq!((rows.len(), &rows[0]["problem"]["code"]), (2, &json!("blocked")));
    assert_eq!((&rows[1]["total_before"], &rows[1]["total_after"]), (&usd(1_979), &Value::Null));
}

#[tokio::test]
async fn one_cart_is_rolled_through_whether_it_is_there_or_given() {
    let (app, _) = shop(100_000).await;
    app.publish(&[percent_off(200_000)]).await;
    let cart = app.cart(&[("MUG", 1)]).await;
    let simulation = simulated(&app, json!({"rulebook": 1, "on": {"cart": cart}})).await;
    let result = &simulation["result"]["cart"];
    assert_eq!(result["before"]["totals"]["total"], usd(1_759));
    assert_eq!(result["after"]["totals"]["total"], usd(1_979));
    assert_eq!((&result["difference"], &result["before"]["cart_id"]), (&usd(220), &json!(cart)));
    // Each rulebook has an installation of its own.
    let kinds: Vec<&Value> =
        result["changes"].as_array().unwrap().iter().map(|change| &change["kind"]).collect();
    assert_eq!(kinds, ["lost", "gained"]);
    assert_eq!(orders(&app, &simulation, "").await, [] as [Value; 0]);

    // 20 % off each unit for the trade: 5 x 1,599; and 10 % of tax.
    let trade = r#"{"groups": [{"group": "trade", "percent_ppm": 200000}]}"#;
    let policy = FailurePolicy::BasePrice;
    app.publish(&[Installed { policy, ..Installed::new("volume-pricing", trade) }]).await;
    let given = json!({
        "changes": [{"id": installation(&app, "volume-pricing").await, "stage": "draft"}],
        "on": {"given_cart": {
            "lines": [{"sku": "MUG", "quantity": 5}], "customer_groups": ["trade"], "country": "KR",
        }},
    });
    let simulation = simulated(&app, given).await;
    let result = &simulation["result"]["cart"];
    assert_eq!((&result["total_before"], &result["total_after"]), (&usd(8_795), &usd(10_995)));
    assert_eq!(simulation["result"]["sums"][0]["losers"], 1);
}

#[tokio::test]
async fn what_cannot_be_simulated_is_refused_and_leaves_nothing() {
    let (app, _) = shop(100_000).await;
    let id = installation(&app, "percentage-off").await;
    let orders = json!({"orders": {"last": 1}});
    let given = |cart: Value| json!({"rulebook": 1, "on": {"given_cart": cart}});
    let mug = |quantity: i64| json!({"sku": "MUG", "quantity": quantity});
    let changed = |change: Value| json!({"changes": [change], "on": orders});
    for (body, code, pointer) in [
        (json!({"on": orders}), "invalid_body", "/rulebook"),
        (json!({"rulebook": 1, "changes": [], "on": orders}), "invalid_body", "/rulebook"),
        (json!({"rulebook": 9, "on": orders}), "invalid_body", "/rulebook"),
        (json!({"rulebook": 1}), "invalid_body", "/on"),
        (json!({"rulebook": 1, "on": {}}), "invalid_body", "/on"),
        (json!({"rulebook": 1, "on": {"orders": {"last": 1}, "cart": Uuid::nil()}}), "invalid_body", "/on"),
        (json!({"rulebook": 1, "on": {"orders": {"last": 0}}}), "invalid_body", "/on/orders/last"),
        (json!({"rulebook": 1, "on": {"orders": {"last": 5_001}}}), "invalid_body", "/on/orders/last"),
        (
            json!({"rulebook": 1, "on": {"orders": {
                "last": 1, "since": "2026-03-01T12:00:00Z", "until": "2026-03-01T12:00:00Z",
            }}}),
            "invalid_body",
            "/on/orders/until",
        ),
        (json!({"rulebook": 1, "on": {"cart": Uuid::nil()}}), "invalid_body", "/on/cart"),
        (given(json!({"lines": []})), "invalid_body", "/on/given_cart/lines"),
        (given(json!({"lines": [mug(0)]})), "invalid_body", "/on/given_cart/lines/0/quantity"),
        (given(json!({"lines": [mug(1), mug(1)]})), "invalid_body", "/on/given_cart/lines/1/sku"),
        (
            given(json!({"lines": [{"sku": "HAT", "quantity": 1}]})),
            "invalid_body",
            "/on/given_cart/lines/0/sku",
        ),
        (given(json!({"lines": [mug(1)], "currency": "KRW"})), "invalid_body", "/on/given_cart/lines/0/sku"),
        (given(json!({"lines": [mug(1)], "coupons": ["NONE"]})), "invalid_body", "/on/given_cart/coupons/0"),
        (
            given(json!({"lines": [mug(1)], "coupons": ["NONE", "NONE"]})),
            "invalid_body",
            "/on/given_cart/coupons/1",
        ),
        (given(json!({"lines": [mug(1)], "country": "Korea"})), "invalid_body", "/on/given_cart/country"),
        (changed(json!({"remove": true})), "invalid_body", "/changes/0/remove"),
        (changed(json!({"id": id, "group": "none"})), "invalid_body", "/changes/0/group"),
        (changed(json!({"id": id, "colour": "red"})), "invalid_body", "/changes/0/colour"),
        (changed(json!({"plugin": "none"})), "invalid_body", "/changes/0/plugin"),
    ] {
        let refused = app.admin_post(PATH, body.clone()).await.expect_problem(422, code);
        assert_eq!(refused.violation().0, pointer, "{body}");
    }
    let wrong = changed(json!({"id": id, "config": {"percent_ppm": "much"}}));
    let refused = app.admin_post(PATH, wrong).await.expect_problem(422, "config_refused");
    assert_eq!(refused.violation().0, "/changes/0/config/percent_ppm");
    let gone = changed(json!({"id": Uuid::nil(), "stage": "active"}));
    app.admin_post(PATH, gone).await.expect_problem(404, "not_found");
    let page = app.admin_get(PATH).await.expect_status(200).body;
    assert_eq!(page, json!({"items": [], "next_cursor": null}));
    let nobody = format!("{PATH}/{}", Uuid::nil());
    app.admin_get(&nobody).await.expect_problem(404, "not_found");
    app.admin_get(&format!("{nobody}/orders")).await.expect_problem(404, "not_found");
    app.admin_post(&format!("{nobody}/cancel"), json!({})).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_job_is_stopped_within_a_step_and_stays_so() {
    let (app, _) = shop(100_000).await;
    for _ in 0..3 {
        order(&app, 1).await;
    }
    let turns = hold_turns(&app).await;
    // Nothing is configured anew, which would take a turn to check.
    let change = json!({"id": installation(&app, "percentage-off").await, "priority": 7});
    let id = begin(&app, json!({"changes": [change], "on": {"orders": {"last": 5_000}}})).await;
    let cancel = format!("{PATH}/{id}/cancel");
    let stopped = app.admin_post(&cancel, json!({})).await.expect_status(200).body;
    assert_eq!((&stopped["state"], &stopped["done"]), (&json!("cancelled"), &json!(0)));
    drop(turns);
    app.state.selling.simulations.idle().await;
    let after = get(&app, &id).await;
    assert_eq!(
        (&after["state"], &after["done"], &after["result"]),
        (&json!("cancelled"), &json!(0), &Value::Null)
    );
    assert_eq!(orders(&app, &after, "").await, [] as [Value; 0]);
    let twice = app.admin_post(&cancel, json!({})).await.expect_problem(409, "simulation_ended");
    assert_eq!(twice.body["simulation_state"], "cancelled");
}

#[tokio::test]
async fn a_job_whose_instance_is_gone_is_interrupted_and_can_be_asked_for_again() {
    let (app, _) = shop(100_000).await;
    let body = json!({"rulebook": 1, "on": {"orders": {"last": 1}}});
    let hold = SimulationHold {
        store: app.store.id,
        id: Id::new(Uuid::from_u128(1)),
        holder: Uuid::from_u128(2),
        lease: Duration::ZERO,
    };
    let new =
        NewSimulation { hold, asked: body.to_string(), rulebook: 1, total: 1, created_at: app.clock.now() };
    assert_eq!(app.state.db.queue_simulation(&new).await.unwrap(), Queued::Done);
    let gone = get(&app, &hold.id.to_string()).await;
    assert_eq!((&gone["state"], &gone["asked"]), (&json!("interrupted"), &body));
    let cancel = format!("{PATH}/{}/cancel", hold.id);
    app.admin_post(&cancel, json!({})).await.expect_problem(409, "simulation_ended");
    simulated(&app, gone["asked"].clone()).await;
    let page = app.admin_get(PATH).await.expect_status(200).body;
    let states: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["done", "interrupted"]);
    let (_, key) = app.add_store("other", &[]).await;
    let path = format!("{PATH}/{}", hold.id);
    let foreign = app.request(Method::GET, &path).key(&key).header("martlet-store", "other").send().await;
    foreign.expect_problem(404, "not_found");
}

#[tokio::test]
async fn two_jobs_run_twenty_wait_and_one_more_is_refused() {
    let (app, _) = shop(100_000).await;
    order(&app, 1).await;
    let turns = hold_turns(&app).await;
    let body = json!({"rulebook": 1, "on": {"orders": {"last": 1}}});
    let running = async || {
        let page = app.admin_get(PATH).await.expect_status(200).body;
        page["items"].as_array().unwrap().iter().filter(|item| item["state"] == "running").count()
    };
    for number in 0..22 {
        begin(&app, body.clone()).await;
        while number < 2 && running().await <= number {
            tokio::task::yield_now().await;
        }
    }
    let refused = app.admin_post(PATH, body).await.expect_problem(409, "too_many_simulations");
    assert_eq!(refused.body["limit"], 20);
    assert_eq!(running().await, 0, "the newest page has none of those that run");
    drop(turns);
    app.state.selling.simulations.idle().await;
    let page = app.admin_get(&format!("{PATH}?limit=100")).await.expect_status(200).body;
    let items = page["items"].as_array().unwrap();
    assert!(items.len() == 22 && items.iter().all(|item| item["state"] == "done"));
}

#[tokio::test]
async fn what_shoppers_ordered_and_have_in_carts_is_for_who_may_look_at_orders() {
    let (app, _) = shop(100_000).await;
    order(&app, 1).await;
    let cart = app.cart(&[("MUG", 1)]).await;
    let developer = app.key_with(Role::Developer, &[]).await;
    let ask = async |method: Method, path: &str, body: &Value| {
        app.request(method, path).key(&developer).json(body).send().await
    };
    for on in [json!({"orders": {"last": 1}}), json!({"cart": cart})] {
        let body = json!({"rulebook": 1, "on": on});
        let refused = ask(Method::POST, PATH, &body).await.expect_problem(403, "forbidden");
        assert_eq!(refused.body["required_scope"], "orders:read");
        let path = format!("{PATH}/{}", simulated(&app, body).await["id"].as_str().unwrap());
        for (method, path) in [
            (Method::GET, path.clone()),
            (Method::GET, format!("{path}/orders")),
            (Method::POST, format!("{path}/cancel")),
        ] {
            let refused = ask(method, &path, &json!({})).await.expect_problem(403, "forbidden");
            assert_eq!(refused.body["required_scope"], "orders:read", "{path}");
        }
    }
    let listed = ask(Method::GET, PATH, &json!({})).await.expect_status(200);
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 2);
    let listed = String::from_utf8_lossy(&listed.bytes).into_owned();
    assert!(!listed.contains(&cart) && !listed.contains("asked"), "{listed}");
    let given = json!({"rulebook": 1, "on": {"given_cart": {"lines": [{"sku": "MUG", "quantity": 1}]}}});
    let begun = ask(Method::POST, PATH, &given).await.expect_status(202).body;
    let path = format!("{PATH}/{}", begun["id"].as_str().unwrap());
    assert_eq!(ask(Method::GET, &path, &json!({})).await.expect_status(200).body["asked"], given);
}

#[tokio::test]
async fn a_request_of_more_than_64_kib_is_refused() {
    let app = TestApp::builder().body_limit(1 << 20).build().await;
    let given = json!({"lines": [{"sku": "MUG", "quantity": 1}], "country": "K".repeat(64 << 10)});
    let refused = app.admin_post(PATH, json!({"rulebook": 1, "on": {"given_cart": given}})).await;
    assert_eq!(refused.expect_problem(413, "body_too_large").body["limit"], 65_536);
}

/// Without the 10 % off: 1,999 and 200 of tax.
#[tokio::test]
async fn whoever_is_in_quarantine_stays_there_under_an_older_rulebook() {
    let (app, _) = shop(100_000).await;
    let id: Id<_> = installation(&app, "percentage-off").await.parse().unwrap();
    let rules = Rules::from_ref(&app.state);
    let failed = rules.active(app.store.id).await.unwrap().installation(id).cloned().unwrap();
    let switched = rules.quarantine(app.store.id, &failed, "it fails").await;
    assert_eq!(switched.unwrap(), Some(2));
    let given = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let simulation = simulated(&app, json!({"rulebook": 1, "on": {"given_cart": given}})).await;
    let result = &simulation["result"]["cart"];
    assert_eq!((&result["total_before"], &result["total_after"]), (&usd(2_199), &usd(2_199)));
}

#[tokio::test]
async fn a_given_customer_was_given_nothing_yet_and_a_guest_gets_nothing() {
    let (app, _) = shop(100_000).await;
    let bounded = json!({"id": installation(&app, "percentage-off").await, "customer_budget": usd(5_000)});
    for (groups, total) in [(json!(["trade"]), 1_979), (json!([]), 1_979), (Value::Null, 2_199)] {
        let given = json!({"lines": [{"sku": "MUG", "quantity": 1}], "customer_groups": groups});
        let body = json!({"changes": [bounded], "on": {"given_cart": given}});
        let simulation = simulated(&app, body).await;
        assert_eq!(simulation["result"]["cart"]["total_after"], usd(total), "{groups}");
    }
}

#[tokio::test]
async fn a_cart_whose_shipping_method_nobody_offers_could_not_be_ordered() {
    let (app, _) = shop(100_000).await;
    let given = json!({
        "lines": [{"sku": "MUG", "quantity": 1}], "country": "KR", "shipping_method": "express",
    });
    let simulation = simulated(&app, json!({"rulebook": 1, "on": {"given_cart": given}})).await;
    let result = &simulation["result"];
    assert_eq!(result["cart"]["problem"]["code"], "shipping_method_not_offered");
    assert_eq!((&result["failed"], &result["sums"]), (&json!(1), &json!([])));
}

#[tokio::test]
async fn a_store_that_waits_for_its_turn_keeps_no_other_from_theirs() {
    let (app, _) = shop(100_000).await;
    let (other, key) = app.add_store("other", &[]).await;
    let ask = async |method: Method, path: &str, body: Value| {
        let request = app.request(method, path).key(&key).header("martlet-store", "other");
        request.json(&body).send().await
    };
    let product = json!({"handle": "mug", "title": "Mug", "published": true});
    let product = ask(Method::POST, "/api/v1/admin/products", product).await.expect_status(201).body;
    let variants = format!("/api/v1/admin/products/{}/variants", product["id"].as_str().unwrap());
    let variant = json!({"sku": "MUG", "prices": [usd(1_999)], "on_hand": 9});
    ask(Method::POST, &variants, variant).await.expect_status(201);
    app.publish_in(&other, &[percent_off(100_000)]).await;
    // It has burnt more than it may for days.
    let turn = app.state.selling.pricer.turns().take(app.store.id, Urgency::Background).await;
    turn.unwrap().charge(1 << 60);
    let body = json!({"rulebook": 1, "on": {"given_cart": {"lines": [{"sku": "MUG", "quantity": 1}]}}});
    let waiting = begin(&app, body.clone()).await;
    while get(&app, &waiting).await["state"] != "running" {
        tokio::task::yield_now().await;
    }
    let begun = ask(Method::POST, PATH, body).await.expect_status(202).body;
    let path = format!("{PATH}/{}", begun["id"].as_str().unwrap());
    let done = async {
        while ask(Method::GET, &path, json!({})).await.expect_status(200).body["state"] != "done" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), done).await.expect("the other's is through");
    assert_eq!(get(&app, &waiting).await["state"], "running");
}

#[tokio::test]
async fn the_newest_are_kept_however_they_ended() {
    let (app, _) = shop(100_000).await;
    let body = json!({"rulebook": 1, "on": {"given_cart": {"lines": [{"sku": "MUG", "quantity": 1}]}}});
    for number in 1..=KEPT {
        let lease = Duration::ZERO;
        let (id, holder) = (Id::new(Uuid::from_u128(u128::from(number))), Uuid::from_u128(2));
        let hold = SimulationHold { store: app.store.id, id, holder, lease };
        let (asked, created_at) = (body.to_string(), app.clock.now());
        let new = NewSimulation { hold, asked, rulebook: 1, total: 1, created_at };
        assert_eq!(app.state.db.queue_simulation(&new).await.unwrap(), Queued::Done);
    }
    let turns = hold_turns(&app).await;
    let id = begin(&app, body).await;
    app.admin_post(&format!("{PATH}/{id}/cancel"), json!({})).await.expect_status(200);
    drop(turns);
    app.state.selling.simulations.idle().await;
    let kept = app.state.db.list_simulations(app.store.id, None, 2 * KEPT).await.unwrap();
    assert_eq!(kept.len(), KEPT as usize);
}
