//! What the author of a Martlet plugin imports.
//!
//! Implement [`Plugin`] and one of [`Pricing`], [`Coupon`] and [`Promotion`], and name the world
//! in [`export!`]. All of it is plain Rust over plain records, so that it is tested natively, on
//! carts of [`testing::CartBuilder`].
//!
//! A plugin has no clock, no randomness and no I/O: what it may know is in the [`types::Cart`],
//! the [`types::Standing`] and its configuration. Whatever it says no to, it says why, with
//! [`decline`].

mod bindings;
mod candidate;
mod config;
#[doc(hidden)]
pub mod guest;
mod money;
mod plugin;
mod select;
pub mod testing;
mod words;

pub use bindings::martlet::commerce::{logging, types};
pub use candidate::{CandidateBuilder, decline, minimum_quantity, minimum_spend};
pub use config::{Checked, problem};
pub use money::Money;
pub use plugin::{Coupon, Plugin, Pricing, Promotion};
pub use select::Selector;
#[doc(hidden)]
pub use wit_bindgen;
pub use words::{amount, argument, message, percent, template};

/// Exports a plugin as a component of a world: `export!(promotion, PercentageOff, "../../wit/0.1.0")`.
/// The path is that of the WIT package, from the crate's folder.
#[macro_export]
macro_rules! export {
    ($world:ident, $plugin:ident, $wit:literal) => {
        #[cfg(target_family = "wasm")]
        #[expect(missing_docs, unreachable_pub, reason = "generated")]
        mod component {
            $crate::world!($world, $wit);
            struct Component;
            $crate::guest!($world, super::$plugin);
            export!(Component with_types_in self);
        }
    };
}

/// The bindings of a world over the types of this crate.
#[doc(hidden)]
#[macro_export]
macro_rules! world {
    (pricing, $wit:literal) => { $crate::world!(@ "martlet:commerce/pricing", $wit); };
    (coupon, $wit:literal) => { $crate::world!(@ "martlet:commerce/coupon", $wit); };
    (promotion, $wit:literal) => { $crate::world!(@ "martlet:commerce/promotion", $wit); };
    (@ $world:literal, $wit:literal) => {
        ::martlet_plugin_sdk::wit_bindgen::generate!({
            path: $wit,
            world: $world,
            with: {
                "martlet:commerce/types@0.1.0": ::martlet_plugin_sdk::types,
                "martlet:commerce/logging@0.1.0": ::martlet_plugin_sdk::logging,
            },
            runtime_path: "::martlet_plugin_sdk::wit_bindgen::rt",
        });
    };
}

/// The exported functions of a world.
#[doc(hidden)]
#[macro_export]
macro_rules! guest {
    (pricing, $plugin:ty) => {
        impl Guest for Component {
            fn describe() -> Description {
                $crate::guest::describe::<$plugin>()
            }

            fn validate_config(config: String) -> Result<(), Vec<ConfigProblem>> {
                $crate::guest::check::<$plugin>(&config).map(|_| ())
            }

            fn price(cart: Cart, standing: Standing, config: String) -> Prices {
                $crate::guest::price::<$plugin>(&cart, standing, &config)
            }
        }
    };
    (coupon, $plugin:ty) => {
        impl Guest for Component {
            fn describe() -> Description {
                $crate::guest::describe::<$plugin>()
            }

            fn validate_config(config: String) -> Result<Vec<Class>, Vec<ConfigProblem>> {
                $crate::guest::check::<$plugin>(&config)
                    .map(|config| <$plugin as $crate::Coupon>::classes(&config))
            }

            fn redeem(cart: Cart, coupon: Coupon, standing: Standing, config: String) -> Proposal {
                $crate::guest::redeem::<$plugin>(&cart, &coupon, standing, &config)
            }
        }
    };
    (promotion, $plugin:ty) => {
        impl Guest for Component {
            fn describe() -> Description {
                $crate::guest::describe::<$plugin>()
            }

            fn validate_config(config: String) -> Result<Vec<Class>, Vec<ConfigProblem>> {
                $crate::guest::check::<$plugin>(&config)
                    .map(|config| <$plugin as $crate::Promotion>::classes(&config))
            }

            fn propose(cart: Cart, standing: Standing, config: String) -> Proposal {
                $crate::guest::propose::<$plugin>(&cart, standing, &config)
            }
        }
    };
}
