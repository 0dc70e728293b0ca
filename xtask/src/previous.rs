//! The release before this one, which serves beside this one while a deployment rolls.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    run::{self, cargo},
    workspace,
};

/// The last commit of the release before this one.
const PREVIOUS: &str = "b949438302c6e380174ef30f7cb2bc509fd89c99";
/// The packages that are of that release. All others are the same, and are compiled once.
const ITS_OWN: [&str; 4] = ["martlet", "martlet-domain", "martlet-plugin-host", "martlet-store"];

/// Its source, or why it can't be had: a shallow clone doesn't go back so far.
pub(crate) fn source() -> Result<PathBuf> {
    let folder = folder()?.join(PREVIOUS);
    if folder.is_dir() {
        return Ok(folder);
    }
    // An archive, not a worktree: that one would stay in the repository's books when `target` is deleted.
    let (archive, unpacked) = (folder.with_extension("tar"), folder.with_extension("new"));
    fs::create_dir_all(&unpacked)?;
    let git = ["archive", "--format=tar", "--output"];
    run::output(Command::new("git").args(git).arg(&archive).arg(PREVIOUS).current_dir(workspace::root()))
        .with_context(|| format!("commit {PREVIOUS} isn't in this clone"))?;
    run::output(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&unpacked))?;
    fs::remove_file(&archive)?;
    fs::rename(&unpacked, &folder)?;
    Ok(folder)
}

/// Its binary.
pub(crate) fn build(source: &Path) -> Result<PathBuf> {
    let own = folder()?.join("build");
    let mut build = cargo(&["build", "--package", "martlet", "--locked"]);
    for package in ITS_OWN {
        // Cargo tells packages of the same name apart by their place in the workspace and their profile,
        // and both releases are compiled in one folder.
        build.arg("--config").arg(format!("profile.dev.package.{package}.debug = false"));
    }
    build.env("CARGO_BUILD_BUILD_DIR", target()?).env("CARGO_TARGET_DIR", &own);
    run::command(build.current_dir(source))?;
    Ok(own.join("debug").join("martlet"))
}

/// Cargo runs in another folder than this program, so a relative path would lead elsewhere.
fn target() -> Result<PathBuf> {
    std::path::absolute(workspace::target()).context("the target folder has no absolute path")
}

fn folder() -> Result<PathBuf> {
    Ok(target()?.join("previous"))
}
