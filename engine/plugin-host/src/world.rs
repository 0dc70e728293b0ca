//! The worlds of all WIT versions behind one face.

use martlet_domain::plugin::World;
use wasmtime::{Engine, Result, Store, component::InstancePre};

use crate::{
    bindings::v0_1_0::{
        coupon::{Redeemer, RedeemerPre},
        pricing::{Pricing, PricingPre},
        promotion::{Promotion, PromotionPre},
        types,
    },
    runtime::State,
};

/// A component, linked and checked against its world.
pub(crate) enum Linked {
    Pricing(PricingPre<State>),
    Coupon(RedeemerPre<State>),
    Promotion(PromotionPre<State>),
}

/// An instance of a component. It lives for one call.
pub(crate) enum Instance {
    Pricing(Pricing),
    Coupon(Redeemer),
    Promotion(Promotion),
}

impl Linked {
    /// Checks the component's functions against those of the world.
    pub(crate) fn new(world: World, pre: InstancePre<State>) -> Result<Self> {
        Ok(match world {
            World::Pricing => Self::Pricing(PricingPre::new(pre)?),
            World::Coupon => Self::Coupon(RedeemerPre::new(pre)?),
            World::Promotion => Self::Promotion(PromotionPre::new(pre)?),
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        match self {
            Self::Pricing(pre) => pre.engine(),
            Self::Coupon(pre) => pre.engine(),
            Self::Promotion(pre) => pre.engine(),
        }
    }

    pub(crate) fn instantiate(&self, store: &mut Store<State>) -> Result<Instance> {
        Ok(match self {
            Self::Pricing(pre) => Instance::Pricing(pre.instantiate(store)?),
            Self::Coupon(pre) => Instance::Coupon(pre.instantiate(store)?),
            Self::Promotion(pre) => Instance::Promotion(pre.instantiate(store)?),
        })
    }
}

impl Instance {
    pub(crate) fn describe(&self, store: &mut Store<State>) -> Result<types::Description> {
        match self {
            Self::Pricing(instance) => instance.call_describe(store),
            Self::Coupon(instance) => instance.call_describe(store),
            Self::Promotion(instance) => instance.call_describe(store),
        }
    }

    /// Classes of its candidates; a pricing component has none.
    pub(crate) fn validate_config(
        &self,
        store: &mut Store<State>,
        config: &str,
    ) -> Result<Result<Vec<types::Class>, Vec<types::ConfigProblem>>> {
        match self {
            Self::Pricing(instance) => Ok(instance.call_validate_config(store, config)?.map(|()| Vec::new())),
            Self::Coupon(instance) => instance.call_validate_config(store, config),
            Self::Promotion(instance) => instance.call_validate_config(store, config),
        }
    }
}
