//! Several orders' changes in one transaction.
//!
//! Orders that want the same rows are committed together, so that a row in demand is locked once
//! for all of them and whoever comes first gets what is left. Rows are locked in one order
//! everywhere: order, cart, variant, coupon, budget, customer, and within each by id. What can be
//! given is read under the lock, given away in memory ([`martlet_domain::order::Levels`]), and written
//! with conditions that fail if anybody else had written in between.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use martlet_domain::{
    Digest, Id, Timestamp,
    catalog::Variant,
    customer::Customer,
    order::{Ask, BudgetShare, Effects, Order, Shortage},
    quote::Receipt,
    settings::Store,
};

use super::{advance, holdings, place};
use crate::{Claim, Db, StoreError, StoredAnswer, Tx, fault};

/// One order's part of a transaction.
#[derive(Debug, Clone)]
pub enum Work {
    /// A cart becomes an order.
    Place(Box<Placement>),
    /// An order takes a step.
    Advance(Box<Advance>),
}

/// An order that is to be placed.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Its store.
    pub store: Id<Store>,
    /// The order, with version 1.
    pub order: Order,
    /// What it needs.
    pub ask: Ask,
    /// The evidence of its price.
    pub receipt: Receipt,
    /// The version of the engine that priced it.
    pub engine: &'static str,
    /// The fuel that its components burnt.
    pub fuel: u64,
    /// The request that it answers.
    pub claim: Option<Claim>,
}

/// A step that an order has taken, to be stored.
#[derive(Debug, Clone)]
pub struct Advance {
    /// Its store.
    pub store: Id<Store>,
    /// The order after the step, still with the version it had before.
    pub order: Order,
    /// What the step moves besides.
    pub effects: Effects,
    /// What becomes of the requests that asked for it.
    pub answers: Vec<Answering>,
    /// The event that this is the outcome of: its place in the outbox.
    pub delivered: Option<i64>,
    /// What the customer's facts learn of it.
    pub facts: Option<FactsChange>,
}

/// What becomes of the claim of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answering {
    /// A request that was in flight has its answer.
    Claimed {
        /// Names the claim.
        claim: Digest,
        /// The answer.
        answer: StoredAnswer,
    },
    /// A request claims its key with the answer at once.
    New {
        /// The claim.
        claim: Claim,
        /// The answer.
        answer: StoredAnswer,
    },
    /// A request that was in flight may be made again.
    Released(Digest),
}

/// What a customer's facts learn of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactsChange {
    /// Whose.
    pub customer: Id<Customer>,
    /// Orders more, or less.
    pub orders: i64,
    /// Minor units more, or less.
    pub spend: i64,
}

/// What became of one order's part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what was refused wasn't stored"]
pub enum Committed {
    /// It is stored.
    Done,
    /// The cart isn't in the version that was priced, or is an order already. Nothing was stored.
    CartChanged,
    /// There isn't enough. Nothing was stored.
    Short(Shortage),
    /// Another request has the key. Nothing was stored.
    KeyTaken,
    /// The order isn't in that version any more. Nothing was stored.
    Stale,
    /// The event that this is the outcome of was delivered by somebody else. Nothing was stored.
    Delivered,
}

impl Db {
    /// Stores all parts that can be stored, in one transaction, and says of each what became of it.
    /// They are served in their order. [`StoreError::Conflict`] of an order's number or a claim stores
    /// none: try them one by one.
    pub async fn commit(&self, work: &[Work]) -> Result<Vec<Committed>, StoreError> {
        let stores: BTreeSet<Id<Store>> = work.iter().map(Work::store).collect();
        let outcomes = transaction!(self, |tx| {
            fault::point("commit.begun");
            let mut outcomes = vec![Committed::Done; work.len()];
            for store in &stores {
                commit_in(tx, *store, work, &mut outcomes).await?;
            }
            Ok(outcomes)
        });
        fault::point("commit.done");
        outcomes
    }
}

impl Work {
    /// Whose order it is.
    pub const fn store(&self) -> Id<Store> {
        match self {
            Self::Place(placement) => placement.store,
            Self::Advance(advance) => advance.store,
        }
    }
}

async fn commit_in(
    tx: &mut Tx,
    store: Id<Store>,
    work: &[Work],
    outcomes: &mut [Committed],
) -> Result<(), StoreError> {
    let mut placements: Vec<(usize, &Placement)> = Vec::new();
    let mut advances: Vec<(usize, &Advance)> = Vec::new();
    for (index, part) in work.iter().enumerate().filter(|(_, part)| part.store() == store) {
        match part {
            Work::Place(placement) => placements.push((index, placement)),
            Work::Advance(advance) => advances.push((index, advance)),
        }
    }
    place::refuse_taken_keys(tx, &mut placements, outcomes).await?;
    fault::point("commit.keys_read");
    advance::refuse_delivered(tx, store, &mut advances, outcomes).await?;
    advance::update_orders(tx, store, &mut advances, outcomes).await?;
    fault::point("commit.orders_updated");
    place::refuse_changed_carts(tx, store, &mut placements, outcomes).await?;
    advance::reopen_carts(tx, store, &advances).await?;
    fault::point("commit.carts_locked");
    let wanted = Wanted::of(&placements, &advances);
    let mut levels = holdings::lock(tx, store, &wanted).await?;
    let available = levels.available.clone();
    fault::point("commit.holdings_locked");
    for (_, advance) in &advances {
        holdings::give_back(&mut levels, advance);
    }
    place::serve(&mut placements, &mut levels, outcomes);
    let moves = Moves::of(&placements, &advances);
    holdings::write(tx, store, &moves).await?;
    fault::point("commit.holdings_moved");
    tx.log_products_of(store, &moves.flips(&available)).await?;
    place::insert(tx, store, &placements).await?;
    fault::point("commit.orders_inserted");
    advance::insert(tx, store, &advances).await?;
    fault::point("commit.events_inserted");
    Ok(())
}

/// The rows that some orders touch, by id.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) variants: BTreeSet<uuid::Uuid>,
    pub(super) coupons: BTreeSet<uuid::Uuid>,
    pub(super) by_customer: BTreeSet<(uuid::Uuid, uuid::Uuid)>,
    pub(super) budgets: BTreeSet<uuid::Uuid>,
    /// Days of budgets, and customers of theirs, by installation.
    pub(super) days: BTreeSet<(uuid::Uuid, i64)>,
    pub(super) grants: BTreeSet<(uuid::Uuid, uuid::Uuid)>,
    /// Only where some facts change.
    pub(super) customers: BTreeSet<uuid::Uuid>,
}

impl Wanted {
    fn of(placements: &[(usize, &Placement)], advances: &[(usize, &Advance)]) -> Self {
        let mut wanted = Self::default();
        for (_, placement) in placements {
            wanted.variants.extend(placement.ask.stock.keys().map(|id| id.uuid()));
            for budget in &placement.ask.budgets {
                let installation = budget.installation.uuid();
                wanted.budgets.insert(installation);
                wanted.days.extend(budget.day.map(|day| (installation, day.day)));
                let customer = budget.customer.and_then(|limit| limit.customer);
                wanted.grants.extend(customer.map(|customer| (installation, customer.uuid())));
            }
            for coupon in &placement.ask.coupons {
                wanted.coupons.insert(coupon.coupon.uuid());
                wanted.by_customer.extend(coupon.customer.map(|id| (id.uuid(), coupon.coupon.uuid())));
            }
        }
        for (_, Advance { effects, order, facts, .. }) in advances {
            let moved = [&effects.release, &effects.take, &effects.restock];
            wanted.variants.extend(moved.into_iter().flat_map(|units| units.keys()).map(|id| id.uuid()));
            if effects.gives_back {
                wanted.coupons.extend(order.terms.coupons.iter().map(|coupon| coupon.coupon.uuid()));
                for share in &order.terms.budgets {
                    let installation = share.installation.uuid();
                    wanted.budgets.insert(installation);
                    wanted.days.extend(share.day.map(|day| (installation, day)));
                    let customer = order.terms.customer.filter(|_| share.by_customer);
                    wanted.grants.extend(customer.map(|customer| (installation, customer.uuid())));
                }
            }
            wanted.customers.extend(facts.map(|facts| facts.customer.uuid()));
        }
        if !wanted.customers.is_empty() {
            // To store an order is to look at its customer, which mustn't come after the others.
            let looked_at = placements.iter().filter_map(|(_, placement)| placement.order.terms.customer);
            wanted.customers.extend(looked_at.map(Id::uuid));
        }
        wanted
    }
}

/// By how much each row changes.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Units on hand and units reserved, more or less, by variant.
    pub(super) stock: BTreeMap<uuid::Uuid, (i64, i64)>,
    /// Uses by coupon.
    pub(super) coupons: BTreeMap<uuid::Uuid, i64>,
    /// Uses by customer and coupon.
    pub(super) by_customer: BTreeMap<(uuid::Uuid, uuid::Uuid), i64>,
    /// Minor units by installation.
    pub(super) budgets: BTreeMap<uuid::Uuid, i64>,
    /// Minor units by installation and day.
    pub(super) days: BTreeMap<(uuid::Uuid, i64), i64>,
    /// Minor units by installation and customer.
    pub(super) grants: BTreeMap<(uuid::Uuid, uuid::Uuid), i64>,
}

impl Moves {
    fn of(placements: &[(usize, &Placement)], advances: &[(usize, &Advance)]) -> Self {
        let mut moves = Self::default();
        for (_, placement) in placements {
            for (variant, quantity) in &placement.ask.stock {
                moves.stock.entry(variant.uuid()).or_default().1 += quantity;
            }
            moves.uses(&placement.order, 1);
        }
        for (_, Advance { order, effects, .. }) in advances {
            for (variant, quantity) in &effects.release {
                moves.stock.entry(variant.uuid()).or_default().1 -= quantity;
            }
            for (variant, quantity) in &effects.take {
                let stock = moves.stock.entry(variant.uuid()).or_default();
                *stock = (stock.0 - quantity, stock.1 - quantity);
            }
            for (variant, quantity) in &effects.restock {
                moves.stock.entry(variant.uuid()).or_default().0 += quantity;
            }
            if effects.gives_back {
                moves.uses(order, -1);
            }
        }
        moves
    }

    /// The variants of which there were units to sell and now aren't, or the other way about, from what
    /// was available before.
    fn flips(&self, available: &HashMap<Id<Variant>, i64>) -> Vec<uuid::Uuid> {
        let flips = self.stock.iter().filter(|(variant, (on_hand, reserved))| {
            let before = available.get(&Id::new(**variant)).copied().unwrap_or_default();
            (before > 0) != (before + on_hand - reserved > 0)
        });
        flips.map(|(variant, _)| *variant).collect()
    }

    fn uses(&mut self, order: &Order, times: i64) {
        for redeemed in &order.terms.coupons {
            let coupon = redeemed.coupon.uuid();
            *self.coupons.entry(coupon).or_default() += times;
            if let Some(customer) = order.terms.customer {
                *self.by_customer.entry((customer.uuid(), coupon)).or_default() += times;
            }
        }
        for &BudgetShare { installation, amount, day, by_customer } in &order.terms.budgets {
            let (installation, amount) = (installation.uuid(), times * amount);
            *self.budgets.entry(installation).or_default() += amount;
            if let Some(day) = day {
                *self.days.entry((installation, day)).or_default() += amount;
            }
            if let Some(customer) = order.terms.customer.filter(|_| by_customer) {
                *self.grants.entry((installation, customer.uuid())).or_default() += amount;
            }
        }
    }
}

/// A moment that a later one of some replaces.
pub(super) fn latest(times: impl Iterator<Item = Timestamp>) -> i64 {
    times.map(Timestamp::as_millis).max().unwrap_or(0)
}
