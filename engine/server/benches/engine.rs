//! Measures the engine beside the floors it stands on: `cargo xtask bench`.

fn main() {}
