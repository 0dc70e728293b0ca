//! API keys that were found to be good.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use martlet_domain::Digest;

/// Most keys that are remembered: more than merchants have.
const MOST: usize = 10_000;

/// API keys that a store has known since the process began, by their hashes. Requests with one are
/// counted by the key, others by the address they come from: who guesses keys has a new one each time.
/// A key that is revoked stays and goes on being counted by itself; it is refused all the same.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(Mutex<HashSet<Digest>>);

impl KnownKeys {
    pub(super) fn contains(&self, key: &Digest) -> bool {
        self.keys().contains(key)
    }

    /// Remembers a key. When there are too many all are forgotten, which costs each of them one request
    /// that its address is counted for.
    pub(super) fn insert(&self, key: Digest) {
        let mut keys = self.keys();
        if keys.len() >= MOST {
            keys.clear();
        }
        keys.insert(key);
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_remembered_and_never_too_many() {
        let (known, key) = (KnownKeys::default(), |number: usize| Digest::of(&number.to_be_bytes()));
        for number in 0..=MOST {
            assert!(!known.contains(&key(number)));
            known.insert(key(number));
            assert!(known.contains(&key(number)));
        }
        assert_eq!(known.keys().len(), 1);
    }
}
