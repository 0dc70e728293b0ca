//! The books of the payment provider `test`. It stands for a system outside, so nothing but the
//! provider and audits reads or writes them, in transactions that hold nothing else.
//!
//! Entries are never changed and never deleted. Texts that name payments and requests are the
//! engine's: an order's id, and a key of the engine's making.

mod entry;

use std::collections::BTreeMap;

use martlet_domain::{Id, settings::Store};

use self::entry::EntryRow;
use crate::{Db, StoreError, Tx, error::is_unique_violation};

pub use entry::{TestBalance, TestOperation, TestOutcome, TestPayment};

impl Db {
    /// Writes an entry, unless there is one with its key: then nothing is written and that one is
    /// given back.
    pub async fn insert_test_payment(
        &self,
        store: Id<Store>,
        entry: &TestPayment,
    ) -> Result<Option<TestPayment>, StoreError> {
        transaction!(self, |tx| tx.insert_test_payment(store, entry).await)
    }

    /// The entries of a payment, the oldest first.
    pub async fn list_test_payments(
        &self,
        store: Id<Store>,
        payment: &str,
    ) -> Result<Vec<TestPayment>, StoreError> {
        let rows: Vec<EntryRow> = read!(self, |c| sqlx::query_as(entry::OF_PAYMENT)
            .bind(store.uuid())
            .bind(payment)
            .fetch_all(c)
            .await)?;
        rows.into_iter().map(EntryRow::decode).collect()
    }

    /// What the money of a payment adds up to.
    pub async fn test_payment_balance(
        &self,
        store: Id<Store>,
        payment: &str,
    ) -> Result<TestBalance, StoreError> {
        Ok(TestBalance::of(&self.list_test_payments(store, payment).await?))
    }

    /// What the money of each payment of a store adds up to, for audits: it reads all entries.
    pub async fn list_test_payment_balances(
        &self,
        store: Id<Store>,
    ) -> Result<BTreeMap<String, TestBalance>, StoreError> {
        let rows: Vec<EntryRow> =
            read!(self, |c| sqlx::query_as(entry::OF_STORE).bind(store.uuid()).fetch_all(c).await)?;
        let mut balances: BTreeMap<String, TestBalance> = BTreeMap::new();
        for row in rows {
            let entry = row.decode()?;
            balances.entry(entry.payment.clone()).or_default().add(&entry);
        }
        Ok(balances)
    }
}

impl Tx {
    /// Holds an entry, so that whoever else wants it waits for the end of this transaction. Whether
    /// there is such an entry.
    pub async fn lock_test_payment(&mut self, store: Id<Store>, key: &str) -> Result<bool, StoreError> {
        const SQL: &str =
            "UPDATE test_payments SET created_at = created_at WHERE store_id = ? AND request_key = ?";
        let found = run!(self, |c| sqlx::query(SQL)
            .bind(store.uuid())
            .bind(key)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(found == 1)
    }

    /// The entries of a payment, the oldest first.
    pub async fn list_test_payments(
        &mut self,
        store: Id<Store>,
        payment: &str,
    ) -> Result<Vec<TestPayment>, StoreError> {
        let rows: Vec<EntryRow> = run!(self, |c| sqlx::query_as(entry::OF_PAYMENT)
            .bind(store.uuid())
            .bind(payment)
            .fetch_all(c)
            .await)?;
        rows.into_iter().map(EntryRow::decode).collect()
    }

    /// Writes an entry, unless there is one with its key: then nothing is written and that one is
    /// given back.
    pub async fn insert_test_payment(
        &mut self,
        store: Id<Store>,
        entry: &TestPayment,
    ) -> Result<Option<TestPayment>, StoreError> {
        let outcome = entry.outcome.to_string();
        let written = run!(self, |c| sqlx::query(entry::INSERT)
            .bind(store.uuid())
            .bind(&entry.request_key)
            .bind(entry.operation.as_str())
            .bind(&entry.payment)
            .bind(entry.amount)
            .bind(entry.currency.code())
            .bind(&outcome)
            .bind(entry.created_at.as_millis())
            .execute(c)
            .await
            .map(drop));
        match written {
            Ok(()) => Ok(None),
            // Tried before it is looked for: nearly always a key is new.
            Err(error) if is_unique_violation(&error) => {
                let row: EntryRow = run!(self, |c| sqlx::query_as(entry::BY_KEY)
                    .bind(store.uuid())
                    .bind(&entry.request_key)
                    .fetch_one(c)
                    .await)?;
                row.decode().map(Some)
            }
            Err(error) => Err(error.into()),
        }
    }
}
