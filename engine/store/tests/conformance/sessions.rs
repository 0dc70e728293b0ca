//! Sessions of customers and the tokens that keep them going. Sweeps go through the rows of all
//! stores, so those behaviours have databases of their own.

use std::collections::BTreeSet;

use martlet_domain::{Digest, Id, customer::Customer, session::Session};
use martlet_store::{NewRefreshToken, Rotation, StoreError, Unique};

use crate::{
    harness::{World, id, number},
    ordering::{alone, stored_customer},
    samples::at,
};

/// A session of a customer, from 1,000 to 100,000.
fn session(customer: Id<Customer>) -> Session {
    Session { id: id(), customer, created_at: at(1_000), expires_at: at(100_000), revoked_at: None }
}

/// A token that no other call gets, until 50,000.
fn token() -> NewRefreshToken {
    let digest = Digest::of(format!("token {}", number()).as_bytes());
    NewRefreshToken { digest, created_at: at(1_000), expires_at: at(50_000) }
}

/// A stored session of a new customer, and its token.
async fn begun(world: &World) -> (Session, NewRefreshToken) {
    let (session, token) = (session(stored_customer(world).await), token());
    world.db.insert_session(world.store, &session, &token).await.unwrap();
    (session, token)
}

fn revoked(session: &Session, millis: i64) -> Session {
    Session { revoked_at: Some(at(millis)), ..session.clone() }
}

async fn rotate(world: &World, old: &NewRefreshToken, new: &NewRefreshToken, millis: i64) -> Rotation {
    world.db.rotate_refresh_token(world.store, old.digest, new, at(millis)).await.unwrap()
}

async fn found(world: &World, session: &Session) -> Session {
    world.db.find_session(world.store, session.id).await.unwrap().unwrap()
}

pub(crate) async fn a_session_round_trips_at_its_extremes(world: World) {
    let mut session = session(stored_customer(&world).await);
    (session.created_at, session.expires_at) = (at(i64::MIN), at(i64::MAX));
    for revoked_at in [None, Some(at(i64::MIN))] {
        (session.id, session.revoked_at) = (id(), revoked_at);
        world.db.insert_session(world.store, &session, &token()).await.unwrap();
        assert_eq!(found(&world, &session).await, session);
    }
    assert_eq!(world.db.find_session(world.store, id()).await.unwrap(), None);
}

pub(crate) async fn sessions_are_listed_by_customer_from_the_last(world: World) {
    let (db, store) = (&world.db, world.store);
    let (first, _) = begun(&world).await;
    let second = session(first.customer);
    db.insert_session(store, &second, &token()).await.unwrap();
    begun(&world).await;
    assert!(db.revoke_session(store, first.id, at(5)).await.unwrap());
    let listed = db.list_sessions(store, first.customer).await.unwrap();
    assert_eq!(listed, [second, revoked(&first, 5)]);
    assert_eq!(db.list_sessions(store, id()).await.unwrap(), []);
}

pub(crate) async fn a_session_without_its_customer_or_its_own_token_is_refused(world: World) {
    let (db, store) = (&world.db, world.store);
    let error = db.insert_session(store, &session(id()), &token()).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    let (first, taken) = begun(&world).await;
    let second = session(first.customer);
    for (session, token) in [(&first, &token()), (&second, &taken)] {
        let error = db.insert_session(store, session, token).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(Unique::Session)), "{error}");
    }
    assert_eq!(db.list_sessions(store, first.customer).await.unwrap(), [first]);
}

pub(crate) async fn a_session_is_revoked_once(world: World) {
    let (session, _) = begun(&world).await;
    assert!(world.db.revoke_session(world.store, session.id, at(5)).await.unwrap());
    assert!(!world.db.revoke_session(world.store, session.id, at(6)).await.unwrap());
    assert_eq!(found(&world, &session).await, revoked(&session, 5));
    assert!(!world.db.revoke_session(world.store, id(), at(5)).await.unwrap());
}

pub(crate) async fn all_sessions_of_a_customer_are_revoked_and_no_others(world: World) {
    let (db, store) = (&world.db, world.store);
    let (gone, _) = begun(&world).await;
    db.revoke_session(store, gone.id, at(5)).await.unwrap();
    let mut open = Vec::new();
    // More than one statement takes.
    for _ in 0..300 {
        let session = session(gone.customer);
        db.insert_session(store, &session, &token()).await.unwrap();
        open.push(session);
    }
    let (others, _) = begun(&world).await;
    let ended = db.revoke_sessions_of(store, gone.customer, at(9)).await.unwrap();
    assert_eq!(ended, open.iter().map(|session| session.id).collect::<Vec<_>>());
    let mut expected = vec![revoked(&gone, 5)];
    expected.extend(open.iter().map(|session| revoked(session, 9)));
    expected.reverse();
    assert_eq!(db.list_sessions(store, gone.customer).await.unwrap(), expected);
    assert_eq!(found(&world, &others).await, others);
    assert_eq!(db.revoke_sessions_of(store, gone.customer, at(9)).await.unwrap(), []);
    assert_eq!(db.revoke_sessions_of(store, id(), at(9)).await.unwrap(), []);
}

pub(crate) async fn tokens_are_rotated_one_after_another(world: World) {
    let (session, mut last) = begun(&world).await;
    for turn in 0..5 {
        let next = token();
        assert_eq!(rotate(&world, &last, &next, 2_000 + turn).await, Rotation::Rotated(session.clone()));
        last = next;
    }
    assert_eq!(found(&world, &session).await, session);
    assert_eq!(rotate(&world, &token(), &token(), 2_000).await, Rotation::Unknown);
}

pub(crate) async fn a_token_that_is_used_again_ends_its_session(world: World) {
    let (session, first) = begun(&world).await;
    let second = token();
    assert_eq!(rotate(&world, &first, &second, 2_000).await, Rotation::Rotated(session.clone()));
    let over = revoked(&session, 3_000);
    assert_eq!(rotate(&world, &first, &token(), 3_000).await, Rotation::Reused(over.clone()));
    assert_eq!(found(&world, &session).await, over);
    assert_eq!(rotate(&world, &second, &token(), 3_001).await, Rotation::Expired);
    // It stays known as used, also after everything has ended.
    assert_eq!(rotate(&world, &first, &token(), 200_000).await, Rotation::Reused(over.clone()));
    assert_eq!(found(&world, &session).await, over);
}

pub(crate) async fn what_has_ended_is_not_rotated_and_not_used_up(world: World) {
    let (revoked, token_of_revoked) = begun(&world).await;
    assert!(world.db.revoke_session(world.store, revoked.id, at(2_000)).await.unwrap());
    let (open, token_of_open) = begun(&world).await;
    let (_, lasting) = {
        let (session, mut token) = (session(open.customer), token());
        token.expires_at = at(i64::MAX);
        world.db.insert_session(world.store, &session, &token).await.unwrap();
        (session, token)
    };
    for _ in 0..2 {
        assert_eq!(rotate(&world, &token_of_revoked, &token(), 2_000).await, Rotation::Expired);
        assert_eq!(rotate(&world, &token_of_open, &token(), 50_000).await, Rotation::Expired);
        assert_eq!(rotate(&world, &lasting, &token(), 100_000).await, Rotation::Expired);
    }
    assert_eq!(found(&world, &open).await, open);
    let in_time = rotate(&world, &token_of_open, &token(), 49_999).await;
    assert_eq!(in_time, Rotation::Rotated(open));
}

pub(crate) async fn a_token_that_is_there_already_replaces_none(world: World) {
    let (session, first) = begun(&world).await;
    let (_, taken) = begun(&world).await;
    for new in [&first, &taken] {
        let refused = world.db.rotate_refresh_token(world.store, first.digest, new, at(2_000)).await;
        assert!(matches!(refused, Err(StoreError::Conflict(Unique::Session))), "{refused:?}");
    }
    // Nothing of it stayed.
    assert_eq!(rotate(&world, &first, &token(), 2_000).await, Rotation::Rotated(session));
}

pub(crate) async fn a_session_keeps_its_last_fifty_used_tokens(world: World) {
    let (session, first) = begun(&world).await;
    let (beside, token_beside) = begun(&world).await;
    let mut tokens = vec![first];
    for turn in 0..60 {
        let next = token();
        let rotated = rotate(&world, &tokens[turn], &next, 2_000 + i64::try_from(turn).unwrap()).await;
        assert_eq!(rotated, Rotation::Rotated(session.clone()));
        tokens.push(next);
    }
    // Sixty are used, and the first ten are forgotten. They end nothing.
    for forgotten in &tokens[..10] {
        assert_eq!(rotate(&world, forgotten, &token(), 3_000).await, Rotation::Unknown);
    }
    assert_eq!(found(&world, &session).await, session);
    let over = revoked(&session, 3_000);
    for known in &tokens[10..60] {
        assert_eq!(rotate(&world, known, &token(), 3_000).await, Rotation::Reused(over.clone()));
    }
    assert_eq!(rotate(&world, &tokens[60], &token(), 3_000).await, Rotation::Expired);
    assert_eq!(rotate(&world, &token_beside, &token(), 3_000).await, Rotation::Rotated(beside));
}

pub(crate) async fn of_twenty_rotations_of_a_token_one_succeeds(world: World) {
    let (session, first) = begun(&world).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (db, store, old, new) = (world.db.clone(), world.store, first.digest, token());
            tokio::spawn(async move {
                let rotation = db.rotate_refresh_token(store, old, &new, at(2_000)).await.unwrap();
                (rotation, new)
            })
        })
        .collect();
    let (mut rotated, mut unused) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            (Rotation::Rotated(of), new) => rotated.push((of, new)),
            (Rotation::Reused(of), new) => {
                assert_eq!(of, revoked(&session, 2_000));
                unused.push(new);
            }
            (other, _) => panic!("{other:?}"),
        }
    }
    assert_eq!((rotated.len(), unused.len()), (1, 19));
    let (of, winner) = rotated.remove(0);
    assert_eq!(of, session);
    // The losers' tokens were never stored, and the winner's has ended with the session.
    assert_eq!(rotate(&world, &winner, &token(), 2_001).await, Rotation::Expired);
    for new in unused {
        assert_eq!(rotate(&world, &new, &token(), 2_001).await, Rotation::Unknown);
    }
}

/// Signing out everywhere, while sessions begin and tokens are rotated: what is left open began
/// afterwards.
pub(crate) async fn sessions_begin_rotate_and_end_at_once(world: World) {
    let (first, mut last) = begun(&world).await;
    let customer = first.customer;
    let begin = {
        let (db, store) = (world.db.clone(), world.store);
        tokio::spawn(async move {
            for _ in 0..20 {
                db.insert_session(store, &session(customer), &token()).await.unwrap();
            }
        })
    };
    let rotate = {
        let (db, store) = (world.db.clone(), world.store);
        tokio::spawn(async move {
            loop {
                let new = token();
                match db.rotate_refresh_token(store, last.digest, &new, at(2_000)).await.unwrap() {
                    Rotation::Rotated(_) => last = new,
                    end => break end,
                }
            }
        })
    };
    let mut ended = BTreeSet::new();
    for _ in 0..5 {
        let now = world.db.revoke_sessions_of(world.store, customer, at(2_000)).await.unwrap();
        for id in now {
            assert!(ended.insert(id), "each is revoked once");
        }
    }
    assert_eq!(rotate.await.unwrap(), Rotation::Expired);
    begin.await.unwrap();
    ended.extend(world.db.revoke_sessions_of(world.store, customer, at(2_000)).await.unwrap());
    let listed = world.db.list_sessions(world.store, customer).await.unwrap();
    assert_eq!(listed.iter().map(|session| session.id).collect::<BTreeSet<_>>(), ended);
    assert_eq!(ended.len(), 21);
    assert!(listed.iter().all(|session| session.revoked_at == Some(at(2_000))));
}

pub(crate) async fn ended_sessions_are_deleted_with_their_tokens_in_batches(world: World) {
    let world = alone(world).await;
    let (db, store) = (&world.db, world.store);
    let customer = stored_customer(&world).await;
    let mut ended = Vec::new();
    for turn in 0..40 {
        let (session, mut last) = (Session { expires_at: at(10_000 + turn), ..session(customer) }, token());
        db.insert_session(store, &session, &last).await.unwrap();
        for _ in 0..3 {
            let next = token();
            assert!(matches!(rotate(&world, &last, &next, 2_000).await, Rotation::Rotated(_)));
            last = next;
        }
        ended.push((session, last));
    }
    let (open, token_of_open) = begun(&world).await;
    db.revoke_session(store, open.id, at(2_000)).await.unwrap();
    assert_eq!(db.delete_expired_sessions(at(9_999), 100).await.unwrap(), 0);
    assert_eq!(db.delete_expired_sessions(at(10_039), 25).await.unwrap(), 25);
    // Those that ended first went first.
    for (place, (session, last)) in ended.iter().enumerate() {
        let there = db.find_session(store, session.id).await.unwrap().is_some();
        assert_eq!(there, place >= 25);
        let known = rotate(&world, last, &token(), 20_000).await;
        assert_eq!(known, if there { Rotation::Expired } else { Rotation::Unknown });
    }
    assert_eq!(db.delete_expired_sessions(at(10_039), 25).await.unwrap(), 15);
    assert_eq!(db.delete_expired_sessions(at(10_039), 25).await.unwrap(), 0);
    assert_eq!(db.list_sessions(store, customer).await.unwrap(), []);
    // A revoked one stays until it would have ended, so that its tokens stay known.
    assert_eq!(rotate(&world, &token_of_open, &token(), 20_000).await, Rotation::Expired);
    assert_eq!(db.delete_expired_sessions(at(i64::MAX), 25).await.unwrap(), 1);
}

/// As one may have that was refreshed often before used tokens were forgotten.
pub(crate) async fn a_session_with_a_thousand_tokens_is_deleted(world: World) {
    let world = alone(world).await;
    let (session, first) = begun(&world).await;
    let (store, of) = (world.store.uuid().simple(), session.id.uuid().simple());
    let tokens: Vec<_> = (0..1_020)
        .map(|turn| format!("(X'{store}', X'{turn:064x}', X'{of}', {turn}, 50000, {turn})"))
        .collect();
    let sql =
        "INSERT INTO refresh_tokens (store_id, digest, session_id, created_at, expires_at, used_at) VALUES";
    assert_eq!(world.attempt(format!("{sql} {}", tokens.join(", "))).await.unwrap(), 1_020);
    // One rotation forgets a part of them.
    assert_eq!(rotate(&world, &first, &token(), 2_000).await, Rotation::Rotated(session.clone()));
    let left = "UPDATE refresh_tokens SET expires_at = 50001".to_owned();
    assert_eq!(world.attempt(left).await.unwrap(), 1_022 - 500);
    assert_eq!(world.db.delete_expired_sessions(at(100_000), 25).await.unwrap(), 1);
    assert_eq!(world.db.find_session(world.store, session.id).await.unwrap(), None);
    assert_eq!(rotate(&world, &first, &token(), 2_000).await, Rotation::Unknown);
}

pub(crate) async fn another_store_sees_no_session(world: World) {
    let (db, other) = (&world.db, world.other);
    let (session, token_here) = begun(&world).await;
    assert_eq!(db.find_session(other, session.id).await.unwrap(), None);
    assert_eq!(db.list_sessions(other, session.customer).await.unwrap(), []);
    assert!(!db.revoke_session(other, session.id, at(5)).await.unwrap());
    assert_eq!(db.revoke_sessions_of(other, session.customer, at(5)).await.unwrap(), []);
    let rotated = db.rotate_refresh_token(other, token_here.digest, &token(), at(2_000)).await.unwrap();
    assert_eq!(rotated, Rotation::Unknown);
    let error = db.insert_session(other, &Session { id: id(), ..session.clone() }, &token()).await;
    assert!(matches!(error, Err(StoreError::UnknownReference)), "{error:?}");
    assert_eq!(found(&world, &session).await, session);
}
