//! What the author of a Martlet plugin imports.
//!
//! Implement [`Plugin`] and one of [`Pricing`], [`Coupon`], [`Promotion`], [`ShippingRates`], [`Tax`]
//! and [`CheckoutValidation`], and name the world in [`export!`]. All of it is plain Rust over plain
//! records, so that it is tested natively, on carts of [`testing::CartBuilder`].
//!
//! A plugin has no clock, no randomness and no I/O: what it may know is in the [`types::Cart`],
//! the [`types::Standing`] and its configuration. Whatever it says no to, it says why, with
//! [`decline`].

mod amounts;
mod at_least;
mod bindings;
mod candidate;
mod config;
#[doc(hidden)]
pub mod guest;
mod money;
mod places;
mod plugin;
mod prices;
mod select;
mod shipping;
mod tax;
pub mod testing;
mod words;

pub use amounts::Amounts;
pub use at_least::AtLeast;
pub use bindings::martlet::commerce::{logging, types};
pub use candidate::{CandidateBuilder, decline, minimum_quantity, minimum_spend, objection, propose_one};
pub use config::{Checked, Problems, problem};
pub use money::{ALL_OF_IT, MAX_PRICE, Money, goods_left, less};
pub use places::{Places, is_country, is_region};
pub use plugin::{CheckoutValidation, Coupon, Plugin, Pricing, Promotion, ShippingRates, Tax};
pub use prices::lower_price;
pub use select::{Selector, deserialize_sku};
pub use shipping::{Delivery, Method, RateBuilder, check_methods, offer_methods};
pub use tax::TaxRateBuilder;
#[doc(hidden)]
pub use wit_bindgen;
pub use words::{
    amount, argument, in_english_and_korean, message, no_destination, no_goods, percent, template, too_few,
};

/// Exports a plugin as a component of a world: `export!(promotion, PercentageOff, "../../wit/1.0.0")`.
/// The worlds are `pricing`, `coupon`, `promotion`, `shipping_rates`, `tax` and `checkout_validation`;
/// the path is that of the WIT package, from the crate's folder.
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
    (shipping_rates, $wit:literal) => { $crate::world!(@ "martlet:commerce/shipping-rates", $wit); };
    (tax, $wit:literal) => { $crate::world!(@ "martlet:commerce/tax", $wit); };
    (checkout_validation, $wit:literal) => { $crate::world!(@ "martlet:commerce/checkout-validation", $wit); };
    (@ $world:literal, $wit:literal) => {
        ::martlet_plugin_sdk::wit_bindgen::generate!({
            path: $wit,
            world: $world,
            with: {
                "martlet:commerce/types@1.0.0": ::martlet_plugin_sdk::types,
                "martlet:commerce/logging@1.0.0": ::martlet_plugin_sdk::logging,
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
        $crate::guest!(@ $plugin, (), |_| (), {
            fn price(cart: Cart, standing: Standing, config: String) -> Prices {
                $crate::guest::price::<$plugin>(&cart, standing, &config)
            }
        });
    };
    (coupon, $plugin:ty) => {
        $crate::guest!(@ $plugin, Vec<Class>, |config| <$plugin as $crate::Coupon>::classes(&config), {
            fn redeem(cart: Cart, coupon: Coupon, standing: Standing, config: String) -> Proposal {
                $crate::guest::redeem::<$plugin>(&cart, &coupon, standing, &config)
            }
        });
    };
    (promotion, $plugin:ty) => {
        $crate::guest!(@ $plugin, Vec<Class>, |config| <$plugin as $crate::Promotion>::classes(&config), {
            fn propose(cart: Cart, standing: Standing, config: String) -> Proposal {
                $crate::guest::propose::<$plugin>(&cart, standing, &config)
            }
        });
    };
    (shipping_rates, $plugin:ty) => {
        $crate::guest!(@ $plugin, (), |_| (), {
            fn offer_shipping(cart: Cart, config: String) -> Rates {
                $crate::guest::offer_shipping::<$plugin>(&cart, &config)
            }
        });
    };
    (tax, $plugin:ty) => {
        $crate::guest!(@ $plugin, (), |_| (), {
            fn find_taxes(cart: Cart, config: String) -> Taxes {
                $crate::guest::find_taxes::<$plugin>(&cart, &config)
            }
        });
    };
    (checkout_validation, $plugin:ty) => {
        $crate::guest!(@ $plugin, (), |_| (), {
            fn validate_checkout(cart: Cart, checkout: Checkout, config: String) -> Vec<Objection> {
                $crate::guest::validate_checkout::<$plugin>(&cart, &checkout, &config)
            }
        });
    };
    (@ $plugin:ty, $valid:ty, $answer:expr, { $($own:item)* }) => {
        impl Guest for Component {
            fn describe() -> Description {
                $crate::guest::describe::<$plugin>()
            }

            fn validate_config(config: String) -> Result<$valid, Vec<ConfigProblem>> {
                $crate::guest::check::<$plugin>(&config).map($answer)
            }

            $($own)*
        }
    };
}
