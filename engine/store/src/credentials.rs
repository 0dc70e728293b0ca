//! How customers sign in. Passwords are never stored, only hashes of them.

use martlet_domain::{Id, Timestamp, customer::Customer, settings::Store};

use crate::{
    Db, StoreError, Tx,
    customers::{self, CustomerRow},
};

#[derive(sqlx::FromRow)]
struct AccountRow {
    #[sqlx(flatten)]
    customer: CustomerRow,
    password_hash: Option<String>,
}

impl Db {
    /// Stores a customer with the hash of a password, a PHC string. [`crate::Unique::CustomerEmail`] when
    /// the e-mail address is taken; then nothing is stored.
    pub async fn register_customer(
        &self,
        store: Id<Store>,
        customer: &Customer,
        password_hash: &str,
    ) -> Result<(), StoreError> {
        transaction!(self, |tx| {
            customers::insert(tx, store, customer).await?;
            insert(tx, store, customer.id, password_hash, customer.created_at).await
        })
    }

    /// The customer with an e-mail address, given in lower case, and the hash of the password. A customer
    /// that the shop has made has none until one is set.
    pub async fn find_credentials(
        &self,
        store: Id<Store>,
        email: &str,
    ) -> Result<Option<(Customer, Option<String>)>, StoreError> {
        const SQL: &str = "SELECT c.id, c.email, c.customer_groups, c.order_count, c.lifetime_spend, \
             c.created_at, p.password_hash FROM customers c \
             LEFT JOIN credentials p ON p.store_id = c.store_id AND p.customer_id = c.id \
             WHERE c.store_id = ? AND c.email = ?";
        let row: Option<AccountRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(email).fetch_optional(c).await)?;
        row.map(|row| Ok((row.customer.decode()?, row.password_hash))).transpose()
    }

    /// Sets the hash of a customer's password, whether or not there was one. Whether the customer is
    /// there. Sessions stay as they are.
    pub async fn set_password_hash(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE credentials SET password_hash = ?, changed_at = ? \
             WHERE store_id = ? AND customer_id = ?";
        transaction!(self, |tx| {
            // The customer's row keeps two first passwords apart.
            if !customers::lock(tx, store, customer).await? {
                return Ok(false);
            }
            let changed = run!(tx, |c| sqlx::query(SQL)
                .bind(password_hash)
                .bind(now.as_millis())
                .bind(store.uuid())
                .bind(customer.uuid())
                .execute(c)
                .await
                .map(|done| done.rows_affected()))?;
            if changed == 0 {
                insert(tx, store, customer, password_hash, now).await?;
            }
            Ok(true)
        })
    }
}

async fn insert(
    tx: &mut Tx,
    store: Id<Store>,
    customer: Id<Customer>,
    password_hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO credentials (store_id, customer_id, password_hash, changed_at) VALUES (?, ?, ?, ?)";
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(customer.uuid())
        .bind(password_hash)
        .bind(now.as_millis())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
