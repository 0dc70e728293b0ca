//! Debian's packages, for what a machine lacks.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::run;

/// Whether this is a Debian (or a child of it) with its package tools.
pub(crate) fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && run::find("apt-get").is_some()
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    run::output(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

/// Whether a package is installed.
pub(crate) fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${Status}", package]);
    run::output(&mut query).is_ok_and(|status| status.ends_with("ok installed"))
}

/// Installs packages, and removes none to make place for them. Only as root.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    run::output(apt().arg("update"))?;
    run::output(apt().args(["install", "-y", "--no-install-recommends", "--no-remove"]).args(packages))
        .map(|_| ())
}

/// Puts a package's file into a folder, and installs nothing.
pub(crate) fn download(package: &str, folder: &Path) -> Result<()> {
    run::output(apt().arg("update"))?;
    // As root: the user that apt-get would take for it can't write there.
    run::output(apt().args(["-o", "APT::Sandbox::User=root", "download", package]).current_dir(folder))
        .map(|_| ())
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-o", "DPkg::Lock::Timeout=300", "-qq"]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}
