//! What installations logged: the newest lines of each.

use martlet_domain::{
    Id, Timestamp,
    plugin::{Installation, LogEntry, LogLevel},
    quote::Stage,
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, codec::RowOf, dialect::Statement as _, error::is_unique_violation, orders::legible,
    shape::parts,
};

/// Which lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogQuery {
    /// Only those that matter at least so much.
    pub least: LogLevel,
    /// Only those before this one.
    pub before: Option<Id<LogEntry>>,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: Uuid,
    at: i64,
    level: i64,
    stage: String,
    message: String,
}

impl Db {
    /// Stores lines of an installation, all or none, and deletes all of it but the newest `kept`, which is at
    /// least 1. Lines that are there already stay as they are, so that whoever doesn't know whether they
    /// were stored can say them again. An error says that they weren't; that old ones stay is only logged.
    pub async fn insert_log_entries(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
        entries: &[LogEntry],
        kept: u32,
    ) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let stored = transaction!(self, |tx| {
            for entries in parts(entries, |entry| entry.message.len()) {
                insert(tx, store, installation, entries).await?;
            }
            Ok(())
        });
        match stored {
            // Ids are drawn once, and lines with them are stored together.
            Err(StoreError::Database(error)) if is_unique_violation(&error) => {}
            stored => stored?,
        }
        // Apart, so that nobody holds new lines while waiting for those of others.
        let pruned: Result<(), StoreError> =
            transaction!(self, |tx| prune(tx, store, installation, kept).await);
        if let Err(error) = pruned {
            tracing::warn!(%store, %installation, "old lines of its log stay: {error}");
        }
        Ok(())
    }

    /// Lines of an installation, the newest first, at most `limit`. One that can't be read is reported and
    /// left out.
    pub async fn list_log_entries(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
        query: LogQuery,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreError> {
        const SQL: &str = "SELECT id, at, level, stage, message FROM installation_logs \
             WHERE store_id = ? AND installation_id = ? AND level >= ? AND id < ? ORDER BY id DESC LIMIT ?";
        let before = query.before.map_or(Uuid::max(), Id::uuid);
        let rows: Vec<EntryRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(installation.uuid())
            .bind(rank(query.least))
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        Ok(rows.into_iter().filter_map(|row| legible(row.decode())).collect())
    }
}

impl EntryRow {
    fn decode(self) -> Result<LogEntry, StoreError> {
        let id = Id::<LogEntry>::new(self.id);
        let row = RowOf::entity("installation_logs", id);
        let level = LogLevel::ALL.into_iter().find(|level| rank(*level) == self.level);
        let stage = Stage::ALL.into_iter().find(|stage| stage.as_str() == self.stage);
        Ok(LogEntry {
            id,
            at: Timestamp::from_millis(self.at),
            level: level.ok_or_else(|| row.corrupt("level", "not a level this release knows"))?,
            stage: stage.ok_or_else(|| row.corrupt("stage", "not a stage this release knows"))?,
            message: self.message,
        })
    }
}

/// Levels as numbers, with room for others between them.
const fn rank(level: LogLevel) -> i64 {
    match level {
        LogLevel::Debug => 10,
        LogLevel::Info => 20,
        LogLevel::Warn => 30,
        LogLevel::Error => 40,
    }
}

async fn insert(
    tx: &mut Tx,
    store: Id<Store>,
    installation: Id<Installation>,
    entries: &[LogEntry],
) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO installation_logs (store_id, installation_id, id, at, level, stage, message) VALUES ";
    run!(tx, |c| {
        let mut query = QueryBuilder::new(SQL);
        let mut separator = "(";
        for entry in entries {
            query.part(separator).id(store.uuid()).part(", ").id(installation.uuid());
            query.part(", ").id(entry.id.uuid()).part(", ").int(entry.at.as_millis());
            query.part(", ").int(rank(entry.level)).part(", ").text(entry.stage.as_str());
            query.part(", ").text(&entry.message).part(")");
            separator = ", (";
        }
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

async fn prune(
    tx: &mut Tx,
    store: Id<Store>,
    installation: Id<Installation>,
    kept: u32,
) -> Result<(), StoreError> {
    const OLDEST: &str = "SELECT id FROM installation_logs WHERE store_id = ? AND installation_id = ? \
         ORDER BY id DESC LIMIT 1 OFFSET ?";
    const DELETE: &str =
        "DELETE FROM installation_logs WHERE store_id = ? AND installation_id = ? AND id < ?";
    let oldest: Option<Uuid> = run!(tx, |c| sqlx::query_scalar(OLDEST)
        .bind(store.uuid())
        .bind(installation.uuid())
        .bind(i64::from(kept.max(1)) - 1)
        .fetch_optional(c)
        .await)?;
    let Some(oldest) = oldest else { return Ok(()) };
    run!(tx, |c| sqlx::query(DELETE)
        .bind(store.uuid())
        .bind(installation.uuid())
        .bind(oldest)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
