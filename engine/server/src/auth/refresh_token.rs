//! Tokens that are exchanged for new ones.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use martlet_domain::Digest;

/// What refresh tokens begin with, so that scanners for leaked secrets know them.
const PREFIX: &str = "mr_";
/// Characters of a token: the prefix and 32 bytes in base64url.
const LENGTH: usize = 46;

/// A refresh token. Whoever has it is the customer until it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

/// A text is no refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRefreshToken;

impl RefreshToken {
    /// The token of 32 bytes that nobody can guess.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What is stored of it. It has 256 random bits, so a plain digest can't be guessed back.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// Its text, for the client.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for RefreshToken {
    type Err = NoRefreshToken;

    fn from_str(text: &str) -> Result<Self, NoRefreshToken> {
        let fits = text.len() == LENGTH && text.starts_with(PREFIX);
        fits.then(|| Self(text.to_owned())).ok_or(NoRefreshToken)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_never_shown() {
        let token = RefreshToken::from_random([0xfb; 32]);
        assert_eq!(token.reveal().len(), LENGTH);
        assert_eq!(token.reveal().parse(), Ok(token.clone()));
        assert_eq!(token.digest(), Digest::of(token.reveal().as_bytes()));
        assert_eq!(format!("{token:?}"), "[redacted]");
        for wrong in [
            "",
            "mr_",
            &token.reveal()[1..],
            &format!("{}x", token.reveal()),
            &token.reveal().replace("mr_", "mk_"),
        ] {
            assert_eq!(wrong.parse::<RefreshToken>(), Err(NoRefreshToken), "{wrong}");
        }
    }
}
