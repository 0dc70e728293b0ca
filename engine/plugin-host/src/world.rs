//! The worlds of all WIT versions behind one face, which speaks the newest version's types.
//!
//! A version is a module with a `Linked` and an `Instance` of its own. What a component of an older one
//! is told is brought back to that version, and what it answers forward to the newest.

mod v0_1_0;
mod v1_0_0;

use std::sync::OnceLock;

use martlet_domain::plugin::World;
use wasmtime::{Engine, Result, Store, component::InstancePre};

use crate::{bindings::current as wit, runtime::State};

/// The `martlet:commerce` versions whose components run here, the newest last.
pub const WIT_VERSIONS: &[&str] = &["0.1.0", "1.0.0"];

/// A version whose components run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WitVersion {
    V0_1_0,
    V1_0_0,
}

impl WitVersion {
    pub(crate) fn find(version: &str) -> Option<Self> {
        match version {
            "0.1.0" => Some(Self::V0_1_0),
            "1.0.0" => Some(Self::V1_0_0),
            _ => None,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V1_0_0 => "1.0.0",
        }
    }

    /// Whether a world is one of it.
    pub(crate) const fn has(self, world: World) -> bool {
        match self {
            Self::V0_1_0 => matches!(world, World::Pricing | World::Coupon | World::Promotion),
            Self::V1_0_0 => true,
        }
    }
}

/// A component, linked and checked against its world.
pub(crate) enum Linked {
    V0_1_0(v0_1_0::Linked),
    V1_0_0(v1_0_0::Linked),
}

/// An instance of a component. It lives for one call.
pub(crate) enum Instance {
    V0_1_0(v0_1_0::Instance),
    V1_0_0(v1_0_0::Instance),
}

/// What a component is asked about a cart.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) cart: &'a wit::Cart,
    /// The same for components of the version before, made when the first of them is asked.
    pub(crate) cart_v0_1_0: &'a OnceLock<crate::bindings::v0_1_0::types::Cart>,
    /// There in the world `checkout-validation`.
    pub(crate) checkout: Option<&'a wit::Checkout>,
    /// There in the world `coupon`.
    pub(crate) coupon: Option<&'a wit::Coupon>,
    pub(crate) standing: wit::Standing,
    pub(crate) config: &'a str,
}

/// What a component answers.
pub(crate) enum Answer {
    Prices(wit::Prices),
    Proposal(wit::Proposal),
    Rates(wit::Rates),
    Taxes(wit::Taxes),
    Objections(Vec<wit::Objection>),
}

impl Linked {
    /// Checks the component's functions against those of the world.
    pub(crate) fn new(version: WitVersion, world: World, pre: InstancePre<State>) -> Result<Self> {
        Ok(match version {
            WitVersion::V0_1_0 => Self::V0_1_0(v0_1_0::Linked::new(world, pre)?),
            WitVersion::V1_0_0 => Self::V1_0_0(v1_0_0::Linked::new(world, pre)?),
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        match self {
            Self::V0_1_0(linked) => linked.engine(),
            Self::V1_0_0(linked) => linked.engine(),
        }
    }

    pub(crate) fn instantiate(&self, store: &mut Store<State>) -> Result<Instance> {
        Ok(match self {
            Self::V0_1_0(linked) => Instance::V0_1_0(linked.instantiate(store)?),
            Self::V1_0_0(linked) => Instance::V1_0_0(linked.instantiate(store)?),
        })
    }
}

impl Instance {
    pub(crate) fn describe(&self, store: &mut Store<State>) -> Result<wit::Description> {
        match self {
            Self::V0_1_0(instance) => instance.describe(store),
            Self::V1_0_0(instance) => instance.describe(store),
        }
    }

    /// Classes of its candidates, where its world has any.
    pub(crate) fn validate_config(
        &self,
        store: &mut Store<State>,
        config: &str,
    ) -> Result<Result<Vec<wit::Class>, Vec<wit::ConfigProblem>>> {
        match self {
            Self::V0_1_0(instance) => instance.validate_config(store, config),
            Self::V1_0_0(instance) => instance.validate_config(store, config),
        }
    }

    pub(crate) fn ask(&self, store: &mut Store<State>, question: Question<'_>) -> Result<Answer> {
        match self {
            Self::V0_1_0(instance) => instance.ask(store, question),
            Self::V1_0_0(instance) => instance.ask(store, question),
        }
    }
}

/// A question lacks what the world needs. [`crate::evaluate`] has refused it before.
fn lacking(what: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the question lacks {what}"))
}
