//! Windows and tags that merchants give to installations.

use crate::support::*;

/// The start is in the window, the end isn't.
#[test]
fn an_installation_is_asked_within_its_window() {
    let now = NOW.as_millis();
    let cart =
        |from, until| krw().line(1, 1_000).with(promotion([line_percent(10)]).window(from, until)).price();
    for (from, until, says) in [
        (Some(now), None, "p1.a 100 [0:100]"),
        (Some(now), Some(now + 1), "p1.a 100 [0:100]"),
        (Some(now + 1), None, "p1 not_started"),
        (None, Some(now), "p1 ended"),
        (Some(now - 2), Some(now - 1), "p1 ended"),
    ] {
        cart(from, until).says(&[says]);
    }
}

#[test]
fn a_coupon_of_an_installation_outside_its_window_is_refused_with_the_reason() {
    let now = NOW.as_millis();
    let cart = krw().line(1, 1_000).with(code("EARLY", [line_percent(10)]).window(Some(now + 1), None));
    cart.price().comes_to(&[1_000], 1_000).says(&["EARLY not_started"]);
}

/// 10 % of 1,000 and 10 % of 900 of the first installation; the second one shares its tag.
#[test]
fn a_merchants_tag_excludes_other_installations_but_not_its_own_candidates() {
    let cart = krw()
        .line(1, 1_000)
        .with(promotion([line_percent(10), line_percent(10)]).merchants_tag("season"))
        .with(promotion([line_percent(10)]).merchants_tag("season"))
        .with(promotion([line_percent(10).tagged("season")]))
        .with(promotion([line_percent(10)]).merchants_tag("other"));
    cart.price().comes_to(&[729], 729).says(&[
        "p1.a 100 [0:100]",
        "p1.b 90 [0:90]",
        "p2.a excluded season p1",
        "p3.a excluded season p1",
        "p4.a 81 [0:81]",
    ]);
}
