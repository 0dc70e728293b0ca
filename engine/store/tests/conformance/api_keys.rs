//! API keys.

use std::collections::BTreeSet;

use martlet_domain::{
    Digest,
    access::{Area, Grant, Role, Scope},
};
use martlet_store::{ApiKey, NewApiKey, Revocation, StoreError, Unique};

use crate::{
    corrupt::{assert_named, damage},
    harness::{World, id, number},
    samples::{ODD_TEXT, at},
};

fn key() -> NewApiKey {
    let secret = Digest::of(format!("secret {}", number()).as_bytes());
    NewApiKey {
        id: id(),
        name: ODD_TEXT.to_owned(),
        grant: Grant::of(Role::Owner),
        secret,
        created_at: at(i64::MAX),
    }
}

fn stored(key: &NewApiKey) -> ApiKey {
    ApiKey {
        id: key.id,
        name: key.name.clone(),
        grant: key.grant.clone(),
        created_at: key.created_at,
        revoked_at: None,
    }
}

/// A key that is stored, and so is another owner's beside it.
async fn with_another(world: &World) -> NewApiKey {
    let (one, other) = (key(), key());
    world.db.insert_api_key(world.store, &one).await.unwrap();
    world.db.insert_api_key(world.store, &other).await.unwrap();
    one
}

pub(crate) async fn a_key_is_found_by_the_digest_of_its_secret(world: World) {
    let key = key();
    world.db.insert_api_key(world.store, &key).await.unwrap();
    assert_eq!(world.db.find_api_key(world.store, key.secret).await.unwrap(), Some(stored(&key)));
    assert_eq!(world.db.find_api_key(world.store, Digest::of(b"wrong")).await.unwrap(), None);
}

pub(crate) async fn what_a_key_may_do_round_trips(world: World) {
    let some = BTreeSet::from([Scope::write(Area::Plugins), Scope::read(Area::Catalog)]);
    let mut grants: Vec<Grant> = Role::ALL.map(Grant::of).into();
    grants.extend(Role::ALL.map(|role| Grant::narrowed(role, role_scopes(role, &some)).unwrap()));
    grants.push(Grant::narrowed(Role::Owner, Scope::all().collect()).unwrap());
    for grant in grants {
        let key = NewApiKey { grant, ..key() };
        world.db.insert_api_key(world.store, &key).await.unwrap();
        assert_eq!(world.db.find_api_key(world.store, key.secret).await.unwrap(), Some(stored(&key)));
    }
}

fn role_scopes(role: Role, scopes: &BTreeSet<Scope>) -> BTreeSet<Scope> {
    scopes.iter().copied().filter(|scope| role.has(*scope)).collect()
}

pub(crate) async fn a_key_older_than_roles_is_an_owners(world: World) {
    let (key, store) = (key(), world.store.uuid().simple());
    let digest: String = key.secret.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let sql = format!(
        "INSERT INTO api_keys (store_id, id, name, secret_digest, created_at) \
         VALUES (X'{store}', X'{}', 'old', X'{digest}', 5)",
        key.id.uuid().simple()
    );
    world.damage(sql).await;
    let found = world.db.find_api_key(world.store, key.secret).await.unwrap().unwrap();
    assert!(found.grant.is_everything(), "{found:?}");
}

pub(crate) async fn a_scope_that_is_not_known_yet_allows_nothing(world: World) {
    let key = key();
    world.db.insert_api_key(world.store, &key).await.unwrap();
    damage(&world, "api_keys", "scopes", "'[\"moon:walk\",\"orders:read\"]'", "id", key.id).await;
    let found = world.db.find_api_key(world.store, key.secret).await.unwrap().unwrap();
    assert_eq!(found.grant.scopes().collect::<Vec<_>>(), [Scope::read(Area::Orders)]);
}

pub(crate) async fn a_corrupt_key_is_named(world: World) {
    for (column, value) in [("role", "'queen'"), ("scopes", "'{}'")] {
        let key = with_another(&world).await;
        damage(&world, "api_keys", column, value, "id", key.id).await;
        let read = world.db.find_api_key(world.store, key.secret).await;
        assert_named(read, ("api_keys", column), &key.id.to_string());
    }
}

pub(crate) async fn a_revoked_key_is_found_no_more(world: World) {
    let (first, mut second) = (key(), key());
    second.created_at = at(i64::MIN);
    world.db.insert_api_key(world.store, &first).await.unwrap();
    world.db.insert_api_key(world.store, &second).await.unwrap();
    let revoke = async |id, moment| world.db.revoke_api_key(world.store, id, at(moment)).await.unwrap();
    assert_eq!(revoke(first.id, i64::MIN).await, Revocation::Done);
    assert_eq!(revoke(first.id, 5).await, Revocation::Already);
    assert_eq!(revoke(id(), 5).await, Revocation::Missing);
    assert_eq!(world.db.find_api_key(world.store, first.secret).await.unwrap(), None);
    let revoked = ApiKey { revoked_at: Some(at(i64::MIN)), ..stored(&first) };
    assert_eq!(world.db.list_api_keys(world.store).await.unwrap(), [stored(&second), revoked]);
}

pub(crate) async fn the_last_owners_key_stays(world: World) {
    let owner = key();
    let narrow = Grant::narrowed(Role::Owner, [Scope::write(Area::Keys)].into()).unwrap();
    let lesser = [narrow, Grant::of(Role::Staff)].map(|grant| NewApiKey { grant, ..key() });
    for key in [&owner, &lesser[0], &lesser[1]] {
        world.db.insert_api_key(world.store, key).await.unwrap();
    }
    let revoke = async |id| world.db.revoke_api_key(world.store, id, at(1)).await.unwrap();
    assert_eq!(revoke(owner.id).await, Revocation::LastOwner);
    assert!(world.db.find_api_key(world.store, owner.secret).await.unwrap().is_some());
    // The owner of another store is none here.
    world.db.insert_api_key(world.other, &key()).await.unwrap();
    assert_eq!(revoke(owner.id).await, Revocation::LastOwner);
    for lesser in lesser {
        assert_eq!(revoke(lesser.id).await, Revocation::Done, "others may go");
    }
    let heir = key();
    world.db.insert_api_key(world.store, &heir).await.unwrap();
    assert_eq!((revoke(owner.id).await, revoke(heir.id).await), (Revocation::Done, Revocation::LastOwner));
}

pub(crate) async fn of_owners_who_revoke_each_other_one_stays(world: World) {
    let keys: Vec<NewApiKey> = (0..8).map(|_| key()).collect();
    for key in &keys {
        world.db.insert_api_key(world.store, key).await.unwrap();
    }
    let tasks: Vec<_> = keys
        .iter()
        .map(|key| {
            let (db, store, id) = (world.db.clone(), world.store, key.id);
            tokio::spawn(async move { db.revoke_api_key(store, id, at(1)).await.unwrap() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Revocation::Done).count(), 7, "{outcomes:?}");
    let left = world.db.list_api_keys(world.store).await.unwrap();
    assert_eq!(left.iter().filter(|key| key.revoked_at.is_none()).count(), 1);
}

pub(crate) async fn a_secret_stands_for_one_key(world: World) {
    let mut key = key();
    world.db.insert_api_key(world.store, &key).await.unwrap();
    key.id = id();
    let error = world.db.insert_api_key(world.store, &key).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::ApiKey)), "{error}");
}

pub(crate) async fn another_store_sees_no_key(world: World) {
    let key = with_another(&world).await;
    assert_eq!(world.db.find_api_key(world.other, key.secret).await.unwrap(), None);
    assert_eq!(world.db.list_api_keys(world.other).await.unwrap(), []);
    let revoked = world.db.revoke_api_key(world.other, key.id, at(1)).await.unwrap();
    assert_eq!(revoked, Revocation::Missing);
    assert!(world.db.find_api_key(world.store, key.secret).await.unwrap().is_some());
}
