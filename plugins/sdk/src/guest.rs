//! What the exported functions of every component do around the plugin.

use crate::{
    Checked, Coupon, Plugin, Pricing, Promotion, argument, decline, message, template,
    types::{self, Cart, ConfigProblem, Decline, Description, Prices, Proposal, Standing},
};

/// The message of a configuration that can't be read at call time.
const INVALID_CONFIG: &str = "sdk-invalid-config";

/// The plugin's description, with the words of this crate's own message.
pub fn describe<P: Plugin>() -> Description {
    let mut description = P::describe();
    description.templates.extend([
        template(INVALID_CONFIG, "en", "the configuration is not valid: {problem}"),
        template(INVALID_CONFIG, "ko", "설정이 올바르지 않습니다: {problem}"),
    ]);
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

fn answer<P: Plugin>(config: &str, ask: impl FnOnce(&P::Config) -> Proposal) -> Proposal {
    match check::<P>(config) {
        Ok(config) => ask(&config),
        Err(problems) => Proposal { candidates: Vec::new(), declined: vec![unreadable(&problems)] },
    }
}

fn unreadable(problems: &[ConfigProblem]) -> Decline {
    let problem = problems.first().map_or("", |problem| &problem.problem);
    decline("config", message(INVALID_CONFIG, [argument("problem", problem)]))
}
