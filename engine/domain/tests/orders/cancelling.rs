//! Orders that come to nothing: declined, expired, cancelled.

use martlet_domain::{
    order::{
        Cancellation, Effects, Order, OrderEvent, OrderStatus, PaymentStatus, Refund, RefundStatus, StepError,
    },
    payment::DeclineReason,
};

use crate::{
    quote::support::id,
    samples::{
        LATER, TOTAL, capture_refused, captured, for_nothing, lines, money, moved, paid, units, unpaid,
    },
};

/// What is free again when nothing was shipped.
fn everything() -> Effects {
    Effects { release: moved([(0, 3), (1, 2), (1_000, 1)]), gives_back: true, ..Effects::default() }
}

#[track_caller]
fn came_to_nothing(order: &Order, why: &Cancellation) {
    assert_eq!(order.status, OrderStatus::Cancelled);
    assert_eq!(order.progress.cancelled.as_ref(), Some(why));
    assert_eq!(lines(order), [(0, 3, 0), (0, 2, 0), (0, 1, 0)]);
    assert!(order.progress.given_back && order.progress.awaited_by.is_none());
    assert_eq!((order.pending_until, order.updated_at), (None, LATER));
}

#[test]
fn a_declined_order_lets_go_of_everything_and_its_cart_is_open_again() {
    let mut order = unpaid();
    let effects = order.decline(DeclineReason::InsufficientFunds, LATER).unwrap();
    assert_eq!(effects, Effects { reopens_cart: true, ..everything() });
    came_to_nothing(&order, &Cancellation::Declined);
    let declined = PaymentStatus::Declined(DeclineReason::InsufficientFunds);
    assert_eq!((order.progress.payment.status, order.refundable()), (declined, 0));
}

/// Whether the provider has set money aside isn't known, so it is asked to give that up.
#[test]
fn an_expired_order_lets_go_of_everything_and_of_the_payment() {
    let mut order = unpaid();
    let effects = order.expire(LATER).unwrap();
    let expected = Effects { reopens_cart: true, events: vec![OrderEvent::Abandoned], ..everything() };
    assert_eq!(effects, expected);
    came_to_nothing(&order, &Cancellation::Expired);
    assert_eq!(order.progress.payment.status, PaymentStatus::Pending);
    for (voided, status) in [(true, PaymentStatus::Voided), (false, PaymentStatus::VoidRefused)] {
        let mut order = order.clone();
        order.note_void(voided, LATER);
        assert_eq!((order.progress.payment.status, order.refundable()), (status, 0));
        let before = order.clone();
        order.note_void(!voided, LATER);
        assert_eq!(order, before, "what is said twice is heard once");
    }
}

#[test]
fn cancelled_before_it_is_paid_for() {
    let mut order = unpaid();
    let effects = order.cancel(id(1), "changed my mind".to_owned(), LATER).unwrap();
    let expected = Effects { reopens_cart: true, events: vec![OrderEvent::Abandoned], ..everything() };
    assert_eq!(effects, expected);
    came_to_nothing(&order, &Cancellation::Merchant("changed my mind".to_owned()));
    assert!(order.progress.refunds.is_empty());
    assert!(order.pay(None, LATER).is_err(), "a payment that comes late finds nothing to pay");
}

#[test]
fn cancelled_after_it_was_paid_for_pays_back_and_keeps_the_cart() {
    for mut order in [paid(), captured()] {
        let effects = order.cancel(id(1), "sold out".to_owned(), LATER).unwrap();
        let events = vec![OrderEvent::Cancelled, OrderEvent::Refunded { refund: id(1) }];
        assert_eq!(effects, Effects { events, ..everything() });
        came_to_nothing(&order, &Cancellation::Merchant("sold out".to_owned()));
        let refund = Refund {
            id: id(1),
            amount: TOTAL,
            reason: "sold out".to_owned(),
            lines: Vec::new(),
            status: RefundStatus::Pending,
            at: LATER,
        };
        assert_eq!(order.progress.refunds, [refund]);
        assert_eq!((order.refunded(), order.refundable()), (TOTAL, 0));
    }
}

#[test]
fn an_order_that_cost_nothing_is_cancelled_without_a_refund() {
    let mut order = for_nothing();
    let effects = order.cancel(id(1), String::new(), LATER).unwrap();
    assert_eq!((effects.events, effects.reopens_cart), (vec![OrderEvent::Cancelled], false));
    assert!(order.progress.refunds.is_empty());
}

/// The provider refuses to pay a cancelled order back. The merchant tries again, in two parts: the
/// money moves, and goods, coupons and budgets, which are free already, don't.
#[test]
fn a_cancelled_orders_refund_may_be_tried_again() {
    let mut order = captured();
    let effects = order.cancel(id(1), String::new(), LATER).unwrap();
    assert!(effects.gives_back);
    assert_eq!(order.note_refund(id(1), false, LATER), Effects::default());
    assert_eq!((order.status, order.refundable()), (OrderStatus::Cancelled, TOTAL));
    for (number, amount) in [(2, Some(600)), (3, None)] {
        let again = order.refund(money(number, amount), LATER).unwrap();
        let events = vec![OrderEvent::Refunded { refund: id(number) }];
        assert_eq!(again, Effects { events, ..Effects::default() });
        assert_eq!(order.note_refund(id(number), true, LATER), Effects::default());
        assert_eq!(order.status, OrderStatus::Cancelled);
    }
    assert_eq!(order.refund(money(4, None), LATER), Err(StepError::NothingToRefund));
    assert_eq!((order.refunded(), lines(&order)), (TOTAL, vec![(0, 3, 0), (0, 2, 0), (0, 1, 0)]));
}

#[test]
fn what_has_begun_to_leave_isnt_cancelled() {
    let mut order = paid();
    let _some = order.fulfil(id(1), Some(vec![units(0, 1)]), None, LATER).unwrap();
    let before = order.clone();
    assert!(order.cancel(id(2), String::new(), LATER).is_err());
    assert_eq!(order, before);
}

#[test]
fn a_capture_is_told_once_and_a_void_of_what_is_paid_is_not_heard() {
    let mut order = paid();
    order.note_capture(false, LATER);
    assert_eq!(order.progress.payment.status, PaymentStatus::CaptureRefused);
    order.note_capture(true, LATER);
    assert_eq!(order.progress.payment.status, PaymentStatus::CaptureRefused);
    for mut order in [paid(), captured()] {
        let before = order.clone();
        order.note_void(true, LATER);
        order.note_void(false, LATER);
        assert_eq!(order, before);
    }
    let mut order = unpaid();
    let before = order.clone();
    order.note_capture(true, LATER);
    assert_eq!(order, before, "nothing was set aside yet");
}

/// The provider refused to hand the money over, so there is none to pay back: what it set aside is given
/// up.
#[test]
fn cancelled_after_the_capture_was_refused_gives_the_payment_up() {
    for (voided, status) in [(true, PaymentStatus::Voided), (false, PaymentStatus::VoidRefused)] {
        let mut order = capture_refused();
        let effects = order.cancel(id(1), "no money".to_owned(), LATER).unwrap();
        let events = vec![OrderEvent::Cancelled, OrderEvent::Abandoned];
        assert_eq!(effects, Effects { events, ..everything() });
        came_to_nothing(&order, &Cancellation::Merchant("no money".to_owned()));
        order.note_void(voided, LATER);
        assert_eq!((order.progress.payment.status, order.refundable()), (status, 0));
        assert!(order.progress.refunds.is_empty());
        assert_eq!(order.refund(money(2, None), LATER), Err(StepError::NothingToRefund));
    }
}

/// The merchant was faster than the provider, which refuses to hand the money over and then to pay it
/// back. There is nothing to try again, and what was set aside is given up.
#[test]
fn cancelled_before_the_capture_was_refused_gives_the_payment_up_too() {
    let mut order = paid();
    let _cancelled = order.cancel(id(1), String::new(), LATER).unwrap();
    order.note_capture(false, LATER);
    let effects = order.note_refund(id(1), false, LATER);
    assert_eq!(effects, Effects { events: vec![OrderEvent::Abandoned], ..Effects::default() });
    assert_eq!((order.status, order.refundable()), (OrderStatus::Cancelled, 0));
    assert_eq!(order.note_refund(id(1), false, LATER), Effects::default());
}
