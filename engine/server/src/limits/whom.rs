//! Whose requests are counted together.

use std::net::{IpAddr, Ipv6Addr};

use martlet_domain::{Digest, Id, cart::Cart, settings::Store};

/// Whose requests are counted together. What goes into memory and to Redis is a digest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// A client, by the address of its network.
    Address(IpAddr),
    /// The account that somebody signs in to, whether or not there is one.
    Account(Digest),
    /// Whoever holds a cart.
    Cart(Id<Cart>),
    /// Whoever has an API key, by the hash of it.
    ApiKey(Digest),
}

impl Whom {
    /// A client's address. Of IPv6 it is the first half: that is what one customer of a network has, and
    /// who has 2^64 addresses could take another one for each request.
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            address => address,
        })
    }

    /// The account of an e-mail address in a store, however it is written.
    pub fn account(store: Id<Store>, email: &str) -> Self {
        let email = email.trim().to_lowercase();
        Self::Account(Digest::of(&[store.uuid().as_bytes(), email.as_bytes()].concat()))
    }

    /// What it is, as metrics call it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Account(_) => "account",
            Self::Cart(_) => "cart",
            Self::ApiKey(_) => "api_key",
        }
    }

    /// What it is counted under.
    pub fn digest(&self) -> Digest {
        let of = |bytes: &[u8]| Digest::of(&[self.kind().as_bytes(), b":", bytes].concat());
        match self {
            Self::Address(IpAddr::V4(address)) => of(&address.octets()),
            Self::Address(IpAddr::V6(address)) => of(&address.octets()),
            Self::Account(account) => of(account.as_bytes()),
            Self::Cart(cart) => of(cart.uuid().as_bytes()),
            Self::ApiKey(key) => of(key.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn address(text: &str) -> Whom {
        Whom::address(text.parse().unwrap())
    }

    #[test]
    fn a_network_of_ipv6_is_one_and_addresses_of_ipv4_are_many() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        // The same host, over a socket for both.
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("::ffff:192.0.2.1"), address("::ffff:192.0.2.2"));
    }

    #[test]
    fn an_account_is_one_however_its_address_is_written_and_another_in_another_store() {
        let store = |number| Id::new(Uuid::from_u128(number));
        assert_eq!(Whom::account(store(1), " Jo@Example.com"), Whom::account(store(1), "jo@example.com "));
        assert_ne!(Whom::account(store(1), "jo@example.com"), Whom::account(store(2), "jo@example.com"));
        assert_ne!(Whom::account(store(1), "jo@example.com"), Whom::account(store(1), "bo@example.com"));
    }

    #[test]
    fn one_kind_never_counts_for_another() {
        let digest = Digest::of(b"x");
        assert_ne!(Whom::Account(digest).digest(), Whom::ApiKey(digest).digest());
        let uuid = Uuid::from_u128(7);
        let same = IpAddr::V6(Ipv6Addr::from_bits(7));
        assert_ne!(Whom::Cart(Id::new(uuid)).digest(), Whom::Address(same).digest());
    }
}
