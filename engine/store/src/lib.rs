//! Where a store's state lives: one SQL text on SQLite and MySQL.
//!
//! [`Db`] is opened from a URL and offers every read and write as a method; one file an aggregate
//! holds them. Everything but compiled components is scoped by store: each method takes the
//! store's id, and another store's rows are as good as absent.
//!
//! Absent is `None`, a stale version is [`Update::Stale`], a row that can't be read is
//! [`StoreError::Corrupt`]. Ids and times are made by the caller.
//!
//! Statements are written once. What must differ between the databases stands in `dialect.rs`.

#[macro_use]
mod dispatch;

mod addresses;
mod api_keys;
mod audit;
mod budget_usage;
mod carts;
mod categories;
mod change_log;
mod codec;
mod components;
mod config;
mod connections;
mod coupon_claims;
mod coupon_usage;
mod coupons;
mod credentials;
mod customers;
mod database_user;
mod db;
mod dialect;
mod error;
pub mod fault;
mod figures;
mod idempotency;
mod installation_logs;
mod installations;
mod migrate;
mod offers;
mod orders;
mod outbox;
mod password_file;
mod plugins;
mod pools;
mod popular;
mod prices;
mod product_listing;
mod products;
mod receipts;
mod rulebooks;
mod seal;
mod search_text;
mod sessions;
mod settings;
mod shape;
mod simulations;
mod sockets;
mod stock;
mod stores;
mod test_payments;
mod update;
mod uploads;
mod variants;

pub use api_keys::{ApiKey, NewApiKey, Revocation};
pub use audit::{Actor, ActorFilter, AuditCursor, AuditEntry, AuditPage, AuditQuery, MAX_AUDIT_DETAIL};
pub use change_log::{Change, ChangeKind};
pub use config::{Durability, StoreConfig};
pub use coupon_claims::{ClaimOutcome, ClaimStock};
pub use coupons::CouponPage;
pub use database_user::UserMade;
pub use db::{Db, ServerLimits, Tx};
pub use error::{StoreError, Unique};
pub use figures::{Flush, NewFigures};
pub use idempotency::{Claim, ClaimState, StoredAnswer};
pub use installation_logs::LogQuery;
pub use migrate::Migration;
pub use offers::Offer;
pub use orders::{
    OrderPage, OrderQuery, UnsettledCursor, UnsettledPage,
    commit::{Advance, Answering, Committed, FactsChange, Placement, Work},
};
pub use outbox::DueEvent;
pub use pools::MySqlPools;
pub use product_listing::{PriceRange, ProductCursor, ProductItem, ProductPage, ProductQuery, ProductSort};
pub use receipts::{ReceiptEntry, ReceiptWindow, StoredReceipt};
pub use rulebooks::{Published, RulebookDraft, RulebookSummary};
pub use sessions::{NewRefreshToken, Rotation};
pub use simulations::{
    NewSimulation, Queued, SimulatedOrder, SimulationEnd, SimulationHold, SimulationTurn, StoredSimulation,
};
pub use stock::StockUpdate;
pub use test_payments::{TestBalance, TestOperation, TestOutcome, TestPayment};
pub use update::{Update, Versioned};
pub use uploads::{PluginPage, Upload, UploadedVersion};
