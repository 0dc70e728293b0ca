//! The rows that an order's part of a transaction wants.

use martlet_domain::Digest;
use martlet_store::{Advance, Answering, Placement, Work};
use uuid::Uuid;

/// A row that two orders can want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The only writer there is.
    Writer,
    Claim(Digest),
    Order(Uuid),
    Cart(Uuid),
    Variant(Uuid),
    Coupon(Uuid),
    Budget(Uuid),
    Customer(Uuid),
}

/// The rows that a part wants.
pub(super) fn of(work: &Work) -> Vec<Key> {
    match work {
        Work::Place(placement) => placement_keys(placement),
        Work::Advance(advance) => advance_keys(advance),
    }
}

fn placement_keys(Placement { ask, claim, order, .. }: &Placement) -> Vec<Key> {
    let mut keys = vec![Key::Cart(order.terms.cart.uuid())];
    keys.extend(claim.as_ref().map(|claim| Key::Claim(claim.id)));
    keys.extend(ask.stock.keys().map(|variant| Key::Variant(variant.uuid())));
    keys.extend(ask.coupons.iter().map(|coupon| Key::Coupon(coupon.coupon.uuid())));
    keys.extend(ask.budgets.iter().map(|budget| Key::Budget(budget.installation.uuid())));
    keys
}

fn advance_keys(Advance { order, effects, answers, facts, .. }: &Advance) -> Vec<Key> {
    let mut keys = vec![Key::Order(order.id.uuid())];
    let moved = [&effects.release, &effects.take, &effects.restock];
    keys.extend(moved.into_iter().flat_map(|units| units.keys()).map(|variant| Key::Variant(variant.uuid())));
    if effects.gives_back {
        keys.extend(order.terms.coupons.iter().map(|coupon| Key::Coupon(coupon.coupon.uuid())));
        keys.extend(order.terms.budgets.iter().map(|share| Key::Budget(share.installation.uuid())));
    }
    if effects.reopens_cart {
        keys.push(Key::Cart(order.terms.cart.uuid()));
    }
    keys.extend(answers.iter().map(|answering| match answering {
        Answering::Claimed { claim, .. } | Answering::Released(claim) => Key::Claim(*claim),
        Answering::New { claim, .. } => Key::Claim(claim.id),
    }));
    keys.extend(facts.map(|facts| Key::Customer(facts.customer.uuid())));
    keys
}
