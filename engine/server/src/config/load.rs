//! Reads the configuration: defaults < file < environment. Unknown names are refused everywhere.

use std::{io, path::Path};

use toml::{Table, Value};

use super::Config;

/// What every variable of the environment begins with that sets something.
pub const ENVIRONMENT_PREFIX: &str = "MARTLET_";
/// Where the file of `--config` may be named instead; it isn't a setting.
const FILE_VARIABLE: &str = "MARTLET_CONFIG";
/// Variables of the project's own tests, which run the binary in their environment.
const TEST_PREFIX: &str = "MARTLET_TEST_";
/// What hosts commonly call addresses, and which setting each is. Our own variables win over them.
const COMMON: &[(&str, &str, &str)] = &[
    ("DATABASE_URL", "database", "url"),
    ("DATABASE_READ_URL", "database", "read_url"),
    ("REDIS_URL", "redis", "url"),
];

/// Variables of the environment, by name.
pub type Environment = Vec<(String, String)>;

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("the configuration file {file} can't be read: {source}")]
    Unreadable {
        /// Its path.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The file isn't TOML.
    #[error("the configuration file {file} is not TOML: {problem}")]
    NotToml {
        /// Its path.
        file: String,
        /// Where and why.
        problem: String,
    },
    /// A variable names nothing that can be set.
    #[error("the environment variable {name} sets nothing: {advice}")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// What could have been meant.
        advice: String,
    },
    /// A variable has a value of the wrong kind.
    #[error("the environment variable {name} must be {expected}")]
    WrongKind {
        /// Its name.
        name: String,
        /// What its value must be.
        expected: &'static str,
    },
    /// Settings are unknown or of the wrong kind.
    #[error("the configuration is refused: {0}")]
    Refused(String),
    /// Values are out of bounds.
    #[error("the configuration is refused: {}", .0.join("; "))]
    OutOfBounds(Vec<String>),
}

/// The configuration from a file, where there is one, and the environment.
pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let mut table = match file {
        Some(file) => read(file)?,
        None => Table::new(),
    };
    overlay(&mut table, environment)?;
    let config: Config = table
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::Refused(error.message().to_owned()))?;
    let problems = config.problems();
    if problems.is_empty() { Ok(config) } else { Err(ConfigError::OutOfBounds(problems)) }
}

fn read(file: &Path) -> Result<Table, ConfigError> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|source| ConfigError::Unreadable { file: name.clone(), source })?;
    let table: Table = toml::from_str(&text).map_err(|error| ConfigError::NotToml {
        file: name.clone(),
        // The message alone: the library's own rendering quotes the line, which may hold a password.
        problem: error.message().to_owned(),
    })?;
    // Checked by itself first, so that a wrong name is blamed on the file.
    table
        .clone()
        .try_into::<Config>()
        .map_err(|error| ConfigError::Refused(format!("{name}: {}", error.message())))?;
    Ok(table)
}

fn overlay(table: &mut Table, environment: &Environment) -> Result<(), ConfigError> {
    let defaults = Table::try_from(Config::default())
        .map_err(|error| ConfigError::Refused(format!("the defaults can't be written down: {error}")))?;
    for (name, text) in environment {
        if let Some((_, section, key)) = COMMON.iter().find(|(common, ..)| common == name) {
            set(table, section, key, Value::String(text.clone()));
        }
    }
    for (name, text) in environment {
        let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
        if name == FILE_VARIABLE || name.starts_with(TEST_PREFIX) {
            continue;
        }
        let unknown = |advice: String| ConfigError::UnknownVariable { name: name.clone(), advice };
        let (section, key) = rest
            .split_once("__")
            .ok_or_else(|| unknown("settings are named MARTLET_SECTION__KEY".to_owned()))?;
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let known = defaults
            .get(&section)
            .and_then(Value::as_table)
            .ok_or_else(|| unknown(format!("the sections are {}", names(&defaults))))?;
        let default = known
            .get(&key)
            .ok_or_else(|| unknown(format!("the keys of this section are {}", names(known))))?;
        let value = parse(text, default)
            .map_err(|expected| ConfigError::WrongKind { name: name.clone(), expected })?;
        set(table, &section, &key, value);
    }
    Ok(())
}

/// The text as a value of the kind that the default is of.
fn parse(text: &str, default: &Value) -> Result<Value, &'static str> {
    match default {
        Value::Integer(_) => {
            text.trim().parse().map(Value::Integer).map_err(|_| "a whole number, such as 1000")
        }
        Value::Boolean(_) => text.trim().parse().map(Value::Boolean).map_err(|_| "true or false"),
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn set(table: &mut Table, section: &str, key: &str, value: Value) {
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), value);
    }
}

fn names(table: &Table) -> String {
    table.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
        let file = file(
            "[server]\naddress = \"127.0.0.1:1\"\nrequest_timeout_ms = 700\n\
             [payments]\ntimeout_ms = 600\n",
        );
        let environment = environment(&[
            ("MARTLET_SERVER__ADDRESS", "127.0.0.1:2"),
            ("MARTLET_LOG__FORMAT", "json"),
            ("HOME", "/"),
        ]);
        let config = load(Some(file.path()), &environment).unwrap();
        assert_eq!(config.server.address.port(), 2);
        assert_eq!(config.server.request_timeout_ms, 700);
        assert_eq!(config.log.format, crate::config::LogFormat::Json);
        assert_eq!(config.server.body_limit_bytes, 1 << 20);
    }

    #[test]
    fn common_names_of_addresses_are_taken_unless_ours_are_set() {
        let theirs = [
            ("DATABASE_URL", "mysql://theirs/shop"),
            ("DATABASE_READ_URL", "mysql://replica/shop"),
            ("REDIS_URL", "redis://theirs"),
        ];
        let addresses = |pairs: &[(&str, &str)]| {
            let config = load(None, &environment(pairs)).unwrap();
            let reveal = |secret: Option<Secret>| secret.map(|secret| secret.reveal().to_owned());
            (
                config.database.url.reveal().to_owned(),
                reveal(config.database.read_url),
                reveal(config.redis.url),
            )
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            addresses(&theirs),
            ("mysql://theirs/shop".to_owned(), some("mysql://replica/shop"), some("redis://theirs"))
        );
        let ours = [
            ("MARTLET_DATABASE__URL", "mysql://ours/shop"),
            ("MARTLET_DATABASE__READ_URL", ""),
            ("MARTLET_REDIS__URL", "rediss://ours"),
        ];
        let both = [ours, theirs].concat();
        assert_eq!(addresses(&both), ("mysql://ours/shop".to_owned(), None, some("rediss://ours")));
        // They win over the file, as the environment does.
        let file = file("[redis]\nurl = \"redis://file\"\n");
        let config = load(Some(file.path()), &environment(&theirs)).unwrap();
        assert_eq!(config.redis.url.unwrap().reveal(), "redis://theirs");
    }

    #[test]
    fn whatever_is_unknown_or_of_the_wrong_kind_is_refused_by_name() {
        let cases = [
            ("MARTLET_SERVR__ADDRESS", "x", "sections are"),
            ("MARTLET_SERVER__ADRESS", "x", "keys of this section are"),
            ("MARTLET_ADDRESS", "x", "MARTLET_SECTION__KEY"),
            ("MARTLET_SERVER__REQUEST_TIMEOUT_MS", "soon", "a whole number"),
            ("MARTLET_SERVER__REQUEST_TIMEOUT_MS", "1", "100 to 600000"),
            ("MARTLET_SERVER__ADDRESS", "localhost", "socket address"),
            ("MARTLET_DATABASE__URL", "postgres://x", "sqlite: or mysql:"),
            ("DATABASE_READ_URL", "mysql://x/y", "so does database.url"),
            ("MARTLET_DATABASE__PASSWORD_FILE", "/run/x", "for a database.url that begins with mysql:"),
            ("MARTLET_REDIS__URL", "http://x", "redis:// or rediss://"),
            ("MARTLET_LOG__FILTER", "a=b=c", "log.filter"),
            ("MARTLET_PAYMENTS__TIMEOUT_MS", "10000", "below server.request_timeout_ms"),
            ("MARTLET_PAYMENTS__TEST", "maybe", "true or false"),
            ("MARTLET_ORDERS__HOLD_MS", "15000", "above orders.reconcile_after_ms"),
            ("MARTLET_STORES__DEFAULT", "A B", "stores.default"),
        ];
        for (name, value, expected) in cases {
            let error = load(None, &environment(&[(name, value)])).unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
        let error = load(Some(file("[server]\nport = 1\n").path()), &Vec::new()).unwrap_err().to_string();
        assert!(error.contains("unknown field `port`"), "{error}");
    }

    #[test]
    fn the_tests_own_variables_and_the_files_name_are_no_settings() {
        let environment = environment(&[("MARTLET_TEST_REQUIRE", "mysql"), ("MARTLET_CONFIG", "x.toml")]);
        assert_eq!(load(None, &environment).unwrap(), Config::default());
    }

    #[test]
    fn a_password_in_a_broken_file_is_not_shown() {
        let broken = file("[database]\nurl = \"mysql://u:hunter2@h/d\n");
        let error = load(Some(broken.path()), &Vec::new()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}
