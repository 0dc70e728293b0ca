//! Running other programs.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::{infra, workspace};

/// Says what is going on.
#[expect(clippy::print_stdout, reason = "a task speaks to whoever runs it")]
pub(crate) fn say(text: &str) {
    println!("martlet: {text}");
}

/// A cargo command that knows nothing of this program's own package.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    forget_own_package(&mut command);
    // The engine refuses what it doesn't know, and this is of one step alone.
    command.env_remove(infra::CHECKER);
    command
}

/// Builds the binary that the demo serves and the black-box tests drive. Everything is chosen from the whole
/// workspace: a part alone would have dependencies with fewer features, and wasmtime twice.
pub(crate) fn build_engine(more: &[&str]) -> Result<()> {
    let build = ["build", "--workspace", "--bin", "martlet", "--locked"];
    command(cargo(&build).args(more).current_dir(workspace::root()))
}

/// The tests of a file over that binary.
pub(crate) fn black_box(name: &str) -> Command {
    let mut test = cargo(&["test", "--workspace", "--locked", "--test", name]);
    test.current_dir(workspace::root());
    test
}

/// Keeps from a command that runs cargo what cargo says of this program's own package: build scripts
/// watch it, and half of the engine would be compiled anew.
pub(crate) fn forget_own_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
}

/// The same command with room for thousands of open connections, as far as it may have them.
pub(crate) fn with_many_files(command: &Command) -> Command {
    const RAISE: &str = "ulimit -S -n 16384 || ulimit -S -n \"$(ulimit -H -n)\"; exec \"$@\"";
    let mut raised = Command::new("sh");
    raised.args(["-c", RAISE, "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => raised.env(name, value),
            None => raised.env_remove(name),
        };
    }
    raised
}

/// Runs a command to its end; its output is the task's.
pub(crate) fn command(command: &mut Command) -> Result<()> {
    let name = format!("{command:?}");
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("{name} could not be started"))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

/// Runs a command to its end and answers what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = format!("{command:?}");
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("{name} could not be started"))?;
    if !output.status.success() {
        bail!("{name} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program stands in PATH, or where system programs do.
pub(crate) fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}
