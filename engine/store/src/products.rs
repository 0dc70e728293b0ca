//! Products and the categories they stand in.

use std::collections::HashMap;

use martlet_domain::{
    Id, Timestamp,
    catalog::{Category, Handle, Product},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    ChangeKind, Db, StoreError, Tx, Unique, Update,
    codec::{RowOf, to_json},
    dialect::Statement as _,
    search_text,
};

#[derive(sqlx::FromRow)]
pub(crate) struct ProductRow {
    pub(crate) id: Uuid,
    handle: String,
    title: String,
    description: String,
    published: bool,
    tags: String,
    attributes: String,
    options: String,
    tax_category: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    product_id: Uuid,
    category_id: Uuid,
}

impl Db {
    /// Stores a product and the categories it stands in, which must be there.
    /// [`Unique::ProductHandle`] when the handle is taken.
    pub async fn insert_product(&self, store: Id<Store>, product: &Product) -> Result<(), StoreError> {
        transaction!(self, |tx| {
            insert(tx, store, product).await?;
            insert_places(tx, store, product).await?;
            log(tx, store, product.id).await
        })
    }

    /// Replaces a product, all but its id and when it was made. [`Unique::ProductHandle`] when the
    /// new handle is taken.
    pub async fn update_product(
        &self,
        store: Id<Store>,
        product: &Product,
        expected_version: i64,
    ) -> Result<Update, StoreError> {
        transaction!(self, |tx| {
            if !update(tx, store, product, expected_version).await? {
                return Ok(Update::refused(version(tx, store, product.id).await?));
            }
            const DELETE: &str = "DELETE FROM product_categories WHERE store_id = ? AND product_id = ?";
            run!(tx, |c| sqlx::query(DELETE)
                .bind(store.uuid())
                .bind(product.id.uuid())
                .execute(c)
                .await
                .map(drop))?;
            insert_places(tx, store, product).await?;
            log(tx, store, product.id).await?;
            Ok(Update::Done { version: expected_version + 1 })
        })
    }

    /// The product with an id, published or not.
    pub async fn find_product(
        &self,
        store: Id<Store>,
        id: Id<Product>,
    ) -> Result<Option<Product>, StoreError> {
        Ok(self.list_products_by_id(store, &[id]).await?.into_iter().next())
    }

    /// The product that a handle names, published or not.
    pub async fn find_product_by_handle(
        &self,
        store: Id<Store>,
        handle: &Handle,
    ) -> Result<Option<Product>, StoreError> {
        const SQL: &str = "SELECT id, handle, title, description, published, tags, attributes, options, \
             tax_category, version, created_at, updated_at FROM products WHERE store_id = ? AND handle = ?";
        let row: Option<ProductRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(handle.as_str())
            .fetch_optional(c)
            .await)?;
        Ok(self.with_places(store, row.into_iter().collect()).await?.into_iter().next())
    }

    /// Those of some products that are there, in no order.
    pub async fn list_products_by_id(
        &self,
        store: Id<Store>,
        ids: &[Id<Product>],
    ) -> Result<Vec<Product>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        const SQL: &str = "SELECT id, handle, title, description, published, tags, attributes, options, \
             tax_category, version, created_at, updated_at FROM products WHERE store_id = ";
        let rows: Vec<ProductRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.id(store.uuid()).part(" AND id IN ").ids(ids.iter().map(|id| id.uuid()));
            query.build_query_as().fetch_all(c).await
        })?;
        self.with_places(store, rows).await
    }

    /// Adds the categories that products stand in.
    pub(crate) async fn with_places(
        &self,
        store: Id<Store>,
        rows: Vec<ProductRow>,
    ) -> Result<Vec<Product>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        const SQL: &str = "SELECT product_id, category_id FROM product_categories WHERE store_id = ";
        let places: Vec<PlaceRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.id(store.uuid()).part(" AND product_id IN ").ids(rows.iter().map(|row| row.id));
            query.part(" ORDER BY product_id, position");
            query.build_query_as().fetch_all(c).await
        })?;
        let mut by_product: HashMap<Uuid, Vec<Id<Category>>> = HashMap::new();
        for place in places {
            by_product.entry(place.product_id).or_default().push(Id::new(place.category_id));
        }
        rows.into_iter()
            .map(|row| {
                let categories = by_product.remove(&row.id).unwrap_or_default();
                row.decode(categories)
            })
            .collect()
    }
}

impl ProductRow {
    /// When the product was made.
    pub(crate) fn created_at(&self) -> Timestamp {
        Timestamp::from_millis(self.created_at)
    }

    fn decode(self, categories: Vec<Id<Category>>) -> Result<Product, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("products", id);
        Ok(Product {
            id,
            handle: row.parse("handle", &self.handle)?,
            title: self.title,
            description: self.description,
            published: self.published,
            tags: row.json("tags", &self.tags)?,
            attributes: row.json("attributes", &self.attributes)?,
            options: row.json("options", &self.options)?,
            tax_category: self.tax_category,
            categories,
            version: self.version,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        })
    }
}

/// Locks a product against others that change what is derived from its variants. Whether it is
/// there.
pub(crate) async fn lock(tx: &mut Tx, store: Id<Store>, id: Id<Product>) -> Result<bool, StoreError> {
    // An assignment without effect takes the row's lock on every database.
    const SQL: &str = "UPDATE products SET version = version WHERE store_id = ? AND id = ?";
    let found = run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(id.uuid())
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(found == 1)
}

/// Writes down that what a product's page shows has changed.
pub(crate) async fn log(tx: &mut Tx, store: Id<Store>, id: Id<Product>) -> Result<(), StoreError> {
    tx.log_change(store, ChangeKind::Product, Some(id.uuid())).await
}

async fn insert(tx: &mut Tx, store: Id<Store>, product: &Product) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO products (store_id, id, handle, title, description, published, tags, \
         attributes, options, tax_category, search, title_key, version, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (tags, attributes, options) =
        (to_json(&product.tags)?, to_json(&product.attributes)?, to_json(&product.options)?);
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(product.id.uuid())
        .bind(product.handle.as_str())
        .bind(&product.title)
        .bind(&product.description)
        .bind(product.published)
        .bind(tags)
        .bind(attributes)
        .bind(options)
        .bind(&product.tax_category)
        .bind(search_text::of_product(product))
        .bind(search_text::title_key(&product.title))
        .bind(product.version)
        .bind(product.created_at.as_millis())
        .bind(product.updated_at.as_millis())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::ProductHandle.or(error))
}

async fn update(tx: &mut Tx, store: Id<Store>, product: &Product, expected: i64) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE products SET handle = ?, title = ?, description = ?, published = ?, tags = ?, \
         attributes = ?, options = ?, tax_category = ?, search = ?, title_key = ?, version = version + 1, \
         updated_at = ? WHERE store_id = ? AND id = ? AND version = ?";
    let (tags, attributes, options) =
        (to_json(&product.tags)?, to_json(&product.attributes)?, to_json(&product.options)?);
    let done = run!(tx, |c| sqlx::query(SQL)
        .bind(product.handle.as_str())
        .bind(&product.title)
        .bind(&product.description)
        .bind(product.published)
        .bind(tags)
        .bind(attributes)
        .bind(options)
        .bind(&product.tax_category)
        .bind(search_text::of_product(product))
        .bind(search_text::title_key(&product.title))
        .bind(product.updated_at.as_millis())
        .bind(store.uuid())
        .bind(product.id.uuid())
        .bind(expected)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(|error| Unique::ProductHandle.or(error))?;
    Ok(done == 1)
}

async fn version(tx: &mut Tx, store: Id<Store>, id: Id<Product>) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "SELECT version FROM products WHERE store_id = ? AND id = ?";
    Ok(run!(tx, |c| sqlx::query_scalar(SQL).bind(store.uuid()).bind(id.uuid()).fetch_optional(c).await)?)
}

async fn insert_places(tx: &mut Tx, store: Id<Store>, product: &Product) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO product_categories (store_id, product_id, category_id, position) \
         VALUES (?, ?, ?, ?)";
    for (position, category) in (0_i64..).zip(&product.categories) {
        run!(tx, |c| sqlx::query(SQL)
            .bind(store.uuid())
            .bind(product.id.uuid())
            .bind(category.uuid())
            .bind(position)
            .execute(c)
            .await
            .map(drop))?;
    }
    Ok(())
}
