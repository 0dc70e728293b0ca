//! What orders hold of stock, coupons and budgets: locked, then moved by sums.

use martlet_domain::{
    Id,
    order::{BudgetShare, Levels},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::commit::{Advance, Moves, Wanted};
use crate::{StoreError, Tx, codec::RowOf, dialect::Statement as _, shape::padded};

/// Pairs that one statement asks for: SQLite takes expressions of a depth of 1,000.
const MOST_PAIRS: usize = 256;

#[derive(sqlx::FromRow)]
struct StockRow {
    variant_id: Uuid,
    on_hand: i64,
    reserved: i64,
}

#[derive(sqlx::FromRow)]
struct CountRow {
    id: Uuid,
    count: i64,
}

#[derive(sqlx::FromRow)]
struct DayRow {
    installation_id: Uuid,
    day: i64,
    granted: i64,
}

#[derive(sqlx::FromRow)]
struct GrantRow {
    installation_id: Uuid,
    customer_id: Uuid,
    granted: i64,
}

#[derive(sqlx::FromRow)]
struct CustomerRow {
    customer_id: Uuid,
    coupon_id: Uuid,
    used: i64,
}

/// Locks the rows that some orders want, in the order that all transactions do, and reads them.
pub(super) async fn lock(tx: &mut Tx, store: Id<Store>, wanted: &Wanted) -> Result<Levels, StoreError> {
    const COUPONS: &str = "SELECT coupon_id AS id, used AS count FROM coupon_usage WHERE store_id = ";
    const BUDGETS: &str =
        "SELECT installation_id AS id, granted AS count FROM budget_usage WHERE store_id = ";
    let available = lock_stock(tx, store, wanted).await?;
    let coupons = wanted.coupons.iter().copied();
    let used = lock_counts(tx, store, COUPONS, " AND coupon_id IN ", " ORDER BY coupon_id", coupons).await?;
    let used_by_customer = lock_customers(tx, store, wanted).await?;
    let budgets = wanted.budgets.iter().copied();
    let order = " ORDER BY installation_id";
    let granted = lock_counts(tx, store, BUDGETS, " AND installation_id IN ", order, budgets).await?;
    let granted_by_day = lock_days(tx, store, wanted).await?;
    let granted_to = lock_grants(tx, store, wanted).await?;
    lock_facts(tx, store, wanted).await?;
    Ok(Levels {
        available: available
            .into_iter()
            .map(|row| (Id::new(row.variant_id), row.on_hand - row.reserved))
            .collect(),
        used: used.into_iter().map(|row| (Id::new(row.id), row.count)).collect(),
        used_by_customer: used_by_customer
            .into_iter()
            .map(|row| ((Id::new(row.coupon_id), Id::new(row.customer_id)), row.used))
            .collect(),
        granted: granted.into_iter().map(|row| (Id::new(row.id), row.count)).collect(),
        granted_by_day: granted_by_day
            .into_iter()
            .map(|row| ((Id::new(row.installation_id), row.day), row.granted))
            .collect(),
        granted_to: granted_to
            .into_iter()
            .map(|row| ((Id::new(row.installation_id), Id::new(row.customer_id)), row.granted))
            .collect(),
    })
}

async fn lock_stock(tx: &mut Tx, store: Id<Store>, wanted: &Wanted) -> Result<Vec<StockRow>, StoreError> {
    const SQL: &str = "SELECT variant_id, on_hand, reserved FROM stock_levels WHERE store_id = ";
    if wanted.variants.is_empty() {
        return Ok(Vec::new());
    }
    Ok(run!(tx, |c| {
        let mut query = QueryBuilder::new(SQL);
        query.id(store.uuid()).part(" AND variant_id IN ").ids(wanted.variants.iter().copied());
        query.part(" ORDER BY variant_id").for_update();
        query.build_query_as().fetch_all(c).await
    })?)
}

async fn lock_counts(
    tx: &mut Tx,
    store: Id<Store>,
    select: &'static str,
    among: &'static str,
    order: &'static str,
    ids: impl ExactSizeIterator<Item = Uuid>,
) -> Result<Vec<CountRow>, StoreError> {
    if ids.len() == 0 {
        return Ok(Vec::new());
    }
    Ok(run!(tx, |c| {
        let mut query = QueryBuilder::new(select);
        query.id(store.uuid()).part(among).ids(ids).part(order).for_update();
        query.build_query_as().fetch_all(c).await
    })?)
}

async fn lock_customers(
    tx: &mut Tx,
    store: Id<Store>,
    wanted: &Wanted,
) -> Result<Vec<CustomerRow>, StoreError> {
    const SQL: &str = "SELECT customer_id, coupon_id, used FROM coupon_usage_by_customer WHERE store_id = ";
    let pairs: Vec<_> = wanted.by_customer.iter().collect();
    let mut rows = Vec::new();
    for pairs in pairs.chunks(MOST_PAIRS) {
        rows.extend(run!(tx, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.id(store.uuid());
            let mut separator = " AND (";
            for (customer, coupon) in padded(pairs.iter().copied()) {
                query.part(separator).part("(customer_id = ").id(*customer);
                query.part(" AND coupon_id = ").id(*coupon).part(")");
                separator = " OR ";
            }
            query.part(") ORDER BY customer_id, coupon_id").for_update();
            query.build_query_as::<CustomerRow>().fetch_all(c).await
        })?);
    }
    Ok(rows)
}

/// The installations' own rows, which are locked by now, keep two first grants of a day or to a customer
/// apart.
async fn lock_days(tx: &mut Tx, store: Id<Store>, wanted: &Wanted) -> Result<Vec<DayRow>, StoreError> {
    const SQL: &str = "SELECT installation_id, day, granted FROM budget_usage_by_day WHERE store_id = ";
    let days: Vec<_> = wanted.days.iter().collect();
    let mut rows = Vec::new();
    for days in days.chunks(MOST_PAIRS) {
        rows.extend(run!(tx, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.id(store.uuid());
            let mut separator = " AND (";
            for (installation, day) in padded(days.iter().copied()) {
                query.part(separator).part("(installation_id = ").id(*installation);
                query.part(" AND day = ").int(*day).part(")");
                separator = " OR ";
            }
            query.part(") ORDER BY installation_id, day").for_update();
            query.build_query_as::<DayRow>().fetch_all(c).await
        })?);
    }
    Ok(rows)
}

async fn lock_grants(tx: &mut Tx, store: Id<Store>, wanted: &Wanted) -> Result<Vec<GrantRow>, StoreError> {
    const SQL: &str =
        "SELECT installation_id, customer_id, granted FROM budget_usage_by_customer WHERE store_id = ";
    let grants: Vec<_> = wanted.grants.iter().collect();
    let mut rows = Vec::new();
    for grants in grants.chunks(MOST_PAIRS) {
        rows.extend(run!(tx, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.id(store.uuid());
            let mut separator = " AND (";
            for (installation, customer) in padded(grants.iter().copied()) {
                query.part(separator).part("(installation_id = ").id(*installation);
                query.part(" AND customer_id = ").id(*customer).part(")");
                separator = " OR ";
            }
            query.part(") ORDER BY installation_id, customer_id").for_update();
            query.build_query_as::<GrantRow>().fetch_all(c).await
        })?);
    }
    Ok(rows)
}

async fn lock_facts(tx: &mut Tx, store: Id<Store>, wanted: &Wanted) -> Result<(), StoreError> {
    const SQL: &str = "SELECT id FROM customers WHERE store_id = ";
    if wanted.customers.is_empty() {
        return Ok(());
    }
    run!(tx, |c| {
        let mut query = QueryBuilder::new(SQL);
        query.id(store.uuid()).part(" AND id IN ").ids(wanted.customers.iter().copied());
        query.part(" ORDER BY id").for_update();
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// What an order gives up, others of the same transaction may have.
pub(super) fn give_back(levels: &mut Levels, Advance { effects, order, .. }: &Advance) {
    for (variant, quantity) in effects.release.iter().chain(&effects.restock) {
        *levels.available.entry(*variant).or_default() += quantity;
    }
    if !effects.gives_back {
        return;
    }
    for redeemed in &order.terms.coupons {
        *levels.used.entry(redeemed.coupon).or_default() -= 1;
        if let Some(customer) = order.terms.customer {
            *levels.used_by_customer.entry((redeemed.coupon, customer)).or_default() -= 1;
        }
    }
    for &BudgetShare { installation, amount, day, by_customer } in &order.terms.budgets {
        *levels.granted.entry(installation).or_default() -= amount;
        if let Some(day) = day {
            *levels.granted_by_day.entry((installation, day)).or_default() -= amount;
        }
        if let Some(customer) = order.terms.customer.filter(|_| by_customer) {
            *levels.granted_to.entry((installation, customer)).or_default() -= amount;
        }
    }
}

/// Moves the rows, which are locked by now.
pub(super) async fn write(tx: &mut Tx, store: Id<Store>, moves: &Moves) -> Result<(), StoreError> {
    const COUPON: &str = "UPDATE coupon_usage SET used = used + ? WHERE store_id = ? AND coupon_id = ?";
    write_stock(tx, store, moves).await?;
    for (coupon, times) in &moves.coupons {
        let changed = run!(tx, |c| sqlx::query(COUPON)
            .bind(times)
            .bind(store.uuid())
            .bind(coupon)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
        expect("coupon_usage", *coupon, changed, 1)?;
    }
    for ((customer, coupon), times) in &moves.by_customer {
        write_customer(tx, store, *customer, *coupon, *times).await?;
    }
    for (installation, amount) in &moves.budgets {
        write_budget(tx, store, *installation, *amount).await?;
    }
    for ((installation, day), amount) in &moves.days {
        write_day(tx, store, *installation, *day, *amount).await?;
    }
    for ((installation, customer), amount) in &moves.grants {
        write_grant(tx, store, *installation, *customer, *amount).await?;
    }
    Ok(())
}

/// One statement for all variants. The condition is the fence, and the table's CHECK behind it.
async fn write_stock(tx: &mut Tx, store: Id<Store>, moves: &Moves) -> Result<(), StoreError> {
    let Some((first, _)) = moves.stock.first_key_value() else { return Ok(()) };
    let stock = padded(moves.stock.iter().map(|(variant, units)| (*variant, *units)));
    let changed = run!(tx, |c| {
        let mut query = QueryBuilder::new("UPDATE stock_levels SET on_hand = on_hand + CASE variant_id");
        for (variant, (on_hand, _)) in &stock {
            query.part(" WHEN ").id(*variant).part(" THEN ").int(*on_hand);
        }
        query.part(" END, reserved = reserved + CASE variant_id");
        for (variant, (_, reserved)) in &stock {
            query.part(" WHEN ").id(*variant).part(" THEN ").int(*reserved);
        }
        query.part(" END WHERE store_id = ").id(store.uuid());
        query.part(" AND variant_id IN ").ids(moves.stock.keys().copied());
        query.part(" AND on_hand - reserved >= CASE variant_id");
        for (variant, (on_hand, reserved)) in &stock {
            query.part(" WHEN ").id(*variant).part(" THEN ").int(reserved - on_hand);
        }
        query.part(" END");
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    expect("stock_levels", *first, changed, moves.stock.len())
}

/// The coupon's row, which is locked, keeps two first uses of a customer apart.
async fn write_customer(
    tx: &mut Tx,
    store: Id<Store>,
    customer: Uuid,
    coupon: Uuid,
    times: i64,
) -> Result<(), StoreError> {
    const UPDATE: &str = "UPDATE coupon_usage_by_customer SET used = used + ? \
         WHERE store_id = ? AND customer_id = ? AND coupon_id = ?";
    const INSERT: &str = "INSERT INTO coupon_usage_by_customer (used, store_id, customer_id, coupon_id) \
         VALUES (?, ?, ?, ?)";
    update_or_insert(tx, [UPDATE, INSERT], times, store, &[Key::Id(customer), Key::Id(coupon)]).await
}

/// The installation's row is there from its beginning, but where it is older than budgets.
async fn write_budget(
    tx: &mut Tx,
    store: Id<Store>,
    installation: Uuid,
    amount: i64,
) -> Result<(), StoreError> {
    const UPDATE: &str =
        "UPDATE budget_usage SET granted = granted + ? WHERE store_id = ? AND installation_id = ?";
    const INSERT: &str = "INSERT INTO budget_usage (granted, store_id, installation_id) VALUES (?, ?, ?)";
    update_or_insert(tx, [UPDATE, INSERT], amount, store, &[Key::Id(installation)]).await
}

async fn write_day(
    tx: &mut Tx,
    store: Id<Store>,
    installation: Uuid,
    day: i64,
    amount: i64,
) -> Result<(), StoreError> {
    const UPDATE: &str = "UPDATE budget_usage_by_day SET granted = granted + ? \
         WHERE store_id = ? AND installation_id = ? AND day = ?";
    const INSERT: &str = "INSERT INTO budget_usage_by_day (granted, store_id, installation_id, day) \
         VALUES (?, ?, ?, ?)";
    update_or_insert(tx, [UPDATE, INSERT], amount, store, &[Key::Id(installation), Key::Number(day)]).await
}

async fn write_grant(
    tx: &mut Tx,
    store: Id<Store>,
    installation: Uuid,
    customer: Uuid,
    amount: i64,
) -> Result<(), StoreError> {
    const UPDATE: &str = "UPDATE budget_usage_by_customer SET granted = granted + ? \
         WHERE store_id = ? AND installation_id = ? AND customer_id = ?";
    const INSERT: &str = "INSERT INTO budget_usage_by_customer (granted, store_id, installation_id, customer_id) \
         VALUES (?, ?, ?, ?)";
    update_or_insert(tx, [UPDATE, INSERT], amount, store, &[Key::Id(installation), Key::Id(customer)]).await
}

/// A part of a row's key, beside its store.
#[derive(Clone, Copy)]
enum Key {
    Id(Uuid),
    Number(i64),
}

async fn update_or_insert(
    tx: &mut Tx,
    statements: [&'static str; 2],
    by: i64,
    store: Id<Store>,
    key: &[Key],
) -> Result<(), StoreError> {
    for sql in statements {
        let changed = run!(tx, |c| {
            let mut query = sqlx::query(sql).bind(by).bind(store.uuid());
            for part in key {
                query = match *part {
                    Key::Id(id) => query.bind(id),
                    Key::Number(number) => query.bind(number),
                };
            }
            query.execute(c).await.map(|done| done.rows_affected())
        })?;
        if changed == 1 {
            break;
        }
    }
    Ok(())
}

/// A row that is locked and yet isn't there, or doesn't hold what orders say it holds.
fn expect(table: &'static str, id: Uuid, changed: u64, expected: usize) -> Result<(), StoreError> {
    if usize::try_from(changed) == Ok(expected) {
        return Ok(());
    }
    let problem = format!("{changed} of {expected} rows hold what orders say they hold");
    Err(RowOf::named(table, id).corrupt("store_id", problem))
}
