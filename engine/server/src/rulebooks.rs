//! Rulebooks as they were published, with the components they ask.

use std::{collections::BTreeMap, sync::Arc};

use martlet_domain::{
    Digest, Id,
    plugin::{Rulebook, SealedRulebook},
    settings::Store,
};
use martlet_plugin_host::{Component, Host};
use martlet_store::{Db, StoreError};

use crate::{error::Error, plugins};

/// Why a rulebook can't be worked with: something of it is missing or was changed.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// It isn't there.
    #[error("rulebook {number} is not in the database: restore it from a backup")]
    Missing {
        /// Its number.
        number: i64,
    },
    /// It isn't what was published.
    #[error(transparent)]
    Changed(StoreError),
    /// One of its components is missing, was changed, or can't be run here.
    #[error("the component {digest} of `{plugin}` can't be used: {problem}")]
    Component {
        /// The component.
        digest: Digest,
        /// Whose it is.
        plugin: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A rulebook of a store. Number 0 is that of a store before its first.
pub async fn published(db: &Db, store: Id<Store>, number: i64) -> Result<Arc<SealedRulebook>, Error> {
    if number == 0 {
        return Ok(Arc::new(SealedRulebook::new(Rulebook::without_rules())));
    }
    match db.find_rulebook(store, number).await {
        Ok(Some(rulebook)) => Ok(Arc::new(rulebook)),
        Ok(None) => Err(RulesError::Missing { number }.into()),
        Err(error @ StoreError::Corrupt { .. }) => Err(RulesError::Changed(error).into()),
        Err(error) => Err(error.into()),
    }
}

/// The components that a rulebook asks. Those that the host doesn't hold yet are compiled. It finds them
/// for as long as these are held.
pub async fn load_components(
    db: &Db,
    host: &Arc<Host>,
    rulebook: &Rulebook,
) -> Result<Vec<Arc<Component>>, Error> {
    let live = rulebook.installations.iter().filter(|installation| installation.stage.is_live());
    let named: BTreeMap<Digest, &str> =
        live.map(|installation| (installation.component, installation.plugin.as_str())).collect();
    let mut components = Vec::with_capacity(named.len());
    for (digest, plugin) in named {
        let component = plugins::component(db, host, digest).await;
        components.push(component.map_err(|error| unloadable(digest, plugin, error))?);
    }
    Ok(components)
}

/// Names the component that can't be used. What has nothing to do with it stays what it is.
pub(crate) fn unloadable(digest: Digest, plugin: &str, error: Error) -> Error {
    let problem = match error {
        Error::Internal(problem) => problem,
        Error::Store(error @ StoreError::Corrupt { .. }) => error.to_string(),
        other => return other,
    };
    RulesError::Component { digest, plugin: plugin.to_owned(), problem }.into()
}

impl From<RulesError> for Error {
    fn from(error: RulesError) -> Self {
        Self::RulesUnavailable(error)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use crate::testing::{TestApp, logged};

    #[tokio::test]
    async fn a_shopper_is_told_to_try_again_and_the_log_says_what_is_wrong() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        app.variant(&product, "MUG-S", "S", 1).await;
        let body = json!({"lines": [{"sku": "MUG-S", "quantity": 1}]});
        let cart = app.request(Method::POST, "/api/v1/carts").json(&body).send().await.expect_status(201);
        let path = format!("/api/v1/carts/{}/quote", cart.body["id"].as_str().unwrap());
        let broken = app.install_broken().await;
        app.publish_installations(vec![broken.clone()]).await;
        let answer = app.get(&path).await.expect_problem(503, "pricing_unavailable");
        assert_eq!(answer.header("retry-after"), "1");
        let named = format!("the component {} of `broken` can't be used", broken.component);
        assert!(!answer.body.to_string().contains("broken"), "{answer:#?}");
        assert!(logged().contains(&named));
    }
}
