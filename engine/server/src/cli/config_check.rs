//! `martlet config check`.

use std::{path::Path, process::ExitCode, time::Duration};

use martlet_plugin_host::{Cache, Host};
use martlet_store::Db;
use toml::{Table, Value};

use crate::{
    config::{Config, DatabaseConfig, PluginsConfig, ServerConfig},
    ids::Ids,
    redis::{Redis, Unavailable},
    serve::{CLOSING, Certificates},
};

/// How long Kubernetes and others wait after SIGTERM unless they are told otherwise.
const USUAL_PATIENCE: Duration = Duration::from_secs(30);

/// What was looked at, and what is wrong with it.
type Finding = (&'static str, Result<String, String>);

/// Prints each setting and whether the server could start with them. The settings themselves
/// were checked when they were read.
pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    for (section, value) in Table::try_from(config)? {
        for (key, value) in value.as_table().into_iter().flatten() {
            super::print(&format!("{section}.{key} = {}", shown(value)))?;
        }
    }
    let mut findings = database(config).await;
    findings.push(("plugin host", plugin_host(config)));
    findings.push(("plugin cache", plugin_cache(&config.plugins)));
    findings.push(("redis", redis(config).await));
    findings.push(("tls", tls(config).await));
    findings.push(("leaving", Ok(leaving(&config.server))));
    let mut code = ExitCode::SUCCESS;
    for (what, finding) in findings {
        match finding {
            Ok(words) => super::print(&format!("ok       {what}: {words}"))?,
            Err(words) => {
                code = ExitCode::FAILURE;
                super::print(&format!("problem  {what}: {words}"))?;
            }
        }
    }
    Ok(code)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn database(config: &Config) -> Vec<Finding> {
    if let Some(missing) = missing_file(config.database.url.reveal()) {
        return vec![("database", Err(missing))];
    }
    let db = match super::open(config).await {
        Ok(db) => db,
        Err(error) => return vec![("database", Err(error.to_string()))],
    };
    let mut findings = vec![("database", Ok("it answers".to_owned()))];
    if let Db::MySql(_) = db {
        findings.push(("database password", Ok(password(&config.database))));
    }
    findings.extend(instances(&db, config).await.map(|finding| ("instances", finding)));
    match db.pending_migrations().await {
        Ok(pending) if pending.is_empty() => {
            findings.push(("tables", Ok("they are up to date".to_owned())));
            findings.push(("default store", default_store(&db, config).await));
        }
        Ok(pending) => {
            findings.push((
                "tables",
                Err(format!("{} migrations are pending; run `martlet migrate`", pending.len())),
            ));
        }
        Err(error) => findings.push(("tables", Err(error.to_string()))),
    }
    db.close().await;
    findings
}

/// Where the password comes from, once the database has taken it.
fn password(config: &DatabaseConfig) -> String {
    match config.password_file() {
        Some(file) => format!("the one in {} works", file.display()),
        None => "no file: the one in database.url works".to_owned(),
    }
}

/// How many engines like this one the server has room for; nothing on SQLite.
async fn instances(db: &Db, config: &Config) -> Option<Result<String, String>> {
    let limits = match db.server_limits().await {
        Ok(limits) => limits?,
        Err(error) => return Some(Err(error.to_string())),
    };
    let engines = limits.engines(&config.database.store());
    let words = format!(
        "the server's {} connections and {} prepared statements are enough for {engines} like this one",
        limits.connections, limits.statements
    );
    Some(if engines > 0 { Ok(words) } else { Err(format!("{words}: lower database.max_connections")) })
}

/// Opening SQLite would make the file, and a check changes nothing.
fn missing_file(url: &str) -> Option<String> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!Path::new(path).exists()).then(|| format!("there is no file {path} yet; run `martlet migrate`"))
}

async fn default_store(db: &Db, config: &Config) -> Result<String, String> {
    let handle = config.stores.default.parse().map_err(|error| format!("{error}"))?;
    match db.find_store_by_handle(&handle).await {
        Ok(Some(store)) => Ok(format!("`{handle}` is {}", store.name)),
        Ok(None) => Err(format!("there is no store `{handle}`: make it with `martlet store put FILE`")),
        Err(error) => Err(error.to_string()),
    }
}

fn plugin_host(config: &Config) -> Result<String, String> {
    Host::new(config.plugins.host()).map(|_| "it starts".to_owned()).map_err(|error| error.to_string())
}

fn plugin_cache(config: &PluginsConfig) -> Result<String, String> {
    let Some(folder) = config.cache() else {
        return Ok("none: components are compiled at each start".to_owned());
    };
    match Cache::check(folder, || Ids::System.bytes()) {
        Ok(true) => Ok(format!("{} can be used, by nobody else", folder.display())),
        Ok(false) => Ok(format!("{} isn't there yet and is made at the first start", folder.display())),
        Err(error) => Err(error.to_string()),
    }
}

async fn redis(config: &Config) -> Result<String, String> {
    let redis = Redis::connect(&config.redis).map_err(|error| error.to_string())?;
    match redis.ping().await {
        Ok(()) => Ok("it answers".to_owned()),
        Err(Unavailable::Off) => Ok("none: each instance counts and remembers for itself".to_owned()),
        Err(why) => Err(why.to_string()),
    }
}

async fn tls(config: &Config) -> Result<String, String> {
    match Certificates::configured(&config.tls).await {
        Ok(Some(_)) => Ok("certificate and key belong together".to_owned()),
        Ok(None) if config.server.behind_tls => Ok("spoken by what stands in front".to_owned()),
        Ok(None) => Ok("none: plain HTTP".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Supervisors kill what hasn't ended some time after SIGTERM.
fn leaving(config: &ServerConfig) -> String {
    let longest = config.longest_leave();
    let words = format!(
        "at most {} ms after SIGTERM: {} as not ready, {} for requests under way, {} for closing",
        longest.as_millis(),
        config.drain_delay_ms,
        config.shutdown_grace_ms,
        CLOSING.as_millis(),
    );
    if longest <= USUAL_PATIENCE {
        words
    } else {
        format!("{words}; more than the {} s after which many supervisors kill", USUAL_PATIENCE.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::{config::TlsConfig, secret::Secret, testing::CertificateFiles};

    fn words(findings: &[Finding]) -> Vec<String> {
        let words = |(what, found): &Finding| match found {
            Ok(words) => format!("ok {what}: {words}"),
            Err(words) => format!("problem {what}: {words}"),
        };
        findings.iter().map(words).collect()
    }

    #[tokio::test]
    async fn a_database_is_checked_without_being_made_or_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let url = Secret::new(format!("sqlite://{}", path.display()));
        let config =
            Config { database: DatabaseConfig { url, ..DatabaseConfig::default() }, ..Config::default() };
        let found = words(&database(&config).await);
        assert_eq!(
            found,
            [format!("problem database: there is no file {} yet; run `martlet migrate`", path.display())]
        );
        assert!(!path.exists());
        let db = super::super::open(&config).await.unwrap();
        let found = words(&database(&config).await);
        assert!(found[1].ends_with("are pending; run `martlet migrate`"), "{found:?}");
        db.migrate().await.unwrap();
        let found = words(&database(&config).await);
        let store =
            "problem default store: there is no store `default`: make it with `martlet store put FILE`";
        assert_eq!(found, ["ok database: it answers", "ok tables: they are up to date", store]);
    }

    #[test]
    fn the_folder_of_the_plugin_cache_is_looked_at_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let config = PluginsConfig { cache_dir: path.clone(), ..PluginsConfig::default() };
        let none = plugin_cache(&PluginsConfig::default());
        assert_eq!(none.as_deref(), Ok("none: components are compiled at each start"));
        let shown = path.display();
        assert_eq!(
            plugin_cache(&config),
            Ok(format!("{shown} isn't there yet and is made at the first start"))
        );
        assert!(!path.exists());
        std::fs::create_dir(&path).unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o700);
        assert_eq!(plugin_cache(&config), Ok(format!("{shown} can be used, by nobody else")));
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
        mode(0o770);
        let problem = plugin_cache(&config).unwrap_err();
        assert!(problem.starts_with(&format!("{shown} can be written to by others")), "{problem}");
    }

    #[test]
    fn by_default_the_server_leaves_before_it_is_killed() {
        let config = ServerConfig::default();
        assert!(config.longest_leave() <= USUAL_PATIENCE);
        let words = "at most 25000 ms after SIGTERM: 0 as not ready, 20000 for requests under way, \
                     5000 for closing";
        assert_eq!(leaving(&config), words);
        let config = ServerConfig { drain_delay_ms: 5_001, ..config };
        assert!(leaving(&config).ends_with("; more than the 30 s after which many supervisors kill"));
    }

    #[tokio::test]
    async fn certificate_and_key_are_looked_at() {
        let with = |tls| Config { tls, ..Config::default() };
        assert_eq!(tls(&Config::default()).await.as_deref(), Ok("none: plain HTTP"));
        let files = CertificateFiles::create();
        let sound = files.config();
        assert_eq!(tls(&with(sound.clone())).await.as_deref(), Ok("certificate and key belong together"));
        let swapped = TlsConfig { certificate: sound.key.clone(), key: sound.certificate.clone(), ..sound };
        let problem = tls(&with(swapped)).await.unwrap_err();
        assert!(problem.ends_with("must hold a chain of certificates in PEM form"), "{problem}");
    }
}
