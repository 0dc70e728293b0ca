//! What the exported functions of every component do around the plugin.

use crate::{
    Checked, CheckoutValidation, Coupon, Plugin, Pricing, Promotion, ShippingRates, Tax, argument, decline,
    message, objection,
    types::{
        self, Cart, Checkout, ConfigProblem, Decline, Description, Message, Objection, Prices, Proposal,
        Rates, Standing, Taxes,
    },
    words::{self, INVALID_CONFIG},
};

/// What a configuration that can't be read at call time is declined as.
const KEY: &str = "config";

/// The plugin's description, with the words of this crate's own messages.
pub fn describe<P: Plugin>() -> Description {
    let mut description = P::describe();
    description.templates.extend(words::templates());
    description
}

/// Reads and checks a configuration.
pub fn check<P: Plugin>(config: &str) -> Result<P::Config, Vec<ConfigProblem>> {
    let config = P::Config::read(config)?;
    let problems = P::check(&config);
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

/// Asks a pricing plugin.
pub fn price<P: Pricing>(cart: &Cart, standing: Standing, config: &str) -> Prices {
    match check::<P>(config) {
        Ok(config) => P::price(cart, standing, &config),
        Err(problems) => Prices { prices: Vec::new(), declined: vec![unreadable(&problems)] },
    }
}

/// Asks a coupon plugin.
pub fn redeem<P: Coupon>(cart: &Cart, coupon: &types::Coupon, standing: Standing, config: &str) -> Proposal {
    answer::<P>(config, |config| P::redeem(cart, &coupon.code, standing, config))
}

/// Asks a promotion.
pub fn propose<P: Promotion>(cart: &Cart, standing: Standing, config: &str) -> Proposal {
    answer::<P>(config, |config| P::propose(cart, standing, config))
}

/// Asks for shipping methods.
pub fn offer_shipping<P: ShippingRates>(cart: &Cart, config: &str) -> Rates {
    match check::<P>(config) {
        Ok(config) => P::offer_shipping(cart, &config),
        Err(problems) => Rates { rates: Vec::new(), declined: vec![unreadable(&problems)] },
    }
}

/// Asks for tax rates.
pub fn find_taxes<P: Tax>(cart: &Cart, config: &str) -> Taxes {
    match check::<P>(config) {
        Ok(config) => P::find_taxes(cart, &config),
        Err(problems) => {
            let declined = vec![unreadable(&problems)];
            Taxes { included: cart.prices_include_tax, rates: Vec::new(), declined }
        }
    }
}

/// Asks what stands against an order. What can't be checked mustn't be ordered.
pub fn validate_checkout<P: CheckoutValidation>(
    cart: &Cart,
    checkout: &Checkout,
    config: &str,
) -> Vec<Objection> {
    match check::<P>(config) {
        Ok(config) => P::validate_checkout(cart, checkout, &config),
        Err(problems) => vec![objection(KEY, None, reason(&problems))],
    }
}

fn answer<P: Plugin>(config: &str, ask: impl FnOnce(&P::Config) -> Proposal) -> Proposal {
    match check::<P>(config) {
        Ok(config) => ask(&config),
        Err(problems) => Proposal { candidates: Vec::new(), declined: vec![unreadable(&problems)] },
    }
}

fn unreadable(problems: &[ConfigProblem]) -> Decline {
    decline(KEY, reason(problems))
}

fn reason(problems: &[ConfigProblem]) -> Message {
    let problem = problems.first().map_or("", |problem| &problem.problem);
    message(INVALID_CONFIG, [argument("problem", problem)])
}
