//! What there is of each variant. The conditional UPDATE is the fence: nothing that was read decides
//! whether stock changes, only whether its product's page does.

use martlet_domain::{Id, catalog::Variant, settings::Store, stock::StockLevel};
use sqlx::QueryBuilder;

use crate::{Db, StoreError, Tx, dialect::Statement as _};

/// What became of a change of stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a refused change wasn't made"]
pub enum StockUpdate {
    /// It was made, and this is the level now.
    Done(StockLevel),
    /// Fewer units than are promised, or more than can be counted, would be there. Nothing was
    /// changed, and this is the level.
    Refused(StockLevel),
    /// The variant isn't in the store.
    Missing,
}

#[derive(sqlx::FromRow)]
struct LevelRow {
    on_hand: i64,
    reserved: i64,
}

impl Db {
    /// The stock of a variant.
    pub async fn find_stock(
        &self,
        store: Id<Store>,
        variant: Id<Variant>,
    ) -> Result<Option<StockLevel>, StoreError> {
        const SQL: &str = "SELECT on_hand, reserved FROM stock_levels WHERE store_id = ? AND variant_id = ?";
        let row: Option<LevelRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(variant.uuid())
            .fetch_optional(c)
            .await)?;
        Ok(row.map(LevelRow::decode))
    }

    /// Says how many units there are, as after counting them. Refused below what is promised.
    pub async fn set_on_hand(
        &self,
        store: Id<Store>,
        variant: Id<Variant>,
        on_hand: i64,
    ) -> Result<StockUpdate, StoreError> {
        const SQL: &str = "UPDATE stock_levels SET on_hand = ? \
             WHERE store_id = ? AND variant_id = ? AND reserved <= ?";
        transaction!(self, |tx| {
            let before = lock(tx, store, variant).await?.map(StockLevel::available);
            let done = run!(tx, |c| sqlx::query(SQL)
                .bind(on_hand)
                .bind(store.uuid())
                .bind(variant.uuid())
                .bind(on_hand)
                .execute(c)
                .await
                .map(|done| done.rows_affected()))?;
            let update = outcome(tx, store, variant, done).await?;
            log_flip(tx, store, variant, before, update).await?;
            Ok(update)
        })
    }

    /// Adds units, or takes some away. Refused below what is promised and beyond `i64::MAX`.
    pub async fn adjust_on_hand(
        &self,
        store: Id<Store>,
        variant: Id<Variant>,
        delta: i64,
    ) -> Result<StockUpdate, StoreError> {
        // Both sides of each comparison stay within i64: SQLite would go on in floating point.
        const SQL: &str = "UPDATE stock_levels SET on_hand = on_hand + ? \
             WHERE store_id = ? AND variant_id = ? AND on_hand <= ? AND on_hand - reserved >= ?";
        let most = i64::MAX - delta.max(0);
        // Taking i64::MIN away needs one unit more than there can be.
        let needed = delta.min(0).checked_neg();
        transaction!(self, |tx| {
            let done = match needed {
                None => 0,
                Some(needed) => run!(tx, |c| sqlx::query(SQL)
                    .bind(delta)
                    .bind(store.uuid())
                    .bind(variant.uuid())
                    .bind(most)
                    .bind(needed)
                    .execute(c)
                    .await
                    .map(|done| done.rows_affected()))?,
            };
            let update = outcome(tx, store, variant, done).await?;
            let before = match update {
                StockUpdate::Done(level) => Some(level.available() - delta),
                _ => None,
            };
            log_flip(tx, store, variant, before, update).await?;
            Ok(update)
        })
    }
}

impl LevelRow {
    fn decode(self) -> StockLevel {
        StockLevel { on_hand: self.on_hand, reserved: self.reserved }
    }
}

/// Locks a variant's stock and reads it.
async fn lock(tx: &mut Tx, store: Id<Store>, variant: Id<Variant>) -> Result<Option<StockLevel>, StoreError> {
    let row: Option<LevelRow> = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT on_hand, reserved FROM stock_levels WHERE store_id = ");
        query.id(store.uuid()).part(" AND variant_id = ").id(variant.uuid()).for_update();
        query.build_query_as().fetch_optional(c).await
    })?;
    Ok(row.map(LevelRow::decode))
}

/// Writes down that the product's page has changed, where there weren't any units to sell and now there
/// are, or the other way about.
async fn log_flip(
    tx: &mut Tx,
    store: Id<Store>,
    variant: Id<Variant>,
    before: Option<i64>,
    update: StockUpdate,
) -> Result<(), StoreError> {
    match (before, update) {
        (Some(before), StockUpdate::Done(now)) if (before > 0) != (now.available() > 0) => {
            tx.log_products_of(store, &[variant.uuid()]).await
        }
        _ => Ok(()),
    }
}

async fn outcome(
    tx: &mut Tx,
    store: Id<Store>,
    variant: Id<Variant>,
    changed: u64,
) -> Result<StockUpdate, StoreError> {
    const SQL: &str = "SELECT on_hand, reserved FROM stock_levels WHERE store_id = ? AND variant_id = ?";
    let row: Option<LevelRow> =
        run!(tx, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(variant.uuid()).fetch_optional(c).await)?;
    Ok(match row.map(LevelRow::decode) {
        None => StockUpdate::Missing,
        Some(level) if changed == 1 => StockUpdate::Done(level),
        Some(level) => StockUpdate::Refused(level),
    })
}
