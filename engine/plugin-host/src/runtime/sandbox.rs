//! An engine, what its components may import, and how its code is called where it is kept.

use std::hash::{Hash as _, Hasher};

use martlet_domain::Digest;
use wasmtime::{
    Engine, Result,
    component::{Component, InstancePre, Linker},
};

use super::{State, logs};
use crate::cache::OwnCode;

/// An engine, and what its components may import.
pub(super) struct Sandbox {
    pub(super) engine: Engine,
    /// Its code is good for engines of the same name alone.
    pub(super) name: String,
    linker: Linker<State>,
}

impl Sandbox {
    /// An engine of a kind. `slot` says what its components must fit in.
    pub(super) fn new(kind: &str, config: &wasmtime::Config, slot: &str) -> Result<Self> {
        let engine = Engine::new(config)?;
        let mut linker = Linker::new(&engine);
        logs::add_to_linker(&mut linker)?;
        let name = format!("{}.{kind}", compatibility(&engine, slot));
        Ok(Self { engine, name, linker })
    }

    pub(super) fn compile(&self, bytes: &[u8]) -> Result<(Component, InstancePre<State>)> {
        let component = Component::from_binary(&self.engine, bytes)?;
        let pre = self.linker.instantiate_pre(&component)?;
        Ok((component, pre))
    }

    /// A component from the code that one of [`Sandbox::compile`] was written down as.
    #[expect(unsafe_code, reason = "compiled code can't be checked, only signed")]
    pub(super) fn revive(&self, code: &OwnCode) -> Result<InstancePre<State>> {
        // SAFETY: the bytes must be those that `Component::serialize` gave. Only this host signs bytes,
        // and nothing but those; the MAC was checked on these very bytes in memory, with the name they
        // are kept under, and its key is in the hands of this user alone. That they are for an engine
        // like this one is in their name, and wasmtime checks it again.
        let component = unsafe { Component::deserialize(&self.engine, code.bytes()) }?;
        self.linker.instantiate_pre(&component)
    }
}

/// What must be the same for code to run on another engine: the version of wasmtime, the processor, the
/// features, and all settings that are compiled in, such as the costs of instructions.
fn compatibility(engine: &Engine, slot: &str) -> Digest {
    let mut hashed = Hashed(Vec::new());
    slot.hash(&mut hashed);
    engine.precompile_compatibility_hash().hash(&mut hashed);
    Digest::of(&hashed.0)
}

/// Collects what is hashed: standard hashers aren't the same in each release.
struct Hashed(Vec<u8>);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    fn finish(&self) -> u64 {
        // Nobody asks: it is the bytes that count.
        0
    }
}
