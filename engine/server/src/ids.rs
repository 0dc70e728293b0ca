//! Where ids and secrets come from. Nothing else in the engine draws lots.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use martlet_domain::{Entity, Id, Timestamp};
use rand::Rng as _;
use uuid::Uuid;

/// Makes ids: UUIDv7, which sort by age, but UUIDv4 where the id is a capability.
#[derive(Debug, Clone)]
pub enum Ids {
    /// From the machine's randomness.
    System,
    /// The same ones in each run, for tests.
    Seeded(Arc<AtomicU64>),
}

impl Ids {
    /// Ids that are the same in each run.
    pub fn seeded() -> Self {
        Self::Seeded(Arc::new(AtomicU64::new(0)))
    }

    /// The next id of a `T` that comes into being now.
    pub fn next<T: Entity>(&self, now: Timestamp) -> Id<T> {
        let random = self.bytes();
        Id::new(if T::CAPABILITY {
            uuid::Builder::from_random_bytes(first_half(random)).into_uuid()
        } else {
            self.sortable(now, random)
        })
    }

    /// The next id of a request.
    pub fn request(&self) -> Uuid {
        uuid::Builder::from_random_bytes(first_half(self.bytes())).into_uuid()
    }

    /// 32 bytes that nobody can guess (outside tests).
    pub fn bytes(&self) -> [u8; 32] {
        match self {
            Self::System => {
                let mut bytes = [0; 32];
                rand::rng().fill_bytes(&mut bytes);
                bytes
            }
            Self::Seeded(counter) => {
                let turn = counter.fetch_add(1, Ordering::SeqCst);
                *martlet_domain::Digest::of(&turn.to_be_bytes()).as_bytes()
            }
        }
    }

    fn sortable(&self, now: Timestamp, random: [u8; 32]) -> Uuid {
        match self {
            // The library's own counter keeps ids of one millisecond in order.
            Self::System => system_v7(),
            Self::Seeded(counter) => {
                let turn = counter.fetch_add(1, Ordering::SeqCst);
                let mut low = first_half(random);
                low[..8].copy_from_slice(&(turn << 16).to_be_bytes());
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                let mut tail = [0; 10];
                tail.copy_from_slice(&low[..10]);
                uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that implements the ids")]
fn system_v7() -> Uuid {
    Uuid::now_v7()
}

fn first_half(bytes: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    half
}

#[cfg(test)]
mod tests {
    use martlet_domain::{cart::Cart, catalog::Product};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_750_000_000_000);

    #[test]
    fn ids_sort_by_age_but_capabilities_are_random() {
        for ids in [Ids::System, Ids::seeded()] {
            let products: Vec<Id<Product>> = (0..100).map(|_| ids.next(NOW)).collect();
            assert!(products.is_sorted(), "{products:?}");
            assert!(products.iter().all(|id| id.uuid().get_version_num() == 7));
            let cart: Id<Cart> = ids.next(NOW);
            assert_eq!(cart.uuid().get_version_num(), 4);
        }
    }

    #[test]
    fn seeded_ids_repeat_and_others_do_not() {
        assert_eq!(Ids::seeded().bytes(), Ids::seeded().bytes());
        assert_ne!(Ids::System.bytes(), Ids::System.bytes());
    }
}
