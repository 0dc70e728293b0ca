//! Shipping units, all at once or some at a time.

use martlet_domain::order::{Effects, Fulfillment, OrderStatus, PaymentStatus, StepError};

use crate::{
    quote::support::id,
    samples::{LATER, MUG, capture_refused, captured, lines, moved, paid, units, unpaid},
};

#[test]
fn all_units_are_shipped_and_gifts_with_them() {
    let mut order = paid();
    let effects = order.fulfil(id(1), None, Some("TRACK".to_owned()), LATER).unwrap();
    assert_eq!(effects, Effects { take: moved([(0, 3), (1, 2), (1_000, 1)]), ..Effects::default() });
    assert_eq!(order.status, OrderStatus::Fulfilled);
    assert_eq!(lines(&order), [(3, 0, 0), (2, 0, 0), (1, 0, 0)]);
    let expected = Fulfillment {
        id: id(1),
        lines: vec![units(0, 3), units(1, 2), units(MUG, 1)],
        tracking: Some("TRACK".to_owned()),
        at: LATER,
    };
    assert_eq!(order.progress.fulfillments, [expected]);
}

/// Without its mug an order isn't fulfilled: a gift is to be shipped like anything else.
#[test]
fn some_units_are_shipped_then_the_rest() {
    let mut order = captured();
    let some = order.fulfil(id(1), Some(vec![units(1, 2), units(0, 1)]), None, LATER).unwrap();
    assert_eq!(some, Effects { take: moved([(0, 1), (1, 2)]), ..Effects::default() });
    assert_eq!(order.status, OrderStatus::PartlyFulfilled);
    assert_eq!([0, 1, 2].map(|position| order.open_units(position)), [2, 0, 1]);
    let more = order.fulfil(id(2), Some(vec![units(0, 2)]), None, LATER).unwrap();
    assert_eq!((more.take, order.status), (moved([(0, 2)]), OrderStatus::PartlyFulfilled));
    let rest = order.fulfil(id(3), None, None, LATER).unwrap();
    assert_eq!((rest.take, order.status), (moved([(1_000, 1)]), OrderStatus::Fulfilled));
    assert_eq!(order.progress.fulfillments.len(), 3);
    assert_eq!(order.complete(LATER), Ok(Effects::default()));
    assert_eq!(order.status, OrderStatus::Completed);
}

/// A line that is named twice in one shipment is shipped by the sum, and no further than there is.
#[test]
fn a_line_may_be_named_twice() {
    let mut order = paid();
    let effects = order.fulfil(id(1), Some(vec![units(0, 1), units(0, 2)]), None, LATER).unwrap();
    assert_eq!((effects.take, lines(&order)[0]), (moved([(0, 3)]), (3, 0, 0)));
    let mut order = paid();
    let before = order.clone();
    let error = order.fulfil(id(1), Some(vec![units(0, 2), units(0, 2)]), None, LATER).unwrap_err();
    let left = StepError::TooManyUnits { sku: "SKU-0".parse().unwrap(), requested: 2, available: 1 };
    assert_eq!((error, order), (left, before));
}

#[test]
fn what_isnt_there_isnt_shipped() {
    let too_many = |requested, available| StepError::TooManyUnits {
        sku: "SKU-1".parse().unwrap(),
        requested,
        available,
    };
    for (shipment, expected) in [
        (vec![units(0, 1), units(1, 3)], too_many(3, 2)),
        (vec![units(1, u32::MAX)], too_many(u32::MAX, 2)),
        (vec![units(0, 1), units(3, 1)], StepError::UnknownLine { position: 3 }),
        (vec![units(u32::MAX, 1)], StepError::UnknownLine { position: u32::MAX }),
        (vec![units(0, 1), units(1, 0)], StepError::NoUnits),
        (vec![], StepError::NoUnits),
    ] {
        let mut order = paid();
        let before = order.clone();
        let error = order.fulfil(id(1), Some(shipment), None, LATER).unwrap_err();
        assert_eq!((error, order), (expected, before));
    }
}

#[test]
fn nothing_is_shipped_before_it_is_paid_for_or_twice() {
    let mut order = unpaid();
    assert!(order.fulfil(id(1), None, None, LATER).is_err());
    let mut order = paid();
    let _all = order.fulfil(id(1), None, None, LATER).unwrap();
    let before = order.clone();
    assert!(order.fulfil(id(2), None, None, LATER).is_err());
    assert!(order.fulfil(id(2), Some(vec![units(0, 1)]), None, LATER).is_err());
    assert_eq!(order, before);
}

#[test]
fn nothing_is_shipped_for_money_that_the_provider_keeps() {
    use PaymentStatus::{CaptureRefused, VoidRefused, Voided};
    for status in [CaptureRefused, Voided, VoidRefused] {
        let mut order = capture_refused();
        order.progress.payment.status = status;
        let before = order.clone();
        assert_eq!(order.fulfil(id(1), None, None, LATER), Err(StepError::NotPaid));
        let error = order.fulfil(id(1), Some(vec![units(0, 1)]), None, LATER).unwrap_err();
        assert_eq!(error.to_string(), "the payment was not captured: cancel the order");
        assert_eq!(order, before);
    }
}

/// Some was shipped before the provider refused to hand the money over: the rest stays.
#[test]
fn a_capture_that_is_refused_late_keeps_what_is_left() {
    let mut order = paid();
    let _some = order.fulfil(id(1), Some(vec![units(0, 1)]), None, LATER).unwrap();
    order.note_capture(false, LATER);
    assert_eq!(order.fulfil(id(2), None, None, LATER), Err(StepError::NotPaid));
}
