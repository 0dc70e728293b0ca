//! TLS of the server's address.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::settings::within;

/// TLS of the server's address. With a certificate it speaks TLS alone, without one plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// A PEM file: the server's certificate, then those that lead to a root. Empty for plain HTTP.
    pub certificate: PathBuf,
    /// A PEM file: the certificate's private key, not encrypted.
    pub key: PathBuf,
    /// How long to wait before looking again whether the files have changed, in milliseconds. SIGHUP
    /// makes it look at once.
    pub reload_interval_ms: u64,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self { certificate: PathBuf::new(), key: PathBuf::new(), reload_interval_ms: 5_000 }
    }
}

impl TlsConfig {
    /// The files of certificate and key; nothing for plain HTTP.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        (!self.certificate.as_os_str().is_empty()).then_some((&self.certificate, &self.key))
    }

    /// How long to wait before looking again whether the files have changed.
    pub fn reload_interval(&self) -> Duration {
        Duration::from_millis(self.reload_interval_ms)
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if self.certificate.as_os_str().is_empty() != self.key.as_os_str().is_empty() {
            problems.push("tls.certificate and tls.key are set together or not at all".to_owned());
        }
        within(problems, "tls.reload_interval_ms", self.reload_interval_ms, 100, 86_400_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: &TlsConfig) -> String {
        let mut problems = Vec::new();
        config.check(&mut problems);
        problems.join("; ")
    }

    #[test]
    fn a_certificate_has_a_key() {
        let both = TlsConfig { certificate: "c.pem".into(), key: "k.pem".into(), ..TlsConfig::default() };
        assert_eq!((problems(&TlsConfig::default()).as_str(), problems(&both).as_str()), ("", ""));
        assert_eq!(both.files(), Some((Path::new("c.pem"), Path::new("k.pem"))));
        assert_eq!(TlsConfig::default().files(), None);
        for one in [
            TlsConfig { key: PathBuf::new(), ..both.clone() },
            TlsConfig { certificate: PathBuf::new(), ..both.clone() },
        ] {
            assert_eq!(problems(&one), "tls.certificate and tls.key are set together or not at all");
        }
    }

    #[test]
    fn files_are_not_looked_at_all_the_time() {
        let restless = TlsConfig { reload_interval_ms: 99, ..TlsConfig::default() };
        assert_eq!(problems(&restless), "tls.reload_interval_ms is 99 and must be 100 to 86400000");
    }
}
