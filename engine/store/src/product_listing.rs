//! Lists of products, as shoppers and merchants page through them.

use std::collections::HashMap;

use martlet_domain::{
    Id, Timestamp,
    catalog::{Handle, Product},
    money::{Currency, Money},
    settings::Store,
};
use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, categories, dialect::Statement, products::ProductRow, search_text};

/// Which products a page shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProductQuery {
    /// Whether those that shoppers don't see are left out.
    pub published_only: bool,
    /// Words that must all be found in title, handle or tags, in any case.
    pub q: Option<String>,
    /// A category; products of those below it count too. An unknown one has no products.
    pub category: Option<Handle>,
    /// What prices are in.
    pub currency: Currency,
    /// Bounds of a product's lowest price, in minor units. Where one is set, products without a
    /// price in the currency are left out.
    pub price: PriceRange,
    /// The order.
    pub sort: ProductSort,
    /// Where the page before ended.
    pub after: Option<ProductCursor>,
    /// Most products on the page, at least 1.
    pub limit: u32,
}

/// Bounds of a price, both inclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PriceRange {
    /// At least.
    pub from: Option<i64>,
    /// At most.
    pub to: Option<i64>,
}

/// The order of a list of products.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ProductSort {
    /// Those made last come first.
    #[default]
    Newest,
    /// By title, in any case.
    Title,
    /// Cheapest first. Products without a price in the currency are left out.
    PriceAscending,
    /// Dearest first. Products without a price in the currency are left out.
    PriceDescending,
}

/// Where a page ended. It fits lists in its own order only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductCursor {
    /// In a list by [`ProductSort::Newest`].
    Newest {
        /// When the last product was made.
        created_at: Timestamp,
        /// The last product.
        id: Id<Product>,
    },
    /// In a list by [`ProductSort::Title`].
    Title {
        /// What the last product's title is compared by.
        key: String,
        /// The last product.
        id: Id<Product>,
    },
    /// In a list by [`ProductSort::PriceAscending`].
    PriceAscending {
        /// The last product's lowest price.
        amount: i64,
        /// The last product.
        id: Id<Product>,
    },
    /// In a list by [`ProductSort::PriceDescending`].
    PriceDescending {
        /// The last product's lowest price.
        amount: i64,
        /// The last product.
        id: Id<Product>,
    },
}

/// A page of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPage {
    /// The products, in order.
    pub items: Vec<ProductItem>,
    /// Where the next page begins, if there is more.
    pub next: Option<ProductCursor>,
}

/// A product as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductItem {
    /// The product.
    pub product: Product,
    /// The price of its cheapest variant in the list's currency.
    pub lowest_price: Option<Money>,
    /// Whether a unit of any variant can be sold.
    pub available: bool,
}

#[derive(sqlx::FromRow)]
struct ItemRow {
    #[sqlx(flatten)]
    product: ProductRow,
    title_key: String,
    amount: Option<i64>,
    available: i64,
}

const SELECT: &str = "SELECT p.id, p.handle, p.title, p.description, p.published, p.tags, p.attributes, \
     p.options, p.tax_category, p.version, p.created_at, p.updated_at, p.title_key, l.amount, \
     CASE WHEN EXISTS (SELECT 1 FROM variants v \
       JOIN stock_levels s ON s.store_id = v.store_id AND s.variant_id = v.id \
       WHERE v.store_id = p.store_id AND v.product_id = p.id AND s.on_hand > s.reserved) \
     THEN 1 ELSE 0 END AS available \
     FROM products p LEFT JOIN lowest_prices l \
     ON l.store_id = p.store_id AND l.product_id = p.id AND l.currency = ";

impl Db {
    /// A page of a store's products. [`StoreError::CursorMismatch`] when the cursor belongs to
    /// another order.
    pub async fn list_products(
        &self,
        store: Id<Store>,
        query: &ProductQuery,
    ) -> Result<ProductPage, StoreError> {
        if query.after.as_ref().is_some_and(|cursor| cursor.sort() != query.sort) {
            return Err(StoreError::CursorMismatch);
        }
        let within = match &query.category {
            None => None,
            Some(handle) => {
                let categories = self.list_categories(store).await?;
                let within: Vec<Uuid> =
                    categories::with_descendants(&categories, handle).into_iter().map(Id::uuid).collect();
                if within.is_empty() {
                    return Ok(ProductPage { items: Vec::new(), next: None });
                }
                Some(within)
            }
        };
        let limit = i64::from(query.limit.max(1));
        let mut rows: Vec<ItemRow> = read!(self, |c| {
            let mut statement = QueryBuilder::new(SELECT);
            select(&mut statement, store, query.currency);
            filter(&mut statement, store, query, within.as_deref());
            order(&mut statement, query);
            // One more than asked for tells whether there is a next page.
            statement.part(" LIMIT ").int(limit + 1);
            statement.build_query_as().fetch_all(c).await
        })?;
        let more = rows.len() > query.limit.max(1) as usize;
        rows.truncate(query.limit.max(1) as usize);
        let next = rows.last().filter(|_| more).map(|row| row.cursor(query.sort));
        let items = self.items(store, query.currency, rows).await?;
        Ok(ProductPage { items, next })
    }

    /// Those of some products that are published, in the order asked for.
    pub async fn list_published_items(
        &self,
        store: Id<Store>,
        currency: Currency,
        ids: &[Id<Product>],
    ) -> Result<Vec<ProductItem>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<ItemRow> = read!(self, |c| {
            let mut statement = QueryBuilder::new(SELECT);
            select(&mut statement, store, currency);
            statement.part(" AND p.published = TRUE AND p.id IN ").ids(ids.iter().map(|id| id.uuid()));
            statement.build_query_as().fetch_all(c).await
        })?;
        let mut items: HashMap<Uuid, ProductItem> = self
            .items(store, currency, rows)
            .await?
            .into_iter()
            .map(|item| (item.product.id.uuid(), item))
            .collect();
        Ok(ids.iter().filter_map(|id| items.remove(&id.uuid())).collect())
    }

    async fn items(
        &self,
        store: Id<Store>,
        currency: Currency,
        rows: Vec<ItemRow>,
    ) -> Result<Vec<ProductItem>, StoreError> {
        let (products, rest): (Vec<_>, Vec<_>) =
            rows.into_iter().map(|row| (row.product, (row.amount, row.available))).unzip();
        let products = self.with_places(store, products).await?;
        Ok(products
            .into_iter()
            .zip(rest)
            .map(|(product, (amount, available))| ProductItem {
                product,
                lowest_price: amount.map(|minor_units| Money { minor_units, currency }),
                available: available != 0,
            })
            .collect())
    }
}

impl ProductCursor {
    fn sort(&self) -> ProductSort {
        match self {
            Self::Newest { .. } => ProductSort::Newest,
            Self::Title { .. } => ProductSort::Title,
            Self::PriceAscending { .. } => ProductSort::PriceAscending,
            Self::PriceDescending { .. } => ProductSort::PriceDescending,
        }
    }
}

impl ItemRow {
    fn cursor(&self, sort: ProductSort) -> ProductCursor {
        let id = Id::new(self.product.id);
        // Lists by price have no rows without one.
        let amount = self.amount.unwrap_or_default();
        match sort {
            ProductSort::Newest => ProductCursor::Newest { created_at: self.product.created_at(), id },
            ProductSort::Title => ProductCursor::Title { key: self.title_key.clone(), id },
            ProductSort::PriceAscending => ProductCursor::PriceAscending { amount, id },
            ProductSort::PriceDescending => ProductCursor::PriceDescending { amount, id },
        }
    }
}

fn select(statement: &mut impl Statement, store: Id<Store>, currency: Currency) {
    statement.text(currency.code()).part(" WHERE p.store_id = ").id(store.uuid());
}

fn filter(statement: &mut impl Statement, store: Id<Store>, query: &ProductQuery, within: Option<&[Uuid]>) {
    if query.published_only {
        statement.part(" AND p.published = TRUE");
    }
    for word in search_text::words(query.q.as_deref().unwrap_or_default()) {
        statement.part(" AND INSTR(p.search, ").text(&word).part(") > 0");
    }
    if let Some(within) = within {
        statement
            .part(
                " AND EXISTS (SELECT 1 FROM product_categories pc WHERE pc.store_id = p.store_id \
                 AND pc.product_id = p.id AND pc.category_id IN ",
            )
            .ids(within.iter().copied())
            .part(")");
    }
    if let Some(from) = query.price.from {
        statement.part(" AND l.amount >= ").int(from);
    }
    if let Some(to) = query.price.to {
        statement.part(" AND l.amount <= ").int(to);
    }
    if matches!(query.sort, ProductSort::PriceAscending | ProductSort::PriceDescending) {
        // Said again of `l`, or SQLite sorts all products instead of reading the index of prices.
        statement.part(" AND l.store_id = ").id(store.uuid());
        statement.part(" AND l.currency = ").text(query.currency.code());
    }
}

fn order(statement: &mut impl Statement, query: &ProductQuery) {
    match &query.after {
        None => {}
        Some(ProductCursor::Newest { created_at, id }) => {
            statement.part(" AND (p.created_at, p.id) < (").int(created_at.as_millis());
            statement.part(", ").id(id.uuid()).part(")");
        }
        Some(ProductCursor::Title { key, id }) => {
            statement.part(" AND (p.title_key, p.id) > (").text(key).part(", ").id(id.uuid()).part(")");
        }
        Some(ProductCursor::PriceAscending { amount, id }) => {
            statement
                .part(" AND (l.amount, l.product_id) > (")
                .int(*amount)
                .part(", ")
                .id(id.uuid())
                .part(")");
        }
        Some(ProductCursor::PriceDescending { amount, id }) => {
            statement
                .part(" AND (l.amount, l.product_id) < (")
                .int(*amount)
                .part(", ")
                .id(id.uuid())
                .part(")");
        }
    }
    statement.part(match query.sort {
        ProductSort::Newest => " ORDER BY p.created_at DESC, p.id DESC",
        ProductSort::Title => " ORDER BY p.title_key, p.id",
        ProductSort::PriceAscending => " ORDER BY l.amount, l.product_id",
        ProductSort::PriceDescending => " ORDER BY l.amount DESC, l.product_id DESC",
    });
}
