//! A secret that need not be there. It is written as an empty text, so that it is listed among the
//! settings and an empty variable of the environment means that there is none.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

use crate::secret::Secret;

pub(super) fn serialize<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => secret.serialize(serializer),
        None => serializer.serialize_str(""),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}
