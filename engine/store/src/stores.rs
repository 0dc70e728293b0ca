//! Stores and the hosts that name them.

use std::collections::HashMap;

use martlet_domain::{Id, Timestamp, catalog::Handle, settings::Store};
use uuid::Uuid;

use crate::{ChangeKind, Db, StoreError, Unique, codec::RowOf};

#[derive(sqlx::FromRow)]
struct StoreRow {
    id: Uuid,
    handle: String,
    name: String,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct HostRow {
    store_id: Uuid,
    host: String,
}

impl Db {
    /// Stores a store. Its hosts are kept in lower case. [`Unique::Store`] when its handle or a
    /// host is taken.
    pub async fn insert_store(&self, store: &Store) -> Result<(), StoreError> {
        transaction!(self, |tx| {
            run!(tx, |c| sqlx::query(
                "INSERT INTO stores (id, handle, name, created_at) VALUES (?, ?, ?, ?)"
            )
            .bind(store.id.uuid())
            .bind(store.handle.as_str())
            .bind(&store.name)
            .bind(store.created_at.as_millis())
            .execute(c)
            .await
            .map(drop))
            .map_err(|error| Unique::Store.or(error))?;
            const COUNTERS: &str =
                "INSERT INTO store_counters (store_id, installations, rulebooks) VALUES (?, 0, 0)";
            run!(tx, |c| sqlx::query(COUNTERS).bind(store.id.uuid()).execute(c).await.map(drop))?;
            for (position, host) in (0_i64..).zip(&store.hosts) {
                run!(tx, |c| sqlx::query(
                    "INSERT INTO store_hosts (host, store_id, position) VALUES (?, ?, ?)"
                )
                .bind(host.to_ascii_lowercase())
                .bind(store.id.uuid())
                .bind(position)
                .execute(c)
                .await
                .map(drop))
                .map_err(|error| Unique::Store.or(error))?;
            }
            tx.log_change(store.id, ChangeKind::Store, None).await
        })
    }

    /// The store with an id.
    pub async fn find_store(&self, store: Id<Store>) -> Result<Option<Store>, StoreError> {
        const SQL: &str = "SELECT id, handle, name, created_at FROM stores WHERE id = ?";
        let row: Option<StoreRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).fetch_optional(c).await)?;
        self.whole_store(row).await
    }

    /// The store that a handle names.
    pub async fn find_store_by_handle(&self, handle: &Handle) -> Result<Option<Store>, StoreError> {
        const SQL: &str = "SELECT id, handle, name, created_at FROM stores WHERE handle = ?";
        let row: Option<StoreRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(handle.as_str()).fetch_optional(c).await)?;
        self.whole_store(row).await
    }

    /// The store that a host names, without its port and in any case.
    pub async fn find_store_by_host(&self, host: &str) -> Result<Option<Store>, StoreError> {
        const SQL: &str = "SELECT s.id, s.handle, s.name, s.created_at \
             FROM store_hosts h JOIN stores s ON s.id = h.store_id WHERE h.host = ?";
        let row: Option<StoreRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(host.to_ascii_lowercase()).fetch_optional(c).await)?;
        self.whole_store(row).await
    }

    /// All stores, by handle.
    pub async fn list_stores(&self) -> Result<Vec<Store>, StoreError> {
        const SQL: &str = "SELECT id, handle, name, created_at FROM stores ORDER BY handle";
        const HOSTS: &str = "SELECT store_id, host FROM store_hosts ORDER BY store_id, position";
        let rows: Vec<StoreRow> = read!(self, |c| sqlx::query_as(SQL).fetch_all(c).await)?;
        let hosts: Vec<HostRow> = read!(self, |c| sqlx::query_as(HOSTS).fetch_all(c).await)?;
        let mut by_store: HashMap<Uuid, Vec<String>> = HashMap::new();
        for row in hosts {
            by_store.entry(row.store_id).or_default().push(row.host);
        }
        rows.into_iter()
            .map(|row| {
                let hosts = by_store.remove(&row.id).unwrap_or_default();
                row.decode(hosts)
            })
            .collect()
    }

    async fn whole_store(&self, row: Option<StoreRow>) -> Result<Option<Store>, StoreError> {
        const SQL: &str = "SELECT host FROM store_hosts WHERE store_id = ? ORDER BY position";
        let Some(row) = row else { return Ok(None) };
        let hosts = read!(self, |c| sqlx::query_scalar(SQL).bind(row.id).fetch_all(c).await)?;
        row.decode(hosts).map(Some)
    }
}

impl StoreRow {
    fn decode(self, hosts: Vec<String>) -> Result<Store, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("stores", id);
        Ok(Store {
            id,
            handle: row.parse("handle", &self.handle)?,
            name: self.name,
            hosts,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}
