//! Customers.

use martlet_domain::{
    Id, Timestamp,
    customer::{Customer, CustomerFacts},
    settings::Store,
};
use uuid::Uuid;

use crate::{
    Db, StoreError, Unique,
    codec::{RowOf, to_json},
};

#[derive(sqlx::FromRow)]
struct CustomerRow {
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
        const SQL: &str = "INSERT INTO customers (store_id, id, email, customer_groups, order_count, \
             lifetime_spend, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
        let groups = to_json(&customer.facts.groups)?;
        transaction!(self, |tx| {
            run!(tx, |c| sqlx::query(SQL)
                .bind(store.uuid())
                .bind(customer.id.uuid())
                .bind(&customer.email)
                .bind(&groups)
                .bind(i64::from(customer.facts.order_count))
                .bind(customer.facts.lifetime_spend)
                .bind(customer.created_at.as_millis())
                .execute(c)
                .await
                .map(drop))
            .map_err(|error| Unique::CustomerEmail.or(error))
        })
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
    fn decode(self) -> Result<Customer, StoreError> {
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
