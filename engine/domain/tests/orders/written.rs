//! Orders as they are written down: what is read back is what was written, and nothing else is read.

use martlet_domain::{
    Digest,
    order::{AwaitingRequest, Cancellation, OrderEvent, PaymentStatus, Progress, RefundStatus, Terms},
    payment::DeclineReason,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    quote::support::{Case, across, code, id, line_percent, promotion},
    samples::{LATER, captured, case, money, placed, units, unpaid},
};

#[track_caller]
fn round_trips<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
}

/// All that terms can hold.
fn full() -> Case {
    case()
        .shipping(500)
        .tax(100_000)
        .rate("standard", 0)
        .exclusive()
        .with(promotion([line_percent(33)]))
        .with(code("c", [across(7)]))
}

#[test]
fn terms_round_trip() {
    let (order, _) = placed(&full());
    assert!(order.terms.shipping.is_some() && order.terms.discounts.len() == 4);
    round_trips::<Terms>(&order.terms);
    round_trips::<Terms>(&unpaid().terms);
}

#[test]
fn progress_round_trips_in_every_state() {
    let mut order = unpaid();
    round_trips::<Progress>(&order.progress);
    let _declined = order.decline(DeclineReason::Expired, LATER).unwrap();
    round_trips::<Progress>(&order.progress);

    let mut order = captured();
    let tracking = Some("\"quoted\" 서울".to_owned());
    let _some = order.fulfil(id(1), Some(vec![units(0, 1)]), tracking, LATER).unwrap();
    let _rest = order.refund(money(2, None), LATER).unwrap();
    let _refused = order.note_refund(id(2), false, LATER);
    order.progress.awaited_by = Some(AwaitingRequest { claim: Digest::of(b"x"), request_id: "r".to_owned() });
    round_trips::<Progress>(&order.progress);

    for status in [
        PaymentStatus::Pending,
        PaymentStatus::Authorised,
        PaymentStatus::Captured,
        PaymentStatus::Declined(DeclineReason::CardDeclined),
        PaymentStatus::Voided,
        PaymentStatus::CaptureRefused,
        PaymentStatus::VoidRefused,
    ] {
        round_trips(&status);
    }
    for why in [Cancellation::Declined, Cancellation::Expired, Cancellation::Merchant(String::new())] {
        round_trips(&why);
    }
    for status in [RefundStatus::Pending, RefundStatus::Succeeded, RefundStatus::Refused] {
        round_trips(&status);
    }
}

#[test]
fn events_round_trip_under_their_names() {
    for event in [
        OrderEvent::Paid,
        OrderEvent::Abandoned,
        OrderEvent::Cancelled,
        OrderEvent::Refunded { refund: id(1) },
    ] {
        round_trips(&event);
        assert_eq!(serde_json::to_value(&event).unwrap()["event"], event.kind());
    }
}

/// A field that this engine doesn't know was written by a newer one: reading on would lose it.
#[test]
fn what_a_newer_engine_wrote_isnt_read_in_part() {
    let order = unpaid();
    let mut terms = serde_json::to_value(order.terms.as_ref()).unwrap();
    terms["lines"][0]["engraving"] = "M".into();
    assert!(serde_json::from_value::<Terms>(terms).is_err());
    let mut progress = serde_json::to_value(&order.progress).unwrap();
    progress["payment"]["wallet"] = 1.into();
    assert!(serde_json::from_value::<Progress>(progress).is_err());
    let mut event = serde_json::to_value(OrderEvent::Refunded { refund: id(1) }).unwrap();
    event["twice"] = true.into();
    assert!(serde_json::from_value::<OrderEvent>(event).is_err());
}
