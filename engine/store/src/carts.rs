//! Carts: read whole and written whole.

use std::collections::HashMap;

use martlet_domain::{
    Id, Timestamp,
    cart::{Cart, LineItem},
    customer::Customer,
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique, Update,
    codec::{RowOf, to_json},
    dialect::Statement as _,
    shape::parts,
};

/// One line or coupon of a cart, beside the cart's own columns. An empty cart has one such row
/// with nothing beside.
#[derive(sqlx::FromRow)]
struct CartRow {
    version: i64,
    currency: String,
    customer_id: Option<Uuid>,
    email: Option<String>,
    shipping_address: Option<String>,
    shipping_method: Option<String>,
    order_id: Option<Uuid>,
    created_at: i64,
    updated_at: i64,
    part_id: Option<Uuid>,
    variant_id: Option<Uuid>,
    quantity: Option<i64>,
    added_at: Option<i64>,
}

impl Db {
    /// Stores a cart. [`Unique::Cart`] when its id is taken or a variant is on two of its lines.
    pub async fn insert_cart(&self, store: Id<Store>, cart: &Cart) -> Result<(), StoreError> {
        transaction!(self, |tx| {
            insert(tx, store, cart).await?;
            insert_parts(tx, store, cart).await
        })
    }

    /// The cart with an id, with its lines and coupons as of one moment.
    pub async fn find_cart(&self, store: Id<Store>, id: Id<Cart>) -> Result<Option<Cart>, StoreError> {
        // One statement, because two would see two moments.
        const SQL: &str = "SELECT c.version, c.currency, c.customer_id, c.email, c.shipping_address, \
             c.shipping_method, c.order_id, c.created_at, c.updated_at, \
             i.part_id, i.variant_id, i.quantity, i.added_at \
             FROM carts c LEFT JOIN ( \
               SELECT 0 AS kind, position, id AS part_id, variant_id, quantity, added_at \
               FROM cart_lines WHERE store_id = ? AND cart_id = ? \
               UNION ALL \
               SELECT 1, position, coupon_id, NULL, NULL, NULL \
               FROM cart_coupons WHERE store_id = ? AND cart_id = ? \
             ) i ON 1 = 1 \
             WHERE c.store_id = ? AND c.id = ? ORDER BY i.kind, i.position";
        let rows: Vec<CartRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(id.uuid())
            .bind(store.uuid())
            .bind(id.uuid())
            .bind(store.uuid())
            .bind(id.uuid())
            .fetch_all(c)
            .await)?;
        decode(id, rows)
    }

    /// The cart of a customer that was made last of those that aren't orders.
    pub async fn find_open_cart_of_customer(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
    ) -> Result<Option<Cart>, StoreError> {
        const SQL: &str = "SELECT id FROM carts WHERE store_id = ? AND customer_id = ? AND order_id IS NULL \
             ORDER BY created_at DESC, id DESC LIMIT 1";
        let id: Option<Uuid> = read!(self, |c| sqlx::query_scalar(SQL)
            .bind(store.uuid())
            .bind(customer.uuid())
            .fetch_optional(c)
            .await)?;
        let Some(id) = id else { return Ok(None) };
        let cart = self.find_cart(store, Id::new(id)).await?;
        // It may have become an order or somebody else's since.
        Ok(cart.filter(|cart| cart.order.is_none() && cart.customer == Some(customer)))
    }

    /// Replaces a cart, all but its id, its currency, its order and when it was made. Becoming an order
    /// counts as a change, so whoever knows a cart from before is stale. [`Unique::Cart`] when a
    /// variant is on two of its lines.
    pub async fn save_cart(
        &self,
        store: Id<Store>,
        cart: &Cart,
        expected_version: i64,
    ) -> Result<Update, StoreError> {
        transaction!(self, |tx| {
            // First, because it is the fence: of two that save the same version, one gets past it.
            if !update(tx, store, cart, expected_version).await? {
                return Ok(Update::refused(version(tx, store, cart.id).await?));
            }
            delete_parts(tx, store, cart.id).await?;
            insert_parts(tx, store, cart).await?;
            Ok(Update::Done { version: expected_version + 1 })
        })
    }

    /// Replaces two carts as [`Db::save_cart`] does, each beside the version it is expected to have.
    /// Whether both had it: else neither is changed.
    pub async fn save_two_carts(
        &self,
        store: Id<Store>,
        carts: [(&Cart, i64); 2],
    ) -> Result<bool, StoreError> {
        transaction!(self, |tx| {
            // Both are locked before either is changed, so that there is nothing to undo.
            let ids = carts.map(|(cart, _)| cart.id.uuid());
            let versions = lock_versions(tx, store, ids).await?;
            if carts.iter().any(|(cart, expected)| versions.get(&cart.id.uuid()) != Some(expected)) {
                return Ok(false);
            }
            for (cart, expected) in carts {
                if !update(tx, store, cart, expected).await? {
                    let problem = "a cart that was locked has another version";
                    return Err(RowOf::entity("carts", cart.id).corrupt("version", problem));
                }
                delete_parts(tx, store, cart.id).await?;
                insert_parts(tx, store, cart).await?;
            }
            Ok(true)
        })
    }
}

fn decode(id: Id<Cart>, rows: Vec<CartRow>) -> Result<Option<Cart>, StoreError> {
    let Some(first) = rows.first() else { return Ok(None) };
    let row = RowOf::entity("carts", id);
    let mut cart = Cart {
        id,
        version: first.version,
        currency: row.parse("currency", &first.currency)?,
        customer: first.customer_id.map(Id::new),
        email: first.email.clone(),
        shipping_address: first
            .shipping_address
            .as_deref()
            .map(|text| row.json("shipping_address", text))
            .transpose()?,
        shipping_method: first
            .shipping_method
            .as_deref()
            .map(|text| row.parse("shipping_method", text))
            .transpose()?,
        lines: Vec::new(),
        coupons: Vec::new(),
        order: first.order_id.map(Id::new),
        created_at: Timestamp::from_millis(first.created_at),
        updated_at: Timestamp::from_millis(first.updated_at),
    };
    for part in rows {
        match (part.part_id, part.variant_id, part.quantity, part.added_at) {
            (Some(line), Some(variant), Some(quantity), Some(added_at)) => {
                let id = Id::new(line);
                cart.lines.push(LineItem {
                    id,
                    variant: Id::new(variant),
                    quantity: RowOf::entity("cart_lines", id).number("quantity", quantity)?,
                    added_at: Timestamp::from_millis(added_at),
                });
            }
            (Some(coupon), ..) => cart.coupons.push(Id::new(coupon)),
            (None, ..) => {}
        }
    }
    Ok(Some(cart))
}

async fn insert(tx: &mut Tx, store: Id<Store>, cart: &Cart) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO carts (store_id, id, version, currency, customer_id, email, \
         shipping_address, shipping_method, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let address = cart.shipping_address.as_ref().map(to_json).transpose()?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(cart.id.uuid())
        .bind(cart.version)
        .bind(cart.currency.code())
        .bind(cart.customer.map(Id::uuid))
        .bind(cart.email.as_deref())
        .bind(address)
        .bind(cart.shipping_method.as_ref().map(|method| method.as_str()))
        .bind(cart.created_at.as_millis())
        .bind(cart.updated_at.as_millis())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::Cart.or(error))
}

async fn update(tx: &mut Tx, store: Id<Store>, cart: &Cart, expected: i64) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE carts SET version = version + 1, customer_id = ?, email = ?, \
         shipping_address = ?, shipping_method = ?, updated_at = ? \
         WHERE store_id = ? AND id = ? AND version = ?";
    let address = cart.shipping_address.as_ref().map(to_json).transpose()?;
    let done = run!(tx, |c| sqlx::query(SQL)
        .bind(cart.customer.map(Id::uuid))
        .bind(cart.email.as_deref())
        .bind(address)
        .bind(cart.shipping_method.as_ref().map(|method| method.as_str()))
        .bind(cart.updated_at.as_millis())
        .bind(store.uuid())
        .bind(cart.id.uuid())
        .bind(expected)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done == 1)
}

/// Locks carts in the order of their ids, and says what versions they have.
async fn lock_versions(
    tx: &mut Tx,
    store: Id<Store>,
    ids: [Uuid; 2],
) -> Result<HashMap<Uuid, i64>, StoreError> {
    let rows: Vec<(Uuid, i64)> = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id, version FROM carts WHERE store_id = ");
        query.id(store.uuid()).part(" AND id IN ").ids(ids).part(" ORDER BY id").for_update();
        query.build_query_as().fetch_all(c).await
    })?;
    Ok(rows.into_iter().collect())
}

async fn version(tx: &mut Tx, store: Id<Store>, id: Id<Cart>) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "SELECT version FROM carts WHERE store_id = ? AND id = ?";
    Ok(run!(tx, |c| sqlx::query_scalar(SQL).bind(store.uuid()).bind(id.uuid()).fetch_optional(c).await)?)
}

async fn delete_parts(tx: &mut Tx, store: Id<Store>, id: Id<Cart>) -> Result<(), StoreError> {
    const LINES: &str = "DELETE FROM cart_lines WHERE store_id = ? AND cart_id = ?";
    const COUPONS: &str = "DELETE FROM cart_coupons WHERE store_id = ? AND cart_id = ?";
    for sql in [LINES, COUPONS] {
        run!(tx, |c| sqlx::query(sql).bind(store.uuid()).bind(id.uuid()).execute(c).await.map(drop))?;
    }
    Ok(())
}

async fn insert_parts(tx: &mut Tx, store: Id<Store>, cart: &Cart) -> Result<(), StoreError> {
    insert_lines(tx, store, cart).await.map_err(|error| Unique::Cart.or(error))?;
    insert_coupons(tx, store, cart).await.map_err(|error| Unique::Cart.or(error))
}

async fn insert_lines(tx: &mut Tx, store: Id<Store>, cart: &Cart) -> Result<(), sqlx::Error> {
    const SQL: &str = "INSERT INTO cart_lines \
         (store_id, cart_id, id, position, variant_id, quantity, added_at) VALUES ";
    let lines: Vec<(i64, &LineItem)> = (0..).zip(&cart.lines).collect();
    for lines in parts(&lines, |_| 0) {
        run!(tx, |c| {
            let mut query = QueryBuilder::new(SQL);
            let mut separator = "(";
            for (position, line) in lines {
                query.part(separator).id(store.uuid()).part(", ").id(cart.id.uuid());
                query.part(", ").id(line.id.uuid()).part(", ").int(*position);
                query.part(", ").id(line.variant.uuid()).part(", ").int(i64::from(line.quantity));
                query.part(", ").int(line.added_at.as_millis()).part(")");
                separator = ", (";
            }
            query.build().execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

async fn insert_coupons(tx: &mut Tx, store: Id<Store>, cart: &Cart) -> Result<(), sqlx::Error> {
    const SQL: &str = "INSERT INTO cart_coupons (store_id, cart_id, coupon_id, position) VALUES (?, ?, ?, ?)";
    for (position, coupon) in (0_i64..).zip(&cart.coupons) {
        run!(tx, |c| sqlx::query(SQL)
            .bind(store.uuid())
            .bind(cart.id.uuid())
            .bind(coupon.uuid())
            .bind(position)
            .execute(c)
            .await
            .map(drop))?;
    }
    Ok(())
}
