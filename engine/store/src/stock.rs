//! What there is of each variant. The conditional UPDATE is the fence: nothing is read first.

use martlet_domain::{Id, catalog::Variant, settings::Store, stock::StockLevel};

use crate::{Db, StoreError, Tx};

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
            let done = run!(tx, |c| sqlx::query(SQL)
                .bind(on_hand)
                .bind(store.uuid())
                .bind(variant.uuid())
                .bind(on_hand)
                .execute(c)
                .await
                .map(|done| done.rows_affected()))?;
            outcome(tx, store, variant, done).await
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
            outcome(tx, store, variant, done).await
        })
    }
}

impl LevelRow {
    fn decode(self) -> StockLevel {
        StockLevel { on_hand: self.on_hand, reserved: self.reserved }
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
