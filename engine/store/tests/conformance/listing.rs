//! Lists of products.

use martlet_domain::{
    Id,
    catalog::{Category, Product},
    money::Money,
};
use martlet_store::{PriceRange, ProductCursor, ProductItem, ProductQuery, ProductSort, StoreError, Update};

use crate::{
    harness::World,
    samples::{self, at, krw, price, usd},
};

const SORTS: [ProductSort; 4] =
    [ProductSort::Newest, ProductSort::Title, ProductSort::PriceAscending, ProductSort::PriceDescending];

/// Stores a product with a variant at each price, in USD.
async fn priced(world: &World, change: impl FnOnce(&mut Product), amounts: &[i64]) -> Id<Product> {
    let mut product = samples::product();
    change(&mut product);
    world.db.insert_product(world.store, &product).await.unwrap();
    for amount in amounts {
        let mut variant = samples::variant(product.id);
        variant.prices = vec![price(usd(), *amount)];
        world.db.insert_variant(world.store, &variant).await.unwrap();
    }
    product.id
}

async fn all(world: &World, query: ProductQuery) -> Vec<ProductItem> {
    world.db.list_products(world.store, &query).await.unwrap().items
}

async fn ids(world: &World, query: ProductQuery) -> Vec<Id<Product>> {
    all(world, query).await.into_iter().map(|item| item.product.id).collect()
}

pub(crate) async fn pages_are_complete_without_duplicates_in_every_order(world: World) {
    // Ties in every key: 3 moments, 4 titles, 5 prices.
    for number in 0..23 {
        let change = |product: &mut Product| {
            product.created_at = at(number % 3);
            product.title = format!("Title {}", number % 4);
        };
        priced(&world, change, &[100 * (number % 5)]).await;
    }
    for sort in SORTS {
        let whole = ids(&world, samples::products(100, sort)).await;
        assert_eq!(whole.len(), 23);
        let (mut paged, mut query) = (Vec::new(), samples::products(4, sort));
        loop {
            let page = world.db.list_products(world.store, &query).await.unwrap();
            paged.extend(page.items.iter().map(|item| item.product.id));
            match page.next {
                Some(next) => {
                    assert_eq!(page.items.len(), 4);
                    query.after = Some(next);
                }
                None => break,
            }
        }
        assert_eq!(paged, whole, "{sort:?}");
        let mut distinct = paged.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 23, "{sort:?}");
    }
    // A page that ends with the list promises nothing.
    let page = world.db.list_products(world.store, &samples::products(23, ProductSort::Title)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (23, None));
}

pub(crate) async fn newest_come_first(world: World) {
    let old = priced(&world, |product| product.created_at = at(i64::MIN), &[]).await;
    let new = priced(&world, |product| product.created_at = at(i64::MAX), &[]).await;
    let middle = priced(&world, |product| product.created_at = at(0), &[]).await;
    assert_eq!(ids(&world, samples::products(9, ProductSort::Newest)).await, [new, middle, old]);
}

pub(crate) async fn titles_are_sorted_in_any_case(world: World) {
    let second = priced(&world, |product| product.title = "Banana".to_owned(), &[]).await;
    let first = priced(&world, |product| product.title = "apple".to_owned(), &[]).await;
    let third = priced(&world, |product| product.title = "CHERRY ".to_owned(), &[]).await;
    assert_eq!(ids(&world, samples::products(9, ProductSort::Title)).await, [first, second, third]);
}

pub(crate) async fn prices_are_sorted_both_ways_and_skip_what_has_none(world: World) {
    let dear = priced(&world, |_| {}, &[5_000, 300]).await;
    let cheap = priced(&world, |_| {}, &[200, 9_000]).await;
    priced(&world, |_| {}, &[]).await;
    assert_eq!(ids(&world, samples::products(9, ProductSort::PriceAscending)).await, [cheap, dear]);
    assert_eq!(ids(&world, samples::products(9, ProductSort::PriceDescending)).await, [dear, cheap]);
}

pub(crate) async fn unpublished_products_are_left_out_on_request(world: World) {
    let shown = priced(&world, |product| product.created_at = at(2), &[1]).await;
    let hidden = priced(
        &world,
        |product| (product.published, product.created_at) = (false, at(1)),
        &[1],
    )
    .await;
    for sort in SORTS {
        assert_eq!(ids(&world, samples::products(9, sort)).await, [shown]);
    }
    let query = ProductQuery { published_only: false, ..samples::products(9, ProductSort::Newest) };
    assert_eq!(ids(&world, query).await, [shown, hidden]);
}

async fn searched(world: &World, q: &str) -> Vec<Id<Product>> {
    let query = ProductQuery { q: Some(q.to_owned()), ..samples::products(9, ProductSort::Newest) };
    ids(world, query).await
}

pub(crate) async fn every_word_is_searched_in_title_handle_and_tags(world: World) {
    let mug = |product: &mut Product| {
        product.title = "Große TASSE 머그".to_owned();
        product.handle = "camping-mug".parse().unwrap();
        product.tags = vec!["Outdoor".to_owned(), "Ｗｉｄｅ".to_owned(), "🧶".to_owned()];
    };
    let mug = priced(&world, mug, &[]).await;
    priced(&world, |product| product.title = "Shirt".to_owned(), &[]).await;
    for q in ["mug", "MUG", "grosse", "GROSSE", "gROßE", "asse", "머그", "outdoor tasse", "wide", "🧶", " mug\t"] {
        assert_eq!(searched(&world, q).await, [mug], "{q:?}");
    }
    for q in ["mug shirt", "mugs", "outdoorwide"] {
        assert_eq!(searched(&world, q).await, [], "{q:?}");
    }
    assert_eq!(searched(&world, "  ").await.len(), 2);
}

pub(crate) async fn signs_of_patterns_are_searched_literally(world: World) {
    let literal = |product: &mut Product| product.title = r"100% w_ol 'n\' more".to_owned();
    let literal = priced(&world, literal, &[]).await;
    priced(&world, |product| product.title = "100 wool".to_owned(), &[]).await;
    for q in ["%", "w_ol", "'", r"\", "100%"] {
        assert_eq!(searched(&world, q).await, [literal], "{q:?}");
    }
}

async fn stored_category(world: &World, parent: Option<Id<Category>>) -> Category {
    let category = samples::category(parent);
    world.db.insert_category(world.store, &category).await.unwrap();
    category
}

pub(crate) async fn a_category_includes_those_below_it(world: World) {
    let root = stored_category(&world, None).await;
    let child = stored_category(&world, Some(root.id)).await;
    let grandchild = stored_category(&world, Some(child.id)).await;
    let sibling = stored_category(&world, Some(root.id)).await;
    let deep = priced(
        &world,
        |product| (product.categories, product.created_at) = (vec![grandchild.id, child.id], at(2)),
        &[],
    )
    .await;
    let beside = priced(
        &world,
        |product| (product.categories, product.created_at) = (vec![sibling.id], at(1)),
        &[],
    )
    .await;
    for (category, expected) in [(root, vec![deep, beside]), (child, vec![deep]), (sibling, vec![beside])] {
        let query =
            ProductQuery { category: Some(category.handle), ..samples::products(9, ProductSort::Newest) };
        assert_eq!(ids(&world, query).await, expected);
    }
}

pub(crate) async fn an_unknown_category_has_no_products(world: World) {
    priced(&world, |_| {}, &[]).await;
    let category = Some("unknown".parse().unwrap());
    let query = ProductQuery { category, ..samples::products(9, ProductSort::Newest) };
    assert_eq!(ids(&world, query).await, []);
}

pub(crate) async fn price_bounds_are_inclusive_and_of_one_currency(world: World) {
    let product = priced(&world, |_| {}, &[100]).await;
    for (from, to, expected) in [
        (Some(100), Some(100), true),
        (Some(101), None, false),
        (None, Some(99), false),
        (None, Some(i64::MAX), true),
        (Some(i64::MIN), None, true),
    ] {
        let price = PriceRange { from, to };
        let query = ProductQuery { price, ..samples::products(9, ProductSort::Newest) };
        assert_eq!(ids(&world, query.clone()).await.contains(&product), expected, "{price:?}");
        assert_eq!(ids(&world, ProductQuery { currency: krw(), ..query }).await, []);
    }
}

pub(crate) async fn the_lowest_price_follows_every_change(world: World) {
    let lowest = async |product| {
        let items = all(&world, samples::products(9, ProductSort::Newest)).await;
        items.into_iter().find(|item| item.product.id == product).unwrap().lowest_price
    };
    let usd_of = |minor_units| Some(Money { minor_units, currency: usd() });
    let product = priced(&world, |_| {}, &[]).await;
    assert_eq!(lowest(product).await, None);

    let mut variant = samples::variant(product);
    variant.prices = vec![price(krw(), 1), price(usd(), 500)];
    world.db.insert_variant(world.store, &variant).await.unwrap();
    assert_eq!(lowest(product).await, usd_of(500));

    let mut second = samples::variant(product);
    second.prices = vec![price(usd(), i64::MAX)];
    world.db.insert_variant(world.store, &second).await.unwrap();
    let set = world.db.set_prices(world.store, variant.id, &[], 1).await.unwrap();
    assert_eq!((set, lowest(product).await), (Update::Done { version: 2 }, usd_of(i64::MAX)));

    second.prices = vec![price(usd(), 0)];
    let update = world.db.update_variant(world.store, &second, 1).await.unwrap();
    assert_eq!((update, lowest(product).await), (Update::Done { version: 2 }, usd_of(0)));
}

pub(crate) async fn a_product_is_available_while_any_variant_is(world: World) {
    let product = priced(&world, |_| {}, &[1, 2]).await;
    let available = async || all(&world, samples::products(9, ProductSort::Newest)).await[0].available;
    let variants = world.db.list_variants(world.store, product).await.unwrap();
    assert!(available().await);
    let _ = world.db.set_on_hand(world.store, variants[0].id, 0).await.unwrap();
    assert!(available().await);
    let _ = world.db.set_on_hand(world.store, variants[1].id, 0).await.unwrap();
    assert!(!available().await);
}

pub(crate) async fn a_cursor_of_another_order_is_refused(world: World) {
    let after = Some(ProductCursor::Title { key: String::new(), id: crate::harness::id() });
    let query = ProductQuery { after, ..samples::products(9, ProductSort::Newest) };
    let error = world.db.list_products(world.store, &query).await.unwrap_err();
    assert!(matches!(error, StoreError::CursorMismatch), "{error}");
}

pub(crate) async fn a_cursor_round_trips_through_json(world: World) {
    for number in 0..2 {
        priced(&world, |product| product.title = format!("{number} {}", samples::ODD_TEXT), &[i64::MAX - number])
            .await;
    }
    for sort in SORTS {
        let page = world.db.list_products(world.store, &samples::products(1, sort)).await.unwrap();
        let next = page.next.unwrap();
        let text = serde_json::to_string(&next).unwrap();
        assert_eq!(serde_json::from_str::<ProductCursor>(&text).unwrap(), next);
    }
}

pub(crate) async fn another_store_lists_no_product(world: World) {
    let product = priced(&world, |_| {}, &[1]).await;
    let variant = world.db.list_variants(world.store, product).await.unwrap().remove(0);
    let cart = samples::cart(vec![samples::line(variant.id, 1)]);
    world.db.insert_cart(world.store, &cart).await.unwrap();
    for sort in SORTS {
        let page = world.db.list_products(world.other, &samples::products(9, sort)).await.unwrap();
        assert_eq!((page.items, page.next), (Vec::new(), None));
    }
    assert_eq!(world.db.list_popular_products(world.other, at(0), 9).await.unwrap(), []);
}

pub(crate) async fn popular_products_are_ordered_by_lines_added_since(world: World) {
    let (often, seldom) = (priced(&world, |_| {}, &[7, 8]).await, priced(&world, |_| {}, &[9]).await);
    let hidden = priced(&world, |product| product.published = false, &[1]).await;
    let mut lines = Vec::new();
    for product in [often, seldom, hidden] {
        for variant in world.db.list_variants(world.store, product).await.unwrap() {
            lines.push(samples::line(variant.id, 1));
        }
    }
    world.db.insert_cart(world.store, &samples::cart(lines.clone())).await.unwrap();

    let popular = async |since, limit| {
        let ids = world.db.list_popular_products(world.store, at(since), limit).await.unwrap();
        let items = world.db.list_published_items(world.store, usd(), &ids).await.unwrap();
        items.into_iter().map(|item| (item.product.id, item.lowest_price.unwrap().minor_units)).collect::<Vec<_>>()
    };
    let added = lines[0].added_at.as_millis();
    assert_eq!(popular(added, 9).await, [(often, 7), (seldom, 9)]);
    assert_eq!(popular(added, 1).await, [(often, 7)]);
    assert_eq!(popular(added + 1, 9).await, []);
}
