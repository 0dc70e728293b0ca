//! Keys that sign access tokens.

use std::{fmt, str::FromStr};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Least bytes of a key: as many as the digest has (RFC 7518, section 3.2).
const MIN_BYTES: usize = 32;
/// Most characters of a key's id.
const MAX_ID: usize = 64;
/// Base64 with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key that signs access tokens with HMAC-SHA-256, and the id by which tokens name it.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    mac: Hmac<Sha256>,
}

/// A text is no key. The text isn't repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It isn't an id and a key.
    #[error("is not written ID:BASE64, where the id is 1 to 64 of A-Z, a-z, 0-9, `-`, `_` and `.`")]
    Form,
    /// The key isn't base64.
    #[error("has a key that is not base64")]
    NotBase64,
    /// The key can be guessed.
    #[error("has a key of fewer than 32 bytes; make one with `openssl rand -base64 32`")]
    TooShort,
}

impl SigningKey {
    /// The key that a process makes up for itself. Its id is made of it too, so that another process
    /// doesn't take it for its own.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        let mac = keyed(&bytes);
        let mut id = String::from("process-");
        for byte in &mac.clone().chain_update(b"id").finalize().into_bytes()[..8] {
            id.push_str(&format!("{byte:02x}"));
        }
        Self { id, mac }
    }

    /// Names it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Signs a text.
    pub fn sign(&self, text: &str) -> Vec<u8> {
        self.mac.clone().chain_update(text).finalize().into_bytes().to_vec()
    }

    /// Whether a text was signed with this key. Takes the same time wherever they differ.
    pub fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        self.mac.clone().chain_update(text).verify_slice(signature).is_ok()
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (id, key) = text.trim().split_once(':').ok_or(KeyError::Form)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !(1..=MAX_ID).contains(&id.len()) || !id.bytes().all(is_plain) {
            return Err(KeyError::Form);
        }
        // Both alphabets are understood: keys are made with all kinds of tools.
        let key = key.replace('-', "+").replace('_', "/");
        let bytes = BASE64.decode(key).map_err(|_| KeyError::NotBase64)?;
        if bytes.len() < MIN_BYTES {
            return Err(KeyError::TooShort);
        }
        Ok(Self { id: id.to_owned(), mac: keyed(&bytes) })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signing key {}", self.id)
    }
}

fn keyed(bytes: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length (RFC 2104, section 2)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_an_id_and_base64_of_either_alphabet_with_padding_or_without() {
        let all_bits = "/".repeat(42);
        let standard: SigningKey = format!("k-1.a_B:{all_bits}8=").parse().unwrap();
        assert_eq!(standard.id(), "k-1.a_B");
        for same in [format!("x:{all_bits}8"), format!(" x:{}8=\n", "_".repeat(42))] {
            let same: SigningKey = same.parse().unwrap();
            assert!(same.has_signed("text", &standard.sign("text")));
        }
        let longer: SigningKey = format!("x:{}", "+-".repeat(22)).parse().unwrap();
        assert!(!longer.has_signed("text", &standard.sign("text")));
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let key = "A".repeat(44);
        for (text, expected) in [
            (key.clone(), KeyError::Form),
            (format!(":{key}"), KeyError::Form),
            (format!("a b:{key}"), KeyError::Form),
            (format!("{}:{key}", "k".repeat(65)), KeyError::Form),
            (format!("k:{key}!"), KeyError::NotBase64),
            (format!("k:{}", "A".repeat(42)), KeyError::TooShort),
            ("k:".to_owned(), KeyError::TooShort),
        ] {
            let error = text.parse::<SigningKey>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("AAAA"));
        }
        let sound: SigningKey = format!("k:{key}").parse().unwrap();
        assert_eq!(format!("{sound:?}"), "signing key k");
    }

    #[test]
    fn keys_that_are_made_up_have_ids_of_their_own() {
        let (one, two) = (SigningKey::from_random([1; 32]), SigningKey::from_random([2; 32]));
        assert_ne!(one.id(), two.id());
        assert_eq!(one.id(), SigningKey::from_random([1; 32]).id());
        assert!(!two.has_signed("text", &one.sign("text")));
    }

    /// RFC 4231, section 4.3: test case 2, whose key is shorter than ours may be.
    #[test]
    fn signatures_are_hmac_sha_256() {
        let key = SigningKey { id: "k".to_owned(), mac: keyed(b"Jefe") };
        let signature = key.sign("what do ya want for nothing?");
        let text: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
