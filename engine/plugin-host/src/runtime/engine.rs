//! How wasmtime is configured.

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig, VariableOperatorCost,
    WasmBacktraceDetails,
};

use crate::HostConfig;

/// Pages of a slot that stay resident for the next call: what a Rust guest touches, and little
/// enough that all slots together stay small.
const KEEP_RESIDENT: usize = 128 << 10;

/// Core instances a component may consist of. One of `wit-component` has three.
const CORE_INSTANCES: u32 = 16;

/// Tables a component may have. One of `wit-component` has two.
const TABLES: u32 = 8;

/// Bytes behind a memory that isn't in the pool, whose accesses are checked one by one.
const GUARD: u64 = 64 << 10;

/// Instances come from a pool and are reset by the kernel's copy-on-write.
pub(super) fn pooled(host: &HostConfig) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(host.slots)
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_core_instances(host.slots.saturating_mul(CORE_INSTANCES))
        .max_memories_per_component(1)
        .total_memories(host.slots)
        .max_memory_size(host.memory_bytes)
        .max_tables_per_component(TABLES)
        .total_tables(host.slots.saturating_mul(TABLES))
        .table_elements(host.table_elements)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        // Asks the kernel (6.7 and later) which pages a call has touched and resets those alone.
        .pagemap_scan(Enabled::Auto);
    let mut config = on_demand(host);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// What a component must fit in for the pool.
pub(super) fn slot(host: &HostConfig) -> String {
    format!(
        "{CORE_INSTANCES} core instances, 1 memory of {} bytes, {TABLES} tables of {} elements",
        host.memory_bytes, host.table_elements
    )
}

/// Instances are allocated one by one.
pub(super) fn on_demand(host: &HostConfig) -> Config {
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .consume_fuel(true)
        .operator_cost(costs())
        .epoch_interruption(true)
        .max_wasm_stack(host.stack_bytes)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        // Garbage collection, exceptions, threads and async are not even compiled in.
        .shared_memory(false)
        // Names of functions are enough; parsing a merchant's DWARF is not worth the risk.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    if !host.pool {
        // Nothing is reserved that may not be used, and nothing is kept in a file of memory.
        config
            .memory_reservation(host.memory_bytes as u64)
            .memory_reservation_for_growth(0)
            .memory_guard_size(GUARD)
            .memory_init_cow(false)
            .parallel_compilation(false);
    }
    config
}

/// What instructions cost. A test holds the whole table against upgrades of wasmtime, which must not
/// change which carts run out of fuel: that would change their price.
fn costs() -> OperatorCost {
    OperatorCost {
        variable: VariableOperatorCost {
            memory_copy_per_byte: 1,
            memory_fill_per_byte: 1,
            memory_init_per_byte: 1,
            // The most the table can say. A page is zeroed and faulted in, 4 KiB at a time.
            memory_grow_per_page: u8::MAX,
            table_copy_per_element: 1,
            table_fill_per_element: 1,
            table_init_per_element: 1,
            table_grow_per_element: 1,
            ..VariableOperatorCost::new()
        },
        ..OperatorCost::new()
    }
}

#[cfg(test)]
mod tests {
    use martlet_domain::Digest;

    use super::*;

    /// Fuel is a contract with merchants: what a call may do must not change under them. When an
    /// upgrade of wasmtime changes this digest, set the old costs in `costs`.
    #[test]
    fn the_costs_are_the_published_ones() {
        let table = format!("{:?}", costs());
        assert_eq!(
            Digest::of(table.as_bytes()).to_string(),
            "26a07c2bd5244931a6a81cf25e8498a04ab4492d264bbc8ae378ff950b1374c1",
            "{table}"
        );
    }
}
