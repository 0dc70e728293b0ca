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
