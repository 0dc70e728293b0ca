//! Every status and every step: what the table allows happens, and nothing else does.

use martlet_domain::{
    order::{Order, OrderStatus, Refund, RefundStatus, Step, StepError, TRANSITIONS},
    payment::DeclineReason,
};

use crate::{
    quote::support::id,
    samples::{LATER, PLACED, TOTAL, captured, money, units},
};

const STEPS: [Step; 10] = [
    Step::Pay,
    Step::Decline,
    Step::Expire,
    Step::Cancel,
    Step::FulfilSome,
    Step::FulfilRest,
    Step::Complete,
    Step::RefundSome,
    Step::RefundRest,
    Step::RefundRefused,
];

/// An order in some status from which nothing but its status can keep a step: all units are open, all
/// money is there, and a refund of 1 is under way.
fn order(status: OrderStatus) -> Order {
    let mut order = captured();
    order.status = status;
    order.updated_at = PLACED;
    order.progress.refunds.push(Refund {
        id: id(1),
        amount: 1,
        reason: String::new(),
        lines: Vec::new(),
        status: RefundStatus::Pending,
        at: PLACED,
    });
    order
}

/// Takes a step. What the provider says of a refund is always heard, whether it leads anywhere or not.
fn take(order: &mut Order, step: Step) -> Result<(), StepError> {
    let done = match step {
        Step::Pay => order.pay(None, LATER),
        Step::Decline => order.decline(DeclineReason::Expired, LATER),
        Step::Expire => order.expire(LATER),
        Step::Cancel => order.cancel(id(2), String::new(), LATER),
        Step::FulfilSome => order.fulfil(id(2), Some(vec![units(0, 1)]), None, LATER),
        Step::FulfilRest => order.fulfil(id(2), None, None, LATER),
        Step::Complete => order.complete(LATER),
        Step::RefundSome => order.refund(money(2, 1), LATER),
        Step::RefundRest => order.refund(money(2, None), LATER),
        Step::RefundRefused => {
            let status = order.status;
            let _refused = order.note_refund(id(1), false, LATER);
            return if TRANSITIONS.iter().any(|(from, by, _)| (*from, *by) == (status, step)) {
                Ok(())
            } else {
                Err(StepError::NotAllowed { status: order.status, step })
            };
        }
    };
    done.map(drop)
}

#[test]
fn a_step_is_taken_exactly_where_the_table_says() {
    for status in OrderStatus::ALL {
        for step in STEPS {
            let leads_to = TRANSITIONS.iter().find(|(from, by, _)| (*from, *by) == (status, step));
            let (before, mut after) = (order(status), order(status));
            match (take(&mut after, step), leads_to) {
                (Ok(()), Some((_, _, to))) => {
                    assert_eq!((after.status, after.updated_at), (*to, LATER), "{status} {step:?}");
                    assert_eq!((after.version, after.terms.totals.total), (before.version, TOTAL));
                }
                (Err(StepError::NotAllowed { status: named, .. }), None) => {
                    assert_eq!(named, status, "{step:?}");
                    assert_eq!(after.status, status, "{step:?}");
                    if step != Step::RefundRefused {
                        assert_eq!(after, before, "{status} {step:?}");
                    }
                }
                (outcome, _) => panic!("{status} {step:?}: {outcome:?}, and the table says {leads_to:?}"),
            }
            assert_eq!(status.after(step), leads_to.map(|(_, _, to)| *to));
        }
    }
}

/// What merchants count on: nothing leaves before it is paid for, and nothing after the end.
#[test]
fn the_table_lets_no_goods_or_money_out_of_turn() {
    let allowed = |step| -> Vec<OrderStatus> {
        OrderStatus::ALL.into_iter().filter(|status| status.after(step).is_some()).collect()
    };
    use OrderStatus::*;
    assert_eq!(allowed(Step::Pay), [PendingPayment]);
    assert_eq!(allowed(Step::Decline), [PendingPayment]);
    assert_eq!(allowed(Step::Expire), [PendingPayment]);
    assert_eq!(allowed(Step::Cancel), [PendingPayment, Paid]);
    assert_eq!(allowed(Step::FulfilSome), [Paid, PartlyFulfilled, PartlyRefunded]);
    assert_eq!(allowed(Step::FulfilRest), allowed(Step::FulfilSome));
    assert_eq!(allowed(Step::RefundSome), allowed(Step::RefundRest));
    assert!(!allowed(Step::RefundRest).contains(&PendingPayment));
    assert!(!allowed(Step::RefundRest).contains(&Refunded));
}

#[test]
fn a_refused_step_says_where_the_order_is() {
    let error = order(OrderStatus::Cancelled).fulfil(id(2), None, None, LATER).unwrap_err();
    assert_eq!(error.to_string(), "an order that is cancelled can't be fulfilled");
    let error = order(OrderStatus::Refunded).refund(money(2, 1), LATER).unwrap_err();
    assert_eq!(error.to_string(), "an order that is refunded can't be refunded");
    let error = order(OrderStatus::Paid).complete(LATER).unwrap_err();
    assert_eq!(error.to_string(), "an order that is paid can't be completed");
}
