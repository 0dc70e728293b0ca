//! `martlet key create`.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Subcommand;
use martlet_domain::catalog::Handle;
use martlet_store::{Db, NewApiKey};

use crate::{
    clock::Clock,
    config::Config,
    extract::{KEY_PREFIX, hash_of_key},
    ids::Ids,
};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key and print it, once: only a hash of it is kept.
    Create {
        /// What the key is for, as the list of keys shows it.
        name: String,
        /// Handle of the store it is for; the default store unless said.
        #[arg(long, value_name = "HANDLE")]
        store: Option<String>,
    },
}

/// Does it.
pub(super) async fn run(config: &Config, command: KeyCommand) -> anyhow::Result<ExitCode> {
    let KeyCommand::Create { name, store } = command;
    let db = super::open(config).await?;
    let handle = store.as_ref().unwrap_or(&config.stores.default).parse()?;
    let secret = create(&db, &Clock::System, &Ids::System, &handle, &name).await?;
    super::print(&secret)?;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Makes a key of a store and returns its secret.
pub(crate) async fn create(
    db: &Db,
    clock: &Clock,
    ids: &Ids,
    store: &Handle,
    name: &str,
) -> anyhow::Result<String> {
    let name = name.trim();
    let fits = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    ensure!(fits, "a key's name is 1 to 100 characters on one line");
    let found = db.find_store_by_handle(store).await?;
    let found = found
        .with_context(|| format!("there is no store `{store}`: create it first, as with `martlet seed`"))?;
    let secret = format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(ids.bytes()));
    let now = clock.now();
    let key =
        NewApiKey { id: ids.next(now), name: name.to_owned(), secret: hash_of_key(&secret), created_at: now };
    db.insert_api_key(found.id, &key).await?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_key_is_made_for_a_store_that_is_there_under_a_sane_name() {
        let app = TestApp::new().await;
        let make = async |store: &str, name: &str| {
            create(&app.state.db, &Clock::System, &Ids::System, &store.parse().unwrap(), name).await
        };
        let secret = make("default", " till 1 ").await.unwrap();
        let random = URL_SAFE_NO_PAD.decode(secret.strip_prefix("mk_").unwrap()).unwrap();
        assert_eq!(random.len(), 32);
        assert_ne!(make("default", "till 2").await.unwrap(), secret);
        let kept = app.state.db.find_api_key(app.store.id, hash_of_key(&secret)).await.unwrap().unwrap();
        assert_eq!(kept.name, "till 1");
        for (store, name, expected) in [
            ("default", " ", "1 to 100"),
            ("default", "a\nb", "1 to 100"),
            ("nowhere", "x", "no store `nowhere`"),
        ] {
            let error = make(store, name).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
