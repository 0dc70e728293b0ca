//! Limits count what instances are asked together, by addresses that nobody makes up.

use std::time::Instant;

use martlet_tests::{Answer, Engine};
use serde_json::json;

use crate::pair::{Shared, on_sqlite};

const LIMITED: (&str, &str) = ("MARTLET_LIMITS__ENABLED", "true");
/// All that asks here is what stands before the engine.
const BEHIND_A_PROXY: (&str, &str) = ("MARTLET_SERVER__TRUSTED_PROXIES", "127.0.0.0/8");
/// On a slow machine Redis is waited for: an instance that has no answer counts by itself.
const WITH_TIME: [(&str, &str); 2] =
    [("MARTLET_REDIS__HOT_PATH_BUDGET_MS", "5000"), ("MARTLET_REDIS__COMMAND_BUDGET_MS", "5000")];
/// Tries to sign in that are allowed a minute.
const PER_MINUTE: u64 = 10;

/// Tries to sign in with a password that is wrong.
fn try_to_sign_in(engine: &Engine, email: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({"email": email, "password": "not the password"}).to_string();
    engine.send("POST", "/api/v1/sessions", headers, Some(&body))
}

/// Asks until each of so many who are asked in turn has refused: ten times and no more, but for what has
/// come back in the meantime.
#[track_caller]
fn expect_ten(asked: usize, ask: impl Fn(usize, usize) -> Answer) {
    let (begun, mut allowed, mut refused) = (Instant::now(), 0, vec![false; asked]);
    for number in 0.. {
        let whom = number % asked;
        let answer = ask(whom, number);
        if answer.status == 429 {
            let answer = answer.expect_problem(429, "rate_limited");
            assert!((1..=6).contains(&answer.header("retry-after").parse().expect("seconds")), "{answer:#?}");
            refused[whom] = true;
        } else {
            answer.expect_problem(401, "invalid_credentials");
            allowed += 1;
        }
        if refused.iter().all(|refused| *refused) {
            break;
        }
    }
    let back = begun.elapsed().as_secs() * PER_MINUTE / 60;
    assert!((PER_MINUTE..=PER_MINUTE + back).contains(&allowed), "{allowed} in {:?}", begun.elapsed());
}

#[test]
fn an_account_is_tried_ten_times_a_minute_whichever_instance_is_asked() {
    let environment = [LIMITED, BEHIND_A_PROXY, WITH_TIME[0], WITH_TIME[1]];
    on_sqlite(Shared::Redis, &environment, |pair| {
        let engines = pair.engines();
        // Each from an address of its own, which an account's limit doesn't care for.
        expect_ten(2, |engine, number| {
            let address = format!("198.51.100.{number}");
            try_to_sign_in(engines[engine], "jo@example.com", &[("x-forwarded-for", &address)])
        });
        for engine in engines {
            let other = try_to_sign_in(engine, "kim@example.com", &[("x-forwarded-for", "203.0.113.1")]);
            other.expect_problem(401, "invalid_credentials");
        }
    });
}

#[test]
fn an_address_that_is_made_up_moves_no_limit() {
    let engine = Engine::builder().environment(LIMITED.0, LIMITED.1).start();
    let email = |number: usize| format!("someone{number}@example.com");
    expect_ten(1, |_, number| {
        let made_up = format!("198.51.100.{number}");
        let forwarded = format!("for={made_up}");
        let headers = [
            ("x-forwarded-for", made_up.as_str()),
            ("forwarded", &forwarded),
            ("x-real-ip", &made_up),
            ("true-client-ip", &made_up),
        ];
        try_to_sign_in(&engine, &email(number), &headers)
    });
}

#[test]
fn behind_a_proxy_only_what_the_proxy_says_is_believed() {
    let builder = Engine::builder().environment(LIMITED.0, LIMITED.1);
    let engine = builder.environment(BEHIND_A_PROXY.0, BEHIND_A_PROXY.1).start();
    let from = |forwarded: &str, number: usize| {
        let email = format!("{}{number}@example.com", forwarded.len());
        try_to_sign_in(&engine, &email, &[("x-forwarded-for", forwarded)])
    };
    // The proxy appends whom it was asked by to what that one said of itself.
    expect_ten(1, |_, number| from(&format!("198.51.100.{number}, 203.0.113.1"), number));
    from("203.0.113.1, 203.0.113.2", 0).expect_problem(401, "invalid_credentials");
    // Whoever has an address of IPv6 has 2^64 of them.
    expect_ten(1, |_, number| from(&format!("198.51.100.1, 2001:db8::{number:x}"), number));
    from("2001:db8:0:1::1", 0).expect_problem(401, "invalid_credentials");
}
