//! Variants, with their prices and stock levels.

use std::collections::HashMap;

use martlet_domain::{
    Id,
    catalog::{Product, Sku, Variant},
    settings::Store,
    stock::StockLevel,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique, Update,
    codec::{RowOf, to_json},
    dialect::Statement,
    prices, products,
};

#[derive(sqlx::FromRow)]
struct VariantRow {
    id: Uuid,
    product_id: Uuid,
    sku: String,
    title: String,
    options: String,
    position: i64,
    weight_grams: Option<i64>,
    version: i64,
    on_hand: i64,
    reserved: i64,
}

const SELECT: &str = "SELECT v.id, v.product_id, v.sku, v.title, v.options, v.position, v.weight_grams, v.version, \
     s.on_hand, s.reserved FROM variants v \
     JOIN stock_levels s ON s.store_id = v.store_id AND s.variant_id = v.id WHERE v.store_id = ";

impl Db {
    /// Stores a variant with its prices and its stock. Its product must be there. [`Unique::Sku`]
    /// when the stock-keeping unit is taken.
    pub async fn insert_variant(&self, store: Id<Store>, variant: &Variant) -> Result<(), StoreError> {
        transaction!(self, |tx| {
            if !products::lock(tx, store, variant.product).await? {
                return Err(StoreError::UnknownReference);
            }
            insert(tx, store, variant).await?;
            insert_stock(tx, store, variant).await?;
            prices::replace(tx, store, variant.product, variant.id, &variant.prices).await?;
            products::log(tx, store, variant.product).await
        })
    }

    /// Replaces a variant, all but its id, its product and its stock. [`Unique::Sku`] when the new
    /// stock-keeping unit is taken.
    pub async fn update_variant(
        &self,
        store: Id<Store>,
        variant: &Variant,
        expected_version: i64,
    ) -> Result<Update, StoreError> {
        const SQL: &str = "UPDATE variants SET sku = ?, title = ?, options = ?, position = ?, \
             weight_grams = ?, version = version + 1 WHERE store_id = ? AND id = ? AND version = ?";
        let options = to_json(&variant.options)?;
        transaction!(self, |tx| {
            let Some(product) = lock_product_of(tx, store, variant.id).await? else {
                return Ok(Update::Missing);
            };
            let done = run!(tx, |c| sqlx::query(SQL)
                .bind(variant.sku.as_str())
                .bind(&variant.title)
                .bind(&options)
                .bind(variant.position)
                .bind(variant.weight_grams.map(i64::from))
                .bind(store.uuid())
                .bind(variant.id.uuid())
                .bind(expected_version)
                .execute(c)
                .await
                .map(|done| done.rows_affected()))
            .map_err(|error| Unique::Sku.or(error))?;
            if done == 0 {
                return Ok(Update::refused(version(tx, store, variant.id).await?));
            }
            prices::replace(tx, store, product, variant.id, &variant.prices).await?;
            products::log(tx, store, product).await?;
            Ok(Update::Done { version: expected_version + 1 })
        })
    }

    /// The variant with an id.
    pub async fn find_variant(
        &self,
        store: Id<Store>,
        id: Id<Variant>,
    ) -> Result<Option<Variant>, StoreError> {
        Ok(self.list_variants_by_id(store, &[id]).await?.into_iter().next())
    }

    /// The variant with a stock-keeping unit.
    pub async fn find_variant_by_sku(
        &self,
        store: Id<Store>,
        sku: &Sku,
    ) -> Result<Option<Variant>, StoreError> {
        Ok(self.list_variants_by_sku(store, std::slice::from_ref(sku)).await?.into_iter().next())
    }

    /// Those of some variants that are there, in no order.
    pub async fn list_variants_by_id(
        &self,
        store: Id<Store>,
        ids: &[Id<Variant>],
    ) -> Result<Vec<Variant>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND v.id IN ").ids(ids.iter().map(|id| id.uuid()));
            query.build_query_as().fetch_all(c).await
        })?;
        self.with_prices(store, rows).await
    }

    /// Those of some variants that are there, by stock-keeping unit, in no order.
    pub async fn list_variants_by_sku(
        &self,
        store: Id<Store>,
        skus: &[Sku],
    ) -> Result<Vec<Variant>, StoreError> {
        if skus.is_empty() {
            return Ok(Vec::new());
        }
        let rows = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND v.sku IN ").list(skus.iter().map(Sku::as_str), Statement::text);
            query.build_query_as().fetch_all(c).await
        })?;
        self.with_prices(store, rows).await
    }

    /// The variants of a product, by position, then by id.
    pub async fn list_variants(
        &self,
        store: Id<Store>,
        product: Id<Product>,
    ) -> Result<Vec<Variant>, StoreError> {
        let rows = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND v.product_id = ").id(product.uuid());
            query.part(" ORDER BY v.position, v.id");
            query.build_query_as().fetch_all(c).await
        })?;
        self.with_prices(store, rows).await
    }

    async fn with_prices(&self, store: Id<Store>, rows: Vec<VariantRow>) -> Result<Vec<Variant>, StoreError> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut prices: HashMap<_, _> = self.prices_by_variant(store, &ids).await?;
        rows.into_iter()
            .map(|row| {
                let prices = prices.remove(&row.id).unwrap_or_default();
                row.decode(prices)
            })
            .collect()
    }
}

impl VariantRow {
    fn decode(self, prices: Vec<martlet_domain::catalog::Price>) -> Result<Variant, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("variants", id);
        Ok(Variant {
            id,
            product: Id::new(self.product_id),
            sku: row.parse("sku", &self.sku)?,
            title: self.title,
            options: row.json("options", &self.options)?,
            prices,
            stock: StockLevel { on_hand: self.on_hand, reserved: self.reserved },
            weight_grams: self
                .weight_grams
                .map(|grams| u32::try_from(grams).map_err(|_| row.corrupt("weight_grams", "it is no weight")))
                .transpose()?,
            position: self.position,
            version: self.version,
        })
    }
}

/// Locks the product that a variant belongs to, if the variant is there.
pub(crate) async fn lock_product_of(
    tx: &mut Tx,
    store: Id<Store>,
    variant: Id<Variant>,
) -> Result<Option<Id<Product>>, StoreError> {
    const SQL: &str = "SELECT product_id FROM variants WHERE store_id = ? AND id = ?";
    let product: Option<Uuid> = run!(tx, |c| sqlx::query_scalar(SQL)
        .bind(store.uuid())
        .bind(variant.uuid())
        .fetch_optional(c)
        .await)?;
    let Some(product) = product.map(Id::new) else { return Ok(None) };
    Ok(products::lock(tx, store, product).await?.then_some(product))
}

/// The version of a variant, if it is there.
pub(crate) async fn version(
    tx: &mut Tx,
    store: Id<Store>,
    variant: Id<Variant>,
) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "SELECT version FROM variants WHERE store_id = ? AND id = ?";
    Ok(run!(tx, |c| sqlx::query_scalar(SQL).bind(store.uuid()).bind(variant.uuid()).fetch_optional(c).await)?)
}

async fn insert(tx: &mut Tx, store: Id<Store>, variant: &Variant) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO variants (store_id, id, product_id, sku, title, options, position, weight_grams, \
         version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let options = to_json(&variant.options)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(variant.id.uuid())
        .bind(variant.product.uuid())
        .bind(variant.sku.as_str())
        .bind(&variant.title)
        .bind(options)
        .bind(variant.position)
        .bind(variant.weight_grams.map(i64::from))
        .bind(variant.version)
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::Sku.or(error))
}

async fn insert_stock(tx: &mut Tx, store: Id<Store>, variant: &Variant) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO stock_levels (store_id, variant_id, on_hand, reserved) VALUES (?, ?, ?, ?)";
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(variant.id.uuid())
        .bind(variant.stock.on_hand)
        .bind(variant.stock.reserved)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
