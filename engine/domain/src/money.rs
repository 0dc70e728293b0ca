//! Money: whole minor units of an ISO 4217 currency.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Malformed;

/// Currencies in circulation with other than two decimals (ISO 4217 list one, 2026).
const DECIMALS: &[(&str, u8)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Currencies in circulation with two decimals (ISO 4217 list one, 2026).
const TWO_DECIMALS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN \
     BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS \
     GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL \
     MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP \
     PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT \
     TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

/// An ISO 4217 currency in circulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    decimals: u8,
}

impl Currency {
    /// How many decimals it is written with: 2 for USD, 0 for KRW, 3 for KWD.
    pub const fn decimals(self) -> u8 {
        self.decimals
    }

    /// Its three letters.
    pub fn code(&self) -> &str {
        // The only constructor takes ASCII.
        str::from_utf8(&self.code).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || Malformed::new("currency", "is an ISO 4217 code in upper case, such as USD");
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| unknown())?;
        let decimals = match DECIMALS.iter().find(|(known, _)| *known == text) {
            Some((_, decimals)) => *decimals,
            None if TWO_DECIMALS.split_ascii_whitespace().any(|known| known == text) => 2,
            None => return Err(unknown()),
        };
        Ok(Self { code, decimals })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// 1999 is 19.99 USD, 1,999 KRW or 1.999 KWD.
    pub minor_units: i64,
    /// Of what.
    pub currency: Currency,
}

/// The largest amount a price may have, in minor units. The fullest
/// cart of such prices, taxed at 100 %, stays below 2^60.
pub const MAX_PRICE: i64 = 100_000_000_000;

/// A share in parts per million: 100,000 is 10 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ppm(pub u32);

impl Ppm {
    /// All of it.
    pub const ONE: Self = Self(1_000_000);
}

/// `numerator / denominator`, rounded half away from zero (the commercial rounding of DIN 1333).
/// The denominator is positive.
pub fn div_round_half_away(numerator: i128, denominator: i128) -> i128 {
    // With an odd denominator there is no exact half, so its floor decides rightly too.
    let magnitude = (numerator.abs() + denominator / 2) / denominator;
    if numerator < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        let rounded = [
            (5, 10, 1),
            (4, 10, 0),
            (15, 10, 2),
            (25, 10, 3),
            (-5, 10, -1),
            (-4, 10, 0),
            (-15, 10, -2),
            (1, 3, 0),
            (2, 3, 1),
            (-2, 3, -1),
            (7, 1, 7),
            (0, 7, 0),
        ];
        for (numerator, denominator, expected) in rounded {
            assert_eq!(div_round_half_away(numerator, denominator), expected, "{numerator}/{denominator}");
        }
    }

    proptest! {
        #[test]
        fn rounding_is_never_off_by_more_than_a_half(numerator: i64, denominator in 1..=i64::MAX) {
            let (n, d) = (i128::from(numerator), i128::from(denominator));
            let off = 2 * (div_round_half_away(n, d) * d - n);
            prop_assert!(off.abs() < d || (off.abs() == d && off.signum() == n.signum()));
        }
    }

    #[test]
    fn currencies_know_their_decimals() {
        for (code, decimals) in [("USD", 2), ("EUR", 2), ("KRW", 0), ("JPY", 0), ("KWD", 3), ("BHD", 3)] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!((currency.decimals(), currency.to_string()), (decimals, code.to_owned()));
        }
    }

    #[test]
    fn what_is_no_currency_is_refused() {
        for text in ["", "US", "usd", "USDX", "XYZ", "XXX", "DEM", "₩₩", "U D"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }

    #[test]
    fn no_currency_stands_twice_in_the_lists() {
        let mut all: Vec<&str> = DECIMALS.iter().map(|(code, _)| *code).collect();
        all.extend(TWO_DECIMALS.split_ascii_whitespace());
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
    }

    #[test]
    fn money_is_minor_units_and_a_code_in_json() {
        let money = Money { minor_units: 1_999, currency: "USD".parse().unwrap() };
        let json = serde_json::to_string(&money).unwrap();
        assert_eq!(json, r#"{"minor_units":1999,"currency":"USD"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    }
}
