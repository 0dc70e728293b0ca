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

use martlet_store::AuditEntry;

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
            let counters = Arc::clone(self);
            let mut switching = self.switching.lock().unwrap_or_else(PoisonError::into_inner);
            while switching.try_join_next().is_some() {}
            switching.spawn(async move {
                match counters.quarantine(store, installation, &reason).await {
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
    /// asked no more in the active one.
    pub async fn quarantine(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
        reason: &str,
    ) -> Result<bool, Error> {
        let Some(number) = self.rulebooks.quarantine(store, installation, reason).await? else {
            return Ok(false);
        };
        self.quarantines.inc();
        self.note_trouble(store, installation, reason.to_owned(), true);
        let at = self.clock.now();
        let target = format!("/api/v1/admin/installations/{installation}");
        let detail = serde_json::json!({ "reason": reason, "rulebook": number });
        let entry =
            AuditEntry::by_engine(self.ids.next(at), at, "quarantine_installation", target, Some(detail));
        self.db.insert_audit(store, &entry).await?;
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
