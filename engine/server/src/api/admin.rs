//! The merchants' side. Every handler here takes [`Staff`](crate::extract::Staff), and its description
//! names the scope that a key needs for it, see [`access`](crate::access).

pub mod api_keys;
pub mod audit;
pub mod categories;
pub mod claim_stock;
pub mod coupon;
pub mod coupons;
pub mod explanations;
pub mod groups;
pub mod installation;
pub mod installation_figures;
pub mod installation_logs;
pub mod installations;
pub mod order_steps;
pub mod orders;
pub mod plugin_versions;
pub mod plugins;
pub mod prices;
pub mod product;
pub mod products;
pub mod rulebook_diff;
pub mod rulebooks;
pub mod simulation;
pub mod simulations;
pub mod stock;
pub mod variant;
pub mod variants;
