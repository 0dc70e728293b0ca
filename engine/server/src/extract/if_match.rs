//! The version that a change is based on.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{header, request::Parts},
};

use crate::error::Error;

/// The `If-Match` header of a change (RFC 9110, section 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whatever the version is.
    Any,
    /// One of these versions. Weak tags and those of other things match nothing.
    Versions(Vec<i64>),
}

impl IfMatch {
    /// Refuses unless the current version of an entity is one that the change may be based on.
    pub fn check(&self, entity: &'static str, current: i64) -> Result<(), Error> {
        match self {
            Self::Versions(versions) if !versions.contains(&current) => {
                Err(Error::VersionConflict { entity, current })
            }
            _ => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let header = parts.headers.get(header::IF_MATCH).ok_or(Error::PreconditionRequired)?;
        header.to_str().ok().and_then(parse).ok_or(Error::MalformedHeader {
            header: "If-Match",
            problem: "is an ETag that was answered before, such as \"3\"",
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Error> {
        if parts.headers.contains_key(header::IF_MATCH) {
            <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

fn parse(text: &str) -> Option<IfMatch> {
    if text.trim() == "*" {
        return Some(IfMatch::Any);
    }
    let mut versions = Vec::new();
    for tag in text.split(',').map(str::trim) {
        let strong = tag.strip_prefix("W/").unwrap_or(tag);
        let opaque = strong.strip_prefix('"')?.strip_suffix('"')?;
        if let (true, Ok(version)) = (strong == tag, opaque.parse()) {
            versions.push(version);
        }
    }
    Some(IfMatch::Versions(versions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_tags_match_and_weak_ones_never_do() {
        let parsed = |text| parse(text).unwrap();
        assert!(parsed("\"3\"").check("product", 3).is_ok());
        assert!(parsed("\"2\", \"3\"").check("product", 3).is_ok());
        assert!(parsed("*").check("product", 3).is_ok());
        assert!(matches!(
            parsed("\"2\"").check("product", 3),
            Err(Error::VersionConflict { entity: "product", current: 3 })
        ));
        assert!(parsed("W/\"3\"").check("product", 3).is_err());
        assert!(parsed("\"abc\"").check("product", 3).is_err());
    }

    #[test]
    fn what_is_no_tag_is_malformed() {
        for text in ["3", "", "\"3", "\"3\",", "\""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
