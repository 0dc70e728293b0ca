//! The checks of the stack: infra/checks, in Python since moto and checkov are.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{debian, run, tools, workspace};

/// Names the program that checks a Terraform folder.
pub(crate) const CHECKER: &str = "MARTLET_TF_CHECK";
/// What the checks call beside Python's packages, by program and by Debian's package.
const PROGRAMS: [(&str, &str); 2] = [("shellcheck", "shellcheck"), ("jq", "jq")];

/// What the checks need.
#[derive(Debug)]
pub(crate) struct Means {
    /// A Python with their packages.
    python: PathBuf,
    /// Where cloud-init is.
    cloud_init: PathBuf,
}

/// Sees to it that this machine has what the checks need, or says why it can't.
pub(crate) fn ensure() -> Result<Means> {
    if std::env::var_os(CHECKER).is_none() {
        bail!("{CHECKER} names no program that checks a Terraform folder");
    }
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| run::find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        if !debian::is_root() || !debian::is_debian() {
            bail!("there is no {}; install it", missing.join(" and no "));
        }
        run::say(&format!("installing Debian's {}", missing.join(", ")));
        debian::install(&missing)?;
    }
    Ok(Means { python: environment()?, cloud_init: cloud_init()? })
}

/// A virtual environment with the packages of infra/checks/requirements.txt, made anew when those change.
fn environment() -> Result<PathBuf> {
    let requirements = workspace::infra().join("checks/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)?;
    let folder = tools::cache_dir()?.join("infra-python");
    let (python, installed) = (folder.join("bin/python"), folder.join("requirements.txt"));
    if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run::say(&format!("installing Python packages into {} (once, a minute)", folder.display()));
    run::output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("python3 makes no virtual environment; Debian's package for that is python3-venv")?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run::command(pip.arg(&requirements))?;
    // Last, so that half an installation isn't taken for one.
    std::fs::write(installed, wanted)?;
    Ok(python)
}

/// The folder of cloud-init, which is unpacked and not installed: a machine that has it installed runs it when
/// it starts.
fn cloud_init() -> Result<PathBuf> {
    let folder = tools::cache_dir()?.join("cloud-init");
    if folder.join("usr").exists() {
        return Ok(folder);
    }
    run::say("unpacking Debian's cloud-init, which checks what instances are told");
    let packages = tools::cache_dir()?.join("cloud-init-package");
    std::fs::create_dir_all(&packages)?;
    debian::download("cloud-init", &packages)?;
    let package = std::fs::read_dir(&packages)?.next().context("apt-get downloaded nothing")??.path();
    run::output(Command::new("dpkg-deb").arg("--extract").args([&package, &folder]))?;
    std::fs::remove_dir_all(packages)?;
    Ok(folder)
}

/// Runs all checks, over the engine's binary where they need it.
pub(crate) fn checks(means: &Means) -> Command {
    let mut checks = Command::new(&means.python);
    checks.env("MARTLET_CLOUD_INIT", &means.cloud_init);
    checks.args(["-m", "pytest", "-p", "no:cacheprovider", "infra/checks"]);
    checks.env("MARTLET_BINARY", workspace::binary()).env("PYTHONDONTWRITEBYTECODE", "1");
    checks.current_dir(workspace::root());
    checks
}
