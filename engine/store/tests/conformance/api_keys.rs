//! API keys.

use martlet_domain::Digest;
use martlet_store::{ApiKey, NewApiKey, StoreError, Unique};

use crate::{
    harness::{World, id, number},
    samples::{ODD_TEXT, at},
};

fn key() -> NewApiKey {
    let secret = Digest::of(format!("secret {}", number()).as_bytes());
    NewApiKey { id: id(), name: ODD_TEXT.to_owned(), secret, created_at: at(i64::MAX) }
}

fn stored(key: &NewApiKey) -> ApiKey {
    ApiKey { id: key.id, name: key.name.clone(), created_at: key.created_at, revoked_at: None }
}

pub(crate) async fn a_key_is_found_by_the_digest_of_its_secret(world: World) {
    let key = key();
    world.db.insert_api_key(world.store, &key).await.unwrap();
    assert_eq!(world.db.find_api_key(world.store, key.secret).await.unwrap(), Some(stored(&key)));
    assert_eq!(world.db.find_api_key(world.store, Digest::of(b"wrong")).await.unwrap(), None);
}

pub(crate) async fn a_revoked_key_is_found_no_more(world: World) {
    let (first, mut second) = (key(), key());
    second.created_at = at(i64::MIN);
    world.db.insert_api_key(world.store, &first).await.unwrap();
    world.db.insert_api_key(world.store, &second).await.unwrap();
    assert!(world.db.revoke_api_key(world.store, first.id, at(i64::MIN)).await.unwrap());
    assert!(!world.db.revoke_api_key(world.store, first.id, at(5)).await.unwrap());
    assert!(!world.db.revoke_api_key(world.store, id(), at(5)).await.unwrap());
    assert_eq!(world.db.find_api_key(world.store, first.secret).await.unwrap(), None);
    let revoked = ApiKey { revoked_at: Some(at(i64::MIN)), ..stored(&first) };
    assert_eq!(world.db.list_api_keys(world.store).await.unwrap(), [stored(&second), revoked]);
}

pub(crate) async fn a_secret_stands_for_one_key(world: World) {
    let mut key = key();
    world.db.insert_api_key(world.store, &key).await.unwrap();
    key.id = id();
    let error = world.db.insert_api_key(world.store, &key).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::ApiKey)), "{error}");
}

pub(crate) async fn another_store_sees_no_key(world: World) {
    let key = key();
    world.db.insert_api_key(world.store, &key).await.unwrap();
    assert_eq!(world.db.find_api_key(world.other, key.secret).await.unwrap(), None);
    assert_eq!(world.db.list_api_keys(world.other).await.unwrap(), []);
    assert!(!world.db.revoke_api_key(world.other, key.id, at(1)).await.unwrap());
    assert!(world.db.find_api_key(world.store, key.secret).await.unwrap().is_some());
}
