//! What must hold for the receipt of any cart, and for bytes that are none.

use martlet_domain::quote::Receipt;
use proptest::{collection::vec, prelude::*};

use super::{any_case::any_case, cases};
use crate::recorded::assert_replays;

proptest! {
    #![proptest_config(cases(300))]

    /// Whatever is priced can be priced again from its receipt, to the same bytes.
    #[test]
    fn any_receipt_replays(case in any_case()) {
        assert_replays(&case);
    }

    /// Damage is found, and no damage panics.
    #[test]
    fn a_damaged_receipt_never_passes(
        case in any_case(),
        damage in vec((any::<prop::sample::Index>(), 1..=255u8), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let receipt = case.price().quote.receipt;
        let mut bytes = receipt.bytes().to_vec();
        prop_assert!(Receipt::parse(&bytes[..cut.index(bytes.len())]).is_err());
        for (place, change) in damage {
            let place = place.index(bytes.len());
            bytes[place] ^= change;
        }
        if let Ok(recorded) = Receipt::parse(&bytes) {
            prop_assert_eq!(recorded.digest() == receipt.digest(), bytes == receipt.bytes());
        }
    }

    /// Nor do bytes that never were a receipt.
    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(Receipt::parse(&bytes).is_err());
    }
}

/// A list in a list in a list, which a careless reader would follow until its stack ends.
#[test]
fn nesting_has_an_end() {
    for opener in [0x81, 0xa1, 0x9f] {
        assert!(Receipt::parse(&vec![opener; 1 << 20]).is_err());
        let inside = [&[0xa2, 0x67][..], b"receipt", &[1, 0x64], b"zzzz", &vec![opener; 1 << 20]].concat();
        assert!(Receipt::parse(&inside).is_err());
    }
}
