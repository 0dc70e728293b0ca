//! What must hold whatever happens to an order, and in whatever order it happens.

use std::{collections::BTreeMap, sync::Arc};

use martlet_domain::{
    Id,
    catalog::Variant,
    order::{
        Ask, Effects, LineQuantity, NewRefund, Order, OrderEvent, OrderStatus, PaymentStatus, Progress,
        RefundStatus, StepError, Terms,
    },
    payment::DeclineReason,
};
use proptest::prelude::*;

use crate::{
    quote::support::{Case, code, gift, id, krw, order_percent, promotion},
    samples::{LATER, placed, units},
};

/// Something that happens to an order. Numbers are taken as they come, sensible or not.
#[derive(Debug, Clone)]
enum Happening {
    Pay,
    Decline,
    Expire,
    Cancel,
    Fulfil(Option<Vec<LineQuantity>>),
    Complete,
    Refund { thousandths: Option<i64>, lines: Vec<LineQuantity>, restock: bool },
    Captured(bool),
    Voided(bool),
    PaidBack { which: usize, succeeded: bool },
}

/// Everything that steps of an order have moved.
#[derive(Debug, Default)]
struct Moved {
    release: BTreeMap<Id<Variant>, i64>,
    take: BTreeMap<Id<Variant>, i64>,
    restock: BTreeMap<Id<Variant>, i64>,
    given_back: u32,
    reopened: u32,
    events: Vec<OrderEvent>,
}

impl Moved {
    fn add(&mut self, effects: Effects) {
        let Effects { release, take, restock, gives_back, reopens_cart, events } = effects;
        for (sum, part) in
            [(&mut self.release, release), (&mut self.take, take), (&mut self.restock, restock)]
        {
            for (variant, quantity) in part {
                assert!(quantity > 0);
                *sum.entry(variant).or_default() += quantity;
            }
        }
        self.given_back += u32::from(gives_back);
        self.reopened += u32::from(reopens_cart);
        self.events.extend(events);
    }
}

fn any_units() -> impl Strategy<Value = Vec<LineQuantity>> {
    // Positions that aren't there and quantities of 0 are rare, but come.
    let one = (0_u32..5, prop_oneof![20 => 1_u32..5, 1 => Just(0), 1 => Just(u32::MAX)]);
    prop::collection::vec(one.prop_map(|(position, quantity)| units(position, quantity)), 0..4)
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let refund = (prop::option::of(-100_i64..=1_100), any_units(), any::<bool>())
        .prop_map(|(thousandths, lines, restock)| Happening::Refund { thousandths, lines, restock });
    let paid_back =
        (0_usize..6, any::<bool>()).prop_map(|(which, succeeded)| Happening::PaidBack { which, succeeded });
    prop_oneof![
        4 => Just(Happening::Pay),
        1 => Just(Happening::Decline),
        1 => Just(Happening::Expire),
        1 => Just(Happening::Cancel),
        6 => prop::option::of(any_units()).prop_map(Happening::Fulfil),
        2 => Just(Happening::Complete),
        6 => refund,
        2 => any::<bool>().prop_map(Happening::Captured),
        1 => any::<bool>().prop_map(Happening::Voided),
        4 => paid_back,
    ]
}

/// Carts of one to three lines, some for nothing, some with a gift, which may be of what is bought.
fn any_case() -> impl Strategy<Value = Case> {
    let lines = prop::collection::vec((1_u32..5, 0_i64..2_000), 1..4);
    (lines, 0_i64..4, any::<bool>(), prop::sample::select(vec![0_u32, 10, 100])).prop_map(
        |(lines, mugs, of_the_first, percent)| {
            let case = lines.into_iter().fold(krw(), |case, (quantity, amount)| case.line(quantity, amount));
            let given = promotion([gift("MUG", 2)]).may_give("MUG").budget(100_000, "KRW");
            let mut case = case.stocked_gift("MUG", 700, mugs).with(given);
            if of_the_first {
                case.input.gifts[0].variant = id(0);
            }
            if percent > 0 { case.with(code("CODE", [order_percent(percent)])) } else { case }
        },
    )
}

fn happen(order: &mut Order, happening: Happening, number: usize) -> Result<Effects, StepError> {
    match happening {
        Happening::Pay => order.pay(Some(format!("payment {number}")), LATER),
        Happening::Decline => order.decline(DeclineReason::CardDeclined, LATER),
        Happening::Expire => order.expire(LATER),
        Happening::Cancel => order.cancel(id(number), String::new(), LATER),
        Happening::Fulfil(lines) => order.fulfil(id(number), lines, None, LATER),
        Happening::Complete => order.complete(LATER),
        Happening::Refund { thousandths, lines, restock } => {
            let amount = thousandths.map(|part| order.terms.totals.total * part / 1_000);
            order.refund(NewRefund { id: id(number), amount, reason: String::new(), lines, restock }, LATER)
        }
        Happening::Captured(captured) => {
            order.note_capture(captured, LATER);
            Ok(Effects::default())
        }
        Happening::Voided(voided) => {
            order.note_void(voided, LATER);
            Ok(Effects::default())
        }
        Happening::PaidBack { which, succeeded } => {
            let refund = order.progress.refunds.get(which).map_or_else(|| id(0), |refund| refund.id);
            Ok(order.note_refund(refund, succeeded, LATER))
        }
    }
}

/// Sums of a number that every line has, by variant, without those that have none.
fn by_variant(order: &Order, of: impl Fn(usize) -> u32) -> BTreeMap<Id<Variant>, i64> {
    let mut sums = BTreeMap::new();
    for (position, line) in order.terms.lines.iter().enumerate().filter(|(position, _)| of(*position) > 0) {
        *sums.entry(line.variant).or_default() += i64::from(of(position));
    }
    sums
}

fn check(order: &Order, ask: &Ask, moved: &Moved) {
    let progress = &order.progress;
    for (line, became) in order.terms.lines.iter().zip(&progress.lines) {
        assert!(became.fulfilled + became.released <= line.quantity, "{became:?} of {}", line.quantity);
        assert!(became.returned <= became.fulfilled, "{became:?}");
    }
    assert_eq!(moved.release, by_variant(order, |position| progress.lines[position].released));
    assert_eq!(moved.take, by_variant(order, |position| progress.lines[position].fulfilled));
    let returned = by_variant(order, |position| progress.lines[position].returned);
    assert!(moved.restock.iter().all(|(variant, quantity)| Some(quantity) <= returned.get(variant)));
    let shipped: u32 = progress.fulfillments.iter().flat_map(|it| &it.lines).map(|line| line.quantity).sum();
    assert_eq!(shipped, progress.lines.iter().map(|line| line.fulfilled).sum::<u32>());
    check_money(order, moved);
    check_end(order, ask, moved);
}

fn check_money(order: &Order, moved: &Moved) {
    let total = order.terms.totals.total;
    assert!((0..=total).contains(&order.refunded()) && order.refundable() >= 0);
    if ours(order) {
        assert_eq!(order.refunded() + order.refundable(), total);
    } else {
        assert_eq!(order.refundable(), 0);
    }
    assert!(order.refunded() == 0 || moved.events.contains(&OrderEvent::Paid));
    let asked = order.progress.refunds.iter().filter(|refund| refund.amount > 0).map(|refund| refund.id);
    let told = moved.events.iter().filter_map(|event| match event {
        OrderEvent::Refunded { refund } => Some(*refund),
        _ => None,
    });
    assert!(told.eq(asked), "the provider hears of every refund once, in their order");
    assert!(order.progress.refunds.iter().all(|refund| refund.amount >= 0));
}

/// Whether the money is in hand, or set aside for all that is known.
fn ours(order: &Order) -> bool {
    matches!(order.progress.payment.status, PaymentStatus::Authorised | PaymentStatus::Captured)
}

/// Whether nothing is left to do: it came to nothing, or all of its money is back for good.
fn over(order: &Order) -> bool {
    let pending = order.progress.refunds.iter().any(|refund| refund.status == RefundStatus::Pending);
    order.status == OrderStatus::Cancelled || (order.status == OrderStatus::Refunded && !pending)
}

/// What is open of an order that isn't over can be shipped, unless the money isn't ours, or is on its way
/// back.
fn check_open(order: &Order, ask: &Ask, gone: &BTreeMap<Id<Variant>, i64>) {
    use OrderStatus::*;
    let open = by_variant(order, |position| order.open_units(position));
    let shipped = order.clone().fulfil(id(900), None, None, LATER);
    match order.status {
        Paid | PartlyFulfilled | PartlyRefunded if !ours(order) => {
            assert_eq!(shipped, Err(StepError::NotPaid));
        }
        Paid | PartlyFulfilled | PartlyRefunded if !open.is_empty() => {
            let take = shipped.unwrap().take;
            assert_eq!(take, open);
            for (variant, quantity) in &ask.stock {
                let sum: i64 = [gone, &take].iter().filter_map(|units| units.get(variant)).sum();
                assert_eq!(sum, *quantity);
            }
        }
        _ => assert!(shipped.is_err()),
    }
}

/// A refund moves the units that it names, and no others; what follows when the money is back does.
fn check_refund(before: &Order, after: &Order) {
    let moved = |order: &Order| -> u32 {
        order.progress.lines.iter().map(|line| line.released + line.returned).sum()
    };
    let named: u32 = after.progress.refunds.last().unwrap().lines.iter().map(|line| line.quantity).sum();
    assert_eq!(moved(after) - moved(before), named);
}

fn check_end(order: &Order, ask: &Ask, moved: &Moved) {
    use OrderStatus::*;
    let mut gone = moved.release.clone();
    for (variant, quantity) in &moved.take {
        *gone.entry(*variant).or_default() += quantity;
    }
    assert!(gone.iter().all(|(variant, quantity)| quantity <= &ask.stock[variant]), "{gone:?} of {ask:?}");
    if over(order) || matches!(order.status, Fulfilled | Completed) {
        assert_eq!(gone, ask.stock, "{}", order.status);
    }
    check_open(order, ask, &gone);
    assert!(moved.given_back <= 1 && moved.reopened <= 1);
    assert_eq!((order.progress.given_back, moved.given_back == 1), (over(order), over(order)));
    let given_up = moved.events.iter().filter(|event| **event == OrderEvent::Abandoned).count();
    assert!(given_up <= usize::from(over(order)));
    // Once it was paid for, the cart has done its work.
    let was_paid = moved.events.contains(&OrderEvent::Paid);
    assert!(moved.reopened == 0 || (!was_paid && order.status == Cancelled));
    let waits = order.status == PendingPayment;
    assert_eq!((order.pending_until.is_some(), order.progress.awaited_by.is_some()), (waits, waits));
    assert_eq!(order.progress.cancelled.is_some(), order.status == Cancelled);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_units_and_money_add_up(
        case in any_case(),
        paid in any::<bool>(),
        happenings in prop::collection::vec(any_happening(), 0..24),
    ) {
        let (mut order, ask) = placed(&case);
        let (shared, agreed): (Arc<Terms>, Terms) = (Arc::clone(&order.terms), order.terms.as_ref().clone());
        let mut moved = Moved::default();
        check(&order, &ask, &moved);
        let paying = paid.then_some(Happening::Pay);
        for (number, happening) in paying.into_iter().chain(happenings).enumerate() {
            let before = order.clone();
            let refunds = matches!(happening, Happening::Refund { .. });
            match happen(&mut order, happening, 1 + number) {
                Ok(effects) => {
                    moved.add(effects);
                    if refunds {
                        check_refund(&before, &order);
                    }
                }
                Err(_) => prop_assert_eq!(&order, &before, "a refused step changes nothing"),
            }
            prop_assert_eq!(order.version, 1, "the store counts");
            check(&order, &ask, &moved);
        }
        prop_assert!(Arc::ptr_eq(&shared, &order.terms) && *order.terms == agreed);
        let text = serde_json::to_string(&order.progress).unwrap();
        let read: Progress = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read, order.progress);
    }
}
