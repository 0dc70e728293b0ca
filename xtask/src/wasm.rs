//! The plugins, built into components.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{run, workspace};

mod cargo_component;
mod component;
mod packages;
mod sysroot;
mod toolchain;

pub(crate) use cargo_component::build as build_with_cargo_component;
use toolchain::Toolchain;

/// What the plugins are compiled for: no operating system at all.
const TARGET: &str = "wasm32-unknown-unknown";

/// Builds all plugins with plain cargo into `components_dir()`.
pub(crate) fn build() -> Result<()> {
    let packages = packages::list()?;
    let toolchain = Toolchain::find_or_make()?;
    // Not the engine's target folder: two compilers would throw away each other's work there.
    let target = target_dir("wasm")?;
    let mut cargo = Command::new(toolchain::cargo()?);
    cargo.args(["build", "--release", "--locked", "--target", TARGET]).current_dir(workspace::plugins());
    for package in &packages {
        cargo.args(["--package", &package.name]);
    }
    toolchain.apply(&mut cargo);
    run::command(cargo.env("CARGO_TARGET_DIR", &target))?;

    let mut components = Vec::new();
    for package in &packages {
        let module = module(&target, package);
        let bytes = std::fs::read(&module).with_context(|| format!("cargo built no {}", module.display()))?;
        let bytes = component::encode(&bytes)
            .with_context(|| format!("{} could not be made into a component", package.name))?;
        components.push((package.name.as_str(), bytes));
    }
    component::write(&components_dir(), &components)
}

/// The folder with a component a plugin, named after its package.
pub(crate) fn components_dir() -> PathBuf {
    workspace::target().join("plugins")
}

/// A target folder of its own, beside the engine's.
fn target_dir(name: &str) -> Result<PathBuf> {
    // Cargo runs in another folder than this program, so a relative path would lead elsewhere.
    std::path::absolute(workspace::target().join(name)).context("the target folder has no absolute path")
}

/// Where cargo puts what it makes of a package.
fn module(target: &Path, package: &packages::Package) -> PathBuf {
    target.join(TARGET).join("release").join(format!("{}.wasm", package.library))
}
