//! Access tokens: JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256 and nothing else.
//!
//! They are written and read here, on the HMAC of RustCrypto, rather than with `jsonwebtoken`: its
//! backends bring RSA and elliptic curves, some forty crates, for one algorithm that is in the tree
//! already. What there is to get wrong is small: a token is only looked into once its signature holds,
//! and no algorithm is taken from it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use martlet_domain::{Id, Timestamp, customer::Customer, session::Session, settings::Store};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::SigningKey;

/// Longest text that is looked at. Ours have about 400 characters.
const MAX_TOKEN: usize = 2_000;
/// The algorithm.
const HS256: &str = "HS256";

/// Issues and verifies access tokens.
#[derive(Debug)]
pub struct AccessTokens {
    signing: SigningKey,
    /// Keys that signed before, of which tokens may still be about.
    older: Vec<SigningKey>,
    lifetime: Duration,
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    #[serde(rename = "sub")]
    pub customer: Id<Customer>,
    /// In which session.
    #[serde(rename = "sid")]
    pub session: Id<Session>,
    /// In which store.
    pub store: Id<Store>,
    /// Since when, in seconds since 1970.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    /// Until when, not including, in seconds since 1970.
    #[serde(rename = "exp")]
    pub expires_at: i64,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

#[derive(Deserialize)]
struct ReceivedHeader {
    alg: String,
    kid: String,
    /// Names members that whoever reads the token must understand (RFC 7515, section 4.1.11). There are
    /// none that we do.
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

impl AccessTokens {
    /// Signs with one key, and verifies with that and the older ones.
    pub fn new(signing: SigningKey, older: Vec<SigningKey>, lifetime: Duration) -> Self {
        Self { signing, older, lifetime }
    }

    /// How long a token is good for.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token that is good from now on.
    pub fn issue(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        session: Id<Session>,
        now: Timestamp,
    ) -> String {
        let claims = Claims {
            customer,
            session,
            store,
            issued_at: seconds(now),
            expires_at: seconds(now.plus(self.lifetime)),
        };
        let header = Header { alg: HS256, typ: "JWT", kid: self.signing.id() };
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signing.sign(&signed));
        format!("{signed}.{signature}")
    }

    /// What a token says, if it is one of ours that hasn't expired.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: ReceivedHeader = decode(header)?;
        if header.alg != HS256 || header.crit.is_some() {
            return None;
        }
        let key = self.keys().find(|key| key.id() == header.kid)?;
        if !key.has_signed(signed, &URL_SAFE_NO_PAD.decode(signature).ok()?) {
            return None;
        }
        decode(claims).filter(|claims: &Claims| seconds(now) < claims.expires_at)
    }

    fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.signing).chain(&self.older)
    }
}

fn seconds(moment: Timestamp) -> i64 {
    moment.as_millis().div_euclid(1_000)
}

fn encode<T: Serialize>(part: &T) -> String {
    // These are structs of texts and numbers, which always can be written.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap_or_default())
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests;
