//! The merchants' side. Every handler here takes [`Staff`](crate::extract::Staff).

pub mod categories;
pub mod claim_stock;
pub mod coupon;
pub mod coupons;
pub mod groups;
pub mod installation;
pub mod installations;
pub mod order_steps;
pub mod orders;
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
