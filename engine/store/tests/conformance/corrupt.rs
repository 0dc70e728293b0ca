//! Rows that somebody damaged: each is an error that says which.

use martlet_domain::{Id, settings::Store};
use martlet_store::{RulebookDraft, StoreError, Update};

use crate::{
    harness::World,
    samples::{self, at},
};

/// Sets a column of the row with an id, in the store that is acted on.
pub(crate) async fn damage<T>(world: &World, table: &str, column: &str, value: &str, key: &str, id: Id<T>) {
    let (id, store) = (id.uuid().simple(), world.store.uuid().simple());
    let scope = if table == "stores" { String::new() } else { format!(" AND store_id = X'{store}'") };
    world.damage(format!("UPDATE {table} SET {column} = {value} WHERE {key} = X'{id}'{scope}")).await;
}

#[track_caller]
pub(crate) fn assert_named<T: std::fmt::Debug>(read: Result<T, StoreError>, place: (&str, &str), row: &str) {
    match read {
        Err(StoreError::Corrupt { table, column, id, problem }) => {
            assert_eq!((table, column), place);
            assert!(id.contains(row), "{id} names {row}");
            assert!(!problem.is_empty());
        }
        other => panic!("expected {place:?} to be corrupt, not {other:?}"),
    }
}

pub(crate) async fn a_corrupt_store_is_named(world: World) {
    // A store of its own, so that lists of stores elsewhere in the database stay readable.
    let store: Id<Store> = world.store;
    damage(&world, "stores", "handle", "'Not A Handle'", "id", store).await;
    let read = world.db.find_store(store).await;
    damage(&world, "stores", "handle", &format!("'repaired-{}'", crate::harness::number()), "id", store)
        .await;
    assert_named(read, ("stores", "handle"), &store.to_string());
}

pub(crate) async fn corrupt_settings_are_named(world: World) {
    let put = world.db.put_settings(world.store, &samples::settings(), 0).await.unwrap();
    assert_eq!(put, Update::Done { version: 1 });
    let store = world.store;
    damage(&world, "store_settings", "body", "'{}'", "store_id", store).await;
    assert_named(world.db.find_settings(store).await, ("store_settings", "body"), &store.to_string());
}

pub(crate) async fn a_corrupt_category_is_named(world: World) {
    let category = samples::category(None);
    world.db.insert_category(world.store, &category).await.unwrap();
    damage(&world, "categories", "handle", "''", "id", category.id).await;
    let read = world.db.list_categories(world.store).await;
    assert_named(read, ("categories", "handle"), &category.id.to_string());
}

pub(crate) async fn a_corrupt_product_is_named(world: World) {
    for column in ["tags", "attributes", "options"] {
        let product = samples::product();
        world.db.insert_product(world.store, &product).await.unwrap();
        damage(&world, "products", column, "'[{'", "id", product.id).await;
        let name = product.id.to_string();
        assert_named(world.db.find_product(world.store, product.id).await, ("products", column), &name);
        let read = world.db.find_product_by_handle(world.store, &product.handle).await;
        assert_named(read, ("products", column), &name);
    }
}

pub(crate) async fn a_corrupt_variant_or_price_is_named(world: World) {
    for (table, column, key, value) in [
        ("variants", "sku", "id", "''"),
        ("variants", "options", "id", "'null'"),
        ("prices", "currency", "variant_id", "'usd'"),
    ] {
        let variant = samples::stored_variant(&world.db, world.store).await;
        damage(&world, table, column, value, key, variant.id).await;
        let read = world.db.find_variant(world.store, variant.id).await;
        assert_named(read, (table, column), &variant.id.to_string());
    }
}

pub(crate) async fn a_corrupt_customer_is_named(world: World) {
    for (column, value) in
        [("customer_groups", "'nothing'"), ("order_count", "-1"), ("order_count", "4294967296")]
    {
        let customer = samples::customer();
        world.db.insert_customer(world.store, &customer).await.unwrap();
        damage(&world, "customers", column, value, "id", customer.id).await;
        let read = world.db.find_customer(world.store, customer.id).await;
        assert_named(read, ("customers", column), &customer.id.to_string());
    }
}

pub(crate) async fn a_corrupt_cart_is_named_without_its_id(world: World) {
    let variant = samples::stored_variant(&world.db, world.store).await;
    for (column, value) in [
        ("currency", "'???'"),
        ("shipping_address", "'{\"name\":\"Someone Secret\"}'"),
        ("shipping_method", "'Not A Handle'"),
    ] {
        let cart = samples::cart(Vec::new());
        world.db.insert_cart(world.store, &cart).await.unwrap();
        damage(&world, "carts", column, value, "id", cart.id).await;
        let read = world.db.find_cart(world.store, cart.id).await;
        let words = format!("{:?}", read.as_ref().unwrap_err());
        assert!(!words.contains(&cart.id.to_string()) && !words.contains("Secret"), "{words}");
        assert_named(read, ("carts", column), "redacted");
    }
    let cart = samples::cart(vec![samples::line(variant.id, 1)]);
    world.db.insert_cart(world.store, &cart).await.unwrap();
    let line = cart.lines[0].id;
    damage(&world, "cart_lines", "quantity", "-1", "id", line).await;
    let read = world.db.find_cart(world.store, cart.id).await;
    assert_named(read, ("cart_lines", "quantity"), &line.to_string());
}

pub(crate) async fn a_corrupt_coupon_is_named(world: World) {
    for (column, value) in [("classes", "'[\"unheard\"]'"), ("code", "''")] {
        let coupon = samples::stored_coupon(&world.db, world.store).await;
        damage(&world, "coupons", column, value, "id", coupon.id).await;
        let read = world.db.find_coupon(world.store, coupon.id).await;
        assert_named(read, ("coupons", column), &coupon.id.to_string());
    }
}

pub(crate) async fn a_corrupt_plugin_is_named(world: World) {
    let (plugin, version) = samples::stored_version(&world.db, world.store).await;
    damage(&world, "plugins", "world", "'underworld'", "id", plugin.id).await;
    let read = world.db.find_plugin(world.store, plugin.id).await;
    assert_named(read, ("plugins", "world"), &plugin.id.to_string());

    damage(&world, "plugin_versions", "description", "'{}'", "plugin_id", plugin.id).await;
    let read = world.db.find_plugin_version(world.store, version.digest).await;
    assert_named(read, ("plugin_versions", "description"), &version.digest.to_string());

    let mut one = samples::installation(version.digest);
    // Without anything that a literal of SQL would have to escape.
    one.config = "{}".to_owned();
    let two = samples::stored_installation(&world.db, world.store).await;
    let body = serde_json::to_string(&one).unwrap();
    for damaged in ["{", &body] {
        damage(&world, "installations", "body", &format!("'{damaged}'"), "id", two.id).await;
        let read = world.db.find_installation(world.store, two.id).await;
        assert_named(read, ("installations", "body"), &two.id.to_string());
    }
}

pub(crate) async fn a_corrupt_component_is_named(world: World) {
    let (_, version) = samples::stored_version(&world.db, world.store).await;
    let digest = version.digest;
    world.damage(format!("UPDATE component_chunks SET bytes = X'00' WHERE digest = X'{digest}'")).await;
    let read = world.db.find_component(digest).await;
    assert_named(read, ("component_chunks", "bytes"), &digest.to_string());
    world.damage(format!("DELETE FROM component_chunks WHERE digest = X'{digest}'")).await;
    let read = world.db.find_component(digest).await;
    assert_named(read, ("component_chunks", "bytes"), &digest.to_string());
}

pub(crate) async fn a_corrupt_rulebook_is_named(world: World) {
    let draft = |note: &str| RulebookDraft {
        note: note.to_owned(),
        created_at: at(9),
        groups: Vec::new(),
        installations: Vec::new(),
    };
    world.db.publish_rulebook(world.store, draft("one")).await.unwrap();
    let store = world.store;
    for value in [
        "'[]'".to_owned(),
        // A rulebook in itself, but another's.
        r#"'{"number":2,"note":"","created_at":9,"groups":[],"installations":[]}'"#.to_owned(),
    ] {
        damage(&world, "rulebooks", "body", &value, "store_id", store).await;
        assert_named(world.db.find_active_rulebook(store).await, ("rulebooks", "body"), &store.to_string());
        assert_named(world.db.find_rulebook(store, 1).await, ("rulebooks", "body"), "1 in");
    }
    assert_eq!(world.db.find_active_rulebook_number(store).await.unwrap(), Some(1));
}
