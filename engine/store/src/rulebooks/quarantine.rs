//! Switching an installation off because it fails.

use martlet_domain::{
    Id, Timestamp,
    plugin::{Installation, InstallationStage, Quarantine, Rulebook, SealedRulebook},
    settings::Store,
};
use sqlx::QueryBuilder;

use super::{BodyRow, activate, insert, insert_components, next_number};
use crate::{ChangeKind, Db, StoreError, Tx, dialect::Statement as _};

impl Db {
    /// Publishes the active rulebook once more with an installation quarantined, and says so where the
    /// merchant works on it. Nothing where the active rulebook doesn't ask it, as when it is quarantined
    /// already: of several who do this at once one does it.
    pub async fn quarantine_installation(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
        reason: &str,
        at: Timestamp,
    ) -> Result<Option<SealedRulebook>, StoreError> {
        let published: Option<SealedRulebook> = transaction!(self, |tx| {
            let Some(active) = locked_active(tx, store).await? else { return Ok(None) };
            let Some(mut next) = quarantined(active.into_rulebook(), installation, reason, at) else {
                return Ok(None);
            };
            next.number = next_number(tx, store).await?;
            let rulebook = SealedRulebook::new(next);
            insert(tx, store, &rulebook).await?;
            insert_components(tx, store, &rulebook).await?;
            activate(tx, store, rulebook.number).await?;
            tx.log_change(store, ChangeKind::Rulebook, None).await?;
            Ok(Some(rulebook))
        })?;
        let switched_off = published.as_ref().and_then(|rulebook| {
            rulebook.installations.iter().find(|known| known.id == installation).cloned()
        });
        if let Some(switched_off) = switched_off {
            self.update_installation(store, &switched_off).await?;
        }
        Ok(published)
    }
}

/// The active rulebook, which nobody replaces before the transaction ends.
async fn locked_active(tx: &mut Tx, store: Id<Store>) -> Result<Option<SealedRulebook>, StoreError> {
    const ACTIVE: &str = "SELECT r.number, r.body, r.seal FROM active_rulebooks a \
         JOIN rulebooks r ON r.store_id = a.store_id AND r.number = a.number WHERE a.store_id = ?";
    // Every publisher counts here first.
    let counters: Option<(i64,)> = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT rulebooks FROM store_counters WHERE store_id = ");
        query.id(store.uuid()).for_update();
        query.build_query_as().fetch_optional(c).await
    })?;
    counters.ok_or(StoreError::UnknownReference)?;
    let row: Option<BodyRow> =
        run!(tx, |c| sqlx::query_as(ACTIVE).bind(store.uuid()).fetch_optional(c).await)?;
    row.map(|row| row.decode(store)).transpose()
}

fn quarantined(
    mut rulebook: Rulebook,
    installation: Id<Installation>,
    reason: &str,
    at: Timestamp,
) -> Option<Rulebook> {
    let failing = rulebook.installations.iter_mut().find(|known| known.id == installation)?;
    let from = failing.stage;
    if !from.is_live() && from != InstallationStage::Shadow {
        return None;
    }
    failing.stage = InstallationStage::Quarantined;
    failing.quarantine = Some(Quarantine { reason: reason.to_owned(), at, from });
    rulebook.note = format!("{} was quarantined: {reason}", failing.plugin);
    rulebook.created_at = at;
    Some(rulebook)
}
