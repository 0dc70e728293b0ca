//! Where things stand.

use std::path::{Path, PathBuf};

/// The folder of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The plugins, a workspace of their own.
pub(crate) fn plugins() -> PathBuf {
    root().join("plugins")
}

/// What libFuzzer runs, a workspace of its own.
pub(crate) fn fuzz() -> PathBuf {
    root().join("fuzz")
}

/// The stack that it is deployed on.
pub(crate) fn infra() -> PathBuf {
    root().join("infra")
}

/// The engine's binary, as the development profile builds it.
pub(crate) fn binary() -> PathBuf {
    target().join("debug").join("martlet")
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
