//! Categories, products and variants.

use std::collections::HashMap;

use anyhow::Context as _;
use martlet_domain::{
    Id, Timestamp,
    catalog::{Attribute, Category, Handle, Price, Product, Sku, Variant},
    money::Currency,
    settings::Store,
    stock::StockLevel,
};

use super::{
    Seeder,
    content::{Content, ProductContent},
};

impl Seeder<'_> {
    pub(super) async fn catalogue(
        &self,
        store: &Store,
        content: &Content,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> anyhow::Result<()> {
        let categories = self.categories(store, content).await?;
        let mut variants = 0;
        for (index, product) in content.products.iter().enumerate() {
            variants += self.product(store, product, &categories).await?;
            if (index + 1) % 20 == 0 || index + 1 == content.products.len() {
                progress(&format!(
                    "{} of {} products, {variants} new variants",
                    index + 1,
                    content.products.len()
                ));
            }
        }
        Ok(())
    }

    async fn categories(
        &self,
        store: &Store,
        content: &Content,
    ) -> anyhow::Result<HashMap<Handle, Id<Category>>> {
        let known = self.db.list_categories(store.id).await?;
        let mut ids: HashMap<Handle, Id<Category>> =
            known.into_iter().map(|category| (category.handle, category.id)).collect();
        for (position, category) in content.categories.iter().enumerate() {
            if ids.contains_key(&category.handle) {
                continue;
            }
            let parent = category.parent.as_ref().map(|parent| {
                ids.get(parent)
                    .copied()
                    .with_context(|| format!("the category {parent} comes after its child"))
            });
            let category = Category {
                id: self.ids.next(self.clock.now()),
                handle: category.handle.clone(),
                name: category.name.clone(),
                parent: parent.transpose()?,
                position: i64::try_from(position)?,
            };
            self.db.insert_category(store.id, &category).await?;
            ids.insert(category.handle, category.id);
        }
        Ok(ids)
    }

    /// Puts a product in with those of its variants that aren't there, and counts these.
    async fn product(
        &self,
        store: &Store,
        content: &ProductContent,
        categories: &HashMap<Handle, Id<Category>>,
    ) -> anyhow::Result<usize> {
        let now = self.clock.now();
        let product = match self.db.find_product_by_handle(store.id, &content.handle).await? {
            Some(product) => product,
            None => {
                let product = product(self.ids.next(now), content, categories, now)?;
                self.db.insert_product(store.id, &product).await?;
                product
            }
        };
        let known = self.db.list_variants(store.id, product.id).await?;
        let mut new = 0;
        for (position, choice) in choices(content).into_iter().enumerate() {
            let variant = variant(self.ids.next(now), product.id, content, position, &choice)?;
            if !known.iter().any(|known| known.sku == variant.sku) {
                self.db.insert_variant(store.id, &variant).await?;
                new += 1;
            }
        }
        Ok(new)
    }
}

fn product(
    id: Id<Product>,
    content: &ProductContent,
    categories: &HashMap<Handle, Id<Category>>,
    now: Timestamp,
) -> anyhow::Result<Product> {
    let category = |handle: &Handle| {
        categories
            .get(handle)
            .copied()
            .with_context(|| format!("{} stands in no category {handle}", content.handle))
    };
    let mut tags = content.tags.clone();
    tags.sort();
    Ok(Product {
        id,
        handle: content.handle.clone(),
        title: content.title.clone(),
        description: content.description.clone(),
        published: true,
        tags,
        attributes: content
            .attributes
            .iter()
            .map(|(name, value)| Attribute { name: name.clone(), value: value.clone() })
            .collect(),
        options: content.options.clone(),
        tax_category: content.tax_category.clone(),
        categories: content.categories.iter().map(category).collect::<anyhow::Result<_>>()?,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Every choice of one value for each option, with its place among the first option's values.
fn choices(content: &ProductContent) -> Vec<(i64, Vec<Attribute>)> {
    let mut choices = vec![(0, Vec::new())];
    for (index, option) in content.options.iter().enumerate() {
        choices = choices
            .iter()
            .flat_map(|(place, chosen): &(i64, Vec<Attribute>)| {
                (0_i64..).zip(&option.values).map(move |(own, value)| {
                    let attribute = Attribute { name: option.name.clone(), value: value.clone() };
                    let place = if index == 0 { own } else { *place };
                    (place, chosen.iter().cloned().chain([attribute]).collect())
                })
            })
            .collect();
    }
    choices
}

fn variant(
    id: Id<Variant>,
    product: Id<Product>,
    content: &ProductContent,
    position: usize,
    (place, choice): &(i64, Vec<Attribute>),
) -> anyhow::Result<Variant> {
    let cents = content.amount + place * content.step;
    let mut options = choice.clone();
    options.sort();
    Ok(Variant {
        id,
        product,
        sku: sku(&content.sku, choice)?,
        title: choice.iter().map(|attribute| attribute.value.as_str()).collect::<Vec<_>>().join(" / "),
        options,
        prices: vec![price("USD", cents)?, price("KRW", won(cents))?],
        stock: StockLevel { on_hand: content.stock, reserved: 0 },
        weight_grams: content.weight_grams,
        position: i64::try_from(position)?,
        version: 1,
    })
}

/// `SOCK-MERINO` in `M`, `Navy` is `SOCK-MERINO-M-NAVY`.
fn sku(stem: &str, choice: &[Attribute]) -> anyhow::Result<Sku> {
    let word = |attribute: &Attribute| attribute.value.replace(' ', "-").to_uppercase();
    let words: Vec<String> = std::iter::once(stem.to_owned()).chain(choice.iter().map(word)).collect();
    Ok(words.join("-").parse()?)
}

/// 13.5 won a cent, to the next 100 won.
fn won(cents: i64) -> i64 {
    (cents * 135 / 10 + 99) / 100 * 100
}

fn price(currency: &str, amount: i64) -> anyhow::Result<Price> {
    Ok(Price { currency: currency.parse::<Currency>()?, amount, floor: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        toml::from_str(super::super::DEMO).unwrap()
    }

    #[test]
    fn the_demo_store_is_as_large_as_promised() {
        let content = content();
        let variants: usize = content.products.iter().map(|product| choices(product).len()).sum();
        assert!(content.products.len() >= 60 && variants >= 200, "{} and {variants}", content.products.len());
    }

    #[test]
    fn every_variant_has_a_sku_and_prices_of_its_own() {
        let content = content();
        let mut skus = std::collections::BTreeSet::new();
        for product in &content.products {
            for (position, choice) in choices(product).iter().enumerate() {
                let id = Id::new(uuid::Uuid::from_u128(1));
                let variant =
                    variant(id, Id::new(uuid::Uuid::from_u128(2)), product, position, choice).unwrap();
                assert!(variant.prices.iter().all(|price| price.amount > 0));
                assert!(skus.insert(variant.sku.clone()), "{} stands twice", variant.sku);
            }
        }
        assert!(skus.contains(&"SOCK-MERINO-M-NAVY".parse().unwrap()));
        // The second volume of the mug costs a step more: 16.00 + 2.00.
        let mug = content.products.iter().find(|product| product.sku == "MUG-STONE").unwrap();
        assert_eq!(
            choices(mug).iter().map(|(place, _)| mug.amount + place * mug.step).collect::<Vec<_>>(),
            [1_600, 1_800]
        );
        assert_eq!(won(1_450), 19_600);
    }
}
