//! Seals: what a row was when it was stored, so that a change from outside shows and is named.
//!
//! Nobody is kept out by them: whoever writes to the database can write a seal. What an order was
//! priced by is named a second time by its receipt.

use martlet_domain::{
    Digest, Id,
    plugin::{Installation, SealedRulebook},
};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    codec::{RowOf, to_json},
};

/// The seal of a rulebook.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulebookSeal {
    /// The rulebook's own, which receipts name.
    digest: Digest,
    /// Of the text it is stored as.
    body: Digest,
    installations: Vec<InstallationSeal>,
}

/// Where an installation stands in the text of its rulebook, so that it can be named even where the
/// text is no JSON any more.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InstallationSeal {
    id: Id<Installation>,
    plugin: String,
    from: usize,
    to: usize,
    digest: Digest,
}

impl RulebookSeal {
    /// Seals a rulebook that is stored as a text.
    pub(crate) fn new(rulebook: &SealedRulebook, body: &str) -> Result<Self, StoreError> {
        let mut installations = Vec::with_capacity(rulebook.installations.len());
        let mut reached = 0;
        for installation in &rulebook.installations {
            let text = to_json(installation)?;
            // Quotes inside of a JSON string are escaped, so nothing but the installation reads like it.
            let found =
                body.get(reached..).and_then(|rest| rest.find(&text)).ok_or(StoreError::OutOfBounds)?;
            let from = reached + found;
            reached = from + text.len();
            let (id, plugin) = (installation.id, installation.plugin.clone());
            let digest = Digest::of(text.as_bytes());
            installations.push(InstallationSeal { id, plugin, from, to: reached, digest });
        }
        Ok(Self { digest: rulebook.digest(), body: Digest::of(body.as_bytes()), installations })
    }

    /// What a text isn't that it was when it was sealed.
    pub(crate) fn change(&self, body: &str) -> Option<String> {
        if Digest::of(body.as_bytes()) == self.body {
            return None;
        }
        let changed = self.installations.iter().find(|sealed| !sealed.is_in(body));
        Some(changed.map_or_else(
            || "its number, note, time or groups were changed".to_owned(),
            |sealed| {
                format!(
                    "the installation {} of `{}` or its configuration was changed",
                    sealed.id, sealed.plugin
                )
            },
        ))
    }

    /// The digest that receipts name it by.
    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }
}

impl InstallationSeal {
    fn is_in(&self, body: &str) -> bool {
        body.as_bytes().get(self.from..self.to).is_some_and(|text| Digest::of(text) == self.digest)
    }
}

/// Makes sure that what was found in a row is what was sealed. Rows that are older than seals have
/// none.
pub(crate) fn check(
    row: &RowOf,
    column: &'static str,
    sealed: Option<&[u8]>,
    found: Digest,
    change: impl FnOnce() -> String,
) -> Result<(), StoreError> {
    let Some(sealed) = sealed else { return Ok(()) };
    if row.digest("seal", sealed)? == found { Ok(()) } else { Err(row.corrupt(column, change())) }
}
