//! Customers.

use martlet_domain::{
    Id, Timestamp,
    customer::{Customer, CustomerFacts},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique,
    codec::{RowOf, to_json},
    dialect::Statement as _,
};

#[derive(sqlx::FromRow)]
pub(crate) struct CustomerRow {
    id: Uuid,
    email: String,
    customer_groups: String,
    order_count: i64,
    lifetime_spend: i64,
    created_at: i64,
}

impl Db {
    /// Stores a customer. [`Unique::CustomerEmail`] when the e-mail address is taken.
    pub async fn insert_customer(&self, store: Id<Store>, customer: &Customer) -> Result<(), StoreError> {
        transaction!(self, |tx| insert(tx, store, customer).await)
    }

    /// The customer with an id.
    pub async fn find_customer(
        &self,
        store: Id<Store>,
        id: Id<Customer>,
    ) -> Result<Option<Customer>, StoreError> {
        const SQL: &str = "SELECT id, email, customer_groups, order_count, lifetime_spend, created_at \
             FROM customers WHERE store_id = ? AND id = ?";
        let row: Option<CustomerRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(id.uuid()).fetch_optional(c).await)?;
        row.map(CustomerRow::decode).transpose()
    }

    /// The customer with an e-mail address, given in lower case.
    pub async fn find_customer_by_email(
        &self,
        store: Id<Store>,
        email: &str,
    ) -> Result<Option<Customer>, StoreError> {
        const SQL: &str = "SELECT id, email, customer_groups, order_count, lifetime_spend, created_at \
             FROM customers WHERE store_id = ? AND email = ?";
        let row: Option<CustomerRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(email).fetch_optional(c).await)?;
        row.map(CustomerRow::decode).transpose()
    }
}

impl CustomerRow {
    pub(crate) fn decode(self) -> Result<Customer, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("customers", id);
        Ok(Customer {
            id,
            email: self.email,
            facts: CustomerFacts {
                groups: row.json("customer_groups", &self.customer_groups)?,
                order_count: row.number("order_count", self.order_count)?,
                lifetime_spend: self.lifetime_spend,
            },
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

pub(crate) async fn insert(tx: &mut Tx, store: Id<Store>, customer: &Customer) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO customers (store_id, id, email, customer_groups, order_count, \
         lifetime_spend, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let groups = to_json(&customer.facts.groups)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(customer.id.uuid())
        .bind(&customer.email)
        .bind(groups)
        .bind(i64::from(customer.facts.order_count))
        .bind(customer.facts.lifetime_spend)
        .bind(customer.created_at.as_millis())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::CustomerEmail.or(error))
}

/// Locks a customer against others that change what belongs to it. Whether it is there.
pub(crate) async fn lock(tx: &mut Tx, store: Id<Store>, id: Id<Customer>) -> Result<bool, StoreError> {
    let found: Option<(Uuid,)> = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id FROM customers WHERE store_id = ");
        query.id(store.uuid()).part(" AND id = ").id(id.uuid()).for_update();
        query.build_query_as().fetch_optional(c).await
    })?;
    Ok(found.is_some())
}
