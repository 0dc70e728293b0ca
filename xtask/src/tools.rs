//! Cargo's extra commands that the tests need, kept outside of the checkout.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::run;

/// A command that `cargo install` brings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// Its name, which is its package's too.
    pub(crate) name: &'static str,
    /// The version that is known to work.
    pub(crate) version: &'static str,
}

/// Licences, sources and advisories of dependencies.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Dependencies that nothing uses.
pub(crate) const MACHETE: Tool = Tool { name: "cargo-machete", version: "0.9.2" };
/// The way in which plugin authors build components.
pub(crate) const COMPONENT: Tool = Tool { name: "cargo-component", version: "0.21.1" };
/// Builds what libFuzzer runs.
pub(crate) const FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2" };

/// Where what is fetched or built once is kept: `MARTLET_CACHE`, else a folder in the user's cache.
pub(crate) fn cache_dir() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("MARTLET_CACHE") {
        return Ok(dir.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    Ok(cache
        .context("there is no home folder; set MARTLET_CACHE to a folder to keep tools in")?
        .join("martlet"))
}

impl Tool {
    /// Installs it where it isn't yet, and answers where it stands.
    pub(crate) fn ensure(self) -> Result<PathBuf> {
        let root = cache_dir()?.join("tools");
        let path = root.join("bin").join(self.name);
        if self.is_current(&path) {
            return Ok(path);
        }
        run::say(&format!(
            "installing {} {} into {} (once, some minutes)",
            self.name,
            self.version,
            root.display()
        ));
        let package = format!("{}@{}", self.name, self.version);
        run::command(
            Command::new("cargo").args(["install", "--locked", "--quiet", "--root"]).arg(&root).arg(package),
        )?;
        Ok(path)
    }

    fn is_current(self, path: &Path) -> bool {
        run::output(Command::new(path).arg("--version")).is_ok_and(|version| version.contains(self.version))
    }
}
