//! Installations that fail too often are switched off.
//!
//! Each instance judges by what it has seen itself. The one that notices publishes a rulebook in which the
//! installation is quarantined; others that notice at the same time find it done.
//!
//! What blocks orders when it fails is left as it is, and said aloud: its merchant wants no order without
//! it, and switching it off would let all through.

use std::sync::{Arc, PoisonError};

use martlet_domain::{
    Id,
    figures::Trouble,
    plugin::{FailurePolicy, Installation},
    settings::Store,
};

use super::{Counters, PricedQuote, shards::Failing};
use crate::error::Error;

impl Counters {
    /// Does what is to be done about those who fail too often, without anybody waiting for it.
    pub(super) fn troubled(self: &Arc<Self>, quote: PricedQuote<'_>, failing: Vec<Failing>) {
        for Failing { installation, too_many, last } in failing {
            let known = quote.rulebook.installations.iter().find(|known| known.id == installation);
            let Some(known) = known else { continue };
            let (store, plugin) = (quote.store, known.plugin.clone());
            let reason = too_many.explain(&last);
            if known.failure_policy == FailurePolicy::Block {
                tracing::error!(
                    %store, %installation, plugin, reason,
                    "a plugin without which nothing may be ordered fails"
                );
                self.note_trouble(store, installation, reason, false);
                continue;
            }
            // The watch began anew with this rulebook: what failed is what the installation is in it.
            let (counters, failed) = (Arc::clone(self), known.clone());
            let mut switching = self.switching.lock().unwrap_or_else(PoisonError::into_inner);
            while switching.try_join_next().is_some() {}
            switching.spawn(async move {
                match counters.quarantine(store, &failed, &reason).await {
                    Ok(true) => {
                        tracing::error!(%store, %installation, plugin, reason, "a plugin is quarantined");
                    }
                    Ok(false) => tracing::debug!(%store, %installation, "it is switched off already"),
                    Err(error) => {
                        tracing::error!(%store, %installation, plugin, "it can't be quarantined yet: {error}");
                        counters.shards.of(store).remind(store, installation);
                    }
                }
            });
        }
    }

    /// Switches an installation off: a rulebook is published in which it is quarantined. False where it is
    /// asked no more in the active one, or runs something else than what `failed`.
    pub async fn quarantine(
        &self,
        store: Id<Store>,
        failed: &Installation,
        reason: &str,
    ) -> Result<bool, Error> {
        if self.rulebooks.quarantine(store, failed, reason).await?.is_none() {
            return Ok(false);
        }
        self.quarantines.inc();
        self.note_trouble(store, failed.id, reason.to_owned(), true);
        Ok(true)
    }

    /// Ready when no installation is being switched off.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        let switching = std::mem::take(&mut *self.switching.lock().unwrap_or_else(PoisonError::into_inner));
        switching.join_all().await;
    }

    fn note_trouble(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
        reason: String,
        quarantined: bool,
    ) {
        let trouble = Trouble { at: self.clock.now(), reason, quarantined };
        if let Some(counted) = self.shards.of(store).any(store, installation) {
            counted.figures.trouble = Some(trouble);
        }
    }
}
