//! Keys of requests that may be sent again. All tests share the table, so each has keys of its own,
//! and those that expire for good do so in an age of their own.

use std::collections::BTreeSet;

use martlet_domain::Digest;
use martlet_store::{Claim, ClaimState, Db, StoreError, StoredAnswer, Unique, transaction};

use crate::{
    harness::{World, number},
    samples::{ODD_TEXT, at},
};

fn claim() -> Claim {
    let number = number();
    Claim {
        id: Digest::of(format!("key {number} of {:?}", std::thread::current().id()).as_bytes()),
        request: Digest::of(b"body"),
        request_id: format!("request-{number}"),
        created_at: at(1_000),
        expires_at: at(2_000),
    }
}

/// The same request, sent again at a moment.
fn again(claim: &Claim, millis: i64) -> Claim {
    Claim {
        request_id: format!("request-{}", number()),
        created_at: at(millis),
        expires_at: at(millis + 1_000),
        ..claim.clone()
    }
}

fn answer() -> StoredAnswer {
    StoredAnswer {
        status: 201,
        headers: vec![("etag".to_owned(), "\"1\"".to_owned()), ("x-odd".to_owned(), ODD_TEXT.to_owned())],
        body: (0..=255).collect(),
    }
}

async fn state(db: &Db, claim: &Claim) -> ClaimState {
    db.find_claim(claim.id, claim.request, claim.created_at).await.unwrap()
}

const IN_FLIGHT: ClaimState = ClaimState::InFlight { since: martlet_domain::Timestamp::from_millis(1_000) };

pub(crate) async fn a_key_is_free_then_in_flight_then_answered(world: World) {
    let (db, claim) = (&world.db, claim());
    assert_eq!(state(db, &claim).await, ClaimState::Free);
    assert_eq!(db.claim(&claim).await.unwrap(), ClaimState::Free);
    let second = again(&claim, 1_500);
    assert_eq!(state(db, &second).await, IN_FLIGHT);
    assert_eq!(db.claim(&second).await.unwrap(), IN_FLIGHT);
    assert!(db.answer_claim(claim.id, &claim.request_id, &answer()).await.unwrap());
    assert_eq!(state(db, &second).await, ClaimState::Answered(answer()));
    assert_eq!(db.claim(&second).await.unwrap(), ClaimState::Answered(answer()));
    let empty = StoredAnswer { status: 204, headers: Vec::new(), body: Vec::new() };
    assert!(!db.answer_claim(claim.id, &claim.request_id, &empty).await.unwrap());
    assert_eq!(state(db, &second).await, ClaimState::Answered(answer()), "the first answer stays");
}

pub(crate) async fn an_empty_answer_round_trips(world: World) {
    let claim = claim();
    let empty = StoredAnswer { status: 204, headers: Vec::new(), body: Vec::new() };
    assert_eq!(world.db.claim(&claim).await.unwrap(), ClaimState::Free);
    assert!(world.db.answer_claim(claim.id, &claim.request_id, &empty).await.unwrap());
    assert_eq!(state(&world.db, &claim).await, ClaimState::Answered(empty));
}

pub(crate) async fn another_request_under_a_taken_key_is_told_so(world: World) {
    let (db, claim) = (&world.db, claim());
    let other = Claim { request: Digest::of(b"other"), ..again(&claim, 1_500) };
    assert_eq!(db.claim(&claim).await.unwrap(), ClaimState::Free);
    assert_eq!(db.claim(&other).await.unwrap(), ClaimState::OtherRequest);
    assert!(db.answer_claim(claim.id, &claim.request_id, &answer()).await.unwrap());
    assert_eq!(db.claim(&other).await.unwrap(), ClaimState::OtherRequest);
    assert_eq!(state(db, &other).await, ClaimState::OtherRequest);
}

pub(crate) async fn only_who_has_a_key_answers_or_frees_it(world: World) {
    let (db, claim) = (&world.db, claim());
    assert_eq!(db.claim(&claim).await.unwrap(), ClaimState::Free);
    assert!(!db.answer_claim(claim.id, "somebody else", &answer()).await.unwrap());
    assert!(!db.release_claim(claim.id, "somebody else").await.unwrap());
    assert_eq!(state(db, &claim).await, IN_FLIGHT);
    assert!(db.release_claim(claim.id, &claim.request_id).await.unwrap());
    assert!(!db.release_claim(claim.id, &claim.request_id).await.unwrap());
    assert_eq!(db.claim(&again(&claim, 1_500)).await.unwrap(), ClaimState::Free);
}

pub(crate) async fn an_answered_key_is_never_freed(world: World) {
    let (db, claim) = (&world.db, claim());
    assert_eq!(db.claim(&claim).await.unwrap(), ClaimState::Free);
    assert!(db.answer_claim(claim.id, &claim.request_id, &answer()).await.unwrap());
    assert!(!db.release_claim(claim.id, &claim.request_id).await.unwrap());
    transaction!(db, |tx| tx.release_claim(claim.id).await).unwrap();
    assert_eq!(state(db, &claim).await, ClaimState::Answered(answer()));
}

pub(crate) async fn an_expired_key_is_free_and_replaced(world: World) {
    let (db, claim) = (&world.db, claim());
    assert_eq!(db.claim(&claim).await.unwrap(), ClaimState::Free);
    assert!(db.answer_claim(claim.id, &claim.request_id, &answer()).await.unwrap());
    let late = again(&claim, 1_999);
    assert_eq!(db.claim(&late).await.unwrap(), ClaimState::Answered(answer()));
    let later = Claim { request: Digest::of(b"other"), ..again(&claim, 2_000) };
    assert_eq!(state(db, &later).await, ClaimState::Free);
    assert_eq!(db.claim(&later).await.unwrap(), ClaimState::Free);
    assert_eq!(state(db, &later).await, ClaimState::InFlight { since: at(2_000) });
    assert!(!db.answer_claim(claim.id, &claim.request_id, &answer()).await.unwrap(), "it has it no more");
}

pub(crate) async fn of_parallel_claims_one_gets_the_key(world: World) {
    let first = claim();
    assert_eq!(world.db.claim(&first).await.unwrap(), ClaimState::Free);
    // One key that is free, and one that has expired and must be replaced.
    for (key, now) in [(claim(), 1_000), (first, 2_000)] {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (db, claim) = (world.db.clone(), again(&key, now));
                tokio::spawn(async move { db.claim(&claim).await.unwrap() })
            })
            .collect();
        let mut free = 0;
        for task in tasks {
            match task.await.unwrap() {
                ClaimState::Free => free += 1,
                state => assert_eq!(state, ClaimState::InFlight { since: at(now) }),
            }
        }
        assert_eq!(free, 1);
    }
}

pub(crate) async fn an_abandoned_claim_is_taken_over_once(world: World) {
    let (db, abandoned) = (&world.db, claim());
    assert_eq!(db.claim(&abandoned).await.unwrap(), ClaimState::Free);
    let (one, two) = (again(&abandoned, 1_500), again(&abandoned, 1_500));
    let other = Claim { request: Digest::of(b"other"), ..again(&abandoned, 1_500) };
    assert!(!db.take_over_claim(&one, at(999)).await.unwrap(), "it isn't that old");
    assert!(!db.take_over_claim(&other, at(1_000)).await.unwrap(), "it is for another request");
    assert!(db.take_over_claim(&one, at(1_000)).await.unwrap());
    assert!(!db.take_over_claim(&two, at(1_000)).await.unwrap());
    assert_eq!(state(db, &two).await, ClaimState::InFlight { since: at(1_500) });
    assert!(!db.answer_claim(one.id, &abandoned.request_id, &answer()).await.unwrap());
    assert!(db.answer_claim(one.id, &one.request_id, &answer()).await.unwrap());
    assert!(!db.take_over_claim(&two, at(9_000)).await.unwrap(), "it is answered");
}

pub(crate) async fn many_keys_are_claimed_at_once_or_none(world: World) {
    let db = &world.db;
    let claims: Vec<Claim> = (0..1_200).map(|_| claim()).collect();
    transaction!(db, |tx| tx.insert_claims(&claims).await).unwrap();
    let fresh: Vec<Claim> = (0..3).map(|_| claim()).collect();
    let mixed = [&fresh[..], &[again(&claims[700], 1_500)]].concat();
    let refused = transaction!(db, |tx| tx.insert_claims(&mixed).await);
    assert!(matches!(refused, Err(StoreError::Conflict(Unique::IdempotencyKey))), "{refused:?}");
    assert_eq!(state(db, &fresh[0]).await, ClaimState::Free);
    // What has expired makes way.
    let late = [again(&claims[700], 2_000), again(&fresh[0], 2_000), again(&claims[3], 2_000)];
    transaction!(db, |tx| tx.insert_claims(&late).await).unwrap();
    assert_eq!(state(db, &late[0]).await, ClaimState::InFlight { since: at(2_000) });
    let twice = [fresh[1].clone(), fresh[1].clone()];
    let refused = transaction!(db, |tx| tx.insert_claims(&twice).await);
    assert!(matches!(refused, Err(StoreError::Conflict(Unique::IdempotencyKey))), "{refused:?}");
    transaction!(db, |tx| tx.insert_claims(&[]).await).unwrap();
}

pub(crate) async fn keys_are_found_and_answered_within_a_transaction(world: World) {
    let (db, one, two) = (&world.db, claim(), claim());
    let claims = [one.clone(), two.clone()];
    let found = transaction!(db, |tx| {
        tx.insert_claims(&claims).await?;
        tx.answer_claim(one.id, &answer()).await?;
        tx.release_claim(two.id).await?;
        tx.find_claims(&[one.id, two.id]).await
    });
    assert_eq!(found.unwrap(), std::slice::from_ref(&one));
    assert_eq!(state(db, &one).await, ClaimState::Answered(answer()));
    assert_eq!(state(db, &two).await, ClaimState::Free);
    let taken = async |claims: &[Claim]| transaction!(db, |tx| tx.list_taken_claims(claims).await).unwrap();
    assert_eq!(taken(&claims).await, BTreeSet::from([one.id]));
    assert_eq!(taken(&[again(&one, 1_999)]).await, BTreeSet::from([one.id]));
    assert_eq!(taken(&[again(&one, 2_000)]).await, BTreeSet::new());
    assert_eq!(taken(&[]).await, BTreeSet::new());
}

pub(crate) async fn expired_keys_are_deleted_in_batches(world: World) {
    const AGE: i64 = i64::MIN + 1_000_000;
    let (db, mut claims) = (&world.db, Vec::new());
    for expires_at in 0..7 {
        claims.push(Claim { created_at: at(AGE - 1), expires_at: at(AGE + expires_at), ..claim() });
    }
    transaction!(db, |tx| tx.insert_claims(&claims).await).unwrap();
    assert!(db.answer_claim(claims[0].id, &claims[0].request_id, &answer()).await.unwrap());
    let now = at(AGE + 4);
    assert_eq!(db.delete_expired_claims(now, 0).await.unwrap(), 0);
    assert_eq!(db.delete_expired_claims(now, 3).await.unwrap(), 3);
    assert_eq!(state(db, &claims[0]).await, ClaimState::Free);
    assert_eq!(db.delete_expired_claims(now, 3).await.unwrap(), 2);
    assert_eq!(db.delete_expired_claims(now, 3).await.unwrap(), 0);
    for claim in &claims[5..] {
        assert_eq!(state(db, claim).await, ClaimState::InFlight { since: at(AGE - 1) });
    }
    assert_eq!(db.delete_expired_claims(at(AGE + 6), u32::MAX).await.unwrap(), 2);
}

pub(crate) async fn a_corrupt_answer_is_named(world: World) {
    let damages =
        [("status", "-1"), ("status", "65536"), ("headers", "'{'"), ("headers", "NULL"), ("body", "NULL")];
    for (column, value) in damages {
        let claim = claim();
        assert_eq!(world.db.claim(&claim).await.unwrap(), ClaimState::Free);
        assert!(world.db.answer_claim(claim.id, &claim.request_id, &answer()).await.unwrap());
        let id = claim.id;
        world.damage(format!("UPDATE idempotency_keys SET {column} = {value} WHERE id = X'{id}'")).await;
        match world.db.claim(&claim).await.unwrap_err() {
            StoreError::Corrupt { table: "idempotency_keys", column: named, .. } => assert_eq!(named, column),
            error => panic!("{error}"),
        }
    }
}

pub(crate) async fn a_request_id_that_is_too_long_is_out_of_bounds(world: World) {
    let claim = Claim { request_id: "x".repeat(65), ..claim() };
    let error = world.db.claim(&claim).await.unwrap_err();
    assert!(matches!(error, StoreError::OutOfBounds), "{error}");
    assert_eq!(state(&world.db, &claim).await, ClaimState::Free);
}
