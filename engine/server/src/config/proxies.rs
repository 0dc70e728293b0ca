//! Who is believed about where requests come from.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, SeqAccess, Visitor},
};

/// Networks of proxies: a list, or one text with commas between them, which is how the environment has
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A text isn't a network that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("server.trusted_proxies: `{0}` is not a network such as 10.0.0.0/8, nor an address")]
pub struct NotANetwork(String);

impl TrustedProxies {
    /// Whether an address is one of theirs.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Some(all) = self.0.iter().find(|network| network.prefix_len() == 0) {
            problems.push(format!("server.trusted_proxies: {all} is everybody, who may say anything"));
        }
    }
}

impl FromStr for TrustedProxies {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let networks = text.split(',').map(str::trim).filter(|network| !network.is_empty());
        networks.map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// A network, or an address alone.
fn network(text: &str) -> Result<IpNet, NotANetwork> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| NotANetwork(text.to_owned()))
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<String> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&networks.join(","))
    }
}

impl Serialize for TrustedProxies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Networks)
    }
}

struct Networks;

impl<'de> Visitor<'de> for Networks {
    type Value = TrustedProxies;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of networks, or a text with commas between them")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TrustedProxies, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut networks: A) -> Result<TrustedProxies, A::Error> {
        let mut all = Vec::new();
        while let Some(text) = networks.next_element::<String>()? {
            all.push(network(text.trim()).map_err(A::Error::custom)?);
        }
        Ok(TrustedProxies(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, load};

    fn environment(value: &str) -> Vec<(String, String)> {
        vec![("MARTLET_SERVER__TRUSTED_PROXIES".to_owned(), value.to_owned())]
    }

    #[test]
    fn networks_come_from_a_list_or_a_text_and_are_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"2001:db8::1\"]\n")
            .unwrap();
        let listed = load(Some(file.path()), &Vec::new()).unwrap().server.trusted_proxies;
        let texts = ["10.0.0.0/8,2001:db8::1", " 10.0.0.0/8 , 2001:db8::1/128, "];
        for text in texts {
            assert_eq!(load(None, &environment(text)).unwrap().server.trusted_proxies, listed);
        }
        assert_eq!(listed.to_string(), "10.0.0.0/8,2001:db8::1/128");
        // Nobody, unless told otherwise; and an empty variable takes back what a file says.
        assert!(Config::default().server.trusted_proxies.is_empty() && !listed.is_empty());
        assert_eq!(
            load(Some(file.path()), &environment("")).unwrap().server.trusted_proxies,
            TrustedProxies::default()
        );
    }

    #[test]
    fn what_is_in_a_network_is_trusted_and_nothing_else() {
        let trusted: TrustedProxies = "10.1.0.0/16,192.0.2.7,2001:db8::/32".parse().unwrap();
        for inside in ["10.1.0.0", "10.1.255.255", "192.0.2.7", "2001:db8:ffff::1", "::ffff:10.1.2.3"] {
            assert!(trusted.contain(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.2.0.0", "192.0.2.6", "2001:db9::", "::1", "::10.1.2.3"] {
            assert!(!trusted.contain(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn what_is_no_network_and_what_is_everybody_is_refused() {
        for (wrong, words) in [
            ("localhost", "`localhost` is not a network"),
            ("10.0.0.0/33", "`10.0.0.0/33` is not a network"),
            ("10.0.0.0/8,nonsense", "`nonsense` is not a network"),
            ("0.0.0.0/0", "0.0.0.0/0 is everybody"),
            ("10.0.0.0/8,::/0", "::/0 is everybody"),
        ] {
            let error = load(None, &environment(wrong)).unwrap_err().to_string();
            assert!(error.contains("server.trusted_proxies") && error.contains(words), "{error}");
        }
    }
}
