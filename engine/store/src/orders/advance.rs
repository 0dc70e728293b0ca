//! Orders that take a step.

use std::collections::BTreeSet;

use martlet_domain::{
    Id,
    catalog::Variant,
    order::{Order, OrderEvent},
    settings::Store,
};
use sqlx::QueryBuilder;

use super::commit::{Advance, Answering, Committed, FactsChange};
use crate::{StoreError, Tx, codec::to_json, dialect::Statement as _, shape::parts};

/// Events that one step of an order can have.
const MOST_EVENTS: i64 = 8;

/// Locks the events that some of these are the outcomes of, and takes out those whose event is gone: the
/// outcome is stored by then, and would count twice.
pub(super) async fn refuse_delivered(
    tx: &mut Tx,
    store: Id<Store>,
    advances: &mut Vec<(usize, &Advance)>,
    outcomes: &mut [Committed],
) -> Result<(), StoreError> {
    advances.sort_by_key(|(_, advance)| advance.order.id);
    let mut left = Vec::with_capacity(advances.len());
    for (index, advance) in advances.drain(..) {
        let there = match advance.delivered {
            Some(sequence) => tx.lock_event(store, advance.order.id, sequence).await?,
            None => true,
        };
        if there {
            left.push((index, advance));
        } else {
            outcomes[index] = Committed::Delivered;
        }
    }
    *advances = left;
    Ok(())
}

/// Takes the step where the order is still in the version it was taken from, and takes out those that
/// aren't. First, because it is the fence of everything else that a step moves.
pub(super) async fn update_orders(
    tx: &mut Tx,
    store: Id<Store>,
    advances: &mut Vec<(usize, &Advance)>,
    outcomes: &mut [Committed],
) -> Result<(), StoreError> {
    let mut done = Vec::with_capacity(advances.len());
    for (index, advance) in advances.drain(..) {
        if update_order(tx, store, &advance.order).await? {
            done.push((index, advance));
        } else {
            outcomes[index] = Committed::Stale;
        }
    }
    *advances = done;
    Ok(())
}

async fn update_order(tx: &mut Tx, store: Id<Store>, order: &Order) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE orders SET version = version + 1, status = ?, progress = ?, updated_at = ?, \
         pending_until = ? WHERE store_id = ? AND id = ? AND version = ?";
    let progress = to_json(&order.progress)?;
    let changed = run!(tx, |c| sqlx::query(SQL)
        .bind(order.status.as_str())
        .bind(progress)
        .bind(order.updated_at.as_millis())
        .bind(order.pending_until.map(|until| until.as_millis()))
        .bind(store.uuid())
        .bind(order.id.uuid())
        .bind(order.version)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed == 1)
}

/// Lets carts be changed again whose order came to nothing.
pub(super) async fn reopen_carts(
    tx: &mut Tx,
    store: Id<Store>,
    advances: &[(usize, &Advance)],
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE carts SET version = version + 1, order_id = NULL, updated_at = ? \
         WHERE store_id = ? AND id = ? AND order_id = ?";
    let mut reopened: Vec<&Order> = advances
        .iter()
        .filter(|(_, advance)| advance.effects.reopens_cart)
        .map(|(_, advance)| &advance.order)
        .collect();
    reopened.sort_by_key(|order| order.terms.cart);
    for order in reopened {
        run!(tx, |c| sqlx::query(SQL)
            .bind(order.updated_at.as_millis())
            .bind(store.uuid())
            .bind(order.terms.cart.uuid())
            .bind(order.id.uuid())
            .execute(c)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// Stores what else a step leads to: what is still reserved, events, answers, customers' facts.
pub(super) async fn insert(
    tx: &mut Tx,
    store: Id<Store>,
    advances: &[(usize, &Advance)],
) -> Result<(), StoreError> {
    for (_, advance) in advances {
        hold_what_is_open(tx, store, advance).await?;
        if advance.effects.gives_back && !advance.order.terms.coupons.is_empty() {
            delete_redemptions(tx, store, advance.order.id).await?;
        }
        if let Some(sequence) = advance.delivered {
            tx.delete_event(store, advance.order.id, sequence).await?;
        }
        for answering in &advance.answers {
            answer(tx, answering).await?;
        }
        if let Some(facts) = advance.facts {
            change_facts(tx, store, facts).await?;
        }
    }
    insert_events(tx, store, advances).await
}

async fn answer(tx: &mut Tx, answering: &Answering) -> Result<(), StoreError> {
    match answering {
        Answering::Claimed { claim, answer } => tx.answer_claim(*claim, answer).await,
        Answering::New { claim, answer } => {
            tx.insert_claims(std::slice::from_ref(claim)).await?;
            tx.answer_claim(claim.id, answer).await
        }
        Answering::Released(claim) => tx.release_claim(*claim).await,
    }
}

/// Makes the reservations of the variants that a step moved what the order says is still to be shipped.
async fn hold_what_is_open(tx: &mut Tx, store: Id<Store>, advance: &Advance) -> Result<(), StoreError> {
    const UPDATE: &str =
        "UPDATE reservations SET quantity = ? WHERE store_id = ? AND order_id = ? AND variant_id = ?";
    const DELETE: &str = "DELETE FROM reservations WHERE store_id = ? AND order_id = ? AND variant_id = ?";
    let Advance { order, effects, .. } = advance;
    let moved: BTreeSet<Id<Variant>> = effects.release.keys().chain(effects.take.keys()).copied().collect();
    for variant in moved {
        let open = open_units(order, variant);
        run!(tx, |c| {
            let query = if open > 0 { sqlx::query(UPDATE).bind(open) } else { sqlx::query(DELETE) };
            query.bind(store.uuid()).bind(order.id.uuid()).bind(variant.uuid()).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Units of a variant that are still to be shipped, over all lines.
fn open_units(order: &Order, variant: Id<Variant>) -> i64 {
    let lines = order.terms.lines.iter().enumerate().filter(|(_, line)| line.variant == variant);
    lines.map(|(position, _)| i64::from(order.open_units(position))).sum()
}

async fn delete_redemptions(tx: &mut Tx, store: Id<Store>, order: Id<Order>) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM redemptions WHERE store_id = ? AND order_id = ?";
    run!(tx, |c| sqlx::query(SQL).bind(store.uuid()).bind(order.uuid()).execute(c).await.map(drop))?;
    Ok(())
}

async fn change_facts(tx: &mut Tx, store: Id<Store>, facts: FactsChange) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE customers SET order_count = order_count + ?, lifetime_spend = lifetime_spend + ? \
         WHERE store_id = ? AND id = ?";
    run!(tx, |c| sqlx::query(SQL)
        .bind(facts.orders)
        .bind(facts.spend)
        .bind(store.uuid())
        .bind(facts.customer.uuid())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

async fn insert_events(
    tx: &mut Tx,
    store: Id<Store>,
    advances: &[(usize, &Advance)],
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO outbox (store_id, aggregate_id, sequence, kind, body, created_at, due_at, \
         attempts) VALUES ";
    let mut events: Vec<(&Order, i64, &OrderEvent, String)> = Vec::new();
    for (_, Advance { order, effects, .. }) in advances {
        for (place, event) in (0_i64..).zip(&effects.events) {
            events.push((order, (order.version + 1) * MOST_EVENTS + place, event, to_json(event)?));
        }
    }
    for events in parts(&events, |(.., body)| body.len()) {
        run!(tx, |c| {
            let mut query = QueryBuilder::new(SQL);
            let mut separator = "(";
            for (order, sequence, event, body) in events {
                let now = order.updated_at.as_millis();
                query.part(separator).id(store.uuid()).part(", ").id(order.id.uuid());
                query.part(", ").int(*sequence).part(", ").text(event.kind()).part(", ").text(body);
                query.part(", ").int(now).part(", ").int(now).part(", ").int(0).part(")");
                separator = ", (";
            }
            query.build().execute(c).await.map(drop)
        })?;
    }
    Ok(())
}
