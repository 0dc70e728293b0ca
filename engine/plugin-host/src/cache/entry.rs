//! What stands in an entry: a header, a MAC, and compiled code.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What every entry begins with, and the form of what follows.
const MAGIC: [u8; 12] = *b"martlet-c\0\0\x01";
/// Bytes of the magic and of the length of the code.
const HEADER: usize = MAGIC.len() + 8;
const MAC: usize = 32;

/// Compiled code that this project made itself: its MAC was right.
pub(crate) struct OwnCode {
    entry: Vec<u8>,
}

impl OwnCode {
    /// The code.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.entry[HEADER + MAC..]
    }
}

/// What stands before the code of an entry.
pub(super) fn head(key: &Hmac<Sha256>, name: &str, code: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEADER + MAC);
    head.extend(MAGIC);
    head.extend((code.len() as u64).to_be_bytes());
    let mac = mac(key, &head, name, code).finalize().into_bytes();
    head.extend(mac);
    head
}

/// The code of an entry, if the MAC is right for this name. Takes as long wherever a MAC is wrong.
pub(super) fn open(key: &Hmac<Sha256>, name: &str, entry: Vec<u8>) -> Option<OwnCode> {
    let (header, rest) = entry.split_at_checked(HEADER)?;
    let (tag, code) = rest.split_at_checked(MAC)?;
    mac(key, header, name, code).verify_slice(tag).ok()?;
    // Whoever has the key may be of another release.
    let known = header.starts_with(&MAGIC) && header[MAGIC.len()..] == (code.len() as u64).to_be_bytes();
    known.then_some(OwnCode { entry })
}

/// Over header, name and code; lengths make clear where each ends.
fn mac(key: &Hmac<Sha256>, header: &[u8], name: &str, code: &[u8]) -> Hmac<Sha256> {
    key.clone()
        .chain_update(header)
        .chain_update((name.len() as u64).to_be_bytes())
        .chain_update(name)
        .chain_update(code)
}
