//! `martlet:commerce@0.1.0`: prices, coupons and promotions.

mod back;
mod forward;

use martlet_domain::plugin::World;
use wasmtime::{Engine, Result, Store, component::InstancePre};

use super::{Answer, Question, lacking};
use crate::{
    bindings::{
        current as wit,
        v0_1_0::{
            coupon::{Redeemer, RedeemerPre},
            pricing::{Pricing, PricingPre},
            promotion::{Promotion, PromotionPre},
            types as old,
        },
    },
    runtime::State,
};

pub(crate) enum Linked {
    Pricing(PricingPre<State>),
    Coupon(RedeemerPre<State>),
    Promotion(PromotionPre<State>),
}

pub(crate) enum Instance {
    Pricing(Pricing),
    Coupon(Redeemer),
    Promotion(Promotion),
}

impl Linked {
    pub(super) fn new(world: World, pre: InstancePre<State>) -> Result<Self> {
        Ok(match world {
            World::Pricing => Self::Pricing(PricingPre::new(pre)?),
            World::Coupon => Self::Coupon(RedeemerPre::new(pre)?),
            World::Promotion => Self::Promotion(PromotionPre::new(pre)?),
            _ => return Err(wasmtime::Error::msg(format!("0.1.0 has no world `{world}`"))),
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        match self {
            Self::Pricing(pre) => pre.engine(),
            Self::Coupon(pre) => pre.engine(),
            Self::Promotion(pre) => pre.engine(),
        }
    }

    pub(super) fn instantiate(&self, store: &mut Store<State>) -> Result<Instance> {
        Ok(match self {
            Self::Pricing(pre) => Instance::Pricing(pre.instantiate(store)?),
            Self::Coupon(pre) => Instance::Coupon(pre.instantiate(store)?),
            Self::Promotion(pre) => Instance::Promotion(pre.instantiate(store)?),
        })
    }
}

impl Instance {
    pub(super) fn describe(&self, store: &mut Store<State>) -> Result<wit::Description> {
        let description = match self {
            Self::Pricing(instance) => instance.call_describe(store),
            Self::Coupon(instance) => instance.call_describe(store),
            Self::Promotion(instance) => instance.call_describe(store),
        };
        description.map(forward::description)
    }

    pub(super) fn validate_config(
        &self,
        store: &mut Store<State>,
        config: &str,
    ) -> Result<Result<Vec<wit::Class>, Vec<wit::ConfigProblem>>> {
        let answer = match self {
            Self::Pricing(instance) => instance.call_validate_config(store, config)?.map(|()| Vec::new()),
            Self::Coupon(instance) => instance.call_validate_config(store, config)?,
            Self::Promotion(instance) => instance.call_validate_config(store, config)?,
        };
        Ok(forward::validated(answer))
    }

    pub(super) fn ask(&self, store: &mut Store<State>, question: Question<'_>) -> Result<Answer> {
        let cart = match question.cart_v0_1_0.get() {
            Some(cart) => cart,
            None => {
                let cart = back::cart(question.cart)?;
                question.cart_v0_1_0.get_or_init(|| cart)
            }
        };
        let (standing, config) = (back::standing(question.standing), question.config);
        match self {
            Self::Pricing(instance) => instance
                .call_price(store, cart, standing, config)
                .map(|prices| Answer::Prices(forward::prices(prices))),
            Self::Promotion(instance) => instance
                .call_propose(store, cart, standing, config)
                .map(|proposal| Answer::Proposal(forward::proposal(proposal))),
            Self::Coupon(instance) => {
                let coupon = question.coupon.ok_or_else(|| lacking("a coupon"))?;
                let coupon = old::Coupon { code: coupon.code.clone() };
                instance
                    .call_redeem(store, cart, &coupon, standing, config)
                    .map(|proposal| Answer::Proposal(forward::proposal(proposal)))
            }
        }
    }
}
