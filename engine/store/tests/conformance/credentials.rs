//! How customers sign in.

use martlet_store::{StoreError, Unique};

use crate::{
    harness::{World, id},
    samples::{self, ODD_TEXT, at},
};

pub(crate) async fn a_registered_customer_is_found_with_the_hash(world: World) {
    let (db, store, customer) = (&world.db, world.store, samples::customer());
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${}", "x".repeat(200));
    db.register_customer(store, &customer, &hash).await.unwrap();
    let found = db.find_credentials(store, &customer.email).await.unwrap();
    assert_eq!(found, Some((customer.clone(), Some(hash))));
    assert_eq!(db.find_customer(store, customer.id).await.unwrap(), Some(customer));
    assert_eq!(db.find_credentials(store, "nobody@example.com").await.unwrap(), None);
}

pub(crate) async fn a_customer_made_by_the_shop_has_no_password_until_one_is_set(world: World) {
    let (db, store, customer) = (&world.db, world.store, samples::customer());
    db.insert_customer(store, &customer).await.unwrap();
    let found = db.find_credentials(store, &customer.email).await.unwrap();
    assert_eq!(found, Some((customer.clone(), None)));
    for hash in ["first", "", ODD_TEXT] {
        assert!(db.set_password_hash(store, customer.id, hash, at(7)).await.unwrap());
        let found = db.find_credentials(store, &customer.email).await.unwrap();
        assert_eq!(found, Some((customer.clone(), Some(hash.to_owned()))));
    }
    assert!(!db.set_password_hash(store, id(), "hash", at(7)).await.unwrap());
}

pub(crate) async fn a_taken_address_registers_nobody(world: World) {
    let (db, store, first) = (&world.db, world.store, samples::customer());
    db.register_customer(store, &first, "first").await.unwrap();
    let mut second = samples::customer();
    second.email = first.email.clone();
    let error = db.register_customer(store, &second, "second").await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::CustomerEmail)), "{error}");
    assert_eq!(db.find_customer(store, second.id).await.unwrap(), None);
    let found = db.find_credentials(store, &first.email).await.unwrap();
    assert_eq!(found, Some((first, Some("first".to_owned()))));
    db.register_customer(world.other, &second, "second").await.unwrap();
}

pub(crate) async fn a_hash_that_is_too_long_registers_nobody(world: World) {
    let (db, store, customer) = (&world.db, world.store, samples::customer());
    let error = db.register_customer(store, &customer, &"x".repeat(256)).await.unwrap_err();
    assert!(matches!(error, StoreError::OutOfBounds), "{error}");
    assert_eq!(db.find_customer(store, customer.id).await.unwrap(), None);
}

pub(crate) async fn of_twenty_who_register_an_address_one_does(world: World) {
    let email = samples::customer().email;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (db, store, mut customer) = (world.db.clone(), world.store, samples::customer());
            customer.email.clone_from(&email);
            tokio::spawn(async move {
                let hash = customer.id.to_string();
                (db.register_customer(store, &customer, &hash).await, customer, hash)
            })
        })
        .collect();
    let mut registered = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (Ok(()), customer, hash) => registered.push((customer, Some(hash))),
            (Err(StoreError::Conflict(Unique::CustomerEmail)), ..) => {}
            (Err(error), ..) => panic!("{error}"),
        }
    }
    assert_eq!(registered.len(), 1);
    assert_eq!(world.db.find_credentials(world.store, &email).await.unwrap(), registered.pop());
}

/// The first password has no row to be changed yet.
pub(crate) async fn of_many_first_passwords_one_stays(world: World) {
    let customer = samples::customer();
    world.db.insert_customer(world.store, &customer).await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|turn| {
            let (db, store, id) = (world.db.clone(), world.store, customer.id);
            let hash = format!("hash-{turn}");
            tokio::spawn(async move { db.set_password_hash(store, id, &hash, at(turn)).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    let (_, hash) = world.db.find_credentials(world.store, &customer.email).await.unwrap().unwrap();
    assert!(hash.is_some_and(|hash| hash.starts_with("hash-")));
}

pub(crate) async fn another_store_sees_no_credentials(world: World) {
    let (db, other, customer) = (&world.db, world.other, samples::customer());
    db.register_customer(world.store, &customer, "hash").await.unwrap();
    assert_eq!(db.find_credentials(other, &customer.email).await.unwrap(), None);
    assert!(!db.set_password_hash(other, customer.id, "other", at(7)).await.unwrap());
    let (_, hash) = db.find_credentials(world.store, &customer.email).await.unwrap().unwrap();
    assert_eq!(hash.as_deref(), Some("hash"));
}
