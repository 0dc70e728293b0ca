//! Carts that become orders.

use std::collections::{HashMap, HashSet};

use martlet_domain::{
    Id,
    coupon::Coupon,
    order::{Levels, Order},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::commit::{Committed, Placement, latest};
use crate::{
    Claim, StoreError, Tx, Unique,
    codec::to_json,
    dialect::Statement as _,
    shape::{padded, parts},
};

#[derive(sqlx::FromRow)]
struct CartRow {
    id: Uuid,
    version: i64,
    order_id: Option<Uuid>,
}

/// Takes out those whose key another request has.
pub(super) async fn refuse_taken_keys(
    tx: &mut Tx,
    placements: &mut Vec<(usize, &Placement)>,
    outcomes: &mut [Committed],
) -> Result<(), StoreError> {
    let claims: Vec<Claim> = placements.iter().filter_map(|(_, placement)| placement.claim.clone()).collect();
    let taken = tx.list_taken_claims(&claims).await?;
    retain(placements, outcomes, |placement| match &placement.claim {
        Some(claim) if taken.contains(&claim.id) => Committed::KeyTaken,
        _ => Committed::Done,
    });
    Ok(())
}

/// Locks the carts and takes out those of which another version was priced.
pub(super) async fn refuse_changed_carts(
    tx: &mut Tx,
    store: Id<Store>,
    placements: &mut Vec<(usize, &Placement)>,
    outcomes: &mut [Committed],
) -> Result<(), StoreError> {
    if placements.is_empty() {
        return Ok(());
    }
    let rows: Vec<CartRow> = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id, version, order_id FROM carts WHERE store_id = ");
        let carts = placements.iter().map(|(_, placement)| placement.order.terms.cart.uuid());
        query.id(store.uuid()).part(" AND id IN ").ids(carts).part(" ORDER BY id").for_update();
        query.build_query_as().fetch_all(c).await
    })?;
    let open: HashMap<Uuid, i64> =
        rows.into_iter().filter(|row| row.order_id.is_none()).map(|row| (row.id, row.version)).collect();
    retain(placements, outcomes, |placement| {
        let terms = &placement.order.terms;
        let unchanged = open.get(&terms.cart.uuid()) == Some(&terms.cart_version);
        if unchanged { Committed::Done } else { Committed::CartChanged }
    });
    Ok(())
}

/// Gives each in turn what it asks for, and takes out those for whom there isn't enough. A key and a
/// cart are for one of them: whoever is refused leaves both to the next.
pub(super) fn serve(
    placements: &mut Vec<(usize, &Placement)>,
    levels: &mut Levels,
    outcomes: &mut [Committed],
) {
    let (mut keys, mut carts) = (HashSet::new(), HashSet::new());
    retain(placements, outcomes, |placement| {
        let (key, cart) = (placement.claim.as_ref().map(|claim| claim.id), placement.order.terms.cart);
        if key.is_some_and(|key| keys.contains(&key)) {
            return Committed::KeyTaken;
        }
        if carts.contains(&cart) {
            return Committed::CartChanged;
        }
        if let Err(short) = levels.allot(&placement.ask) {
            return Committed::Short(short);
        }
        keys.extend(key);
        carts.insert(cart);
        Committed::Done
    });
}

/// Takes out those that aren't to be stored.
fn retain(
    placements: &mut Vec<(usize, &Placement)>,
    outcomes: &mut [Committed],
    mut judge: impl FnMut(&Placement) -> Committed,
) {
    placements.retain(|(index, placement)| {
        outcomes[*index] = judge(placement);
        outcomes[*index] == Committed::Done
    });
}

/// Stores the orders with everything that belongs to them.
pub(super) async fn insert(
    tx: &mut Tx,
    store: Id<Store>,
    placements: &[(usize, &Placement)],
) -> Result<(), StoreError> {
    if placements.is_empty() {
        return Ok(());
    }
    let mut placements: Vec<&Placement> = placements.iter().map(|(_, placement)| *placement).collect();
    // Each order's row locks its customer's against changes.
    placements.sort_by_key(|placement| placement.order.terms.customer);
    let claims: Vec<Claim> = placements.iter().filter_map(|placement| placement.claim.clone()).collect();
    tx.insert_claims(&claims).await?;
    complete_carts(tx, store, &placements).await?;
    insert_orders(tx, store, &placements).await?;
    insert_receipts(tx, store, &placements).await?;
    insert_reservations(tx, store, &placements).await?;
    insert_redemptions(tx, store, &placements).await
}

async fn complete_carts(tx: &mut Tx, store: Id<Store>, placements: &[&Placement]) -> Result<(), StoreError> {
    let changed = run!(tx, |c| {
        let mut query = QueryBuilder::new("UPDATE carts SET version = version + 1, updated_at = ");
        query.int(latest(placements.iter().map(|placement| placement.order.placed_at)));
        query.part(", order_id = CASE id");
        for Placement { order, .. } in padded(placements.iter().copied()) {
            query.part(" WHEN ").id(order.terms.cart.uuid()).part(" THEN ").id(order.id.uuid());
        }
        query.part(" END WHERE order_id IS NULL AND store_id = ").id(store.uuid());
        query.part(" AND id IN ").ids(placements.iter().map(|placement| placement.order.terms.cart.uuid()));
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    // They are locked, so only a transaction that ignores the locks can have come between.
    if usize::try_from(changed) == Ok(placements.len()) { Ok(()) } else { Err(StoreError::OutOfBounds) }
}

async fn insert_orders(tx: &mut Tx, store: Id<Store>, placements: &[&Placement]) -> Result<(), StoreError> {
    let mut orders = Vec::with_capacity(placements.len());
    for Placement { order, .. } in placements {
        orders.push((order, to_json(order.terms.as_ref())?, to_json(&order.progress)?));
    }
    for now in parts(&orders, |(_, terms, progress)| terms.len() + progress.len()) {
        insert_some_orders(tx, store, now).await?;
    }
    Ok(())
}

async fn insert_some_orders(
    tx: &mut Tx,
    store: Id<Store>,
    now: &[(&Order, String, String)],
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO orders (store_id, id, number, version, status, cart_id, customer_id, rulebook, \
         currency, total, terms, progress, placed_at, updated_at, pending_until) VALUES ";
    run!(tx, |c| {
        let mut query = QueryBuilder::new(SQL);
        let mut separator = "(";
        for (order, terms, progress) in now {
            // A store without rules has no rulebook that could be named.
            let rulebook = Some(order.terms.rulebook).filter(|number| *number > 0);
            query.part(separator).id(store.uuid()).part(", ").id(order.id.uuid());
            query.part(", ").text(order.number.as_str()).part(", ").int(order.version);
            query.part(", ").text(order.status.as_str()).part(", ").id(order.terms.cart.uuid());
            query.part(", ").maybe_id(order.terms.customer.map(Id::uuid)).part(", ").maybe_int(rulebook);
            query.part(", ").text(order.terms.currency.code()).part(", ").int(order.terms.totals.total);
            query.part(", ").text(terms).part(", ").text(progress);
            query.part(", ").int(order.placed_at.as_millis()).part(", ").int(order.updated_at.as_millis());
            query.part(", ").maybe_int(order.pending_until.map(|until| until.as_millis())).part(")");
            separator = ", (";
        }
        query.build().execute(c).await.map(drop)
    })
    .map_err(|error| Unique::OrderNumber.or(error))
}

async fn insert_receipts(tx: &mut Tx, store: Id<Store>, placements: &[&Placement]) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO order_receipts (store_id, order_id, digest, engine, fuel, bytes) VALUES ";
    for now in parts(placements, |placement| placement.receipt.bytes().len()) {
        run!(tx, |c| {
            let mut query = QueryBuilder::new(SQL);
            let mut separator = "(";
            for Placement { order, receipt, engine, fuel, .. } in now {
                query.part(separator).id(store.uuid()).part(", ").id(order.id.uuid());
                query.part(", ").bytes(receipt.digest().as_bytes()).part(", ").text(engine);
                query.part(", ").int(i64::try_from(*fuel).unwrap_or(i64::MAX));
                query.part(", ").bytes(receipt.bytes()).part(")");
                separator = ", (";
            }
            query.build().execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

async fn insert_reservations(
    tx: &mut Tx,
    store: Id<Store>,
    placements: &[&Placement],
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO reservations (store_id, order_id, variant_id, quantity) VALUES ";
    let of_order = |placement: &&Placement| {
        let order = placement.order.id.uuid();
        let units = placement.ask.stock.iter();
        units.map(move |(variant, quantity)| (order, variant.uuid(), *quantity)).collect::<Vec<_>>()
    };
    let units: Vec<(Uuid, Uuid, i64)> = placements.iter().flat_map(of_order).collect();
    for units in parts(&units, |_| 0) {
        run!(tx, |c| {
            let mut query = QueryBuilder::new(SQL);
            let mut separator = "(";
            for (order, variant, quantity) in units {
                query.part(separator).id(store.uuid()).part(", ").id(*order);
                query.part(", ").id(*variant).part(", ").int(*quantity).part(")");
                separator = ", (";
            }
            query.build().execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

async fn insert_redemptions(
    tx: &mut Tx,
    store: Id<Store>,
    placements: &[&Placement],
) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO redemptions (store_id, order_id, coupon_id, customer_id, redeemed_at) VALUES ";
    let mut redemptions: Vec<(&Order, Id<Coupon>)> = Vec::new();
    for Placement { order, .. } in placements {
        redemptions.extend(order.terms.coupons.iter().map(|redeemed| (order, redeemed.coupon)));
    }
    for redemptions in parts(&redemptions, |_| 0) {
        run!(tx, |c| {
            let mut query = QueryBuilder::new(SQL);
            let mut separator = "(";
            for (order, coupon) in redemptions {
                query.part(separator).id(store.uuid()).part(", ").id(order.id.uuid());
                query.part(", ").id(coupon.uuid()).part(", ").maybe_id(order.terms.customer.map(Id::uuid));
                query.part(", ").int(order.placed_at.as_millis()).part(")");
                separator = ", (";
            }
            query.build().execute(c).await.map(drop)
        })?;
    }
    Ok(())
}
