//! `martlet key create`.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use martlet_domain::{
    access::{Grant, Role, Scope},
    catalog::Handle,
};
use martlet_store::{Actor, AuditEntry, Db};
use serde_json::json;

use crate::{access::make_key, clock::Clock, config::Config, ids::Ids};

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
        /// What its holder is: owner, staff or developer.
        #[arg(long, value_name = "ROLE", default_value_t = Role::Owner)]
        role: Role,
        /// No more than this of the role, such as catalog:read; can be given several times.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<Scope>,
    },
}

/// Does it.
pub(super) async fn run(config: &Config, command: KeyCommand) -> anyhow::Result<ExitCode> {
    let KeyCommand::Create { name, store, role, scopes } = command;
    let grant = match scopes.as_slice() {
        [] => Grant::of(role),
        scopes => Grant::narrowed(role, scopes.iter().copied().collect())?,
    };
    let db = super::open(config).await?;
    let handle = store.as_ref().unwrap_or(&config.stores.default).parse()?;
    let secret = create(&db, &Clock::System, &Ids::System, &handle, &name, grant).await?;
    super::print(&secret)?;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Makes a key of a store and returns its secret. The audit log says so as it does of keys that are made
/// over HTTP.
pub(crate) async fn create(
    db: &Db,
    clock: &Clock,
    ids: &Ids,
    store: &Handle,
    name: &str,
    grant: Grant,
) -> anyhow::Result<String> {
    let name = name.trim();
    let fits = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    ensure!(fits, "a key's name is 1 to 100 characters on one line");
    let found = db.find_store_by_handle(store).await?;
    let found = found.with_context(|| {
        format!("there is no store `{store}`: make it first with `martlet store put FILE`")
    })?;
    let now = clock.now();
    let entry = AuditEntry {
        id: ids.next(now),
        at: now,
        actor: Actor::CommandLine,
        action: "admin_create_api_key".to_owned(),
        target: "/api/v1/admin/api-keys".to_owned(),
        request_id: None,
        outcome: None,
        detail: Some(json!({"name": name, "role": grant.role(), "scopes": grant.narrower()})),
    };
    db.insert_audit(found.id, &entry).await.context("the audit log can't be written to")?;
    let made = make_key(db, clock, ids, found.id, name.to_owned(), grant).await;
    let outcome = if made.is_ok() { 201 } else { 500 };
    db.finish_audit(found.id, entry.id, outcome).await?;
    Ok(made?.secret.reveal().to_owned())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use martlet_store::AuditQuery;

    use super::*;
    use crate::{extract::stored_hash, testing::TestApp};

    async fn make(app: &TestApp, store: &str, name: &str, grant: Grant) -> anyhow::Result<String> {
        create(&app.state.db, &Clock::System, &Ids::System, &store.parse().unwrap(), name, grant).await
    }

    #[tokio::test]
    async fn a_key_is_made_for_a_store_that_is_there_under_a_sane_name() {
        let app = TestApp::new().await;
        let make = async |store, name| make(&app, store, name, Grant::of(Role::Owner)).await;
        let secret = make("default", " till 1 ").await.unwrap();
        let random = URL_SAFE_NO_PAD.decode(secret.strip_prefix("mk_").unwrap()).unwrap();
        assert_eq!(random.len(), 32);
        assert_ne!(make("default", "till 2").await.unwrap(), secret);
        let kept = app.state.db.find_api_key(app.store.id, stored_hash(&secret, &Grant::of(Role::Owner)));
        let kept = kept.await.unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.grant.is_everything()), ("till 1", true));
        for (store, name, expected) in [
            ("default", " ", "1 to 100"),
            ("default", "a\nb", "1 to 100"),
            ("nowhere", "x", "no store `nowhere`"),
        ] {
            let error = make(store, name).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn a_key_of_a_role_and_scopes_is_made_and_written_down() {
        let app = TestApp::new().await;
        let scopes = ["catalog:read", "plugins:write"].map(|scope| scope.parse::<Scope>().unwrap());
        let grant = Grant::narrowed(Role::Developer, scopes.into()).unwrap();
        let secret = make(&app, "default", "x", grant.clone()).await.unwrap();
        let kept =
            app.state.db.find_api_key(app.store.id, stored_hash(&secret, &grant)).await.unwrap().unwrap();
        assert_eq!(kept.grant, grant);
        let log = app.state.db.list_audit(app.store.id, &AuditQuery::default(), 1).await.unwrap();
        let [entry] = &log.entries[..] else { panic!("an entry") };
        assert_eq!((&entry.actor, entry.outcome), (&Actor::CommandLine, Some(201)));
        let detail = json!({"name": "x", "role": "developer", "scopes": ["catalog:read", "plugins:write"]});
        assert_eq!(entry.detail, Some(detail));
    }

    #[test]
    fn roles_and_scopes_are_read_from_the_command_line() {
        use clap::Parser as _;

        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(subcommand)]
            command: KeyCommand,
        }
        let parse = |arguments: &str| Line::try_parse_from(arguments.split(' '));
        let KeyCommand::Create { role, scopes, .. } = parse("key create x").unwrap().command;
        assert_eq!((role, scopes.len()), (Role::Owner, 0));
        let line = "key create x --role staff --scope orders:read --scope catalog:write";
        let KeyCommand::Create { role, scopes, .. } = parse(line).unwrap().command;
        assert_eq!(role, Role::Staff);
        assert_eq!(scopes.iter().map(Scope::to_string).collect::<Vec<_>>(), ["orders:read", "catalog:write"]);
        let error = parse("key create x --role queen").unwrap_err().to_string();
        assert!(error.contains("role is one of owner, staff, developer"), "{error}");
        let error = parse("key create x --scope moon:walk").unwrap_err().to_string();
        assert!(error.contains("scope is AREA:read or AREA:write"), "{error}");
    }
}
