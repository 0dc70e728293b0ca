//! The storefront's and the merchants' side of the HTTP face, one file an endpoint or a few that
//! belong together: handler, request, response and tests.

pub mod admin;
pub mod cart_coupons;
pub mod cart_customer;
pub mod cart_lines;
pub mod cart_shipping;
pub mod carts;
pub mod categories;
pub mod checkout;
pub mod coupon_claims;
pub mod customers;
pub mod me;
pub mod me_addresses;
pub mod money;
pub mod order;
pub mod page;
pub mod popular;
pub mod product;
pub mod products;
pub mod quotes;
pub mod sessions;
pub mod text;
pub mod time;
