//! Addresses that customers keep. Whoever has some has one that is the default.
//!
//! Each change locks the customer's row first, so that two at once can't make two defaults or one
//! address too many.

use martlet_domain::{
    Id, Timestamp,
    customer::{Customer, CustomerAddress, MAX_ADDRESSES},
    settings::Store,
};
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique, Update,
    codec::{RowOf, to_json},
    customers,
};

#[derive(sqlx::FromRow)]
struct AddressRow {
    id: Uuid,
    address: String,
    is_default: bool,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

/// What a customer has, without what only readers need. The default comes first.
#[derive(sqlx::FromRow)]
struct HeadRow {
    id: Uuid,
    is_default: bool,
    version: i64,
}

impl Db {
    /// Stores an address of a customer, who must be there, and gives it back as it is stored: the first
    /// is the default, and a later one that is takes that from the other. Nothing where the customer has
    /// [`MAX_ADDRESSES`]. [`Unique::Address`] when its id is taken.
    pub async fn insert_address(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        address: &CustomerAddress,
    ) -> Result<Option<CustomerAddress>, StoreError> {
        transaction!(self, |tx| {
            if !customers::lock(tx, store, customer).await? {
                return Err(StoreError::UnknownReference);
            }
            let heads = heads(tx, store, customer).await?;
            if heads.len() >= MAX_ADDRESSES {
                return Ok(None);
            }
            let is_default = address.is_default || heads.is_empty();
            if is_default {
                clear_default(tx, store, customer, address.updated_at).await?;
            }
            let stored = CustomerAddress { is_default, ..address.clone() };
            insert(tx, store, customer, &stored).await?;
            Ok(Some(stored))
        })
    }

    /// The addresses of a customer: the default, then those made first first where ids count up.
    pub async fn list_addresses(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
    ) -> Result<Vec<CustomerAddress>, StoreError> {
        const SQL: &str = "SELECT id, address, is_default, version, created_at, updated_at FROM addresses \
             WHERE store_id = ? AND customer_id = ? ORDER BY is_default DESC, id";
        let rows: Vec<AddressRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(customer.uuid()).fetch_all(c).await)?;
        rows.into_iter().map(AddressRow::decode).collect()
    }

    /// Replaces an address, all but its id and when it was made. One that is to be the default takes
    /// that from the other, which counts as a change of it; the default stays the default.
    pub async fn update_address(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        address: &CustomerAddress,
        expected_version: i64,
    ) -> Result<Update, StoreError> {
        transaction!(self, |tx| {
            if !customers::lock(tx, store, customer).await? {
                return Ok(Update::Missing);
            }
            let heads = heads(tx, store, customer).await?;
            let found = heads.iter().find(|head| head.id == address.id.uuid());
            let Some(found) = found.filter(|head| head.version == expected_version) else {
                return Ok(Update::refused(found.map(|head| head.version)));
            };
            if address.is_default && !found.is_default {
                clear_default(tx, store, customer, address.updated_at).await?;
            }
            let stored =
                CustomerAddress { is_default: address.is_default || found.is_default, ..address.clone() };
            if !update(tx, store, customer, &stored, expected_version).await? {
                return Ok(Update::Missing);
            }
            Ok(Update::Done { version: expected_version + 1 })
        })
    }

    /// Deletes an address. Whether there was one to delete. Where it was the default, the one that was
    /// made first of the others becomes it.
    pub async fn delete_address(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        id: Id<CustomerAddress>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        transaction!(self, |tx| {
            if !customers::lock(tx, store, customer).await? {
                return Ok(false);
            }
            let heads = heads(tx, store, customer).await?;
            let Some(found) = heads.iter().find(|head| head.id == id.uuid()) else { return Ok(false) };
            delete(tx, store, customer, id).await?;
            if let (true, Some(next)) = (found.is_default, heads.iter().find(|head| head.id != id.uuid())) {
                make_default(tx, store, customer, next.id, now).await?;
            }
            Ok(true)
        })
    }
}

impl AddressRow {
    fn decode(self) -> Result<CustomerAddress, StoreError> {
        let id = Id::new(self.id);
        Ok(CustomerAddress {
            id,
            address: RowOf::entity("addresses", id).json("address", &self.address)?,
            is_default: self.is_default,
            version: self.version,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        })
    }
}

async fn heads(tx: &mut Tx, store: Id<Store>, customer: Id<Customer>) -> Result<Vec<HeadRow>, StoreError> {
    const SQL: &str = "SELECT id, is_default, version FROM addresses \
         WHERE store_id = ? AND customer_id = ? ORDER BY is_default DESC, id";
    Ok(run!(tx, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(customer.uuid()).fetch_all(c).await)?)
}

async fn insert(
    tx: &mut Tx,
    store: Id<Store>,
    customer: Id<Customer>,
    address: &CustomerAddress,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO addresses (store_id, customer_id, id, address, is_default, version, \
         created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let json = to_json(&address.address)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(customer.uuid())
        .bind(address.id.uuid())
        .bind(json)
        .bind(address.is_default)
        .bind(address.version)
        .bind(address.created_at.as_millis())
        .bind(address.updated_at.as_millis())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::Address.or(error))
}

async fn update(
    tx: &mut Tx,
    store: Id<Store>,
    customer: Id<Customer>,
    address: &CustomerAddress,
    expected: i64,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE addresses SET address = ?, is_default = ?, updated_at = ?, \
         version = version + 1 WHERE store_id = ? AND customer_id = ? AND id = ? AND version = ?";
    let json = to_json(&address.address)?;
    let done = run!(tx, |c| sqlx::query(SQL)
        .bind(json)
        .bind(address.is_default)
        .bind(address.updated_at.as_millis())
        .bind(store.uuid())
        .bind(customer.uuid())
        .bind(address.id.uuid())
        .bind(expected)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done == 1)
}

async fn clear_default(
    tx: &mut Tx,
    store: Id<Store>,
    customer: Id<Customer>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE addresses SET is_default = FALSE, updated_at = ?, version = version + 1 \
         WHERE store_id = ? AND customer_id = ? AND is_default = TRUE";
    run!(tx, |c| sqlx::query(SQL)
        .bind(now.as_millis())
        .bind(store.uuid())
        .bind(customer.uuid())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

async fn make_default(
    tx: &mut Tx,
    store: Id<Store>,
    customer: Id<Customer>,
    id: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE addresses SET is_default = TRUE, updated_at = ?, version = version + 1 \
         WHERE store_id = ? AND customer_id = ? AND id = ?";
    run!(tx, |c| sqlx::query(SQL)
        .bind(now.as_millis())
        .bind(store.uuid())
        .bind(customer.uuid())
        .bind(id)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

async fn delete(
    tx: &mut Tx,
    store: Id<Store>,
    customer: Id<Customer>,
    id: Id<CustomerAddress>,
) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM addresses WHERE store_id = ? AND customer_id = ? AND id = ?";
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(customer.uuid())
        .bind(id.uuid())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
