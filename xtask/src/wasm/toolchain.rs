//! The compiler for the plugins: the one in use where it has a std for wasm, else one made from
//! Debian's packages.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::{TARGET, sysroot::Sysroot};
use crate::{debian, run, workspace};

const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(120);

/// Settings for the engine's build that mean nothing, or harm, in the plugins'.
const FOREIGN: [&str; 6] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
];

/// A compiler that has a std for wasm.
#[derive(Debug)]
pub(super) enum Toolchain {
    /// The one in use.
    InUse,
    /// Debian's, with a std that was built here.
    Debian(Sysroot),
}

impl Toolchain {
    /// Finds one, or makes one, and says which.
    pub(super) fn find_or_make() -> Result<Self> {
        if in_use_has_target()? {
            run::say(&format!("wasm: the toolchain in use has {TARGET}"));
            return Ok(Self::InUse);
        }
        // Before rustup: a machine that can't download would wait for that every time.
        if let Some(sysroot) = Sysroot::find()? {
            return Ok(Self::debian(sysroot));
        }
        let no_rustup = match add_with_rustup() {
            Ok(()) => {
                run::say(&format!("wasm: rustup added {TARGET} to the toolchain in use"));
                return Ok(Self::InUse);
            }
            Err(error) => error,
        };
        if !debian::is_debian() {
            bail!(
                "there is no std for {TARGET}: {no_rustup:#}. Run `rustup target add {TARGET}` where rustup \
                 can download, or install your distribution's package of Rust's std for it"
            );
        }
        run::say(&format!("wasm: no {TARGET} from rustup ({no_rustup:#}), so from Debian's packages"));
        Sysroot::make().map(Self::debian)
    }

    fn debian(sysroot: Sysroot) -> Self {
        run::say(&format!(
            "wasm: Debian's rustc {}, with the std in {}",
            sysroot.version,
            sysroot.path.display()
        ));
        Self::Debian(sysroot)
    }

    /// Has a cargo command compile with it, to the same bytes wherever the checkout stands.
    pub(super) fn apply(&self, cargo: &mut Command) {
        remove_foreign(cargo);
        if let Some(flags) = remap_paths() {
            cargo.env("CARGO_ENCODED_RUSTFLAGS", flags);
        }
        if let Self::Debian(sysroot) = self {
            cargo.env("RUSTC", sysroot.rustc());
        }
    }
}

/// Paths of this machine stand in the messages of panics; they mean nothing elsewhere.
pub(super) fn remap_paths() -> Option<String> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    // What cargo's separator stands between is one flag, spaces and all.
    Some([remap(&cargo_home, "cargo"), remap(workspace::root(), "martlet")].join("\u{1f}"))
}

/// Takes settings away that are not meant for the plugins' build.
pub(super) fn remove_foreign(cargo: &mut Command) {
    for name in FOREIGN {
        cargo.env_remove(name);
    }
}

/// The cargo in use itself, not rustup's stand-in, which would choose a compiler of its own.
pub(super) fn cargo() -> Result<PathBuf> {
    if let Some(cargo) = std::env::var_os("CARGO") {
        return Ok(cargo.into());
    }
    let cargo = Path::new(&print(&["sysroot"])?).join("bin").join("cargo");
    Ok(if cargo.exists() { cargo } else { "cargo".into() })
}

/// What the compiler in use prints of itself.
pub(super) fn print(what: &[&str]) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Ok(run::output(Command::new(rustc).arg("--print").args(what))?.trim().to_owned())
}

fn in_use_has_target() -> Result<bool> {
    let libraries = print(&["target-libdir", "--target", TARGET])?;
    let Ok(files) = std::fs::read_dir(libraries) else { return Ok(false) };
    let mut names = files.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
    Ok(names.any(|name| name.starts_with("libcore-") && name.ends_with(".rlib")))
}

fn add_with_rustup() -> Result<()> {
    let rustup = run::find("rustup").context("there is no rustup")?;
    if std::env::var("RUSTUP_DIST_SERVER").is_ok_and(|server| is_loopback(&server)) {
        bail!("RUSTUP_DIST_SERVER shuts its downloads off");
    }
    run::say(&format!("rustup target add {TARGET}"));
    let mut child = Command::new(rustup).args(["target", "add", TARGET]).stdin(Stdio::null()).spawn()?;
    let until = Instant::now() + DOWNLOAD_TIMEOUT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            bail!("its download took more than {} s", DOWNLOAD_TIMEOUT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        bail!("it ended with {status}");
    }
    if !in_use_has_target()? {
        bail!("it added the target to another toolchain than the one in use");
    }
    Ok(())
}

/// Whether an address leads to this machine, as it does where downloads are shut off on purpose.
fn is_loopback(url: &str) -> bool {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|host| after_scheme.starts_with(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_this_machine_is_known() {
        for url in ["http://127.0.0.1:9", "http://localhost", "https://[::1]:8080/x"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["https://static.rust-lang.org", "http://10.0.0.1:9", "https://rsproxy.cn"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
