//! Who handles payments, and why they say no.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Malformed;

/// Who handles a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// Plays a provider: the token says what happens.
    Test,
    /// The merchant settles it outside, as with cash on delivery or a bank transfer.
    Manual,
}

impl ProviderName {
    /// Its name in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderName {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "test" => Ok(Self::Test),
            "manual" => Ok(Self::Manual),
            _ => Err(Malformed::new("payment provider", "is test or manual")),
        }
    }
}

/// Why a provider doesn't set the money aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// The bank said no and not why.
    CardDeclined,
    /// There isn't as much money.
    InsufficientFunds,
    /// The card is no longer valid.
    Expired,
}

impl DeclineReason {
    /// A stable word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CardDeclined => "card_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::Expired => "expired",
        }
    }
}

impl FromStr for DeclineReason {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "card_declined" => Ok(Self::CardDeclined),
            "insufficient_funds" => Ok(Self::InsufficientFunds),
            "expired" => Ok(Self::Expired),
            _ => {
                Err(Malformed::new("reason of a decline", "is card_declined, insufficient_funds or expired"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [ProviderName::Test, ProviderName::Manual] {
            assert_eq!(name.as_str().parse(), Ok(name));
            assert_eq!(serde_json::to_value(name).unwrap(), name.to_string());
        }
        for reason in [DeclineReason::CardDeclined, DeclineReason::InsufficientFunds, DeclineReason::Expired]
        {
            assert_eq!(reason.as_str().parse(), Ok(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        assert!("Test".parse::<ProviderName>().is_err());
        assert!("".parse::<DeclineReason>().is_err());
    }
}
