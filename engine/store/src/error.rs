//! What can go wrong.

use std::{fmt, path::PathBuf};

use crate::dialect;

/// What can go wrong between the engine and its database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A value that is unique in its store is taken.
    #[error("{0} is taken in this store: choose another")]
    Conflict(Unique),
    /// A row names another that isn't in the store.
    #[error("it names something that isn't in this store: create that first")]
    UnknownReference,
    /// A value is longer or larger than the database takes.
    #[error("a value is outside what the database takes: shorten it or make it smaller")]
    OutOfBounds,
    /// A cursor came from a list in another order.
    #[error("the cursor belongs to a list in another order: begin again without it")]
    CursorMismatch,
    /// A component isn't what its version says.
    #[error("the component's bytes don't have the digest or size of its version: describe these bytes")]
    ComponentMismatch,
    /// What stands in the database isn't what was once stored.
    #[error("{table}.{column} of {id} is corrupt ({problem}): restore the row from a backup")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row; redacted where knowing it would give access.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// All connections were in use for too long.
    #[error(
        "no connection to the database came free in time: raise max_connections or look for slow queries"
    )]
    PoolTimeout,
    /// The database can't be opened as configured.
    #[error("the database can't be used: {0}")]
    Unusable(String),
    /// The file that a password should stand in is of no use.
    #[error("the password file {} {problem}", path.display())]
    PasswordFile {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The database's user for engines can't be made.
    #[error("the database's user can't be made: {0}")]
    DatabaseUser(String),
    /// The tables couldn't be brought up to date.
    #[error("the tables couldn't be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Anything else the database said.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
}

/// What is unique in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// A store's handle or one of its hosts, among all stores.
    Store,
    /// A category's handle.
    CategoryHandle,
    /// A product's handle.
    ProductHandle,
    /// A variant's stock-keeping unit.
    Sku,
    /// A customer's e-mail address.
    CustomerEmail,
    /// A cart's id, or a variant on two of its lines.
    Cart,
    /// A coupon's code.
    CouponCode,
    /// A plugin's name.
    PluginName,
    /// The component of a plugin version.
    PluginVersion,
    /// An installation's id.
    Installation,
    /// An API key.
    ApiKey,
    /// The key of a request that may be sent again.
    IdempotencyKey,
    /// An order's number.
    OrderNumber,
    /// A session's id, or a refresh token.
    Session,
    /// A customer's claim of a coupon.
    CouponClaim,
    /// The id of a customer's address.
    Address,
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "the store's handle or host",
            Self::CategoryHandle => "the category's handle",
            Self::ProductHandle => "the product's handle",
            Self::Sku => "the stock-keeping unit",
            Self::CustomerEmail => "the e-mail address",
            Self::Cart => "the cart's id or a line's variant",
            Self::CouponCode => "the coupon's code",
            Self::PluginName => "the plugin's name",
            Self::PluginVersion => "the component",
            Self::Installation => "the installation's id",
            Self::ApiKey => "the API key",
            Self::IdempotencyKey => "the idempotency key",
            Self::OrderNumber => "the order's number",
            Self::Session => "the session's id or refresh token",
            Self::CouponClaim => "the customer's claim of the coupon",
            Self::Address => "the address's id",
        })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::PoolTimeout;
        }
        match error.as_database_error() {
            Some(known) if known.is_foreign_key_violation() => Self::UnknownReference,
            Some(known) if dialect::is_out_of_bounds(known) => Self::OutOfBounds,
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// Whether the same transaction may succeed when it is tried again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => error.as_database_error().is_some_and(dialect::is_transient),
            _ => false,
        }
    }
}

/// Whether a row has a key that another has.
pub(crate) fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

impl Unique {
    /// Turns a violation of this uniqueness into a conflict.
    pub(crate) fn or(self, error: sqlx::Error) -> StoreError {
        if is_unique_violation(&error) { StoreError::Conflict(self) } else { error.into() }
    }
}
