//! What people call an order.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::Malformed;

/// Crockford's base 32: no I, L, O or U, which are read for other letters or make words.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// An order's number, such as `7K3M-9QXP`: 40 random bits, easy to read aloud. Counting would make
/// all orders of a store wait for one row, and tell strangers how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct OrderNumber(String);

impl OrderNumber {
    /// The number that five random bytes make.
    pub fn from_random(bytes: [u8; 5]) -> Self {
        let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut text = String::with_capacity(9);
        for place in (0..8).rev() {
            let digit = usize::try_from(bits >> (5 * place) & 31).unwrap_or(0);
            text.push(char::from(ALPHABET[digit]));
            if place == 4 {
                text.push('-');
            }
        }
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrderNumber {
    type Err = Malformed;

    /// Takes what people type: small letters, no hyphen, O for 0, I and L for 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || Malformed::new("order number", "has eight letters and digits, such as 7K3M-9QXP");
        let typed = text.trim().chars().filter(|letter| !matches!(letter, '-' | ' '));
        let digits: Vec<char> = typed
            .map(|letter| match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                letter => letter,
            })
            .collect();
        let known = |letter: &char| u8::try_from(*letter).is_ok_and(|byte| ALPHABET.contains(&byte));
        if digits.len() != 8 || !digits.iter().all(known) {
            return Err(malformed());
        }
        let (first, second) = digits.split_at(4);
        Ok(Self(first.iter().chain(['-'].iter()).chain(second).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forty_bits_have_a_number_of_their_own() {
        assert_eq!(OrderNumber::from_random([0; 5]).as_str(), "0000-0000");
        assert_eq!(OrderNumber::from_random([255; 5]).as_str(), "ZZZZ-ZZZZ");
        assert_eq!(OrderNumber::from_random([0, 0, 0, 0, 33]).as_str(), "0000-0011");
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let number: OrderNumber = "7K3M-9Q10".parse().unwrap();
        for typed in ["7k3m9q10", " 7K3M 9QIO ", "7k3m-9qlo"] {
            assert_eq!(typed.parse::<OrderNumber>().unwrap(), number, "{typed}");
        }
        for typed in ["", "7K3M-9QX", "7K3M-9QXPP", "7K3M-9QXU", "7K3M-9QXé"] {
            assert!(typed.parse::<OrderNumber>().is_err(), "{typed}");
        }
    }
}
