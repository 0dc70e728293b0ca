//! How many requests of a kind one side may make.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::settings::within;
use crate::limits::{Group, Rate};

/// How many requests of a kind one side may make: a minute for long, and at once after a rest. With Redis
/// instances count together, but for `browse`; without, each counts by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Whether requests are limited at all.
    pub enabled: bool,
    /// Looking at goods, categories, one's own account and orders, by address. A page asks a few times,
    /// and a household or an office shares an address: ten requests a second are people who click, more
    /// is a program that copies the catalogue.
    pub browse_per_minute: u32,
    /// A few people who open many pages at once.
    pub browse_burst: u32,
    /// Carts, quotes and what belongs to a customer, by address. Most of them price the cart, which runs
    /// plugins, and write: two a second are several people at work on theirs.
    pub carts_per_minute: u32,
    /// A list of goods that is put on a cart at once.
    pub carts_burst: u32,
    /// Registering and signing in, by address and, of their own, by account. Each hashes a password, the
    /// dearest thing that a stranger can ask for, and may be a guess: ten a minute are 14,400 guesses a
    /// day, which is nothing against a password that isn't among the first ones to try.
    pub login_per_minute: u32,
    /// Some who mistype.
    pub login_burst: u32,
    /// Trying a coupon's code on a cart, by address and by cart, and claiming one, by address. Codes are
    /// short enough to be guessed by who may try without end, and each try prices the cart.
    pub coupon_per_minute: u32,
    /// The codes that somebody collected.
    pub coupon_burst: u32,
    /// Ordering, by address. An order holds goods that others want and asks the payment provider, by
    /// whom stolen cards are tried: one in two seconds is more than a family's.
    pub checkout_per_minute: u32,
    /// An office, in the minute that goods become available.
    pub checkout_burst: u32,
    /// The merchants' side, by API key, and by address for keys that aren't known to be good: programs
    /// that bring a catalogue up to date do ten a second and leave the rest to shoppers.
    pub admin_per_minute: u32,
    /// The start of an import, or a page that shows much.
    pub admin_burst: u32,
    /// Components, by API key. Each is compiled, which keeps a processor busy for seconds.
    pub upload_per_minute: u32,
    /// All plugins of a merchant after a new version of the SDK.
    pub upload_burst: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            browse_per_minute: 600,
            browse_burst: 300,
            carts_per_minute: 120,
            carts_burst: 60,
            login_per_minute: 10,
            login_burst: 10,
            coupon_per_minute: 20,
            coupon_burst: 10,
            checkout_per_minute: 30,
            checkout_burst: 15,
            admin_per_minute: 600,
            admin_burst: 200,
            upload_per_minute: 10,
            upload_burst: 10,
        }
    }
}

impl LimitsConfig {
    /// The numbers of a group.
    pub fn rate(&self, group: Group) -> Rate {
        let (per_minute, burst) = self.numbers(group);
        // None of them is zero: that was checked.
        let positive = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Rate { per_minute: positive(per_minute), burst: positive(burst) }
    }

    const fn numbers(&self, group: Group) -> (u32, u32) {
        match group {
            Group::Browse => (self.browse_per_minute, self.browse_burst),
            Group::Carts => (self.carts_per_minute, self.carts_burst),
            Group::Login => (self.login_per_minute, self.login_burst),
            Group::Coupon => (self.coupon_per_minute, self.coupon_burst),
            Group::Checkout => (self.checkout_per_minute, self.checkout_burst),
            Group::Admin => (self.admin_per_minute, self.admin_burst),
            Group::Upload => (self.upload_per_minute, self.upload_burst),
        }
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        for group in Group::ALL {
            let ((per_minute, burst), name) = (self.numbers(group), group.name());
            within(problems, &format!("limits.{name}_per_minute"), per_minute.into(), 1, 1_000_000);
            within(problems, &format!("limits.{name}_burst"), burst.into(), 1, 1_000_000);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, load};

    #[test]
    fn requests_are_limited_unless_told_otherwise_and_by_the_documented_numbers() {
        let config = Config::default().limits;
        assert!(config.enabled);
        let rates = Group::ALL.map(|group| {
            let Rate { per_minute, burst } = config.rate(group);
            (group.name(), per_minute.get(), burst.get())
        });
        let expected = [
            ("browse", 600, 300),
            ("carts", 120, 60),
            ("login", 10, 10),
            ("coupon", 20, 10),
            ("checkout", 30, 15),
            ("admin", 600, 200),
            ("upload", 10, 10),
        ];
        assert_eq!(rates, expected);
    }

    #[test]
    fn each_number_is_a_setting_and_none_is_zero() {
        for group in Group::ALL {
            for what in ["per_minute", "burst"] {
                let setting = |value: &str| {
                    let name = format!("MARTLET_LIMITS__{}_{what}", group.name()).to_uppercase();
                    load(None, &vec![(name, value.to_owned())])
                };
                let rate = setting("7").unwrap().limits.rate(group);
                assert!([rate.per_minute, rate.burst].iter().any(|number| number.get() == 7));
                let error = setting("0").unwrap_err().to_string();
                let words = format!("limits.{}_{what} is 0 and must be 1 to 1000000", group.name());
                assert!(error.contains(&words), "{error}");
            }
        }
    }
}
