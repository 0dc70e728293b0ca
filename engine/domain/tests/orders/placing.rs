//! From a priced cart to an order: examples worked by hand.

use std::sync::Arc;

use martlet_domain::{
    order::{
        BudgetAsk, BudgetShare, CouponAsk, CustomerLimit, DayLimit, Levels, LineProgress, Order, OrderStatus,
        PaymentStatus, RedeemedCoupon, Shortage, StockShortage,
    },
    plugin::Template,
    quote::{Class, UnitRun},
};

use crate::{
    quote::support::*,
    samples::{LATER, PLACED, TOTAL, UNTIL, case, lines, moved, placed, unpaid},
};

/// What an order takes of a budget in all.
fn share(plugin: usize, amount: i64) -> BudgetShare {
    BudgetShare { installation: id(plugin), amount, day: None, by_customer: false }
}

/// The same as what it needs, of so much in all.
fn bounded(plugin: usize, amount: i64, limit: i64) -> BudgetAsk {
    BudgetAsk { installation: id(plugin), amount, limit: Some(limit), day: None, customer: None }
}

/// 3 x 1,000 and 2 x 500 make 4,000, 10 % off by coupon leave 3,600, and a mug goes with it.
#[test]
fn what_was_agreed_is_what_was_quoted() {
    let quote = case().price().quote;
    let order = unpaid();
    let terms = &order.terms;
    assert_eq!((terms.cart, terms.cart_version, terms.customer), (id(500), 4, Some(id(600))));
    assert_eq!((terms.as_of, terms.rulebook, terms.currency), (NOW, 7, quote.currency));
    assert_eq!((terms.receipt, terms.totals), (quote.receipt.digest(), quote.totals));
    assert_eq!(terms.totals.total, TOTAL);
    let bought: Vec<_> = terms.lines.iter().map(|line| (line.line, line.variant, line.quantity)).collect();
    assert_eq!(
        bought,
        [(Some(id(10)), id(0), 3), (Some(id(11)), id(1), 2), (None, id(1_000), 1)],
        "the gift comes last and is nobody's line"
    );
    let amounts: Vec<_> = terms.lines.iter().map(|line| (line.subtotal, line.discount, line.total)).collect();
    assert_eq!(amounts, [(3_000, 300, 2_700), (1_000, 100, 900), (0, 0, 0)]);
    assert_eq!(terms.lines[2].units, [UnitRun { count: 1, list_amount: 0, left: 0 }]);
    assert_eq!([&terms.lines[0].title, &terms.lines[1].title], ["Socks, M", ""]);
    assert_eq!(terms.coupons, [RedeemedCoupon { coupon: id(200), code: "TENTH".parse().unwrap() }]);
    assert_eq!(terms.budgets, [share(1, 800)]);
}

#[test]
fn an_order_begins_unpaid_and_untouched() {
    let order = unpaid();
    assert_eq!((order.version, order.status), (1, OrderStatus::PendingPayment));
    assert_eq!((order.placed_at, order.updated_at, order.pending_until), (PLACED, PLACED, Some(UNTIL)));
    assert_eq!(order.progress.lines, [LineProgress::default(); 3]);
    assert_eq!(order.progress.payment.status, PaymentStatus::Pending);
    assert_eq!((order.refundable(), order.refunded()), (0, 0));
    assert!(!order.progress.given_back && order.progress.cancelled.is_none());
    assert!(order.progress.fulfillments.is_empty() && order.progress.refunds.is_empty());
    assert_eq!([0, 1, 2, 3].map(|position| order.open_units(position)), [3, 2, 1, 0]);
}

/// It needs the units it sells and gives, one use of its coupon, and of the budget what the mug is
/// worth.
#[test]
fn an_order_asks_for_all_that_others_want_too() {
    let mut case = case();
    let coupon = &mut case.input.coupons[0].coupon;
    (coupon.total_limit, coupon.per_customer_limit) = (Some(7), Some(2));
    let (_, ask) = placed(&case);
    assert_eq!(ask.stock, moved([(0, 3), (1, 2), (1_000, 1)]));
    let expected = CouponAsk {
        coupon: id(200),
        customer: Some(id(600)),
        total_limit: Some(7),
        per_customer_limit: Some(2),
    };
    assert_eq!(ask.coupons, [expected]);
    assert_eq!(ask.budgets, [bounded(1, 800, 10_000)]);
}

/// Buy three socks, get one on top: four socks leave the shelf, on two lines.
#[test]
fn a_gift_of_what_is_bought_adds_to_it() {
    let mut case = case();
    case.input.gifts[0].variant = id(0);
    let (order, ask) = placed(&case);
    assert_eq!(ask.stock, moved([(0, 4), (1, 2)]));
    assert_eq!(order.terms.lines.len(), 3);
    let short = StockShortage { variant: id(0), requested: 4, available: 3 };
    let mut levels = Levels::default();
    levels.available.extend([(id(0), 3), (id(1), 2)]);
    assert_eq!(levels.allot(&ask), Err(Shortage::Stock(short)));
}

/// The design's example: the code for 3,000 from 25,000 is 891 short, so it isn't used up.
#[test]
fn a_coupon_that_gives_nothing_isnt_used_up() {
    let case = krw()
        .line(3, 3_333)
        .line(2, 5_555)
        .line(1, 12_345)
        .tax(100_000)
        .with(promotion([buy_get_any(2, 1)]))
        .with(promotion([order_percent(10)]))
        .with(code("minus3000", [across(3_000).from(25_000)]));
    let (order, ask) = placed(&case);
    let terms = &order.terms;
    assert_eq!((terms.totals.total, terms.totals.tax), (24_109, 2_192));
    assert!(terms.coupons.is_empty() && ask.coupons.is_empty());
    assert!(terms.budgets.is_empty() && ask.budgets.is_empty());
    let discounts: Vec<_> = terms.discounts.iter().map(|it| (it.name.as_str(), it.amount)).collect();
    assert_eq!(discounts, [("p1", 6_666), ("p2", 2_679)]);
    assert_eq!(terms.customer, None);
    assert_eq!(lines(&order).len(), 3);
}

/// Two codes of one plugin: both apply, both are used up, and both draw on its one budget.
#[test]
fn two_coupons_of_an_installation_share_what_it_takes() {
    let plugin = code("one", [order_percent(10)]).also("two", |_| {}).budget(1_000, "KRW");
    let (order, ask) = placed(&krw().line(1, 1_000).with(plugin));
    // 100, then 10 % of the 900 that are left.
    assert_eq!(order.terms.budgets, [share(1, 190)]);
    assert_eq!(ask.budgets, [bounded(1, 190, 1_000)]);
    let used: Vec<_> = order.terms.coupons.iter().map(|coupon| coupon.code.to_string()).collect();
    assert_eq!(used, ["ONE", "TWO"]);
    assert_eq!(ask.coupons.len(), 2);
}

/// 10 % of 1,000 won, of 5,000 a day and 900 a customer: counted on the day it was priced and for who buys.
#[test]
fn an_order_says_which_day_and_whose_share_count_it() {
    let won =
        |minor_units| Some(martlet_domain::money::Money { minor_units, currency: "KRW".parse().unwrap() });
    let mut case = krw().line(1, 1_000).customer().with(promotion([order_percent(10)]));
    let installation = &mut case.rulebook.installations[0];
    (installation.daily_budget, installation.customer_budget) = (won(5_000), won(900));
    let (order, ask) = placed(&case);
    let day = NOW.day();
    assert_eq!(order.terms.budgets, [BudgetShare { day: Some(day), by_customer: true, ..share(1, 100) }]);
    let customer = Some(CustomerLimit { customer: Some(id(600)), limit: 900 });
    let expected = BudgetAsk {
        installation: id(1),
        amount: 100,
        limit: None,
        day: Some(DayLimit { day, limit: 5_000 }),
        customer,
    };
    assert_eq!(ask.budgets, [expected]);
    // A guest gets nothing of it, and so takes nothing.
    case.input.customer = None;
    let (order, ask) = placed(&case);
    assert!(order.terms.budgets.is_empty() && ask.budgets.is_empty() && order.terms.discounts.is_empty());
}

/// What won is worth in dollars isn't known, so a budget of dollars gives nothing and is left alone.
#[test]
fn a_budget_of_another_currency_is_left_alone() {
    let case = krw().line(1, 1_000).with(promotion([order_percent(10)]).budget(9_000, "USD"));
    let (order, ask) = placed(&case);
    assert!(order.terms.budgets.is_empty() && ask.budgets.is_empty() && order.terms.discounts.is_empty());
}

/// Two uses in all, two a customer, a budget of 1,600: each is used up by exactly as much as it allows.
#[test]
fn limits_are_reached_by_what_they_allow() {
    let asking = |total, per_customer, budget| {
        let mut case = case();
        let coupon = &mut case.input.coupons[0].coupon;
        (coupon.total_limit, coupon.per_customer_limit) = (total, per_customer);
        let mut ask = placed(&case).1;
        ask.stock.clear();
        ask.budgets[0].limit = Some(budget);
        ask
    };
    for (ask, short) in [
        (asking(Some(2), None, 9_999), Shortage::Coupon(id(200))),
        (asking(None, Some(2), 9_999), Shortage::Coupon(id(200))),
        (asking(None, None, 1_600), Shortage::Budget(id(1))),
    ] {
        let mut levels = Levels::default();
        assert_eq!([levels.allot(&ask), levels.allot(&ask)], [Ok(()), Ok(())], "{short:?}");
        assert_eq!(levels.allot(&ask), Err(short));
    }
}

#[test]
fn discounts_are_called_what_shoppers_are_told() {
    let mut case = krw().line(1, 1_000).with(promotion([order_percent(10)])).with(code("C", [across(5)]));
    let template = |language: &str, text: &str| Template {
        key: "it".to_owned(),
        language: language.to_owned(),
        text: text.to_owned(),
    };
    case.rulebook.installations[0].templates = vec![template("ko", "모두"), template("en", "Save {what}")];
    let (order, _) = placed(&case);
    let said: Vec<_> = order
        .terms
        .discounts
        .iter()
        .map(|it| (it.installation, it.name.as_str(), it.label.as_deref()))
        .collect();
    assert_eq!(said, [(id(1), "p1", Some("Save something")), (id(2), "C", Some("it"))]);
}

/// What took something off adds up to what the totals say was taken off, shipping too.
#[test]
fn discounts_add_up_to_the_totals() {
    let free_shipping = candidate(Class::Shipping, martlet_domain::quote::Value::Across(200));
    let case = krw()
        .line(3, 1_000)
        .shipping(500)
        .with(promotion([line_percent(10), free_shipping]))
        .with(code("TENTH", [order_percent(10)]));
    let (order, _) = placed(&case);
    let totals = order.terms.totals;
    let sum: i64 = order.terms.discounts.iter().map(|discount| discount.amount).sum();
    assert_eq!(sum, totals.goods_discount + totals.shipping_discount);
    assert_eq!(order.terms.shipping.as_ref().unwrap().discount, totals.shipping_discount);
}

/// A pricing plugin makes a unit of 1,000 dearer or cheaper. That is its price, and nothing was taken
/// off.
#[test]
fn another_price_isnt_a_discount() {
    for price in [1_200, 700] {
        let (order, _) = placed(&krw().line(1, 1_000).with(pricing([unit_price(price)])));
        assert_eq!((order.terms.totals.goods_subtotal, order.terms.totals.goods_discount), (price, 0));
        assert_eq!(order.terms.discounts, []);
    }
}

#[test]
fn an_order_that_costs_nothing_still_needs_its_goods() {
    let (mut order, ask) = placed(&krw().line(2, 1_000).with(promotion([order_percent(100)])));
    assert_eq!((order.terms.totals.total, ask.stock), (0, moved([(0, 2)])));
    let effects = order.pay(None, LATER).unwrap();
    assert!(!effects.gives_back && order.refundable() == 0);
}

#[test]
fn terms_are_shared_and_never_copied() {
    let order = unpaid();
    let mut later: Order = order.clone();
    let _paid = later.pay(None, LATER).unwrap();
    assert!(Arc::ptr_eq(&order.terms, &later.terms));
}
