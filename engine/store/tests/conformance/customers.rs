//! Customers.

use martlet_domain::customer::CustomerFacts;
use martlet_store::{StoreError, Unique};

use crate::{
    harness::{World, id},
    samples::{self, ODD_TEXT, at},
};

pub(crate) async fn a_customer_round_trips_at_its_extremes(world: World) {
    for (spend, moment) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN)] {
        let mut customer = samples::customer();
        customer.email = format!("{}{}", "é".repeat(300), customer.email);
        customer.facts = CustomerFacts {
            groups: vec![String::new(), ODD_TEXT.to_owned()],
            order_count: u32::MAX,
            lifetime_spend: spend,
        };
        customer.created_at = at(moment);
        customer.email = customer.email.chars().rev().take(320).collect();
        world.db.insert_customer(world.store, &customer).await.unwrap();
        assert_eq!(world.db.find_customer(world.store, customer.id).await.unwrap().as_ref(), Some(&customer));
        let found = world.db.find_customer_by_email(world.store, &customer.email).await.unwrap();
        assert_eq!(found, Some(customer));
    }
}

pub(crate) async fn a_taken_address_is_a_conflict_in_its_store_alone(world: World) {
    let mut customer = samples::customer();
    world.db.insert_customer(world.store, &customer).await.unwrap();
    customer.id = id();
    let error = world.db.insert_customer(world.store, &customer).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::CustomerEmail)), "{error}");
    world.db.insert_customer(world.other, &customer).await.unwrap();
}

pub(crate) async fn another_store_sees_no_customer(world: World) {
    let customer = samples::customer();
    world.db.insert_customer(world.store, &customer).await.unwrap();
    assert_eq!(world.db.find_customer(world.other, customer.id).await.unwrap(), None);
    assert_eq!(world.db.find_customer_by_email(world.other, &customer.email).await.unwrap(), None);
}
