//! Memory and tables of an instance.

use wasmtime::ResourceLimiter;

use crate::HostConfig;

/// Memories, tables and core instances of a component. Far above what tools make.
const MEMORIES: usize = 8;
const TABLES: usize = 32;
const INSTANCES: usize = 64;

/// What is left for an instance to grow by.
pub(super) struct Limits {
    memory: Budget,
    table: Budget,
}

/// An instance asked for more than it may have, or than there is.
#[derive(Debug, thiserror::Error)]
pub(super) enum GrowthError {
    #[error("memory grew past its limit of {0} bytes")]
    Memory(usize),
    #[error("tables grew past their limit of {0} elements")]
    Table(usize),
    #[error("the host has no memory left: {0}")]
    Host(wasmtime::Error),
}

struct Budget {
    limit: usize,
    left: usize,
}

impl Limits {
    pub(super) const fn new(config: &HostConfig) -> Self {
        Self { memory: Budget::new(config.memory_bytes), table: Budget::new(config.table_elements) }
    }
}

impl Budget {
    const fn new(limit: usize) -> Self {
        Self { limit, left: limit }
    }

    /// Takes what growth needs. `Err` is the limit it went past; `false` says that the memory's
    /// own declaration forbids it, which WebAssembly answers with -1.
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, usize> {
        let left = self.left.checked_sub(desired.saturating_sub(current)).ok_or(self.limit)?;
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.left = left;
        Ok(true)
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired, maximum).map_err(GrowthError::Memory)?)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(GrowthError::Host(error).into())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.table.grow(current, desired, maximum).map_err(GrowthError::Table)?)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(GrowthError::Host(error).into())
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}
