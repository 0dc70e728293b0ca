//! A thousand variants that never run out, and carts with one of them.

use std::{collections::VecDeque, sync::Arc};

use anyhow::{Context as _, Result};
use martlet_domain::{
    Id,
    cart::{Address, Cart, LineItem},
    catalog::{Attribute, Price, Product, ProductOption, Variant},
    stock::StockLevel,
};
use martlet_server::{committer::Committer, ids::Ids, redis::Redis};
use tokio::task::JoinSet;

use crate::{
    cart::SHIPPING,
    shop::{NOW, Shop},
};

/// How many variants there are.
const VARIANTS: usize = 1_000;
/// Units of each.
const UNITS: i64 = 1 << 40;

/// What there is to sell.
pub(crate) struct Goods {
    pub(crate) committer: Arc<Committer>,
    variants: Vec<Id<Variant>>,
}

impl Goods {
    /// Puts everything on the shelves.
    pub(crate) async fn stock(shop: &Shop) -> Result<Self> {
        let product = product(shop)?;
        let (db, store) = (&shop.state.db, shop.store.id);
        db.insert_product(store, &product).await?;
        let mut variants = Vec::with_capacity(VARIANTS);
        for number in 0..VARIANTS {
            let variant = variant(shop, &product, number)?;
            db.insert_variant(store, &variant).await?;
            variants.push(variant.id);
        }
        Ok(Self { committer: Committer::new(db.clone(), Redis::off(), Ids::System), variants })
    }

    /// The one that everybody wants.
    pub(crate) fn hot(&self) -> Id<Variant> {
        self.variants[0]
    }

    /// A stored cart with one unit of a variant.
    pub(crate) async fn cart(&self, shop: &Shop, number: usize) -> Result<Cart> {
        let cart = new_cart(shop, self.variants[number % VARIANTS])?;
        shop.state.db.insert_cart(shop.store.id, &cart).await?;
        Ok(cart)
    }

    /// Stored carts of a variant each, or all of the same.
    pub(crate) async fn carts(&self, shop: &Shop, count: usize, hot: bool) -> Result<VecDeque<Cart>> {
        let mut under_way = JoinSet::new();
        let mut carts = VecDeque::with_capacity(count);
        for number in 0..count {
            if under_way.len() >= 12 {
                carts.push_back(under_way.join_next().await.context("a cart")???);
            }
            // Neighbours stand far apart, as in a shop.
            let variant = self.variants[if hot { 0 } else { number * 389 % VARIANTS }];
            let (cart, db, store) = (new_cart(shop, variant)?, shop.state.db.clone(), shop.store.id);
            under_way.spawn(async move {
                db.insert_cart(store, &cart).await?;
                anyhow::Ok(cart)
            });
        }
        while let Some(cart) = under_way.join_next().await {
            carts.push_back(cart??);
        }
        Ok(carts)
    }
}

fn product(shop: &Shop) -> Result<Product> {
    let values = (0..VARIANTS).map(|number| number.to_string()).collect();
    Ok(Product {
        id: shop.state.world.ids.next(NOW),
        handle: "bench".parse()?,
        title: "Bench".to_owned(),
        description: String::new(),
        published: true,
        tags: Vec::new(),
        attributes: Vec::new(),
        options: vec![ProductOption { name: "number".to_owned(), values }],
        tax_category: "standard".to_owned(),
        categories: Vec::new(),
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    })
}

fn variant(shop: &Shop, product: &Product, number: usize) -> Result<Variant> {
    Ok(Variant {
        id: shop.state.world.ids.next(NOW),
        product: product.id,
        sku: format!("BENCH-{number}").parse()?,
        title: String::new(),
        options: vec![Attribute { name: "number".to_owned(), value: number.to_string() }],
        prices: vec![Price { currency: "USD".parse()?, amount: 2_500, floor: 0 }],
        stock: StockLevel { on_hand: UNITS, reserved: 0 },
        weight_grams: None,
        position: 0,
        version: 1,
    })
}

fn new_cart(shop: &Shop, variant: Id<Variant>) -> Result<Cart> {
    let ids = &shop.state.world.ids;
    Ok(Cart {
        id: ids.next(NOW),
        version: 1,
        currency: "USD".parse()?,
        customer: None,
        email: Some("bench@example.com".to_owned()),
        shipping_address: Some(Address {
            name: "Jo".to_owned(),
            lines: vec!["1 Road".to_owned()],
            city: "Seoul".to_owned(),
            postal_code: None,
            region: None,
            country: "KR".to_owned(),
        }),
        shipping_method: Some(SHIPPING.parse()?),
        lines: vec![LineItem { id: ids.next(NOW), variant, quantity: 1, added_at: NOW }],
        coupons: Vec::new(),
        order: None,
        created_at: NOW,
        updated_at: NOW,
    })
}
