//! How customers sign in.

use std::{collections::BTreeSet, fmt, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
};

use super::settings::within;
use crate::{
    auth::{KeyError, SessionRules, SigningKey},
    secret::Secret,
};

/// A day.
const DAY: u64 = 24 * 60 * 60;

/// How customers sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Keys of access tokens, each `ID:BASE64` with at least 32 bytes. The first signs, all verify: to
    /// change keys without signing anybody out, put the new one behind the old on all instances, then
    /// before it, and take the old one away once its last tokens have expired. All instances need the
    /// same; without any, each makes one up when it starts.
    pub signing_keys: SigningKeys,
    /// How long an access token is good for, in milliseconds.
    pub access_token_ms: u64,
    /// After how many days a customer signs in again, however often the session was refreshed.
    pub session_days: u64,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self { signing_keys: SigningKeys::default(), access_token_ms: 600_000, session_days: 30 }
    }
}

impl AuthConfig {
    /// How long sessions and tokens last.
    pub fn rules(&self) -> SessionRules {
        SessionRules {
            access_token: Duration::from_millis(self.access_token_ms),
            session: Duration::from_secs(self.session_days * DAY),
        }
    }

    /// The keys of access tokens.
    pub fn keys(&self) -> Result<Vec<SigningKey>, KeyError> {
        self.signing_keys.0.iter().map(|key| key.reveal().parse()).collect()
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        // Whole seconds: that is what tokens count in.
        within(problems, "auth.access_token_ms", self.access_token_ms, 10_000, 86_400_000);
        within(problems, "auth.session_days", self.session_days, 1, 365);
        let mut ids = BTreeSet::new();
        for (position, key) in self.signing_keys.0.iter().enumerate() {
            match key.reveal().parse::<SigningKey>() {
                Ok(key) if ids.insert(key.id().to_owned()) => {}
                Ok(key) => problems.push(format!("auth.signing_keys has two keys with the id {}", key.id())),
                Err(error) => problems.push(format!("auth.signing_keys: number {} {error}", position + 1)),
            }
        }
    }
}

/// Keys as they are written: a list, or one text with commas between them, which is how the environment
/// has it. Never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SigningKeys(pub(crate) Vec<Secret>);

impl SigningKeys {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for SigningKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { "[redacted]" })
    }
}

impl<'de> Deserialize<'de> for SigningKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = SigningKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys, or a text with commas between them")
    }

    fn visit_str<E>(self, text: &str) -> Result<SigningKeys, E> {
        let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
        Ok(SigningKeys(keys.map(Secret::new).collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut keys: A) -> Result<SigningKeys, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = keys.next_element()? {
            all.push(key);
        }
        Ok(SigningKeys(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, load};

    /// 44 characters of base64 without padding: 33 bytes.
    fn key(letter: &str) -> String {
        letter.repeat(44)
    }

    fn problems(keys: &[&str]) -> String {
        let signing_keys = SigningKeys(keys.iter().map(|key| Secret::new(*key)).collect());
        let mut problems = Vec::new();
        AuthConfig { signing_keys, ..AuthConfig::default() }.check(&mut problems);
        problems.join("; ")
    }

    #[test]
    fn keys_come_as_a_list_or_as_one_text() {
        let (new, old) = (format!("new:{}", key("B")), format!("old:{}", key("A")));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("[auth]\nsigning_keys = [\"{new}\", \"{old}\"]\n")).unwrap();
        let listed = load(Some(file.path()), &Vec::new()).unwrap();
        let text = format!("{new}, {old},");
        let environment = vec![("MARTLET_AUTH__SIGNING_KEYS".to_owned(), text)];
        let written = load(None, &environment).unwrap();
        assert_eq!(listed, written);
        let ids: Vec<String> = written.auth.keys().unwrap().iter().map(|key| key.id().to_owned()).collect();
        assert_eq!(ids, ["new", "old"]);
        let shown = format!("{written:?} {}", toml::Table::try_from(&written).unwrap());
        assert!(!shown.contains("AAAA") && !shown.contains("BBBB"), "{shown}");
        assert_eq!(Config::default().auth.keys().unwrap().len(), 0);
    }

    #[test]
    fn keys_that_are_none_are_refused_by_number_and_not_shown() {
        assert_eq!(problems(&[]), "");
        let (one, short) = (format!("one:{}", key("A")), format!("short:{}", "A".repeat(22)));
        assert_eq!(problems(&[&one]), "");
        let found = problems(&[&one, &one, &short, "secret"]);
        assert!(found.contains("two keys with the id one"), "{found}");
        assert!(found.contains("auth.signing_keys: number 3 has a key of fewer than 32 bytes"), "{found}");
        assert!(found.contains("number 4 is not written ID:BASE64") && !found.contains("secret"), "{found}");
        assert!(!found.contains("AAAA"), "{found}");
    }

    #[test]
    fn tokens_and_sessions_last_within_bounds() {
        let rules = AuthConfig::default().rules();
        assert_eq!(rules.access_token, Duration::from_secs(600));
        assert_eq!(rules.session, Duration::from_secs(30 * 24 * 60 * 60));
        let mut problems = Vec::new();
        AuthConfig { access_token_ms: 9_999, session_days: 0, ..AuthConfig::default() }.check(&mut problems);
        assert_eq!(
            problems,
            [
                "auth.access_token_ms is 9999 and must be 10000 to 86400000",
                "auth.session_days is 0 and must be 1 to 365",
            ]
        );
    }
}
