//! The merchants' side. Every handler here takes [`Staff`](crate::extract::Staff).

pub mod categories;
pub mod claim_stock;
pub mod coupon;
pub mod coupons;
pub mod installation_figures;
pub mod installation_logs;
pub mod installations;
pub mod order_steps;
pub mod orders;
pub mod prices;
pub mod product;
pub mod products;
pub mod rulebooks;
pub mod stock;
pub mod variant;
pub mod variants;
