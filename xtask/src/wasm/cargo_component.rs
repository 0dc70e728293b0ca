//! The plugins built with `cargo component`, as their authors may.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{
    TARGET, component, module, packages, sysroot::Sysroot, target_dir, toolchain, toolchain::Toolchain,
};
use crate::{run, workspace};

/// Builds all plugins with this cargo-component, and answers the folder with their components.
pub(crate) fn build(tool: &Path) -> Result<PathBuf> {
    let packages = packages::list()?;
    let toolchain = Toolchain::find_or_make()?;
    let target = target_dir("wasm-cargo-component")?;
    let mut command = Command::new(tool);
    command.args(["component", "build", "--release", "--locked", "--target", TARGET]);
    for package in &packages {
        command.args(["--package", &package.name]);
    }
    toolchain.apply(&mut command);
    command.env("CARGO", toolchain::cargo()?).env("CARGO_TARGET_DIR", &target);
    if let Toolchain::Debian(sysroot) = &toolchain {
        show_in_path(&mut command, sysroot)?;
    }
    run::command(command.current_dir(workspace::plugins()))?;

    let mut components = Vec::new();
    for package in &packages {
        let file = module(&target, package);
        let bytes =
            std::fs::read(&file).with_context(|| format!("cargo-component built no {}", file.display()))?;
        components.push((package.name.as_str(), bytes));
    }
    compare(&components)?;
    let folder = workspace::target().join("plugins-cargo-component");
    component::write(&folder, &components)?;
    Ok(folder)
}

/// Holds each component against the one that plain cargo built: both must fit the same host.
fn compare(components: &[(&str, Vec<u8>)]) -> Result<()> {
    for (name, bytes) in components {
        let file = super::components_dir().join(format!("{name}.wasm"));
        let plain = std::fs::read(&file)
            .with_context(|| format!("there is no {}; run `cargo xtask wasm` first", file.display()))?;
        let (ours, plain) = (component::world(bytes)?, component::world(&plain)?);
        if ours != plain {
            bail!("cargo-component's {name} has the world\n{ours}\nbut plain cargo's has\n{plain}");
        }
    }
    Ok(())
}

/// cargo-component asks the `rustc` in PATH for its targets, whatever RUSTC says, and has rustup fetch
/// one that it misses there if RUSTUP_TOOLCHAIN is set.
fn show_in_path(command: &mut Command, sysroot: &Sysroot) -> Result<()> {
    let path: OsString = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(sysroot.bin()).chain(std::env::split_paths(&path)))
        .context("the path of the cache can't stand in PATH; set MARTLET_CACHE to one without a colon")?;
    command.env("PATH", path).env_remove("RUSTUP_TOOLCHAIN");
    Ok(())
}
