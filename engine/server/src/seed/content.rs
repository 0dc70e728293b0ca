//! The form of the demo store's data.

use std::collections::BTreeMap;

use martlet_domain::{
    catalog::{Handle, ProductOption},
    coupon::CouponCode,
    money::Currency,
    plugin::{FailurePolicy, Group},
    settings::ShippingMethod,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    pub(super) store: StoreContent,
    pub(super) shipping_methods: Vec<ShippingMethod>,
    pub(super) categories: Vec<CategoryContent>,
    pub(super) products: Vec<ProductContent>,
    pub(super) groups: Vec<Group>,
    pub(super) installations: Vec<InstallationContent>,
    pub(super) coupons: Vec<CouponContent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreContent {
    pub(super) name: String,
    pub(super) default_currency: Currency,
    pub(super) prices_include_tax: bool,
    pub(super) standard_tax_ppm: u32,
    pub(super) tax_ppm: BTreeMap<String, u32>,
}

/// Parents stand before their children.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CategoryContent {
    pub(super) handle: Handle,
    pub(super) name: String,
    pub(super) parent: Option<Handle>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductContent {
    pub(super) handle: Handle,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) categories: Vec<Handle>,
    /// What the SKUs of its variants begin with.
    pub(super) sku: String,
    /// US cents.
    pub(super) amount: i64,
    /// Added for each place of the first option.
    #[serde(default)]
    pub(super) step: i64,
    /// What a unit weighs.
    pub(super) weight_grams: Option<u32>,
    /// Of each variant.
    pub(super) stock: i64,
    #[serde(default = "standard")]
    pub(super) tax_category: String,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) options: Vec<ProductOption>,
}

fn standard() -> String {
    "standard".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstallationContent {
    pub(super) plugin: String,
    pub(super) config: String,
    pub(super) priority: i32,
    pub(super) group: Option<String>,
    pub(super) failure_policy: FailurePolicy,
}

/// A coupon of the installed coupon plugin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CouponContent {
    pub(super) code: CouponCode,
    pub(super) config: String,
    pub(super) total_limit: Option<i64>,
    pub(super) per_customer_limit: Option<i64>,
}
