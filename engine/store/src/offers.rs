//! Variants with all that pricing a cart needs to know of them, in a fixed number of queries.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use martlet_domain::{
    Id,
    catalog::{Handle, Product, Sku, Variant},
    settings::Store,
};

use crate::{Db, StoreError, categories};

/// A variant with all that pricing a cart needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The variant.
    pub variant: Variant,
    /// Its product.
    pub product: Arc<Product>,
    /// Handles of the product's categories and of all above them, sorted.
    pub categories: Arc<[Handle]>,
}

impl Db {
    /// Those of some variants that are there, in no order.
    pub async fn list_offers(&self, store: Id<Store>, ids: &[Id<Variant>]) -> Result<Vec<Offer>, StoreError> {
        let variants = self.list_variants_by_id(store, ids).await?;
        self.offers(store, variants).await
    }

    /// Those of some variants that are there, by stock-keeping unit, in no order.
    pub async fn list_offers_by_sku(&self, store: Id<Store>, skus: &[Sku]) -> Result<Vec<Offer>, StoreError> {
        let variants = self.list_variants_by_sku(store, skus).await?;
        self.offers(store, variants).await
    }

    async fn offers(&self, store: Id<Store>, variants: Vec<Variant>) -> Result<Vec<Offer>, StoreError> {
        if variants.is_empty() {
            return Ok(Vec::new());
        }
        let ids: BTreeSet<_> = variants.iter().map(|variant| variant.product).collect();
        let products = self.list_products_by_id(store, &ids.into_iter().collect::<Vec<_>>()).await?;
        let tree: HashMap<_, _> =
            self.list_categories(store).await?.into_iter().map(|category| (category.id, category)).collect();
        let products: HashMap<_, _> = products
            .into_iter()
            .map(|product| {
                let handles: Arc<[Handle]> =
                    categories::handles_with_ancestors(&tree, &product.categories).into();
                (product.id, (Arc::new(product), handles))
            })
            .collect();
        // A variant without its product can't be: a foreign key holds them together.
        Ok(variants
            .into_iter()
            .filter_map(|variant| {
                let (product, categories) = products.get(&variant.product)?.clone();
                Some(Offer { variant, product, categories })
            })
            .collect())
    }
}
