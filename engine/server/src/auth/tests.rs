//! Sessions over a database: carried on, ended, and raced for.

use std::{sync::Arc, time::Duration};

use martlet_domain::Id;

use super::*;
use crate::testing::{NOW, TestApp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An engine and the id of a customer who has registered.
async fn registered() -> (TestApp, Id<Customer>) {
    let app = TestApp::new().await;
    app.register("jo@example.com").await.expect_status(202);
    let found = app.state.db.find_customer_by_email(app.store.id, "jo@example.com").await.unwrap();
    (app, found.unwrap().id)
}

async fn is_good(app: &TestApp, signed_in: &SignedIn) -> bool {
    app.state.auth.identify(app.store.id, &signed_in.access_token).await.unwrap().is_some()
}

#[tokio::test]
async fn a_session_is_carried_on_and_tokens_are_used_once() {
    let (app, customer) = registered().await;
    let auth = &app.state.auth;
    let first = auth.begin(app.store.id, customer).await.unwrap();
    let second = auth.refresh(app.store.id, first.refresh_token.reveal()).await.unwrap();
    assert_ne!(second.refresh_token, first.refresh_token);
    let (one, two) = (
        auth.identify(app.store.id, &first.access_token).await.unwrap().unwrap(),
        auth.identify(app.store.id, &second.access_token).await.unwrap().unwrap(),
    );
    assert_eq!((one.session, one.customer), (two.session, customer));
    let third = auth.refresh(app.store.id, second.refresh_token.reveal()).await.unwrap();
    // Whoever has the first token has it from elsewhere.
    let stolen = auth.refresh(app.store.id, first.refresh_token.reveal()).await;
    assert!(matches!(stolen, Err(Error::InvalidRefreshToken)));
    for token in [&first, &second, &third] {
        assert!(!is_good(&app, token).await);
    }
    let ended = auth.refresh(app.store.id, third.refresh_token.reveal()).await;
    assert!(matches!(ended, Err(Error::InvalidRefreshToken)));
}

#[tokio::test]
async fn other_sessions_of_the_customer_go_on() {
    let (app, customer) = registered().await;
    let auth = &app.state.auth;
    let phone = auth.begin(app.store.id, customer).await.unwrap();
    let laptop = auth.begin(app.store.id, customer).await.unwrap();
    for _ in 0..2 {
        drop(auth.refresh(app.store.id, phone.refresh_token.reveal()).await);
    }
    assert!(!is_good(&app, &phone).await && is_good(&app, &laptop).await);
}

#[tokio::test]
async fn of_twenty_who_refresh_at_once_one_does_and_the_session_ends() {
    let (app, customer) = registered().await;
    let first = app.state.auth.begin(app.store.id, customer).await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (auth, store) = (Arc::clone(&app.state.auth), app.store.id);
            let token = first.refresh_token.reveal().to_owned();
            tokio::spawn(async move { auth.refresh(store, &token).await })
        })
        .collect();
    let mut refreshed = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(signed_in) => refreshed.push(signed_in),
            Err(error) => assert!(matches!(error, Error::InvalidRefreshToken), "{error:?}"),
        }
    }
    assert_eq!(refreshed.len(), 1);
    assert!(!is_good(&app, &refreshed[0]).await && !is_good(&app, &first).await);
    let token = refreshed[0].refresh_token.reveal();
    assert!(matches!(app.state.auth.refresh(app.store.id, token).await, Err(Error::InvalidRefreshToken)));
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_often_it_is_refreshed() {
    let (app, customer) = registered().await;
    let auth = &app.state.auth;
    let mut last = auth.begin(app.store.id, customer).await.unwrap();
    for _ in 0..29 {
        app.clock.advance(DAY);
        last = auth.refresh(app.store.id, last.refresh_token.reveal()).await.unwrap();
    }
    app.clock.advance(DAY - Duration::from_millis(1));
    last = auth.refresh(app.store.id, last.refresh_token.reveal()).await.unwrap();
    assert!(is_good(&app, &last).await);
    app.clock.advance(Duration::from_millis(1));
    assert!(!is_good(&app, &last).await);
    let late = auth.refresh(app.store.id, last.refresh_token.reveal()).await;
    assert!(matches!(late, Err(Error::InvalidRefreshToken)));
    assert_eq!(auth.sessions.sweep().await.unwrap(), 1);
    assert_eq!(auth.sessions.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn sweeping_takes_those_that_have_ended_and_leaves_the_others() {
    let (app, customer) = registered().await;
    let auth = &app.state.auth;
    auth.begin(app.store.id, customer).await.unwrap();
    app.clock.advance(15 * DAY);
    let later = auth.begin(app.store.id, customer).await.unwrap();
    app.clock.advance(15 * DAY);
    assert_eq!(auth.sessions.sweep().await.unwrap(), 1);
    auth.refresh(app.store.id, later.refresh_token.reveal()).await.unwrap();
    let left = app.state.db.list_sessions(app.store.id, customer).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].created_at, NOW.plus(15 * DAY));
}

#[tokio::test]
async fn a_token_that_was_never_given_is_no_token() {
    let (app, customer) = registered().await;
    let auth = &app.state.auth;
    let signed_in = auth.begin(app.store.id, customer).await.unwrap();
    let made_up = RefreshToken::from_random([9; 32]);
    for token in ["", "mr_", made_up.reveal(), &signed_in.access_token, &app.key] {
        let refused = auth.refresh(app.store.id, token).await;
        assert!(matches!(refused, Err(Error::InvalidRefreshToken)), "{token}");
    }
    let (other, _) = app.add_store("other", &[]).await;
    let elsewhere = auth.refresh(other.id, signed_in.refresh_token.reveal()).await;
    assert!(matches!(elsewhere, Err(Error::InvalidRefreshToken)));
    assert!(is_good(&app, &signed_in).await);
    assert!(auth.identify(other.id, &signed_in.access_token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_that_is_not_there_is_not_good() {
    let (app, customer) = registered().await;
    let now = app.state.world.clock.now();
    let token = app.state.auth.tokens.issue(app.store.id, customer, Id::new(uuid::Uuid::from_u128(1)), now);
    assert!(app.state.auth.identify(app.store.id, &token).await.unwrap().is_none());
}
