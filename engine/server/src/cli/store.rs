//! `martlet store`.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail, ensure};
use clap::Subcommand;
use martlet_domain::{
    catalog::Handle,
    settings::{Store, StoreSettings},
};
use martlet_store::{Db, Update};
use serde::Deserialize;

use crate::{clock::Clock, config::Config, ids::Ids};

/// What can be done with stores.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Make the store that a file describes, or bring its settings to what the file says.
    Put {
        /// A TOML file; docs/operations.md shows one.
        file: PathBuf,
    },
}

/// A store, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    handle: Handle,
    name: String,
    /// Host names that are its own; a store without any is reached by the header or as the default.
    #[serde(default)]
    hosts: Vec<String>,
    settings: StoreSettings,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Made,
    Changed,
    Same,
}

pub(super) async fn run(config: &Config, command: StoreCommand) -> anyhow::Result<ExitCode> {
    let StoreCommand::Put { file } = command;
    let text = std::fs::read_to_string(&file).with_context(|| format!("{} can't be read", file.display()))?;
    let wanted = read(&text).with_context(|| format!("{} describes no store", file.display()))?;
    let db = super::open(config).await?;
    let put = put(&db, &Clock::System, &Ids::System, &wanted).await?;
    db.close().await;
    let handle = &wanted.handle;
    super::print(&match put {
        Put::Made => format!("made the store {handle}"),
        Put::Changed => format!("the store {handle} has new settings"),
        Put::Same => format!("the store {handle} is as the file says"),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn read(text: &str) -> anyhow::Result<StoreFile> {
    let mut wanted: StoreFile = toml::from_str(text)?;
    wanted.name = wanted.name.trim().to_owned();
    let name = &wanted.name;
    ensure!(
        (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control),
        "name is 1 to 100 characters on one line"
    );
    let settings = &wanted.settings;
    let rates = settings.tax.by_category.values().chain([&settings.tax.standard]);
    for rate in rates {
        ensure!((0..=1_000_000).contains(&rate.0), "a tax rate is 0 to 1000000 millionths, not {}", rate.0);
    }
    let mut handles = BTreeSet::new();
    for method in &settings.shipping_methods {
        let handle = &method.handle;
        ensure!(handles.insert(handle), "two shipping methods have the handle {handle}");
        ensure!(!method.amounts.is_empty(), "the shipping method {handle} has no amount in any currency");
        ensure!(
            method.amounts.values().all(|amount| *amount >= 0),
            "the shipping method {handle} costs less than nothing"
        );
    }
    Ok(wanted)
}

async fn put(db: &Db, clock: &Clock, ids: &Ids, wanted: &StoreFile) -> anyhow::Result<Put> {
    let found = db.find_store_by_handle(&wanted.handle).await?;
    let made = found.is_none();
    let store = match found {
        Some(store) => {
            let mut hosts: Vec<String> = wanted.hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
            let mut has = store.hosts.clone();
            hosts.sort();
            has.sort();
            ensure!(
                store.name == wanted.name && has == hosts,
                "the store {} is there, and neither its name nor its hosts change by this; settings do",
                store.handle
            );
            store
        }
        None => {
            let now = clock.now();
            let store = Store {
                id: ids.next(now),
                handle: wanted.handle.clone(),
                name: wanted.name.clone(),
                hosts: wanted.hosts.clone(),
                created_at: now,
            };
            db.insert_store(&store).await.context("the store can't be made: is a host another store's?")?;
            store
        }
    };
    let settings = db.find_settings(store.id).await?;
    if settings.as_ref().is_some_and(|settings| settings.value == wanted.settings) {
        return Ok(Put::Same);
    }
    let version = settings.map_or(0, |settings| settings.version);
    match db.put_settings(store.id, &wanted.settings, version).await? {
        Update::Done { .. } => Ok(if made { Put::Made } else { Put::Changed }),
        Update::Stale { .. } | Update::Missing => {
            bail!("the settings were changed meanwhile: run this again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;

    const FILE: &str = r#"
        handle = "kiosk"
        name = "Kiosk"
        hosts = ["Kiosk.example.com"]

        [settings]
        default_currency = "KRW"
        prices_include_tax = true
        tax = { standard = 100000, by_category = { books = 0 } }

        [[settings.shipping_methods]]
        handle = "parcel"
        name = "Parcel"
        amounts = { KRW = 3000 }
        tax_category = "standard"
        countries = ["KR"]
    "#;

    #[tokio::test]
    async fn a_store_is_made_and_its_settings_follow_the_file() {
        let app = TestApp::new().await;
        let put = async |text: &str| put(&app.state.db, &Clock::System, &Ids::System, &read(text)?).await;
        assert_eq!(put(FILE).await.unwrap(), Put::Made);
        assert_eq!(put(FILE).await.unwrap(), Put::Same);
        assert_eq!(put(&FILE.replace("3000", "2500")).await.unwrap(), Put::Changed);
        let store = app.state.db.find_store_by_host("kiosk.example.com").await.unwrap().unwrap();
        let settings = app.state.db.find_settings(store.id).await.unwrap().unwrap().value;
        assert_eq!(settings.shipping_methods[0].amounts.values().copied().collect::<Vec<_>>(), [2500]);
        let refused = put(&FILE.replace("Kiosk\"", "Other\"")).await.unwrap_err();
        assert!(refused.to_string().contains("neither its name nor its hosts"), "{refused}");
    }

    #[test]
    fn what_is_wrong_in_the_file_is_said() {
        for (from, to, words) in [
            ("100000", "1000001", "a tax rate is 0 to 1000000"),
            ("3000", "-3000", "costs less than nothing"),
            ("KRW = 3000", "", "no amount in any currency"),
            ("name = \"Kiosk\"", "name = \"\"", "1 to 100 characters"),
            ("prices_include_tax", "prices_with_tax", "unknown field `prices_with_tax`"),
            ("\"KRW\"", "\"WON\"", "WON"),
        ] {
            assert!(FILE.contains(from), "{from}");
            let error = format!("{:#}", read(&FILE.replacen(from, to, 1)).unwrap_err());
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
