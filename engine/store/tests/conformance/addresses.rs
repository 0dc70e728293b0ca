//! Addresses that customers keep.

use std::collections::BTreeSet;

use martlet_domain::{
    Id,
    customer::{Customer, CustomerAddress, MAX_ADDRESSES},
};
use martlet_store::{StoreError, Unique, Update};

use crate::{
    corrupt::{assert_named, damage},
    harness::{World, id},
    ordering::stored_customer,
    samples::{self, ODD_TEXT, at},
};

fn address(is_default: bool) -> CustomerAddress {
    CustomerAddress {
        id: id(),
        address: samples::address(),
        is_default,
        version: 1,
        created_at: at(1_000),
        updated_at: at(1_000),
    }
}

/// Stores an address and gives back what is stored.
async fn inserted(world: &World, customer: Id<Customer>, address: &CustomerAddress) -> CustomerAddress {
    world.db.insert_address(world.store, customer, address).await.unwrap().unwrap()
}

async fn list(world: &World, customer: Id<Customer>) -> Vec<CustomerAddress> {
    world.db.list_addresses(world.store, customer).await.unwrap()
}

/// The address after a change that it didn't ask for.
fn touched(address: &CustomerAddress, is_default: bool, millis: i64) -> CustomerAddress {
    let version = address.version + 1;
    CustomerAddress { is_default, version, updated_at: at(millis), ..address.clone() }
}

async fn assert_one_default(world: &World, customer: Id<Customer>) {
    let defaults: Vec<bool> = list(world, customer).await.iter().map(|address| address.is_default).collect();
    assert!(defaults.is_empty() || (defaults[0] && !defaults[1..].contains(&true)), "{defaults:?}");
}

pub(crate) async fn an_address_round_trips_at_its_extremes(world: World) {
    let customer = stored_customer(&world).await;
    let mut full = address(true);
    full.address.lines = vec![ODD_TEXT.repeat(100); 50];
    full.address.postal_code = Some(ODD_TEXT.to_owned());
    (full.version, full.created_at, full.updated_at) = (i64::MAX - 1, at(i64::MIN), at(i64::MAX));
    assert_eq!(inserted(&world, customer, &full).await, full);
    assert_eq!(list(&world, customer).await, [full]);
    assert_eq!(list(&world, id()).await, []);
}

pub(crate) async fn the_first_address_is_the_default_whatever_it_says(world: World) {
    let customer = stored_customer(&world).await;
    let first = inserted(&world, customer, &address(false)).await;
    assert!(first.is_default);
    let second = inserted(&world, customer, &address(false)).await;
    assert!(!second.is_default);
    assert_eq!(list(&world, customer).await, [first, second]);
}

pub(crate) async fn a_new_default_takes_it_from_the_other(world: World) {
    let customer = stored_customer(&world).await;
    let first = inserted(&world, customer, &address(true)).await;
    let mut second = address(true);
    second.updated_at = at(2_000);
    let second = inserted(&world, customer, &second).await;
    let first = touched(&first, false, 2_000);
    assert_eq!(list(&world, customer).await, [second.clone(), first.clone()]);
    let change = CustomerAddress { is_default: true, updated_at: at(3_000), ..first.clone() };
    let update = world.db.update_address(world.store, customer, &change, first.version).await.unwrap();
    assert_eq!(update, Update::Done { version: 3 });
    assert_eq!(list(&world, customer).await, [touched(&first, true, 3_000), touched(&second, false, 3_000)]);
}

pub(crate) async fn the_default_stays_the_default_when_it_is_changed(world: World) {
    let customer = stored_customer(&world).await;
    let first = inserted(&world, customer, &address(true)).await;
    let second = inserted(&world, customer, &address(false)).await;
    let mut change = CustomerAddress { is_default: false, updated_at: at(2_000), ..first.clone() };
    change.address.city = ODD_TEXT.to_owned();
    change.created_at = at(77);
    let update = world.db.update_address(world.store, customer, &change, 1).await.unwrap();
    assert_eq!(update, Update::Done { version: 2 });
    let changed = CustomerAddress { is_default: true, version: 2, created_at: first.created_at, ..change };
    assert_eq!(list(&world, customer).await, [changed, second]);
}

pub(crate) async fn a_stale_address_is_refused_and_unchanged(world: World) {
    let (db, store, customer) = (&world.db, world.store, stored_customer(&world).await);
    let first = inserted(&world, customer, &address(true)).await;
    let second = inserted(&world, customer, &address(false)).await;
    let change = CustomerAddress { is_default: true, ..second.clone() };
    let update = db.update_address(store, customer, &change, 9).await.unwrap();
    assert_eq!(update, Update::Stale { current: 1 });
    assert_eq!(db.update_address(store, customer, &address(true), 1).await.unwrap(), Update::Missing);
    assert_eq!(db.update_address(store, id(), &change, 1).await.unwrap(), Update::Missing);
    let other = stored_customer(&world).await;
    assert_eq!(db.update_address(store, other, &change, 1).await.unwrap(), Update::Missing);
    assert_eq!(list(&world, customer).await, [first, second]);
}

pub(crate) async fn a_deleted_default_leaves_it_to_the_oldest(world: World) {
    let (db, store, customer) = (&world.db, world.store, stored_customer(&world).await);
    let first = inserted(&world, customer, &address(false)).await;
    let second = inserted(&world, customer, &address(false)).await;
    let third = inserted(&world, customer, &address(true)).await;
    let first = touched(&first, false, 1_000);
    assert_eq!(list(&world, customer).await, [third.clone(), first.clone(), second.clone()]);
    assert!(db.delete_address(store, customer, third.id, at(5_000)).await.unwrap());
    let first = touched(&first, true, 5_000);
    assert_eq!(list(&world, customer).await, [first.clone(), second.clone()]);
    assert!(db.delete_address(store, customer, second.id, at(6_000)).await.unwrap());
    assert_eq!(list(&world, customer).await, std::slice::from_ref(&first));
    assert!(db.delete_address(store, customer, first.id, at(7_000)).await.unwrap());
    assert_eq!(list(&world, customer).await, []);
    assert!(!db.delete_address(store, customer, first.id, at(7_000)).await.unwrap());
    assert!(!db.delete_address(store, id(), first.id, at(7_000)).await.unwrap());
}

pub(crate) async fn an_address_of_nobody_or_with_a_taken_id_is_refused(world: World) {
    let (db, store, customer) = (&world.db, world.store, stored_customer(&world).await);
    let error = db.insert_address(store, id(), &address(true)).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    let first = inserted(&world, customer, &address(true)).await;
    let error = db.insert_address(store, customer, &first).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Address)), "{error}");
    assert_eq!(list(&world, customer).await, [first]);
}

pub(crate) async fn of_thirty_addresses_at_once_twenty_are_kept_and_one_is_the_default(world: World) {
    let customer = stored_customer(&world).await;
    let tasks: Vec<_> = (0..30)
        .map(|turn| {
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(
                async move { db.insert_address(store, customer, &address(turn % 3 == 0)).await.unwrap() },
            )
        })
        .collect();
    let mut kept = BTreeSet::new();
    for task in tasks {
        kept.extend(task.await.unwrap().map(|address| address.id));
    }
    assert_eq!(kept.len(), MAX_ADDRESSES);
    let listed = list(&world, customer).await;
    assert_eq!(listed.iter().map(|address| address.id).collect::<BTreeSet<_>>(), kept);
    assert_one_default(&world, customer).await;
    assert_eq!(world.db.insert_address(world.store, customer, &address(true)).await.unwrap(), None);
    assert!(world.db.delete_address(world.store, customer, listed[0].id, at(9)).await.unwrap());
    inserted(&world, customer, &address(false)).await;
    assert_one_default(&world, customer).await;
}

pub(crate) async fn several_who_make_and_delete_defaults_leave_one(world: World) {
    let customer = stored_customer(&world).await;
    let mut addresses = Vec::new();
    for _ in 0..8 {
        addresses.push(inserted(&world, customer, &address(false)).await);
    }
    let tasks: Vec<_> = (0..)
        .zip(addresses)
        .map(|(turn, address)| {
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move {
                if turn % 2 == 0 {
                    assert!(db.delete_address(store, customer, address.id, at(turn)).await.unwrap());
                    return;
                }
                let mut version = address.version;
                let change = CustomerAddress { is_default: true, ..address };
                // It may have lost being the default, or become it, in between.
                loop {
                    match db.update_address(store, customer, &change, version).await.unwrap() {
                        Update::Done { .. } => break,
                        Update::Stale { current } => version = current,
                        Update::Missing => panic!("nobody deletes it"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(list(&world, customer).await.len(), 4);
    assert_one_default(&world, customer).await;
}

pub(crate) async fn a_corrupt_address_is_named_without_what_it_says(world: World) {
    let customer = stored_customer(&world).await;
    let address = inserted(&world, customer, &address(true)).await;
    damage(&world, "addresses", "address", "'{\"name\":\"Someone Secret\"}'", "id", address.id).await;
    let read = world.db.list_addresses(world.store, customer).await;
    assert!(!format!("{:?}", read.as_ref().unwrap_err()).contains("Secret"));
    assert_named(read, ("addresses", "address"), &address.id.to_string());
}

pub(crate) async fn another_store_sees_no_address(world: World) {
    let (db, other, customer) = (&world.db, world.other, stored_customer(&world).await);
    let first = inserted(&world, customer, &address(true)).await;
    assert_eq!(db.list_addresses(other, customer).await.unwrap(), []);
    assert_eq!(db.update_address(other, customer, &first, 1).await.unwrap(), Update::Missing);
    assert!(!db.delete_address(other, customer, first.id, at(9)).await.unwrap());
    let error = db.insert_address(other, customer, &address(true)).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    assert_eq!(list(&world, customer).await, [first]);
}
