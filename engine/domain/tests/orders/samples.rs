//! Orders of carts that were really priced.

use std::collections::{BTreeMap, HashMap};

use martlet_domain::{
    Digest, Id, Timestamp,
    cart::{Cart, LineItem},
    catalog::Variant,
    coupon::Coupon,
    order::{Ask, AwaitingRequest, LineQuantity, Means, NewOrder, NewRefund, Order, PaymentStatus},
    payment::ProviderName,
};

use crate::quote::support::{Case, code, gift, id, krw, order_percent, promotion};

/// When orders are placed.
pub(crate) const PLACED: Timestamp = Timestamp::from_millis(2_000_000);
/// Until when they wait for their money.
pub(crate) const UNTIL: Timestamp = Timestamp::from_millis(2_900_000);
/// When anything happens to them afterwards.
pub(crate) const LATER: Timestamp = Timestamp::from_millis(2_100_000);
/// What [`unpaid`] comes to.
pub(crate) const TOTAL: i64 = 3_600;
/// The place of the mug in [`unpaid`].
pub(crate) const MUG: u32 = 2;

/// The cart that a case prices: its lines are 10, 11 and so on.
pub(crate) fn cart(case: &Case) -> Cart {
    let line = |(number, line): (usize, &martlet_domain::quote::LineInput)| LineItem {
        id: id(10 + number),
        variant: line.variant,
        quantity: line.quantity,
        added_at: Timestamp::from_millis(0),
    };
    Cart {
        id: id(500),
        version: 4,
        currency: case.input.currency,
        customer: case.input.customer.as_ref().map(|_| id(600)),
        email: Some("someone@example.com".to_owned()),
        shipping_address: None,
        shipping_method: None,
        lines: case.input.lines.iter().enumerate().map(line).collect(),
        coupons: case.input.coupons.iter().map(|known| known.coupon.id).collect(),
        order: None,
        created_at: Timestamp::from_millis(0),
        updated_at: Timestamp::from_millis(0),
    }
}

/// Prices a cart and makes an order of it.
pub(crate) fn placed(case: &Case) -> (Order, Ask) {
    let quote = case.price().quote;
    let coupons: Vec<Coupon> = case.input.coupons.iter().map(|known| known.coupon.clone()).collect();
    Order::place(NewOrder {
        id: id(700),
        number: "7K3M-9QXP".parse().unwrap(),
        cart: &cart(case),
        quote: &quote,
        rulebook: &case.rulebook,
        coupons: &coupons,
        titles: &HashMap::from([(id(0), "Socks, M".to_owned())]),
        means: Means { provider: ProviderName::Test, token: "ok".to_owned() },
        awaited_by: Some(AwaitingRequest { claim: Digest::of(b"claim"), request_id: "request".to_owned() }),
        now: PLACED,
        pending_until: UNTIL,
    })
}

/// 3 x 1,000 and 2 x 500 with 10 % off by the coupon TENTH, and a mug worth 800 on p1's budget: 3,600.
pub(crate) fn case() -> Case {
    krw()
        .line(3, 1_000)
        .line(2, 500)
        .stocked_gift("MUG", 800, 9)
        .customer()
        .with(promotion([gift("MUG", 1)]).may_give("MUG").budget(10_000, "KRW"))
        .with(code("TENTH", [order_percent(10)]))
}

/// The order of [`case`], not yet paid.
pub(crate) fn unpaid() -> Order {
    placed(&case()).0
}

/// The order of [`case`], paid for.
pub(crate) fn paid() -> Order {
    let mut order = unpaid();
    let effects = order.pay(Some("payment-1".to_owned()), LATER).unwrap();
    assert!(effects.release.is_empty() && !effects.gives_back);
    order
}

/// The same with the money in hand.
pub(crate) fn captured() -> Order {
    let mut order = paid();
    order.note_capture(true, LATER);
    assert_eq!(order.progress.payment.status, PaymentStatus::Captured);
    order
}

/// The same with money that the provider refuses to hand over.
pub(crate) fn capture_refused() -> Order {
    let mut order = paid();
    order.note_capture(false, LATER);
    assert_eq!(order.progress.payment.status, PaymentStatus::CaptureRefused);
    order
}

/// Two of a thing, given away: 0.
pub(crate) fn for_nothing() -> Order {
    let (mut order, _) = placed(&krw().line(2, 1_000).with(promotion([order_percent(100)])));
    let _paid = order.pay(None, LATER).unwrap();
    assert_eq!(order.terms.totals.total, 0);
    order
}

pub(crate) const fn units(position: u32, quantity: u32) -> LineQuantity {
    LineQuantity { position, quantity }
}

/// Units by variant, as effects name them.
pub(crate) fn moved<const N: usize>(units: [(usize, i64); N]) -> BTreeMap<Id<Variant>, i64> {
    units.into_iter().map(|(variant, quantity)| (id(variant), quantity)).collect()
}

/// A refund of money alone.
pub(crate) fn money(number: usize, amount: impl Into<Option<i64>>) -> NewRefund {
    NewRefund {
        id: id(number),
        amount: amount.into(),
        reason: "broken".to_owned(),
        lines: Vec::new(),
        restock: false,
    }
}

/// What became of each line: fulfilled, released, returned.
pub(crate) fn lines(order: &Order) -> Vec<(u32, u32, u32)> {
    let lines = order.progress.lines.iter();
    lines.map(|line| (line.fulfilled, line.released, line.returned)).collect()
}
