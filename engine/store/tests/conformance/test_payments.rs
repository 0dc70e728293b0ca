//! The books of the payment provider `test`.

use std::collections::BTreeMap;

use martlet_store::{
    StoreError, TestBalance, TestOperation,
    TestOperation::{Authorise, Capture, Refund, Void},
    TestOutcome, TestPayment, transaction,
};

use crate::{
    harness::{World, number},
    samples::{ODD_TEXT, at, krw},
};

fn entry(payment: &str, operation: TestOperation, amount: i64) -> TestPayment {
    TestPayment {
        request_key: format!("{payment}:{}:{}", operation.as_str(), number()),
        operation,
        payment: payment.to_owned(),
        amount,
        currency: krw(),
        outcome: TestOutcome::Done(String::new()),
        created_at: at(i64::try_from(number()).unwrap()),
    }
}

/// The name of a payment that no other call in this process gets.
fn payment() -> String {
    format!("payment {}", number())
}

fn refused(entry: TestPayment) -> TestPayment {
    TestPayment { outcome: TestOutcome::Refused("because".to_owned()), ..entry }
}

async fn write(world: &World, entries: &[TestPayment]) {
    for entry in entries {
        assert_eq!(world.db.insert_test_payment(world.store, entry).await.unwrap(), None);
    }
}

pub(crate) async fn entries_are_listed_oldest_first_as_they_were_written(world: World) {
    let payment = payment();
    let mut entries =
        [Authorise, Capture, Void, Refund].map(|operation| entry(&payment, operation, i64::MAX));
    entries[0].outcome = TestOutcome::Done("later: another".to_owned());
    entries[1].outcome = TestOutcome::Refused(ODD_TEXT.chars().take(40).collect());
    entries[2].amount = i64::MIN;
    entries[3] = refused(entries[3].clone());
    let mut backwards = entries.clone();
    backwards.reverse();
    write(&world, &backwards).await;
    write(&world, &[entry(&format!("{payment}0"), Authorise, 1)]).await;
    assert_eq!(world.db.list_test_payments(world.store, &payment).await.unwrap(), entries);
    let inside = transaction!(&world.db, |tx| tx.list_test_payments(world.store, &payment).await).unwrap();
    assert_eq!(inside, entries);
}

pub(crate) async fn a_key_is_written_once_and_then_given_back(world: World) {
    let first = entry(&payment(), Authorise, 5);
    write(&world, std::slice::from_ref(&first)).await;
    let second = TestPayment { request_key: first.request_key.clone(), ..entry(&payment(), Refund, 7) };
    let there = world.db.insert_test_payment(world.store, &second).await.unwrap();
    assert_eq!(there, Some(first.clone()));
    assert_eq!(world.db.list_test_payments(world.store, &second.payment).await.unwrap(), []);
    // The transaction that met it goes on.
    let third = entry(&first.payment, Capture, 5);
    transaction!(&world.db, |tx| {
        assert_eq!(tx.insert_test_payment(world.store, &second).await?, Some(first.clone()));
        assert_eq!(tx.insert_test_payment(world.store, &third).await?, None);
        Ok(())
    })
    .unwrap();
    let found = world.db.list_test_payments(world.store, &first.payment).await.unwrap();
    assert_eq!(found, [first, third]);
}

pub(crate) async fn of_twenty_parallel_entries_of_one_key_one_is_written(world: World) {
    let payment = payment();
    let key = format!("{payment}:once");
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let entry = TestPayment { request_key: key.clone(), ..entry(&payment, Authorise, 9) };
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move { db.insert_test_payment(store, &entry).await.unwrap() })
        })
        .collect();
    let mut there = Vec::new();
    for task in tasks {
        there.extend(task.await.unwrap());
    }
    let written = world.db.list_test_payments(world.store, &payment).await.unwrap();
    assert_eq!(written.len(), 1);
    assert_eq!(there, vec![written[0].clone(); 19]);
}

pub(crate) async fn a_balance_counts_what_was_moved(world: World) {
    let payment = payment();
    let nothing = world.db.test_payment_balance(world.store, &payment).await.unwrap();
    assert_eq!(nothing, TestBalance::default());
    let other = format!("{payment} again");
    write(
        &world,
        &[
            entry(&payment, Authorise, 100),
            refused(entry(&payment, Capture, 101)),
            entry(&payment, Capture, 90),
            entry(&payment, Refund, 30),
            entry(&payment, Refund, 20),
            refused(entry(&payment, Refund, 41)),
            entry(&other, Authorise, 7),
            entry(&other, Void, 7),
        ],
    )
    .await;
    let one = TestBalance { authorised: 100, captured: 90, voided: 0, refunded: 50 };
    let two = TestBalance { authorised: 7, captured: 0, voided: 7, refunded: 0 };
    assert_eq!(world.db.test_payment_balance(world.store, &payment).await.unwrap(), one);
    let all = world.db.list_test_payment_balances(world.store).await.unwrap();
    assert_eq!(all, BTreeMap::from([(payment, one), (other, two)]));
}

pub(crate) async fn who_holds_an_entry_lets_others_wait(world: World) {
    let payment = payment();
    let first = entry(&payment, Authorise, 20);
    write(&world, std::slice::from_ref(&first)).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (db, store, key, payment) =
                (world.db.clone(), world.store, first.request_key.clone(), payment.clone());
            tokio::spawn(async move {
                transaction!(&db, |tx| {
                    assert!(tx.lock_test_payment(store, &key).await?);
                    let seen = tx.list_test_payments(store, &payment).await?;
                    let next = i64::try_from(seen.len()).unwrap();
                    tx.insert_test_payment(store, &entry(&payment, Refund, next)).await
                })
                .unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), None);
    }
    let mut amounts: Vec<i64> = Vec::new();
    for entry in world.db.list_test_payments(world.store, &payment).await.unwrap() {
        amounts.push(entry.amount);
    }
    amounts.sort_unstable();
    assert_eq!(amounts, (1..=20).chain([20]).collect::<Vec<_>>());
    let held = transaction!(&world.db, |tx| tx.lock_test_payment(world.store, "nothing").await).unwrap();
    assert!(!held);
}

pub(crate) async fn an_entry_that_is_too_long_or_homeless_is_refused(world: World) {
    let long = "x".repeat(101);
    let error = world.db.insert_test_payment(world.store, &entry(&long, Void, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::OutOfBounds), "{error}");
    let nowhere = crate::harness::id();
    let error = world.db.insert_test_payment(nowhere, &entry(&payment(), Void, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
}

pub(crate) async fn a_corrupt_entry_is_named(world: World) {
    for column in ["operation", "currency", "outcome"] {
        let payment = payment();
        let entry = entry(&payment, Authorise, 1);
        write(&world, std::slice::from_ref(&entry)).await;
        let key = &entry.request_key;
        world.damage(format!("UPDATE test_payments SET {column} = '?' WHERE request_key = '{key}'")).await;
        match world.db.list_test_payments(world.store, &payment).await {
            Err(StoreError::Corrupt { table: "test_payments", column: named, id, .. }) => {
                assert_eq!((named, &id), (column, key));
            }
            other => panic!("expected {column} to be corrupt, not {other:?}"),
        }
    }
}

pub(crate) async fn another_store_sees_no_entry(world: World) {
    let (db, other) = (&world.db, world.other);
    let entry = entry(&payment(), Authorise, 1);
    write(&world, std::slice::from_ref(&entry)).await;
    assert_eq!(db.list_test_payments(other, &entry.payment).await.unwrap(), []);
    assert_eq!(db.test_payment_balance(other, &entry.payment).await.unwrap(), TestBalance::default());
    assert!(db.list_test_payment_balances(other).await.unwrap().is_empty());
    assert!(!transaction!(db, |tx| tx.lock_test_payment(other, &entry.request_key).await).unwrap());
    // The same key is free there.
    assert_eq!(db.insert_test_payment(other, &entry).await.unwrap(), None);
}
