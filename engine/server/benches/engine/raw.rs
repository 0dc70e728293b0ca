//! Components run by wasmtime alone: no fuel, no deadline, no limits, nothing checked.

mod bindings;
mod convert;

use std::{hint::black_box, path::Path};

use anyhow::Context as _;
use martlet_domain::plugin::World;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store,
    component::{Component, HasSelf, Linker},
};

use crate::walk::Question;
use bindings::{
    coupon::RedeemerPre,
    pricing::PricingPre,
    promotion::{PromotionPre, martlet::commerce::logging},
    types,
};

/// What the engine keeps resident of a slot.
const KEEP_RESIDENT: usize = 128 << 10;

/// wasmtime with a pool like the engine's.
pub(crate) struct Raw {
    engine: Engine,
    linker: Linker<Silent>,
}

/// A question to a component, ready to be asked.
pub(crate) struct RawCall {
    engine: Engine,
    linked: Linked,
    cart: types::Cart,
    coupon: types::Coupon,
    standing: types::Standing,
    config: String,
}

enum Linked {
    Pricing(PricingPre<Silent>),
    Coupon(RedeemerPre<Silent>),
    Promotion(PromotionPre<Silent>),
}

/// Takes lines of log and forgets them.
pub(crate) struct Silent;

impl logging::Host for Silent {
    fn log(&mut self, _: logging::Level, _: String) {}
}

impl Raw {
    pub(crate) fn new() -> Result<Self> {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(16)
            .total_memories(16)
            .max_memory_size(16 << 20)
            .table_elements(65_536)
            .linear_memory_keep_resident(KEEP_RESIDENT)
            .table_keep_resident(KEEP_RESIDENT)
            .pagemap_scan(Enabled::Auto);
        let mut config = Config::new();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        logging::add_to_linker::<_, HasSelf<Silent>>(&mut linker, |state| state)?;
        Ok(Self { engine, linker })
    }

    /// Compiles a component and brings a question to it into the component's own types.
    pub(crate) fn prepare(&self, component: &[u8], question: &Question) -> Result<RawCall> {
        let pre = self.linker.instantiate_pre(&Component::from_binary(&self.engine, component)?)?;
        let call = &question.call;
        let linked = match call.world {
            World::Pricing => Linked::Pricing(PricingPre::new(pre)?),
            World::Coupon => Linked::Coupon(RedeemerPre::new(pre)?),
            World::Promotion => Linked::Promotion(PromotionPre::new(pre)?),
            world => return Err(wasmtime::Error::msg(format!("the bench asks nobody of the world {world}"))),
        };
        Ok(RawCall {
            engine: self.engine.clone(),
            linked,
            cart: convert::cart(&question.snapshot),
            coupon: types::Coupon { code: call.coupon.as_ref().map(ToString::to_string).unwrap_or_default() },
            standing: convert::standing(call.standing),
            config: call.config.clone(),
        })
    }
}

impl RawCall {
    /// A fresh store and instance, one call, and all of it dropped.
    pub(crate) fn run(&self) -> Result<()> {
        let Self { cart, coupon, standing, config, .. } = self;
        let mut store = Store::new(&self.engine, Silent);
        match &self.linked {
            Linked::Pricing(pre) => {
                let instance = pre.instantiate(&mut store)?;
                black_box(instance.call_price(&mut store, cart, *standing, config)?);
            }
            Linked::Coupon(pre) => {
                let instance = pre.instantiate(&mut store)?;
                black_box(instance.call_redeem(&mut store, cart, coupon, *standing, config)?);
            }
            Linked::Promotion(pre) => {
                let instance = pre.instantiate(&mut store)?;
                black_box(instance.call_propose(&mut store, cart, *standing, config)?);
            }
        }
        Ok(())
    }
}

/// A component that `cargo xtask wasm` built.
pub(crate) fn component(folder: &Path, plugin: &str) -> anyhow::Result<Vec<u8>> {
    let file = folder.join(format!("{plugin}.wasm"));
    let missing = || format!("{} can't be read; `cargo xtask wasm` builds it", file.display());
    std::fs::read(&file).with_context(missing)
}

/// wasmtime's errors are no `std::error::Error`.
pub(crate) fn told<T>(result: Result<T>) -> anyhow::Result<T> {
    result.map_err(|error| anyhow::anyhow!("wasmtime alone: {error:#}"))
}
