//! Carts over the demo store's goods.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use martlet_domain::{
    catalog::Sku,
    coupon::CouponCode,
    money::Currency,
    plugin::{Rulebook, SealedRulebook},
    quote::{CouponInput, Input, LineInput, ProductFacts, ShippingInput, Standing},
};
use martlet_store::{Offer, PriceRange, ProductQuery, ProductSort};

use crate::shop::{NOW, Shop};

/// A cart that every plugin of the demo has something to say to.
pub(crate) const CART: [(&str, u32); 10] = [
    ("KNIT-CARDI-M", 1),
    ("SOCK-MERINO-M-NAVY", 3),
    ("MUG-STONE-350", 12),
    ("COFFEE-FILTER-250-BEANS", 4),
    ("TEE-POCKET-M-BLACK", 2),
    ("HAT-STRAW-S", 1),
    ("SCARF-MERINO-RUST", 1),
    ("NOTE-DOT-A5-FOREST", 2),
    ("LAMP-DESK-BRASS", 1),
    ("BAG-TOTE-BLACK", 1),
];
/// The coupon on it.
pub(crate) const COUPON: &str = "WELCOME10";
/// The shipping method it has chosen.
pub(crate) const SHIPPING: &str = "standard";

impl Shop {
    /// What prices such a cart under a rulebook; lines beyond the cart's are of other variants.
    pub(crate) fn input(&self, lines: usize, rulebook: Rulebook) -> Result<Input> {
        self.runtime.block_on(async {
            let settings = self.state.db.find_settings(self.store.id).await?.context("no settings")?.value;
            let currency = settings.default_currency;
            let method = settings.shipping_methods.iter().find(|method| method.handle.as_str() == SHIPPING);
            let method = method.context("no such shipping method")?;
            Ok(Input {
                rulebook: Arc::new(SealedRulebook::new(rulebook)),
                as_of: NOW,
                currency,
                prices_include_tax: settings.prices_include_tax,
                tax: settings.tax,
                customer: None,
                destination: None,
                lines: self.lines(lines, currency).await?,
                wanted_method: None,
                own_methods: Vec::new(),
                shipping: Some(ShippingInput {
                    method: method.handle.clone(),
                    amount: method.amount(currency, None).context("no price of shipping")?,
                    tax_category: method.tax_category.clone(),
                }),
                coupons: vec![self.coupon().await?],
                standings: Vec::new(),
                gifts: Vec::new(),
                bucket: 0,
            })
        })
    }

    /// The rules of the demo store.
    pub(crate) fn rulebook(&self) -> Result<Rulebook> {
        let rulebook = self.runtime.block_on(self.state.db.find_active_rulebook(self.store.id))?;
        Ok(rulebook.context("the demo store has no rulebook")?.into_rulebook())
    }

    async fn coupon(&self) -> Result<CouponInput> {
        let code: CouponCode = COUPON.parse()?;
        let coupon = self.state.db.find_coupon_by_code(self.store.id, &code).await?;
        Ok(CouponInput { coupon: coupon.context("no such coupon")?, standing: Standing::default() })
    }

    async fn lines(&self, count: usize, currency: Currency) -> Result<Vec<LineInput>> {
        let cart = CART.iter().map(|(sku, quantity)| Ok((sku.parse()?, *quantity)));
        let mut wanted = cart.collect::<Result<Vec<(Sku, u32)>>>()?;
        for sku in self.skus(currency).await? {
            if wanted.iter().all(|(known, _)| *known != sku) {
                wanted.push((sku, 2));
            }
        }
        wanted.truncate(count);
        anyhow::ensure!(wanted.len() == count, "the demo store has no {count} variants");
        let skus: Vec<Sku> = wanted.iter().map(|(sku, _)| sku.clone()).collect();
        let offers = self.state.db.list_offers_by_sku(self.store.id, &skus).await?;
        let lines = wanted.iter().map(|(sku, quantity)| {
            let offer = offers.iter().find(|offer| offer.variant.sku == *sku);
            line(offer.with_context(|| format!("no {sku}"))?, *quantity, currency)
        });
        lines.collect()
    }

    /// All variants of the store, by product.
    async fn skus(&self, currency: Currency) -> Result<Vec<Sku>> {
        let query = ProductQuery {
            published_only: true,
            q: None,
            category: None,
            currency,
            price: PriceRange::default(),
            sort: ProductSort::Title,
            after: None,
            limit: 100,
        };
        let mut skus = Vec::new();
        for item in self.state.db.list_products(self.store.id, &query).await?.items {
            let variants = self.state.db.list_variants(self.store.id, item.product.id).await?;
            skus.extend(variants.into_iter().map(|variant| variant.sku));
        }
        Ok(skus)
    }
}

fn line(offer: &Offer, quantity: u32, currency: Currency) -> Result<LineInput> {
    let Offer { variant, product, categories } = offer;
    let price = variant.price(currency).context("no price")?;
    Ok(LineInput {
        variant: variant.id,
        sku: variant.sku.clone(),
        options: variant.options.clone(),
        product: Arc::new(ProductFacts {
            id: product.id,
            handle: product.handle.clone(),
            categories: categories.to_vec(),
            tags: product.tags.clone(),
            attributes: product.attributes.clone(),
        }),
        quantity,
        weight_grams: offer.variant.weight_grams,
        unit_amount: price.amount,
        floor: price.floor,
        tax_category: product.tax_category.clone(),
    })
}
