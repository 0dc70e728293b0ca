//! Rows that somebody changed without breaking them: a seal tells, and says whose they are.

use martlet_domain::{
    Digest,
    plugin::{Rulebook, SealedRulebook},
};
use martlet_store::{RulebookDraft, StoreError, Update};

use crate::{
    corrupt::{assert_named, damage},
    harness::World,
    samples::{self, at},
};

/// The active rulebook of two installations, of `first` and of `second`.
async fn published(world: &World) -> SealedRulebook {
    let mut installations = Vec::new();
    for (plugin, share) in [("first", 100_000), ("second", 200_000)] {
        let (_, version) = samples::stored_version(&world.db, world.store).await;
        let mut installation = samples::installation(version.digest);
        installation.plugin = plugin.to_owned();
        installation.config = format!("{{\"percent_ppm\":{share}}}");
        installations.push(world.db.insert_installation(world.store, &installation).await.unwrap());
    }
    let note = "as agreed".to_owned();
    let draft = RulebookDraft { note, created_at: at(9), groups: Vec::new(), installations };
    world.db.publish_rulebook(world.store, draft).await.unwrap()
}

/// Writes over a part of a rulebook's text.
async fn forge(world: &World, from: &str, to: &str) {
    let store = world.store.uuid().simple();
    let sql =
        format!("UPDATE rulebooks SET body = REPLACE(body, '{from}', '{to}') WHERE store_id = X'{store}'");
    world.damage(sql).await;
}

/// What the store says of the rulebook.
async fn complaint(world: &World) -> String {
    let read = world.db.find_rulebook(world.store, 1).await;
    let words = read.as_ref().unwrap_err().to_string();
    assert_named(read, ("rulebooks", "body"), "1 in");
    assert!(world.db.find_active_rulebook(world.store).await.is_err());
    words
}

pub(crate) async fn a_flipped_byte_of_a_component_is_named(world: World) {
    let (plugin, mut bytes) = (samples::plugin(), samples::component());
    let version = samples::version(&plugin, &bytes);
    world.db.insert_plugin(world.store, &plugin).await.unwrap();
    world.db.insert_plugin_version(world.store, &version, &bytes).await.unwrap();
    let digest = version.digest;
    for position in 0..bytes.len() {
        bytes[position] ^= 1;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        world
            .damage(format!("UPDATE component_chunks SET bytes = X'{hex}' WHERE digest = X'{digest}'"))
            .await;
        let read = world.db.find_component(digest).await;
        assert_named(read, ("component_chunks", "bytes"), &digest.to_string());
        bytes[position] ^= 1;
    }
}

pub(crate) async fn a_change_to_a_rulebook_names_the_plugin(world: World) {
    let rulebook = published(&world).await;
    let second = rulebook.installations[1].component.to_string();
    for (from, to, plugin) in [
        ("100000", "900000", "first"),
        ("200000", "200001", "second"),
        // Read as the same digest, but not what was stored.
        (&second, &second.to_uppercase(), "second"),
        // No JSON any more, or longer than it was.
        ("}\",\"classes\"", "}!,\"classes\"", "first"),
        ("\"plugin\":\"second\"", "\"plugin\":\"second \"", "second"),
    ] {
        forge(&world, from, to).await;
        let words = complaint(&world).await;
        assert!(words.contains(&format!("of `{plugin}` or its configuration was changed")), "{words}");
        forge(&world, to, from).await;
        assert_eq!(world.db.find_rulebook(world.store, 1).await.unwrap().as_ref(), Some(&rulebook));
    }
}

pub(crate) async fn a_change_beside_the_installations_is_told_apart(world: World) {
    published(&world).await;
    forge(&world, "as agreed", "as agreeD").await;
    let words = complaint(&world).await;
    assert!(words.contains("its number, note, time or groups were changed"), "{words}");
}

pub(crate) async fn a_rulebook_sealed_for_another_is_refused(world: World) {
    let rulebook = published(&world).await;
    let (digest, zeros) = (rulebook.digest(), "0".repeat(64));
    let (store, key) = (world.store, "store_id");
    damage(&world, "rulebooks", "seal", &format!("REPLACE(seal, '{digest}', '{zeros}')"), key, store).await;
    let read = world.db.find_rulebook(store, 1).await;
    assert!(read.as_ref().unwrap_err().to_string().contains(&digest.to_string()), "{read:?}");
    assert_named(read, ("rulebooks", "seal"), "1 in");
}

pub(crate) async fn a_change_to_an_installation_names_the_plugin(world: World) {
    published(&world).await;
    let installation = world.db.list_installations(world.store).await.unwrap().remove(0);
    for (from, to) in
        [("100000", "100001"), ("\"canary\":7", "\"canary\":9"), ("GIFT", "GIFt"), ("{\"id", "!\"id")]
    {
        damage(
            &world,
            "installations",
            "body",
            &format!("REPLACE(body, '{from}', '{to}')"),
            "id",
            installation.id,
        )
        .await;
        let read = world.db.find_installation(world.store, installation.id).await;
        let words = read.as_ref().unwrap_err().to_string();
        assert_named(read, ("installations", "body"), &installation.id.to_string());
        // One that can't be read has no name but its id.
        assert_eq!(words.contains("`first`"), from != "{\"id", "{words}");
        assert!(world.db.list_installations(world.store).await.is_err());
        damage(
            &world,
            "installations",
            "body",
            &format!("REPLACE(body, '{to}', '{from}')"),
            "id",
            installation.id,
        )
        .await;
    }
}

pub(crate) async fn a_change_to_a_coupon_names_its_code(world: World) {
    let other = samples::stored_installation(&world.db, world.store).await.id.uuid().simple();
    for (column, value) in [
        ("config", "'{ }'".to_owned()),
        ("classes", "'[\"gift\"]'".to_owned()),
        ("classes", "'[ \"order\"]'".to_owned()),
        ("installation_id", format!("X'{other}'")),
        ("code", "LOWER(code)".to_owned()),
    ] {
        let coupon = samples::stored_coupon(&world.db, world.store).await;
        damage(&world, "coupons", column, &value, "id", coupon.id).await;
        let read = world.db.find_coupon(world.store, coupon.id).await;
        let words = read.as_ref().unwrap_err().to_string();
        assert_named(read, ("coupons", "seal"), &coupon.id.to_string());
        assert!(words.contains(&format!("classes of {} were changed", coupon.code)), "{column}: {words}");
        let config = "{\"again\":1}".to_owned();
        let mended = martlet_domain::coupon::Coupon { config, version: 2, ..coupon };
        let update = world.db.update_coupon(world.store, &mended, 1).await.unwrap();
        assert_eq!(update, Update::Done { version: 2 });
        assert_eq!(world.db.find_coupon(world.store, mended.id).await.unwrap(), Some(mended));
    }
}

pub(crate) async fn rows_older_than_seals_are_read_as_they_stand(world: World) {
    let rulebook = published(&world).await;
    let store = world.store;
    damage(&world, "rulebooks", "seal", "NULL", "store_id", store).await;
    forge(&world, "as agreed", "as stored").await;
    let found = world.db.find_rulebook(store, 1).await.unwrap().unwrap();
    let expected = Rulebook { note: "as stored".to_owned(), ..rulebook.into_rulebook() };
    assert_eq!(found, SealedRulebook::new(expected));
    forge(&world, "\"number\":1", "\"number\":2").await;
    assert_named(world.db.find_rulebook(store, 1).await, ("rulebooks", "body"), "1 in");

    let coupon = samples::stored_coupon(&world.db, store).await;
    for (table, id) in [("installations", coupon.installation.uuid()), ("coupons", coupon.id.uuid())] {
        world.damage(format!("UPDATE {table} SET seal = NULL WHERE id = X'{}'", id.simple())).await;
    }
    damage(&world, "coupons", "config", "'[1]'", "id", coupon.id).await;
    assert_eq!(world.db.find_coupon(store, coupon.id).await.unwrap().unwrap().config, "[1]");
    damage(&world, "installations", "body", "REPLACE(body, 'GIFT', 'MUG')", "id", coupon.installation).await;
    let found = world.db.find_installation(store, coupon.installation).await.unwrap().unwrap();
    assert_eq!(found.gift_skus[0].as_str(), "MUG");
}

pub(crate) async fn a_broken_seal_is_named(world: World) {
    published(&world).await;
    let (store, zeros) = (world.store, "00".repeat(32));
    damage(&world, "rulebooks", "seal", "'{}'", "store_id", store).await;
    assert_named(world.db.find_rulebook(store, 1).await, ("rulebooks", "seal"), "1 in");
    let coupon = samples::stored_coupon(&world.db, store).await;
    damage(&world, "coupons", "seal", &format!("X'{zeros}'"), "id", coupon.id).await;
    assert_named(world.db.find_coupon(store, coupon.id).await, ("coupons", "seal"), &coupon.id.to_string());
    let installation = coupon.installation;
    damage(&world, "installations", "seal", &format!("X'{}'", Digest::of(b"else")), "id", installation).await;
    let read: Result<_, StoreError> = world.db.find_installation(store, installation).await;
    assert_named(read, ("installations", "body"), &installation.to_string());
}
