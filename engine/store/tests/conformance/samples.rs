//! Things to store.

use std::collections::BTreeMap;

use martlet_domain::{
    Digest, Id, Timestamp,
    cart::{Address, Cart, LineItem},
    catalog::{Attribute, Category, Price, Product, ProductOption, Variant},
    coupon::Coupon,
    customer::{Customer, CustomerFacts},
    money::{Currency, Money, Ppm},
    plugin::{
        Description, FailurePolicy, Installation, InstallationStage, Plugin, PluginVersion, Template, World,
    },
    quote::Class,
    settings::{ShippingMethod, Store, StoreSettings, TaxRates},
    stock::StockLevel,
};
use martlet_store::{Db, ProductQuery, ProductSort};

use crate::harness::{id, number};

/// Text of four-byte characters, quotes and controls: all that escaping or a charset could break.
pub(crate) const ODD_TEXT: &str = "🧶 l'été \"größer\" \\ 한국어 % _ ? \u{1F469}\u{200D}\u{1F4BB}\t\n;-- 𝔘";

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// So many milliseconds after the moment that the tests' ids are of: orders are about as old as their ids.
pub(crate) fn since_ids(millis: i64) -> Timestamp {
    at(0x0198_0000_0000 + millis)
}

pub(crate) fn usd() -> Currency {
    "USD".parse().unwrap()
}

pub(crate) fn krw() -> Currency {
    "KRW".parse().unwrap()
}

pub(crate) fn price(currency: Currency, amount: i64) -> Price {
    Price { currency, amount, floor: 0 }
}

pub(crate) fn store() -> Store {
    let number = number();
    Store {
        id: id(),
        handle: format!("store-{number}").parse().unwrap(),
        name: ODD_TEXT.to_owned(),
        hosts: vec![format!("z{number}.example"), format!("a{number}.example")],
        created_at: at(i64::MAX),
    }
}

pub(crate) fn settings() -> StoreSettings {
    StoreSettings {
        default_currency: krw(),
        prices_include_tax: true,
        tax: TaxRates {
            standard: Ppm(100_000),
            by_category: BTreeMap::from([("books".to_owned(), Ppm(0)), (ODD_TEXT.to_owned(), Ppm::ONE)]),
        },
        shipping_methods: vec![ShippingMethod {
            handle: "standard".parse().unwrap(),
            name: ODD_TEXT.to_owned(),
            amounts: BTreeMap::from([(usd(), i64::MAX), (krw(), 0)]),
            tax_category: String::new(),
            countries: Vec::new(),
        }],
    }
}

pub(crate) fn category(parent: Option<Id<Category>>) -> Category {
    let id = id();
    Category {
        id,
        handle: format!("category-{}", number()).parse().unwrap(),
        name: ODD_TEXT.to_owned(),
        parent,
        position: 0,
    }
}

pub(crate) fn product() -> Product {
    let number = number();
    Product {
        id: id(),
        handle: format!("product-{number}").parse().unwrap(),
        title: format!("Product {number}"),
        description: String::new(),
        published: true,
        tags: Vec::new(),
        attributes: Vec::new(),
        options: vec![ProductOption {
            name: "size".to_owned(),
            values: vec!["S".to_owned(), "M".to_owned()],
        }],
        tax_category: "standard".to_owned(),
        categories: Vec::new(),
        version: 1,
        created_at: at(1_000),
        updated_at: at(1_000),
    }
}

pub(crate) fn variant(product: Id<Product>) -> Variant {
    let number = number();
    Variant {
        id: id(),
        product,
        sku: format!("SKU-{number}").parse().unwrap(),
        title: "M".to_owned(),
        options: vec![Attribute { name: "size".to_owned(), value: "M".to_owned() }],
        prices: vec![price(usd(), 1_999)],
        stock: StockLevel { on_hand: 10, reserved: 0 },
        weight_grams: Some(u32::try_from(number).unwrap()),
        position: 0,
        version: 1,
    }
}

pub(crate) fn customer() -> Customer {
    Customer {
        id: id(),
        email: format!("someone{}@example.com", number()),
        facts: CustomerFacts::default(),
        created_at: at(0),
    }
}

pub(crate) fn address() -> Address {
    Address {
        name: ODD_TEXT.to_owned(),
        lines: vec![String::new(), ODD_TEXT.to_owned()],
        city: "서울".to_owned(),
        postal_code: None,
        region: Some("11".to_owned()),
        country: "KR".to_owned(),
    }
}

pub(crate) fn cart(lines: Vec<LineItem>) -> Cart {
    Cart {
        id: id(),
        version: 1,
        currency: usd(),
        customer: None,
        email: None,
        shipping_address: None,
        shipping_method: None,
        lines,
        coupons: Vec::new(),
        order: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn line(variant: Id<Variant>, quantity: u32) -> LineItem {
    LineItem { id: id(), variant, quantity, added_at: at(5_000) }
}

pub(crate) fn coupon(installation: Id<Installation>) -> Coupon {
    Coupon {
        id: id(),
        code: format!("CODE-{}", number()).parse().unwrap(),
        installation,
        config: "{}".to_owned(),
        classes: vec![Class::Order],
        enabled: true,
        starts_at: None,
        ends_at: None,
        total_limit: None,
        per_customer_limit: None,
        version: 1,
    }
}

pub(crate) fn plugin() -> Plugin {
    Plugin { id: id(), name: format!("plugin-{}", number()), world: World::Coupon }
}

/// Bytes that no other call in this process gets.
pub(crate) fn component() -> Vec<u8> {
    format!("component {}", number()).into_bytes()
}

pub(crate) fn version(plugin: &Plugin, component: &[u8]) -> PluginVersion {
    PluginVersion {
        plugin: plugin.id,
        digest: Digest::of(component),
        description: Description {
            name: plugin.name.clone(),
            version: "1.0.0".to_owned(),
            title: ODD_TEXT.to_owned(),
            summary: String::new(),
            config_schema: "{}".to_owned(),
            templates: vec![Template {
                key: "off".to_owned(),
                language: "ko".to_owned(),
                text: ODD_TEXT.to_owned(),
            }],
        },
        wit_version: "0.1.0".to_owned(),
        size: component.len() as i64,
        created_at: at(7),
    }
}

pub(crate) fn installation(component: Digest) -> Installation {
    Installation {
        id: id(),
        sequence: 0,
        plugin: "plugin".to_owned(),
        version: "1.0.0".to_owned(),
        component,
        world: World::Coupon,
        config: format!("{{\"words\":{}}}", serde_json::to_string(ODD_TEXT).unwrap()),
        classes: vec![Class::Line, Class::Gift],
        stage: InstallationStage::Canary(7),
        priority: i32::MIN,
        group: Some("seasonal".to_owned()),
        failure_policy: FailurePolicy::BasePrice,
        gift_skus: vec!["GIFT".parse().unwrap()],
        budget: Some(Money { minor_units: i64::MAX, currency: usd() }),
        daily_budget: None,
        customer_budget: None,
        starts_at: None,
        ends_at: None,
        exclusivity_tags: Vec::new(),
        quarantine: None,
        templates: Vec::new(),
    }
}

pub(crate) fn products(limit: u32, sort: ProductSort) -> ProductQuery {
    ProductQuery {
        published_only: true,
        q: None,
        category: None,
        currency: usd(),
        price: Default::default(),
        sort,
        after: None,
        limit,
    }
}

/// A stored product with one stored variant.
pub(crate) async fn stored_variant(db: &Db, store: Id<Store>) -> Variant {
    let product = product();
    db.insert_product(store, &product).await.unwrap();
    let variant = variant(product.id);
    db.insert_variant(store, &variant).await.unwrap();
    variant
}

/// A stored plugin version and the plugin it belongs to.
pub(crate) async fn stored_version(db: &Db, store: Id<Store>) -> (Plugin, PluginVersion) {
    let (plugin, bytes) = (plugin(), component());
    let version = version(&plugin, &bytes);
    db.insert_plugin(store, &plugin).await.unwrap();
    db.insert_plugin_version(store, &version, &bytes).await.unwrap();
    (plugin, version)
}

/// A stored installation of a stored plugin.
pub(crate) async fn stored_installation(db: &Db, store: Id<Store>) -> Installation {
    let (_, version) = stored_version(db, store).await;
    db.insert_installation(store, &installation(version.digest)).await.unwrap()
}

/// A stored coupon of a stored installation.
pub(crate) async fn stored_coupon(db: &Db, store: Id<Store>) -> Coupon {
    let coupon = coupon(stored_installation(db, store).await.id);
    db.insert_coupon(store, &coupon).await.unwrap();
    coupon
}
