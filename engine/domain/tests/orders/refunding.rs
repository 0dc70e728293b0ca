//! Money that goes back, with units or without.

use martlet_domain::order::{
    Effects, NewRefund, Order, OrderEvent, OrderStatus, PaymentStatus, RefundStatus, StepError,
};

use crate::{
    quote::support::id,
    samples::{
        LATER, MUG, TOTAL, capture_refused, captured, for_nothing, lines, money, moved, paid, units, unpaid,
    },
};

/// A paid order of which one sock and one hat are shipped: 2 and 1 are open, and the mug is.
fn partly_shipped() -> Order {
    let mut order = captured();
    let _shipped = order.fulfil(id(1), Some(vec![units(0, 1), units(1, 1)]), None, LATER).unwrap();
    order
}

fn with_units(refund: NewRefund, lines: &[(u32, u32)], restock: bool) -> NewRefund {
    let lines = lines.iter().map(|(position, quantity)| units(*position, *quantity)).collect();
    NewRefund { lines, restock, ..refund }
}

fn refunded(number: usize) -> Vec<OrderEvent> {
    vec![OrderEvent::Refunded { refund: id(number) }]
}

#[test]
fn part_of_the_money_goes_back_then_the_rest() {
    let mut order = captured();
    let some = order.refund(money(1, 600), LATER).unwrap();
    assert_eq!(some, Effects { events: refunded(1), ..Effects::default() });
    assert_eq!(
        (order.status, order.refunded(), order.refundable()),
        (OrderStatus::PartlyRefunded, 600, 3_000)
    );
    assert_eq!([0, 1, 2].map(|position| order.open_units(position)), [3, 2, 1], "all is still to be shipped");
    let rest = order.refund(money(2, None), LATER).unwrap();
    assert_eq!(rest, Effects { events: refunded(2), ..Effects::default() });
    assert_eq!((order.status, order.refunded(), order.refundable()), (OrderStatus::Refunded, TOTAL, 0));
    assert_eq!(order.progress.refunds[1].amount, 3_000);
    assert_eq!(order.open_units(0), 3, "the provider may still refuse");
    assert!(order.fulfil(id(3), None, None, LATER).is_err());
}

/// Goods, coupons and budgets are free when all of the money is back, whichever part of it comes last.
#[test]
fn everything_is_free_when_the_last_of_the_money_is_back() {
    for answers in [[1, 2], [2, 1]] {
        let mut order = captured();
        let _some = order.refund(money(1, 600), LATER).unwrap();
        let _rest = order.refund(money(2, None), LATER).unwrap();
        assert_eq!(order.note_refund(id(answers[0]), true, LATER), Effects::default());
        assert!(!order.progress.given_back);
        let last = order.note_refund(id(answers[1]), true, LATER);
        let release = moved([(0, 3), (1, 2), (1_000, 1)]);
        assert_eq!(last, Effects { release, gives_back: true, ..Effects::default() });
        assert_eq!(lines(&order), [(0, 3, 0), (0, 2, 0), (0, 1, 0)]);
        assert_eq!((order.status, order.updated_at), (OrderStatus::Refunded, LATER));
    }
}

/// Of two refunds under way one is refused, whichever is answered first: that money is still ours, so
/// the goods are still to be shipped.
#[test]
fn a_part_that_is_refused_keeps_the_goods() {
    for answers in [[(1, false), (2, true)], [(2, true), (1, false)]] {
        let mut order = captured();
        let _some = order.refund(money(1, 600), LATER).unwrap();
        let _rest = order.refund(money(2, None), LATER).unwrap();
        for (number, succeeded) in answers {
            assert_eq!(order.note_refund(id(number), succeeded, LATER), Effects::default());
        }
        assert_eq!((order.status, order.refundable()), (OrderStatus::PartlyRefunded, 600));
        let shipped = order.fulfil(id(3), None, None, LATER).unwrap();
        assert_eq!(shipped.take, moved([(0, 3), (1, 2), (1_000, 1)]));
        let _last = order.refund(money(4, None), LATER).unwrap();
        let last = order.note_refund(id(4), true, LATER);
        assert_eq!(last, Effects { gives_back: true, ..Effects::default() });
    }
}

/// Asking for all there is by its amount is asking for the rest.
#[test]
fn the_rest_by_its_amount_is_the_rest() {
    let (mut one, mut other) = (captured(), captured());
    assert_eq!(one.refund(money(1, TOTAL), LATER), other.refund(money(1, None), LATER));
    assert_eq!(one, other);
}

#[test]
fn no_more_goes_back_than_was_paid() {
    let mut order = captured();
    let _some = order.refund(money(1, 600), LATER).unwrap();
    let before = order.clone();
    for requested in [3_001, i64::MAX] {
        let error = StepError::RefundExceedsPayment { requested, refundable: 3_000 };
        assert_eq!(order.refund(money(2, requested), LATER), Err(error));
    }
    for nothing in [0, -1, i64::MIN] {
        assert_eq!(order.refund(money(2, nothing), LATER), Err(StepError::NothingToRefund));
    }
    assert_eq!(order, before);
    for mut order in [unpaid(), cancelled_unpaid()] {
        let before = order.clone();
        assert!(order.refund(money(2, 1), LATER).is_err());
        assert!(order.refund(money(2, None), LATER).is_err());
        assert_eq!(order, before, "nothing was paid");
    }
}

fn cancelled_unpaid() -> Order {
    let mut order = unpaid();
    let _effects = order.expire(LATER).unwrap();
    order
}

/// Two socks come back: the open ones first, which never left and so needn't be put back.
#[test]
fn open_units_come_back_first_then_shipped_ones() {
    let mut order = partly_shipped();
    let open = order.refund(with_units(money(2, 900), &[(0, 2)], true), LATER).unwrap();
    assert_eq!(open, Effects { release: moved([(0, 2)]), events: refunded(2), ..Effects::default() });
    assert_eq!(lines(&order), [(1, 2, 0), (1, 0, 0), (0, 0, 0)]);
    // Of two hats one is open and one is shipped.
    let both = order.refund(with_units(money(3, 900), &[(1, 2)], true), LATER).unwrap();
    let (release, restock) = (moved([(1, 1)]), moved([(1, 1)]));
    assert_eq!(both, Effects { release, restock, events: refunded(3), ..Effects::default() });
    assert_eq!(lines(&order), [(1, 2, 0), (1, 1, 1), (0, 0, 0)]);
    let mug = order.fulfil(id(4), None, None, LATER).unwrap();
    assert_eq!((mug.take, order.status), (moved([(1_000, 1)]), OrderStatus::PartlyRefunded));
}

#[test]
fn units_that_cant_be_sold_again_stay_off_the_shelf() {
    let mut order = partly_shipped();
    let effects = order.refund(with_units(money(2, 900), &[(1, 2)], false), LATER).unwrap();
    assert_eq!((effects.release, effects.restock), (moved([(1, 1)]), moved([])));
    assert_eq!(lines(&order)[1], (1, 1, 1), "it came back all the same");
    assert_eq!(order.progress.refunds[0].lines, [units(1, 2)]);
}

#[test]
fn units_come_back_once() {
    let mut order = partly_shipped();
    let _back = order.refund(with_units(money(2, 900), &[(0, 2), (1, 2)], true), LATER).unwrap();
    let before = order.clone();
    for (position, requested, available) in [(0, 2, 1), (1, 1, 0), (0, u32::MAX, 1)] {
        let error = order.refund(with_units(money(3, 1), &[(position, requested)], true), LATER).unwrap_err();
        let sku = format!("SKU-{position}").parse().unwrap();
        assert_eq!(error, StepError::TooManyUnits { sku, requested, available });
    }
    let unknown = order.refund(with_units(money(3, 1), &[(0, 1), (9, 1)], true), LATER);
    assert_eq!(unknown, Err(StepError::UnknownLine { position: 9 }));
    assert_eq!(order.refund(with_units(money(3, 1), &[(0, 0)], true), LATER), Err(StepError::NoUnits));
    assert_eq!(order, before);
}

/// A sock comes back and the merchant keeps the money: nobody has to ask the provider.
#[test]
fn units_may_come_back_without_money() {
    let mut order = partly_shipped();
    let effects = order.refund(with_units(money(2, 0), &[(MUG, 1), (0, 3)], true), LATER).unwrap();
    let release = moved([(0, 2), (1_000, 1)]);
    assert_eq!(effects, Effects { release, restock: moved([(0, 1)]), ..Effects::default() });
    let refund = &order.progress.refunds[0];
    assert_eq!((refund.amount, refund.status), (0, RefundStatus::Succeeded));
    assert_eq!((order.status, order.refundable()), (OrderStatus::PartlyRefunded, TOTAL));
}

/// All is shipped and comes back with all the money: nothing is left to release.
#[test]
fn a_whole_order_comes_back() {
    let mut order = captured();
    let _all = order.fulfil(id(1), None, None, LATER).unwrap();
    let _done = order.complete(LATER).unwrap();
    let all = [(0, 3), (1, 2), (MUG, 1)];
    let effects = order.refund(with_units(money(2, None), &all, true), LATER).unwrap();
    let restock = moved([(0, 3), (1, 2), (1_000, 1)]);
    assert_eq!(effects, Effects { restock, events: refunded(2), ..Effects::default() });
    assert_eq!((order.status, lines(&order)[0]), (OrderStatus::Refunded, (3, 0, 3)));
    let back = order.note_refund(id(2), true, LATER);
    assert_eq!(back, Effects { gives_back: true, ..Effects::default() });
}

/// The provider refuses, so the money is still ours, and what wasn't named is still to be shipped. The
/// next try moves the money, and then all that is left.
#[test]
fn a_refused_refund_is_tried_again_and_gives_back_once() {
    let mut order = partly_shipped();
    let first = order.refund(with_units(money(2, None), &[(0, 3)], true), LATER).unwrap();
    let (release, restock) = (moved([(0, 2)]), moved([(0, 1)]));
    assert_eq!(first, Effects { release, restock, events: refunded(2), ..Effects::default() });
    assert_eq!(order.note_refund(id(2), false, LATER), Effects::default());
    assert_eq!(order.status, OrderStatus::PartlyRefunded);
    assert_eq!((order.refunded(), order.refundable()), (0, TOTAL));
    assert_eq!([0, 1, 2].map(|position| order.open_units(position)), [0, 1, 1]);
    let mug = order.fulfil(id(9), Some(vec![units(MUG, 1)]), None, LATER).unwrap();
    assert_eq!(mug.take, moved([(1_000, 1)]));
    let again = order.refund(money(3, None), LATER).unwrap();
    assert_eq!(again, Effects { events: refunded(3), ..Effects::default() });
    let back = order.note_refund(id(3), true, LATER);
    assert_eq!(back, Effects { release: moved([(1, 1)]), gives_back: true, ..Effects::default() });
    let states: Vec<RefundStatus> = order.progress.refunds.iter().map(|refund| refund.status).collect();
    assert_eq!(states, [RefundStatus::Refused, RefundStatus::Succeeded]);
    assert_eq!((order.status, order.refunded()), (OrderStatus::Refunded, TOTAL));
    assert_eq!(lines(&order), [(1, 2, 1), (1, 1, 0), (1, 0, 0)]);
}

#[test]
fn what_a_provider_says_twice_is_heard_once() {
    let mut order = captured();
    let _all = order.refund(money(1, None), LATER).unwrap();
    let _back = order.note_refund(id(1), true, LATER);
    let before = order.clone();
    for (number, succeeded) in [(1, true), (1, false), (9, true), (9, false)] {
        assert_eq!(order.note_refund(id(number), succeeded, LATER), Effects::default());
    }
    assert_eq!(order, before);
}

/// Money that was set aside counts as paid; what the provider refuses to hand over doesn't.
#[test]
fn what_was_not_handed_over_does_not_go_back() {
    assert_eq!((paid().refundable(), captured().refundable()), (TOTAL, TOTAL));
    let mut order = capture_refused();
    assert_eq!((order.progress.payment.status, order.refundable()), (PaymentStatus::CaptureRefused, 0));
    let before = order.clone();
    assert_eq!(order.refund(money(1, None), LATER), Err(StepError::NothingToRefund));
    let more = StepError::RefundExceedsPayment { requested: 1, refundable: 0 };
    assert_eq!(order.refund(money(1, 1), LATER), Err(more));
    assert_eq!(order, before);
}

/// Some was shipped, so it can't be cancelled: with the last unit that comes back it is over, and what
/// was set aside is given up.
#[test]
fn an_order_that_was_not_captured_ends_with_its_last_unit() {
    let mut order = paid();
    let _some = order.fulfil(id(1), Some(vec![units(0, 1)]), None, LATER).unwrap();
    order.note_capture(false, LATER);
    let open = order.refund(with_units(money(2, None), &[(0, 2), (1, 2), (MUG, 1)], true), LATER).unwrap();
    let release = moved([(0, 2), (1, 2), (1_000, 1)]);
    assert_eq!(open, Effects { release, ..Effects::default() });
    assert_eq!(order.status, OrderStatus::PartlyRefunded);
    let last = order.refund(with_units(money(3, None), &[(0, 1)], true), LATER).unwrap();
    let (restock, events) = (moved([(0, 1)]), vec![OrderEvent::Abandoned]);
    assert_eq!(last, Effects { restock, gives_back: true, events, ..Effects::default() });
    assert_eq!(order.status, OrderStatus::Refunded);
}

/// All was asked back before the provider refused to hand it over, so it refuses to pay back too: nobody
/// has paid, and nobody waits for goods.
#[test]
fn all_asked_back_and_never_captured_is_over() {
    let mut order = paid();
    let _all = order.refund(money(1, None), LATER).unwrap();
    order.note_capture(false, LATER);
    let release = moved([(0, 3), (1, 2), (1_000, 1)]);
    let events = vec![OrderEvent::Abandoned];
    let over = order.note_refund(id(1), false, LATER);
    assert_eq!(over, Effects { release, gives_back: true, events, ..Effects::default() });
    assert_eq!((order.status, order.refundable()), (OrderStatus::Refunded, 0));
}

/// Two for nothing. One comes back: the other is still to be shipped. With that it is over, and there is
/// no money to wait for.
#[test]
fn units_of_an_order_that_cost_nothing_come_back_one_by_one() {
    let mut order = for_nothing();
    let first = order.refund(with_units(money(1, None), &[(0, 1)], true), LATER).unwrap();
    assert_eq!(first, Effects { release: moved([(0, 1)]), ..Effects::default() });
    assert_eq!((order.status, order.open_units(0)), (OrderStatus::PartlyRefunded, 1));
    let mut shipped = order.clone();
    let last = order.refund(with_units(money(2, 0), &[(0, 1)], true), LATER).unwrap();
    assert_eq!(last, Effects { release: moved([(0, 1)]), gives_back: true, ..Effects::default() });
    assert_eq!(order.status, OrderStatus::Refunded);
    // Once it is shipped it has to come back.
    let _shipped = shipped.fulfil(id(3), None, None, LATER).unwrap();
    let last = shipped.refund(with_units(money(4, None), &[(0, 1)], false), LATER).unwrap();
    assert_eq!(last, Effects { gives_back: true, ..Effects::default() });
    assert_eq!((shipped.status, lines(&shipped)), (OrderStatus::Refunded, vec![(1, 1, 1)]));
}

#[test]
fn nothing_comes_back_of_an_order_that_cost_nothing_but_units() {
    let mut order = for_nothing();
    let before = order.clone();
    for amount in [None, Some(0), Some(-1)] {
        assert_eq!(order.refund(money(1, amount), LATER), Err(StepError::NothingToRefund));
    }
    let more = StepError::RefundExceedsPayment { requested: 1, refundable: 0 };
    assert_eq!(order.refund(with_units(money(1, 1), &[(0, 2)], true), LATER), Err(more));
    assert_eq!(order, before);
}
