//! What customers type to show who they are.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::secret::Secret;

/// Least characters of a password.
pub const MIN_PASSWORD: usize = 8;
/// Most characters of a password.
pub const MAX_PASSWORD: usize = 200;

/// A password: NFKC, so that it is the same on every keyboard (NIST SP 800-63B, section 5.1.1.2).
pub struct Password(String);

impl Password {
    /// What somebody typed to sign in. Anything goes: what was never chosen never fits. More than can be
    /// chosen isn't looked at, for one more character is wrong already.
    pub fn typed(text: &Secret) -> Self {
        Self(text.reveal().nfkc().take(MAX_PASSWORD + 1).collect())
    }

    /// What somebody means to sign in with from now on, or what is expected of it. Length is all that
    /// is asked for, but that it isn't the address, which everybody knows.
    pub fn chosen(text: &Secret, email: &str) -> Result<Self, String> {
        let password = Self::typed(text);
        if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.0.chars().count()) {
            return Err(format!("must be {MIN_PASSWORD} to {MAX_PASSWORD} characters"));
        }
        if password.0.trim().to_lowercase() == email {
            return Err("must not be the e-mail address".to_owned());
        }
        Ok(password)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str) -> Result<Password, String> {
        Password::chosen(&Secret::new(text), "jo@example.com")
    }

    #[test]
    fn a_password_is_8_to_200_characters_of_any_kind() {
        for sound in [
            "12345678",
            "        ",
            "correct horse",
            "비밀번호비밀번호",
            "\u{1f986}\u{1f986}\u{1f986}\u{1f986}\u{1f986}\u{1f986}\u{1f986}\u{1f986}",
            &"x".repeat(200),
        ] {
            assert!(chosen(sound).is_ok(), "{sound}");
        }
        for wrong in ["", "1234567", "비밀번호", &"x".repeat(201)] {
            assert_eq!(chosen(wrong).unwrap_err(), "must be 8 to 200 characters", "{wrong}");
        }
    }

    #[test]
    fn characters_are_counted_once_they_are_normalised() {
        // Eight letters that are four, and four letters that are eight.
        assert!(chosen("a\u{308}o\u{308}u\u{308}e\u{308}").is_err());
        assert!(chosen("\u{fb03}\u{fb03}ab").is_ok());
        let (composed, decomposed) = (chosen("p\u{e4}ssword").unwrap(), chosen("pa\u{308}ssword").unwrap());
        assert_eq!(composed.as_bytes(), decomposed.as_bytes());
    }

    #[test]
    fn what_is_too_long_never_fits_and_costs_nothing() {
        let (longest, long) = ("x".repeat(200), "x".repeat(1 << 20));
        let typed = Password::typed(&Secret::new(long));
        assert_eq!(typed.as_bytes().len(), 201);
        assert_ne!(typed.as_bytes(), chosen(&longest).unwrap().as_bytes());
    }

    #[test]
    fn the_address_is_no_password_in_any_spelling() {
        for address in ["jo@example.com", "Jo@Example.COM", " jo@example.com ", "ｊｏ＠example.com"] {
            assert_eq!(chosen(address).unwrap_err(), "must not be the e-mail address", "{address}");
        }
        assert!(chosen("jo@example.com1").is_ok());
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(format!("{:?}", chosen("correct horse").unwrap()), "[redacted]");
    }
}
