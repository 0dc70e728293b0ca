//! Where a request comes from.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts},
    http::{HeaderMap, HeaderName, request::Parts},
};

use crate::{config::TrustedProxies, state::RequestRules};

/// Where proxies note whom they were asked by, each behind those before it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: whoever opened the connection, unless that is one of
/// `server.trusted_proxies`; then the last in `X-Forwarded-For` that isn't one. What stands before that
/// anybody could have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S> FromRequestParts<S> for ClientAddress
where
    S: Send + Sync,
    Arc<RequestRules>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        // Without a connection, everybody is the same.
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let rules = Arc::<RequestRules>::from_ref(state);
        Ok(Self(client(peer, &parts.headers, &rules.trusted_proxies)))
    }
}

fn client(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let mut nearest = peer.to_canonical();
    let noted = headers.get_all(FORWARDED_FOR).iter().rev();
    // Hop by hop: bytes that a client sent must not hide the address that a proxy put behind them.
    for hop in noted.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
        if !trusted.contain(nearest) {
            break;
        }
        // What a proxy notes is an address. If it doesn't, it answers for the request itself.
        let Some(address) = str::from_utf8(hop.trim_ascii()).ok().and_then(address) else { break };
        nearest = address.to_canonical();
    }
    nearest
}

/// An address, which some proxies give with the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The client of a request by its peer and its headers, where 10.0.0.0/8, 2001:db8:f::/48 and
    /// 192.0.2.1 are trusted.
    fn seen<V: AsRef<[u8]>>(peer: &str, forwarded: &[V]) -> String {
        let trusted = "10.0.0.0/8, 2001:db8:f::/48, 192.0.2.1".parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_ref()).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn what_a_stranger_says_counts_for_nothing() {
        for forwarded in [&[][..], &["198.51.100.1"], &["10.0.0.1"], &["198.51.100.1, 10.0.0.1"], &["x"]] {
            assert_eq!(seen("203.0.113.9", forwarded), "203.0.113.9", "{forwarded:?}");
        }
        // A neighbour of a trusted one isn't.
        assert_eq!(seen("192.0.2.2", &["198.51.100.1"]), "192.0.2.2");
    }

    #[test]
    fn a_trusted_proxy_is_believed_about_who_asked_it_and_no_further() {
        assert_eq!(seen("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        // What the client sent itself stands before.
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["10.9.9.9,203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["junk, , 203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("192.0.2.1", &["203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn several_trusted_proxies_are_passed_over() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.3, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.9", "192.0.2.1", "10.0.0.2"]), "203.0.113.9");
        assert_eq!(seen("2001:db8:f::1", &["203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        // From within: the first of them.
        assert_eq!(seen("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(seen::<&str>("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn a_proxy_that_notes_no_address_answers_for_the_request_itself() {
        assert_eq!(seen("10.0.0.1", &["unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, _hidden, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, 999.0.0.1"]), "10.0.0.1");
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing_that_stands_behind_them() {
        // What the client sent, and what the proxy appended.
        for sent in [&b"\xff"[..], b"198.51.100.1\xff", b"\xc3\xa4, 198.51.100.1", b"198.51.100.1, \xff\xfe,"]
        {
            assert_eq!(seen("10.0.0.1", &[[sent, b", 203.0.113.9"].concat()]), "203.0.113.9");
            assert_eq!(seen("10.0.0.1", &[[sent, b",203.0.113.9, 10.0.0.2"].concat()]), "203.0.113.9");
            assert_eq!(seen("10.0.0.1", &[sent, b"203.0.113.9"]), "203.0.113.9");
            // A stranger's own count for nothing all the same.
            assert_eq!(seen("203.0.113.9", &[sent]), "203.0.113.9");
        }
        // Where a proxy should have noted an address it answers for the request itself.
        assert_eq!(seen("10.0.0.1", &[b"\xff"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[b"198.51.100.1, \xff, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(seen("10.0.0.1", &[b"203.0.113.9\xff"]), "10.0.0.1");
    }

    #[test]
    fn addresses_come_in_several_forms() {
        for (noted, address) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(seen("10.0.0.1", &[noted]), address);
        }
        // The same proxy over a socket for both kinds.
        assert_eq!(seen("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("::ffff:203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }
}
