//! `martlet:commerce@1.0.0`, the newest.

use martlet_domain::plugin::World;
use wasmtime::{Engine, Result, Store, component::InstancePre};

use super::{Answer, Question, lacking};
use crate::{
    bindings::v1_0_0::{
        checkout_validation::{CheckoutValidation, CheckoutValidationPre},
        coupon::{Redeemer, RedeemerPre},
        pricing::{Pricing, PricingPre},
        promotion::{Promotion, PromotionPre},
        shipping_rates::{ShippingRates, ShippingRatesPre},
        tax::{Tax, TaxPre},
        types as wit,
    },
    runtime::State,
};

/// Does the same with whatever world it is.
macro_rules! each {
    ($of:expr, $it:ident => $do:expr) => {
        match $of {
            Self::Pricing($it) => $do,
            Self::Coupon($it) => $do,
            Self::Promotion($it) => $do,
            Self::ShippingRates($it) => $do,
            Self::Tax($it) => $do,
            Self::CheckoutValidation($it) => $do,
        }
    };
}

pub(crate) enum Linked {
    Pricing(PricingPre<State>),
    Coupon(RedeemerPre<State>),
    Promotion(PromotionPre<State>),
    ShippingRates(ShippingRatesPre<State>),
    Tax(TaxPre<State>),
    CheckoutValidation(CheckoutValidationPre<State>),
}

pub(crate) enum Instance {
    Pricing(Pricing),
    Coupon(Redeemer),
    Promotion(Promotion),
    ShippingRates(ShippingRates),
    Tax(Tax),
    CheckoutValidation(CheckoutValidation),
}

impl Linked {
    pub(super) fn new(world: World, pre: InstancePre<State>) -> Result<Self> {
        Ok(match world {
            World::Pricing => Self::Pricing(PricingPre::new(pre)?),
            World::Coupon => Self::Coupon(RedeemerPre::new(pre)?),
            World::Promotion => Self::Promotion(PromotionPre::new(pre)?),
            World::ShippingRates => Self::ShippingRates(ShippingRatesPre::new(pre)?),
            World::Tax => Self::Tax(TaxPre::new(pre)?),
            World::CheckoutValidation => Self::CheckoutValidation(CheckoutValidationPre::new(pre)?),
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        each!(self, pre => pre.engine())
    }

    pub(super) fn instantiate(&self, store: &mut Store<State>) -> Result<Instance> {
        Ok(match self {
            Self::Pricing(pre) => Instance::Pricing(pre.instantiate(store)?),
            Self::Coupon(pre) => Instance::Coupon(pre.instantiate(store)?),
            Self::Promotion(pre) => Instance::Promotion(pre.instantiate(store)?),
            Self::ShippingRates(pre) => Instance::ShippingRates(pre.instantiate(store)?),
            Self::Tax(pre) => Instance::Tax(pre.instantiate(store)?),
            Self::CheckoutValidation(pre) => Instance::CheckoutValidation(pre.instantiate(store)?),
        })
    }
}

impl Instance {
    pub(super) fn describe(&self, store: &mut Store<State>) -> Result<wit::Description> {
        each!(self, instance => instance.call_describe(store))
    }

    pub(super) fn validate_config(
        &self,
        store: &mut Store<State>,
        config: &str,
    ) -> Result<Result<Vec<wit::Class>, Vec<wit::ConfigProblem>>> {
        let without_classes = |answer: Result<(), Vec<wit::ConfigProblem>>| answer.map(|()| Vec::new());
        match self {
            Self::Coupon(instance) => instance.call_validate_config(store, config),
            Self::Promotion(instance) => instance.call_validate_config(store, config),
            Self::Pricing(instance) => instance.call_validate_config(store, config).map(without_classes),
            Self::ShippingRates(instance) => {
                instance.call_validate_config(store, config).map(without_classes)
            }
            Self::Tax(instance) => instance.call_validate_config(store, config).map(without_classes),
            Self::CheckoutValidation(instance) => {
                instance.call_validate_config(store, config).map(without_classes)
            }
        }
    }

    pub(super) fn ask(&self, store: &mut Store<State>, question: Question<'_>) -> Result<Answer> {
        let Question { cart, standing, config, .. } = question;
        match self {
            Self::Pricing(instance) => instance.call_price(store, cart, standing, config).map(Answer::Prices),
            Self::Promotion(instance) => {
                instance.call_propose(store, cart, standing, config).map(Answer::Proposal)
            }
            Self::Coupon(instance) => {
                let coupon = question.coupon.ok_or_else(|| lacking("a coupon"))?;
                instance.call_redeem(store, cart, coupon, standing, config).map(Answer::Proposal)
            }
            Self::ShippingRates(instance) => {
                instance.call_offer_shipping(store, cart, config).map(Answer::Rates)
            }
            Self::Tax(instance) => instance.call_find_taxes(store, cart, config).map(Answer::Taxes),
            Self::CheckoutValidation(instance) => {
                let checkout = question.checkout.ok_or_else(|| lacking("what the cart comes to"))?;
                instance.call_validate_checkout(store, cart, checkout, config).map(Answer::Objections)
            }
        }
    }
}
