//! Prices of variants, and the lowest price of each product that follows from them.

use std::collections::HashMap;

use martlet_domain::{
    Id,
    catalog::{Price, Product, Variant},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, Tx, Update, codec::RowOf, dialect::Statement as _, products, variants};

#[derive(sqlx::FromRow)]
struct PriceRow {
    variant_id: Uuid,
    currency: String,
    amount: i64,
    floor_amount: i64,
}

impl Db {
    /// Replaces the prices of a variant, one a currency.
    pub async fn set_prices(
        &self,
        store: Id<Store>,
        variant: Id<Variant>,
        prices: &[Price],
        expected_version: i64,
    ) -> Result<Update, StoreError> {
        const SQL: &str =
            "UPDATE variants SET version = version + 1 WHERE store_id = ? AND id = ? AND version = ?";
        transaction!(self, |tx| {
            let Some(product) = variants::lock_product_of(tx, store, variant).await? else {
                return Ok(Update::Missing);
            };
            let done = run!(tx, |c| sqlx::query(SQL)
                .bind(store.uuid())
                .bind(variant.uuid())
                .bind(expected_version)
                .execute(c)
                .await
                .map(|done| done.rows_affected()))?;
            if done == 0 {
                return Ok(Update::refused(variants::version(tx, store, variant).await?));
            }
            replace(tx, store, product, variant, prices).await?;
            products::log(tx, store, product).await?;
            Ok(Update::Done { version: expected_version + 1 })
        })
    }

    /// The prices of some variants, each by currency.
    pub(crate) async fn prices_by_variant(
        &self,
        store: Id<Store>,
        variants: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Price>>, StoreError> {
        let mut by_variant: HashMap<_, Vec<_>> = HashMap::new();
        if variants.is_empty() {
            return Ok(by_variant);
        }
        const SQL: &str = "SELECT variant_id, currency, amount, floor_amount FROM prices WHERE store_id = ";
        let rows: Vec<PriceRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.id(store.uuid()).part(" AND variant_id IN ").ids(variants.iter().copied());
            query.part(" ORDER BY variant_id, currency");
            query.build_query_as().fetch_all(c).await
        })?;
        for row in rows {
            by_variant.entry(row.variant_id).or_default().push(row.decode()?);
        }
        Ok(by_variant)
    }
}

impl PriceRow {
    fn decode(&self) -> Result<Price, StoreError> {
        let row = RowOf::entity("prices", Id::<Variant>::new(self.variant_id));
        let currency = row.parse("currency", &self.currency)?;
        Ok(Price { currency, amount: self.amount, floor: self.floor_amount })
    }
}

/// Replaces the prices of a variant whose product is locked by this transaction, which keeps the
/// product's lowest prices right.
pub(crate) async fn replace(
    tx: &mut Tx,
    store: Id<Store>,
    product: Id<Product>,
    variant: Id<Variant>,
    prices: &[Price],
) -> Result<(), StoreError> {
    const DELETE: &str = "DELETE FROM prices WHERE store_id = ? AND variant_id = ?";
    const INSERT: &str =
        "INSERT INTO prices (store_id, variant_id, currency, amount, floor_amount) VALUES (?, ?, ?, ?, ?)";
    run!(tx, |c| sqlx::query(DELETE).bind(store.uuid()).bind(variant.uuid()).execute(c).await.map(drop))?;
    for price in prices {
        run!(tx, |c| sqlx::query(INSERT)
            .bind(store.uuid())
            .bind(variant.uuid())
            .bind(price.currency.code())
            .bind(price.amount)
            .bind(price.floor)
            .execute(c)
            .await
            .map(drop))?;
    }
    derive_lowest(tx, store, product).await
}

async fn derive_lowest(tx: &mut Tx, store: Id<Store>, product: Id<Product>) -> Result<(), StoreError> {
    const DELETE: &str = "DELETE FROM lowest_prices WHERE store_id = ? AND product_id = ?";
    const INSERT: &str = "INSERT INTO lowest_prices (store_id, product_id, currency, amount) \
         SELECT v.store_id, v.product_id, p.currency, MIN(p.amount) FROM variants v \
         JOIN prices p ON p.store_id = v.store_id AND p.variant_id = v.id \
         WHERE v.store_id = ? AND v.product_id = ? GROUP BY v.store_id, v.product_id, p.currency";
    for sql in [DELETE, INSERT] {
        run!(tx, |c| sqlx::query(sql).bind(store.uuid()).bind(product.uuid()).execute(c).await.map(drop))?;
    }
    Ok(())
}
