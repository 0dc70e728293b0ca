//! `cargo xtask fuzz`: throws at the engine whatever libFuzzer comes up with.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{run, tools, workspace};

/// The targets, with the most memory that a run of each may take, in MiB.
const TARGETS: [(&str, u32); 3] =
    [("component_bytes", 2_048), ("mutated_components", 2_048), ("candidates", 1_024)];

/// Seconds after which an input counts as one that hangs.
const TIMEOUT: u32 = 20;

/// What `cargo xtask fuzz` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only this target: `component_bytes`, `mutated_components` or `candidates`.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Runs this one input again instead, such as one that a crash has left behind.
    #[arg(long, requires = "target")]
    input: Option<PathBuf>,
}

/// The targets, built.
pub(crate) struct Fuzz {
    programs: PathBuf,
}

/// Runs the targets on their seeds, on what former runs have found, and on what they find.
pub(crate) fn run(options: &Options) -> Result<()> {
    let target = options.target.as_deref();
    if let Some(target) = target.filter(|target| TARGETS.iter().all(|(name, _)| name != target)) {
        bail!("there is no fuzz target {target}; there are {}", TARGETS.map(|(name, _)| name).join(", "));
    }
    let fuzz = Fuzz::build(&tools::FUZZ.ensure()?)?;
    match (target, &options.input) {
        (Some(target), Some(input)) => run::command(fuzz.target(target).arg(input)),
        _ => fuzz.run(target, options.seconds, &folder().join("corpus")),
    }
}

impl Fuzz {
    /// Builds them with `cargo fuzz`. Without a sanitizer, which only nightly toolchains have: what is
    /// looked for are panics, overflows, hangs and wrong answers, and the engine's own code has hardly
    /// anything unsafe. `--release` leaves it to `fuzz/Cargo.toml` whose assertions are checked.
    pub(crate) fn build(cargo_fuzz: &Path) -> Result<Self> {
        let target = folder().join("build");
        let host = host()?;
        // `cargo fuzz` would change a lock that is behind.
        run::command(run::cargo(&["fetch", "--locked"]).current_dir(workspace::fuzz()))?;
        let build =
            ["fuzz", "build", "--release", "--sanitizer", "none", "--fuzz-dir", "fuzz", "--target", &host];
        let mut command = Command::new(cargo_fuzz);
        run::forget_own_package(command.args(build).arg("--target-dir").arg(&target));
        run::command(command.current_dir(workspace::root()))?;
        Ok(Self { programs: target.join(host).join("release") })
    }

    /// Runs one target or all, for so many seconds each. What is found goes into a folder below `corpus`,
    /// and what crashes into `target/fuzz/artifacts`.
    pub(crate) fn run(&self, only: Option<&str>, seconds: u32, corpus: &Path) -> Result<()> {
        let mut crashed = Vec::new();
        for (name, memory) in TARGETS.into_iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
            run::say(&format!("fuzzing {name} for {seconds} s"));
            let found = corpus.join(name);
            let artifacts = folder().join("artifacts").join(name);
            std::fs::create_dir_all(&found)?;
            std::fs::create_dir_all(&artifacts)?;
            let mut fuzz = self.target(name);
            fuzz.arg(format!("-max_total_time={seconds}"))
                .arg(format!("-rss_limit_mb={memory}"))
                .arg(format!("-artifact_prefix={}/", artifacts.display()))
                // Inputs are as long as they are: growing them byte by byte takes the time of a short run.
                .args(["-len_control=0", "-print_final_stats=1"])
                .arg(&found)
                .args(seeds(name));
            if let Err(error) = run::command(&mut fuzz) {
                run::say(&format!(
                    "{name}: {error:#}\nthe input is named above; run it again with `cargo xtask fuzz {name} \
                     --input FILE`"
                ));
                crashed.push(name);
            }
        }
        if crashed.is_empty() { Ok(()) } else { bail!("{} crashed", crashed.join(", ")) }
    }

    /// A target that gives up on an input in time. libFuzzer handles signals, and so does wasmtime, whose
    /// traps are signals: it is started at the first input, after libFuzzer, asks first whether a signal is
    /// a trap, and leaves what isn't to libFuzzer. That is why no `-handle_*=0` stands here.
    fn target(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.arg(format!("-timeout={TIMEOUT}"));
        command
    }
}

/// Where a target's inputs come from: what is a good component is one for the gate too.
fn seeds(name: &str) -> Vec<PathBuf> {
    let mut seeds = vec![name];
    if name == "component_bytes" {
        seeds.push("mutated_components");
    }
    seeds.into_iter().map(|name| workspace::fuzz().join("seeds").join(name)).collect()
}

/// Where everything goes that a run leaves behind.
pub(crate) fn folder() -> PathBuf {
    workspace::target().join("fuzz")
}

/// This machine, as rustc calls it.
fn host() -> Result<String> {
    let version = run::output(Command::new("rustc").arg("-vV").current_dir(workspace::root()))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc doesn't say what it runs on")?.to_owned())
}
