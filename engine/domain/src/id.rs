//! Typed identifiers.

use std::{fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Something that has an [`Id`].
pub trait Entity {
    /// What it is called in messages, such as `product`.
    const NAME: &'static str;
    /// Whether whoever knows the id may act on the entity. Such an id never reaches a log.
    const CAPABILITY: bool = false;
}

/// The identifier of a `T`: a UUID that can't be mistaken for the identifier of something else.
pub struct Id<T> {
    uuid: Uuid,
    entity: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The identifier with this UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self { uuid, entity: PhantomData }
    }

    /// Its UUID.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<T> hash::Hash for Id<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<T: Entity> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if T::CAPABILITY { write!(f, "{}:redacted", T::NAME) } else { write!(f, "{}:{}", T::NAME, self.uuid) }
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}

/// A text is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the id of a {entity} is a UUID")]
pub struct ParseIdError {
    /// Whose id it should have been.
    pub entity: &'static str,
}

impl<T: Entity> FromStr for Id<T> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self::new).map_err(|_| ParseIdError { entity: T::NAME })
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.uuid)
    }
}

impl<'de, T: Entity> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cart::Cart;
    use crate::catalog::Product;

    const TEXT: &str = "00000000-0000-0000-0000-0000000000ff";

    #[test]
    fn ids_are_written_as_uuids() {
        let id: Id<Product> = TEXT.parse().unwrap();
        assert_eq!((id.to_string(), id.uuid()), (TEXT.to_owned(), Uuid::from_u128(255)));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TEXT}\""));
        assert_eq!(serde_json::from_str::<Id<Product>>(&format!("\"{TEXT}\"")).unwrap(), id);
    }

    #[test]
    fn what_is_no_uuid_is_refused_by_name() {
        let error = "12".parse::<Id<Product>>().unwrap_err();
        assert_eq!(error.to_string(), "the id of a product is a UUID");
    }

    #[test]
    fn capabilities_are_not_shown_by_debug() {
        let (product, cart): (Id<Product>, Id<Cart>) = (TEXT.parse().unwrap(), TEXT.parse().unwrap());
        assert_eq!(format!("{product:?}"), format!("product:{TEXT}"));
        assert_eq!(format!("{cart:?}"), "cart:redacted");
    }
}
