//! Which language an answer is in.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use martlet_domain::quote::Language;

/// The language that `Accept-Language` (RFC 9110, section 12.5.4) likes best of those there are; English
/// where it likes none.
#[derive(Debug, Clone, Copy)]
pub struct Spoken(pub Language);

impl<S: Send + Sync> FromRequestParts<S> for Spoken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(spoken(&parts.headers)))
    }
}

/// The same, of headers.
pub fn spoken(headers: &HeaderMap) -> Language {
    let ranges = headers.get_all(header::ACCEPT_LANGUAGE).into_iter().filter_map(|value| value.to_str().ok());
    let mut best = (0, Language::English);
    for range in ranges.flat_map(|value| value.split(',')) {
        let (tag, quality) = range.split_once(';').unwrap_or((range, "q=1"));
        let Some(language) = Language::of_tag(tag.trim()) else { continue };
        let quality = thousandths(quality.trim()).unwrap_or(0);
        if quality > best.0 {
            best = (quality, language);
        }
    }
    best.1
}

/// `q=0.8` is 800.
fn thousandths(quality: &str) -> Option<u32> {
    let digits = quality.strip_prefix("q=")?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction: u32 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some((whole.parse::<u32>().ok()?.saturating_mul(1_000).saturating_add(fraction)).min(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_is_spoken() {
        for (accepted, expected) in [
            ("ko", Language::Korean),
            ("KO-kr", Language::Korean),
            ("en-US,en;q=0.9,ko;q=0.8", Language::English),
            ("fr, ko;q=0.5, en;q=0.4", Language::Korean),
            ("ko;q=0", Language::English),
            ("ko;q=0.001", Language::Korean),
            ("*", Language::English),
            ("", Language::English),
            ("ko;level=1", Language::English),
            ("ko;q=99999999999", Language::English),
            ("ko;q=5000000", Language::Korean),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, accepted.parse().unwrap())]);
            assert_eq!(spoken(&headers), expected, "{accepted}");
        }
    }
}
