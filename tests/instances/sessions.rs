//! Who is signed in at one instance is signed in at all, and signed out at all.

use std::time::{Duration, Instant};

use martlet_tests::{Engine, customers::SignedIn};
use serde_json::json;

use crate::pair::{Pair, Shared, on_each_database, on_sqlite};

const ME: &str = "/api/v1/me";

/// The next tokens, and what becomes of a token that comes again.
fn refresh(engine: &Engine, who: &SignedIn) -> SignedIn {
    let body = json!({"refresh_token": who.refresh});
    SignedIn::from(&engine.post("/api/v1/sessions/refresh", &body).expect(200))
}

/// Whether a customer is signed in, as each instance says. Asked more than once, so that whoever remembers
/// sessions has something to remember.
#[track_caller]
fn expect_signed_in(pair: &Pair, who: &SignedIn, expected: bool) {
    for _ in 0..3 {
        for engine in pair.engines() {
            let me = engine.send_as(who, "GET", ME);
            if expected {
                assert_eq!(me.expect(200).text("/id"), who.customer.to_string());
            } else {
                me.expect_problem(401, "unauthenticated");
            }
        }
    }
}

fn sessions_are_everywhere(pair: &Pair) {
    let [one, other] = pair.engines();
    let jo = one.customer("jo@example.com");
    expect_signed_in(pair, &jo, true);
    let next = refresh(other, &jo);
    expect_signed_in(pair, &next, true);

    // Signed out at one, at once signed out at the other.
    one.send_as(&next, "DELETE", "/api/v1/sessions").expect(204);
    other.send_as(&next, "GET", ME).expect_problem(401, "unauthenticated");
    expect_signed_in(pair, &next, false);
    expect_signed_in(pair, &jo, false);

    // All sessions of a customer, and nobody else's.
    let devices = [one, other].map(|engine| SignedIn::from(&engine.sign_in("jo@example.com").expect(201)));
    let kim = other.customer("kim@example.com");
    for device in &devices {
        expect_signed_in(pair, device, true);
    }
    other.send_as(&devices[0], "DELETE", "/api/v1/sessions?all=true").expect(204);
    for device in &devices {
        one.send_as(device, "GET", ME).expect_problem(401, "unauthenticated");
        expect_signed_in(pair, device, false);
    }
    expect_signed_in(pair, &kim, true);

    // A token that comes a second time, wherever, ends the session everywhere.
    let next = refresh(one, &kim);
    expect_signed_in(pair, &next, true);
    let again = json!({"refresh_token": kim.refresh});
    other.post("/api/v1/sessions/refresh", &again).expect_problem(401, "invalid_refresh_token");
    one.send_as(&next, "GET", ME).expect_problem(401, "unauthenticated");
    expect_signed_in(pair, &next, false);
}

#[test]
fn a_session_is_good_on_all_instances_until_it_is_ended_on_one() {
    on_each_database("sessions", Shared::Redis, &[], sessions_are_everywhere);
}

#[test]
fn without_redis_a_session_is_good_on_all_instances_until_it_is_ended_on_one() {
    on_each_database("sessions_alone", Shared::Nothing, &[], sessions_are_everywhere);
}

/// Redis forgets what it likes: a session that is over stays over.
#[test]
fn a_session_that_is_over_stays_over_when_redis_forgets_or_goes() {
    on_each_database("sessions_forgotten", Shared::Redis, &[], |pair| {
        let [one, other] = pair.engines();
        let [ended, kept] = ["jo", "kim"].map(|name| one.customer(&format!("{name}@example.com")));
        expect_signed_in(pair, &ended, true);
        other.send_as(&ended, "DELETE", "/api/v1/sessions").expect(204);
        pair.redis().flush();
        expect_signed_in(pair, &ended, false);
        expect_signed_in(pair, &kept, true);
        pair.redis().freeze();
        expect_signed_in(pair, &ended, false);
        expect_signed_in(pair, &kept, true);
        // Ended while nobody can tell the others through Redis.
        one.send_as(&kept, "DELETE", "/api/v1/sessions").expect(204);
        expect_signed_in(pair, &kept, false);
        pair.redis().kill();
        expect_signed_in(pair, &ended, false);
        expect_signed_in(pair, &kept, false);
    });
}

/// What Redis remembers is held against the database once a minute, so that one that couldn't be told
/// keeps a session open that long and no longer.
#[test]
#[ignore = "takes a minute: cargo xtask test instances"]
fn a_session_that_is_ended_while_redis_is_stuck_is_over_everywhere_a_minute_later() {
    on_sqlite(Shared::Redis, &[], |pair| {
        let [one, other] = pair.engines();
        let jo = one.customer("jo@example.com");
        expect_signed_in(pair, &jo, true);
        pair.redis().freeze();
        // Until it isn't even tried any more: what was sent would be done after all.
        for _ in 0..8 {
            one.send_as(&jo, "GET", ME).expect(200);
        }
        one.send_as(&jo, "DELETE", "/api/v1/sessions").expect(204);
        pair.redis().thaw();
        let (thawed, mut last) = (Instant::now(), Duration::ZERO);
        while thawed.elapsed() < Duration::from_secs(61) {
            if other.send_as(&jo, "GET", ME).status == 200 {
                last = thawed.elapsed();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        println!("the other instance took the session for open until {last:?} later");
        expect_signed_in(pair, &jo, false);
    });
}
