//! Customers who are signed in.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use martlet_domain::{Digest, Id, Timestamp, customer::Customer, session::Session};
use martlet_store::NewRefreshToken;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    Answer, Engine,
    engine::SIGNING_KEY,
    shop::{Shop, id},
};

/// What everybody signs in with.
pub const PASSWORD: &str = "correct horse battery";

/// A customer who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub customer: Id<Customer>,
    /// The header `Authorization` of their requests.
    pub bearer: String,
    /// Is exchanged; empty where the test has made the session.
    pub refresh: String,
}

impl Shop {
    /// A customer with a session that no password was hashed for: thousands of those would take minutes.
    pub fn signed_in(&self) -> SignedIn {
        let (customer, now) = (self.customer(), self.block_on(self.db.now()).expect("the time"));
        let ends = now.plus(Duration::from_secs(3_600));
        let session = Session { id: id(), customer, created_at: now, expires_at: ends, revoked_at: None };
        let digest = Digest::of(session.id.uuid().as_bytes());
        let token = NewRefreshToken { digest, created_at: now, expires_at: ends };
        self.block_on(self.db.insert_session(self.store, &session, &token)).expect("a session");
        let seconds = |moment: Timestamp| moment.as_millis() / 1_000;
        let claims = json!({
            "sub": customer, "sid": session.id, "store": self.store, "iat": seconds(now), "exp": seconds(ends),
        });
        SignedIn { customer, bearer: format!("Bearer {}", sign(&claims)), refresh: String::new() }
    }
}

impl Engine {
    /// Registers somebody, who signs in then.
    pub fn customer(&self, email: &str) -> SignedIn {
        let body = json!({"email": email, "password": PASSWORD});
        self.post("/api/v1/customers", &body).expect(202);
        SignedIn::from(&self.sign_in(email).expect(201))
    }

    /// The answer to somebody who signs in with the usual password.
    pub fn sign_in(&self, email: &str) -> Answer {
        self.post("/api/v1/sessions", &json!({"email": email, "password": PASSWORD}))
    }

    /// The answer to a customer's request.
    pub fn send_as(&self, who: &SignedIn, method: &str, path: &str) -> Answer {
        self.send(method, path, &[("authorization", &who.bearer)], None)
    }
}

impl From<&Answer> for SignedIn {
    fn from(answer: &Answer) -> Self {
        Self {
            customer: answer.text("/customer_id").parse().expect("an id"),
            bearer: format!("Bearer {}", answer.text("/access_token")),
            refresh: answer.text("/refresh_token").to_owned(),
        }
    }
}

/// An access token (RFC 7519, with HMAC-SHA-256) that says this.
fn sign(claims: &Value) -> String {
    let (id, key) = SIGNING_KEY;
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": id});
    let [header, claims] = [header, claims.clone()].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key").chain_update(&signed);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
