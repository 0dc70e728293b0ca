//! Bounds of texts in bodies. All violations are collected before a request is refused.

use crate::error::{Error, Violation};

/// What is wrong with a body, place by place.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Notes what is expected at a place.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Violation::new(pointer, detail));
    }

    /// Notes it unless it holds.
    pub fn expect(&mut self, holds: bool, pointer: impl Into<String>, detail: impl Into<String>) {
        if !holds {
            self.add(pointer, detail);
        }
    }

    /// The text without spaces at its ends, which must be `least` to `most` characters on one line.
    pub fn line(&mut self, pointer: &str, text: &str, least: usize, most: usize) -> String {
        let text = text.trim();
        let fits = (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        self.expect(fits, pointer, format!("must be {least} to {most} characters on one line"));
        text.to_owned()
    }

    /// The text without spaces at its ends, at most so many characters, line breaks and tabs allowed.
    pub fn text(&mut self, pointer: &str, text: &str, most: usize) -> String {
        let text = text.trim();
        let allowed = |char: char| !char.is_control() || matches!(char, '\n' | '\r' | '\t');
        let fits = text.chars().count() <= most && text.chars().all(allowed);
        self.expect(fits, pointer, format!("must be at most {most} characters without control characters"));
        text.to_owned()
    }

    /// Refuses the body if anything was noted.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::InvalidBody { violations: self.0 }) }
    }
}

/// Checks what can be checked without sending anything: one `@` with something on either side, no
/// spaces, at most 254 bytes (RFC 5321, section 4.5.3.1). Addresses are kept in lower case.
pub fn email_address(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let sound = email.len() <= 254
        && !email.chars().any(|char| char.is_whitespace() || char.is_control())
        && email.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !local.contains('@') && !domain.is_empty() && !domain.starts_with('.')
        });
    sound.then_some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased_and_others_refused() {
        assert_eq!(email_address(" Jo@Example.com ").as_deref(), Some("jo@example.com"));
        for wrong in ["", "jo", "@example.com", "jo@", "jo@@example.com", "jo smith@example.com", "jo@.com"] {
            assert_eq!(email_address(wrong), None, "{wrong}");
        }
        assert_eq!(email_address(&format!("{}@example.com", "a".repeat(250))), None);
    }

    #[test]
    fn texts_are_trimmed_and_bounded() {
        let mut violations = Violations::default();
        assert_eq!(violations.line("/a", "  Mug ", 1, 3), "Mug");
        assert_eq!(violations.text("/b", " two\nlines ", 20), "two\nlines");
        violations.line("/c", "   ", 1, 3);
        violations.line("/d", "a\nb", 1, 3);
        violations.text("/e", "a\u{0}b", 20);
        violations.text("/f", "éééé", 3);
        let Err(Error::InvalidBody { violations }) = violations.finish() else { panic!("refused") };
        let places: Vec<&str> = violations.iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(places, ["/c", "/d", "/e", "/f"]);
    }
}
