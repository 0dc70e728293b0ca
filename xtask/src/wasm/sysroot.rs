//! A std for wasm from Debian's packages alone, for machines whose rustup can't download: Debian's
//! compiler, the std that is built here from Debian's source of it, and the linker of rustup's
//! toolchain.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{TARGET, toolchain};
use crate::{debian, run, tools};

/// Part of the stamp: count it up whenever the recipe below makes something else.
const RECIPE: u32 = 2;

const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
const RUSTC: &str = "/usr/bin/rustc";
const SOURCE: &str = "/usr/lib/rustlib/src/rust";

/// A folder laid out as compilers expect it, with a compiler that uses it.
#[derive(Debug)]
pub(super) struct Sysroot {
    /// Where it is.
    pub(super) path: PathBuf,
    /// The compiler's version.
    pub(super) version: String,
}

impl Sysroot {
    /// The one that was made before, unless the compiler or the recipe has changed since.
    pub(super) fn find() -> Result<Option<Self>> {
        let path = tools::cache_dir()?.join("wasm-sysroot");
        let stamp = path.join("stamp");
        if !stamp.exists() || !is_debian_ready() {
            return Ok(None);
        }
        let parts = Parts::find()?;
        let is_current = fs::read_to_string(stamp).is_ok_and(|stamp| stamp == parts.stamp());
        Ok(is_current.then_some(Self { path, version: parts.version }))
    }

    /// Installs what it takes, builds std, and lays the folder out.
    pub(super) fn make() -> Result<Self> {
        let cache = tools::cache_dir()?;
        fs::create_dir_all(&cache)?;
        // Two tasks at once: one builds, the other finds it built.
        let lock = fs::File::create(cache.join("wasm-sysroot.lock"))?;
        lock.lock()?;
        if let Some(sysroot) = Self::find()? {
            return Ok(sysroot);
        }
        install()?;
        let parts = Parts::find()?;
        run::say(&format!(
            "wasm: building std for {TARGET} with Debian's rustc {} (once, a minute)",
            parts.version
        ));
        let work = cache.join("wasm-sysroot.work");
        remove(&work)?;
        let libraries = build_std(&work)?;
        let path = cache.join("wasm-sysroot");
        lay_out(&work.join("sysroot"), &path, &libraries, &parts)?;
        remove(&path)?;
        fs::rename(work.join("sysroot"), &path)?;
        remove(&work)?;
        Ok(Self { path, version: parts.version })
    }

    /// Its compiler.
    pub(super) fn rustc(&self) -> PathBuf {
        self.bin().join("rustc")
    }

    /// The folder of its compiler, for those who look for it in PATH.
    pub(super) fn bin(&self) -> PathBuf {
        self.path.join("bin")
    }
}

/// What a sysroot is made of.
struct Parts {
    /// Such as `1.96.0`.
    version: String,
    /// All that the compiler says of its build, its commit among it.
    build: String,
    host: String,
    linker: PathBuf,
}

impl Parts {
    fn find() -> Result<Self> {
        let verbose = run::output(Command::new(RUSTC).arg("-vV"))?;
        let field = |name: &str| {
            let mut values = verbose.lines().filter_map(|line| line.strip_prefix(name));
            values
                .next()
                .map(|value| value.trim().to_owned())
                .with_context(|| format!("{RUSTC} -vV names no {name}"))
        };
        let release = field("release: ")?;
        let source = fs::canonicalize(SOURCE).with_context(|| format!("there is no {SOURCE}"))?;
        if source != Path::new(&format!("/usr/src/rustc-{release}")) {
            bail!("{RUSTC} is {release}, but {SOURCE} is {}; run apt-get upgrade", source.display());
        }
        let host = field("host: ")?;
        let in_use = toolchain::print(&["sysroot"])?;
        let linker = Path::new(&in_use).join("lib/rustlib").join(&host).join("bin/rust-lld");
        if !linker.exists() {
            bail!("there is no {}; use a toolchain of rustup's, which brings that linker", linker.display());
        }
        let build = verbose.lines().next().unwrap_or_default().to_owned();
        Ok(Self { version: release, build, host, linker })
    }

    fn stamp(&self) -> String {
        format!("recipe {RECIPE}\n{}\n{}\n", self.build, self.linker.display())
    }
}

fn is_debian_ready() -> bool {
    Path::new(RUSTC).exists() && PACKAGES.iter().all(|package| debian::is_installed(package))
}

fn install() -> Result<()> {
    if is_debian_ready() {
        return Ok(());
    }
    let packages = PACKAGES.join(" ");
    if !debian::is_root() {
        bail!("there is no std for {TARGET}; run `apt-get install {packages}` as root, and try again");
    }
    run::say(&format!("wasm: installing Debian's {packages}"));
    debian::install(&PACKAGES).with_context(|| {
        format!("there is no std for {TARGET}; run `rustup target add {TARGET}` where rustup can download")
    })
}

/// Builds std in a folder, and answers where its libraries are.
fn build_std(work: &Path) -> Result<PathBuf> {
    fs::create_dir_all(work.join("src"))?;
    fs::write(work.join("src/lib.rs"), "#![no_std]\n")?;
    let manifest = "[package]\nname = \"std-for-wasm\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
                    [profile.release]\ncodegen-units = 1\n[workspace]\n";
    fs::write(work.join("Cargo.toml"), manifest)?;
    let target = work.join("target");
    let mut cargo = Command::new(toolchain::cargo()?);
    cargo.args(["build", "--quiet", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET]);
    toolchain::remove_foreign(&mut cargo);
    cargo.env("CARGO_TARGET_DIR", &target).env("RUSTC", RUSTC);
    // Bitcode, since a guest's profile may use LTO; and no paths of this machine in it.
    let flags = toolchain::remap_paths().into_iter().chain(["-Cembed-bitcode=yes".to_owned()]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.collect::<Vec<_>>().join("\u{1f}"));
    // -Zbuild-std is unstable. Allowed for this one build, never for the project's own code.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    run::command(cargo.current_dir(work))?;
    Ok(target.join(TARGET).join("release/deps"))
}

/// Lays a sysroot out in `folder`, which will be moved to `path`.
fn lay_out(folder: &Path, path: &Path, libraries: &Path, parts: &Parts) -> Result<()> {
    let rustlib = folder.join("lib/rustlib");
    let host = rustlib.join(&parts.host);
    fs::create_dir_all(host.join("bin"))?;
    symlink(Path::new("/usr/lib/rustlib").join(&parts.host).join("lib"), host.join("lib"))?;
    symlink(&parts.linker, host.join("bin/rust-lld"))?;
    // Only so that cargo-component doesn't have rustup fetch this target, which nothing here uses.
    fs::create_dir_all(rustlib.join("wasm32-wasip1"))?;

    let target = rustlib.join(TARGET).join("lib");
    fs::create_dir_all(&target)?;
    for entry in fs::read_dir(libraries)? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libstd_for_wasm-") {
            fs::copy(&file, target.join(name))?;
        }
    }
    write_compiler(&folder.join("bin"), path)?;
    fs::write(folder.join("stamp"), parts.stamp())?;
    Ok(())
}

/// A `rustc` that is Debian's, with the sysroot at `path`.
fn write_compiler(bin: &Path, path: &Path) -> Result<()> {
    let sysroot = path.display().to_string().replace('\'', r"'\''");
    let file = bin.join("rustc");
    fs::create_dir_all(bin)?;
    fs::write(&file, format!("#!/bin/sh\nexec {RUSTC} --sysroot '{sysroot}' \"$@\"\n"))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} could not be removed", folder.display()))
        }
        _ => Ok(()),
    }
}
