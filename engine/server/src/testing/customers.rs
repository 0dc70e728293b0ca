//! Customers who sign in.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, TestApp, TestRequest};

/// What everybody signs in with.
pub const PASSWORD: &str = "correct horse battery";

/// A customer who is signed in.
pub struct SignedIn {
    /// Their id.
    pub id: String,
    /// Goes with requests.
    pub access: String,
    /// Is exchanged.
    pub refresh: String,
    /// The cart that is theirs, where there is one.
    pub cart: Value,
}

impl TestApp {
    /// The answer to somebody who registers.
    pub async fn register(&self, email: &str) -> Answer {
        let body = json!({"email": email, "password": PASSWORD});
        self.request(Method::POST, "/api/v1/customers").json(&body).send().await
    }

    /// The answer to somebody who signs in with the usual password.
    pub async fn try_to_sign_in(&self, email: &str, cart: Option<&str>) -> Answer {
        let body = json!({"email": email, "password": PASSWORD, "cart": cart});
        self.request(Method::POST, "/api/v1/sessions").json(&body).send().await
    }

    /// A customer who is signed in, with a cart they filled before.
    pub async fn sign_in(&self, email: &str, cart: Option<&str>) -> SignedIn {
        SignedIn::from(self.try_to_sign_in(email, cart).await.expect_status(201))
    }

    /// A customer who has just registered and is signed in.
    pub async fn customer(&self, email: &str) -> SignedIn {
        self.register(email).await.expect_status(202);
        self.sign_in(email, None).await
    }

    /// The answer to somebody who exchanges a refresh token.
    pub async fn refresh(&self, token: &str) -> Answer {
        let body = json!({"refresh_token": token});
        self.request(Method::POST, "/api/v1/sessions/refresh").json(&body).send().await
    }

    /// The answer to a customer's GET.
    pub async fn get_as(&self, who: &SignedIn, path: &str) -> Answer {
        self.request(Method::GET, path).token(&who.access).send().await
    }

    /// The answer to a customer's POST.
    pub async fn post_as(&self, who: &SignedIn, path: &str, body: &Value) -> Answer {
        self.request(Method::POST, path).token(&who.access).json(body).send().await
    }
}

impl TestRequest<'_> {
    /// With an access token.
    pub fn token(self, token: &str) -> Self {
        self.key(token)
    }
}

impl From<Answer> for SignedIn {
    fn from(answer: Answer) -> Self {
        let text = |member: &str| answer.body[member].as_str().expect("a text").to_owned();
        Self {
            id: text("customer_id"),
            access: text("access_token"),
            refresh: text("refresh_token"),
            cart: answer.body["cart_id"].clone(),
        }
    }
}
