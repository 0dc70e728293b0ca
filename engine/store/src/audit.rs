//! The audit log: who changed what on the merchants' side, and what came of it.
//!
//! An entry is written before the change it tells of, without an outcome, and gets one afterwards. So no
//! change is without an entry, and one that stays without an outcome tells of a change that was under way
//! when the engine ended. Entries are never changed otherwise and never deleted.

use martlet_domain::{Entity, Id, Timestamp, access::Role, settings::Store};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    ApiKey, Db, StoreError, Tx,
    codec::{RowOf, to_json},
    dialect::Statement as _,
};

/// Most bytes of an entry's detail, as JSON. One that is longer isn't kept.
pub const MAX_AUDIT_DETAIL: usize = 4 << 10;
/// Most characters of an entry's target. One that is longer is cut.
const MAX_TARGET: usize = 500;
/// How the engine itself is stored as an actor.
const ENGINE: &str = "engine";
/// How whoever works on the command line is stored as an actor.
const COMMAND_LINE: &str = "command line";

/// A change on the merchants' side, made or tried.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its id.
    pub id: Id<AuditEntry>,
    /// When the change was asked for.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What was asked for: an operation's id, such as `admin_create_product`. At most 100 characters.
    pub action: String,
    /// What it was about: a path with ids.
    pub target: String,
    /// The request it was, where it was one.
    pub request_id: Option<String>,
    /// The HTTP status of what came of it; nothing while it is under way, or where the engine ended before
    /// it knew.
    pub outcome: Option<u16>,
    /// What was said besides. At most [`MAX_AUDIT_DETAIL`] bytes.
    pub detail: Option<Value>,
}

impl Entity for AuditEntry {
    const NAME: &'static str = "audit entry";
}

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever holds an API key.
    Key {
        /// The key.
        id: Id<ApiKey>,
        /// What it was called.
        name: String,
        /// Its role.
        role: Role,
    },
    /// The engine, by itself.
    Engine,
    /// Whoever works on the command line.
    CommandLine,
}

/// Whose entries a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorFilter {
    /// Those of an API key.
    Key(Id<ApiKey>),
    /// The engine's.
    Engine,
    /// Those of the command line.
    CommandLine,
}

/// Which entries a list holds. All of a store where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those of this action.
    pub action: Option<String>,
    /// Only those of this actor.
    pub actor: Option<ActorFilter>,
    /// Only those from this moment on.
    pub since: Option<Timestamp>,
    /// Only those before this moment.
    pub until: Option<Timestamp>,
    /// Only those that come after this place in the list.
    pub after: Option<AuditCursor>,
}

/// A page of entries.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins, if there is more.
    pub next: Option<AuditCursor>,
}

/// A place in the list of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCursor {
    at: i64,
    id: Uuid,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: Uuid,
    at: i64,
    key_id: Option<Uuid>,
    actor: String,
    role: Option<String>,
    action: String,
    target: String,
    request_id: Option<String>,
    outcome: Option<i64>,
    detail: Option<String>,
}

impl AuditEntry {
    /// Something that the engine does by itself, to be written in the transaction that does it.
    pub fn by_engine(
        id: Id<Self>,
        at: Timestamp,
        action: impl Into<String>,
        target: impl Into<String>,
        detail: Option<Value>,
    ) -> Self {
        Self {
            id,
            at,
            actor: Actor::Engine,
            action: action.into(),
            target: target.into(),
            request_id: None,
            outcome: Some(200),
            detail,
        }
    }
}

impl Db {
    /// Writes an entry.
    pub async fn insert_audit(&self, store: Id<Store>, entry: &AuditEntry) -> Result<(), StoreError> {
        transaction!(self, |tx| tx.insert_audit(store, entry).await)
    }

    /// Says what came of an entry's change. Whether it wasn't known before.
    pub async fn finish_audit(
        &self,
        store: Id<Store>,
        id: Id<AuditEntry>,
        outcome: u16,
    ) -> Result<bool, StoreError> {
        const SQL: &str =
            "UPDATE audit_log SET outcome = ? WHERE store_id = ? AND id = ? AND outcome IS NULL";
        transaction!(self, |tx| {
            let done = run!(tx, |c| sqlx::query(SQL)
                .bind(i64::from(outcome))
                .bind(store.uuid())
                .bind(id.uuid())
                .execute(c)
                .await
                .map(|done| done.rows_affected()))?;
            Ok(done == 1)
        })
    }

    /// A page of a store's entries, newest first, at most `limit` but at least 1.
    pub async fn list_audit(
        &self,
        store: Id<Store>,
        query: &AuditQuery,
        limit: u32,
    ) -> Result<AuditPage, StoreError> {
        const SELECT: &str = "SELECT id, at, key_id, actor, role, action, target, request_id, outcome, detail \
             FROM audit_log WHERE store_id = ";
        let limit = limit.max(1);
        let mut rows: Vec<EntryRow> = read!(self, |c| {
            let mut statement = QueryBuilder::new(SELECT);
            statement.id(store.uuid());
            if let Some(action) = &query.action {
                statement.part(" AND action = ").text(action);
            }
            match query.actor {
                Some(ActorFilter::Key(key)) => statement.part(" AND key_id = ").id(key.uuid()),
                Some(ActorFilter::Engine) => statement.part(" AND key_id IS NULL AND actor = ").text(ENGINE),
                Some(ActorFilter::CommandLine) => {
                    statement.part(" AND key_id IS NULL AND actor = ").text(COMMAND_LINE)
                }
                None => &mut statement,
            };
            if let Some(since) = query.since {
                statement.part(" AND at >= ").int(since.as_millis());
            }
            if let Some(until) = query.until {
                statement.part(" AND at < ").int(until.as_millis());
            }
            if let Some(AuditCursor { at, id }) = query.after {
                // Said twice: databases find their way in an index by the first alone.
                statement.part(" AND at <= ").int(at);
                statement.part(" AND (at < ").int(at).part(" OR id < ").id(id).part(")");
            }
            // One more than asked for tells whether there is a next page.
            statement.part(" ORDER BY at DESC, id DESC LIMIT ").int(i64::from(limit) + 1);
            statement.build_query_as().fetch_all(c).await
        })?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| AuditCursor { at: row.at, id: row.id });
        let entries = rows.into_iter().map(EntryRow::decode).collect::<Result<_, _>>()?;
        Ok(AuditPage { entries, next })
    }
}

impl Tx {
    /// Writes an entry in the transaction of the change it tells of.
    pub async fn insert_audit(&mut self, store: Id<Store>, entry: &AuditEntry) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO audit_log (store_id, id, at, key_id, actor, role, action, target, \
             request_id, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let (key, actor, role) = match &entry.actor {
            Actor::Key { id, name, role } => (Some(id.uuid()), name.as_str(), Some(role.as_str())),
            Actor::Engine => (None, ENGINE, None),
            Actor::CommandLine => (None, COMMAND_LINE, None),
        };
        let target: String = entry.target.chars().take(MAX_TARGET).collect();
        let detail = entry.detail.as_ref().map(to_json).transpose()?;
        let detail = detail.filter(|detail| detail.len() <= MAX_AUDIT_DETAIL);
        run!(self, |c| sqlx::query(SQL)
            .bind(store.uuid())
            .bind(entry.id.uuid())
            .bind(entry.at.as_millis())
            .bind(key)
            .bind(actor)
            .bind(role)
            .bind(&entry.action)
            .bind(&target)
            .bind(&entry.request_id)
            .bind(entry.outcome.map(i64::from))
            .bind(&detail)
            .execute(c)
            .await
            .map(drop))?;
        Ok(())
    }
}

impl EntryRow {
    fn decode(self) -> Result<AuditEntry, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("audit_log", id);
        let actor = match (self.key_id, self.role, self.actor) {
            (Some(key), Some(role), name) => {
                Actor::Key { id: Id::new(key), name, role: row.parse("role", &role)? }
            }
            (None, None, actor) if actor == ENGINE => Actor::Engine,
            (None, None, actor) if actor == COMMAND_LINE => Actor::CommandLine,
            _ => return Err(row.corrupt("actor", "neither a key with its role nor one of the others")),
        };
        Ok(AuditEntry {
            id,
            at: Timestamp::from_millis(self.at),
            actor,
            action: self.action,
            target: self.target,
            request_id: self.request_id,
            outcome: self.outcome.map(|outcome| row.number("outcome", outcome)).transpose()?,
            detail: self.detail.map(|detail| row.json("detail", &detail)).transpose()?,
        })
    }
}
