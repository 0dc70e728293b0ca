//! `cargo xtask test`: everything that has to hold, in one command.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    fuzz::{self, Fuzz},
    infra, mysql, previous, redis,
    run::{self, cargo},
    tools, wasm, wit, workspace,
};

/// How long each fuzz target runs.
const FUZZ_SECONDS: u32 = 10;

/// What `cargo xtask test` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the steps whose name contains this.
    #[arg(value_name = "STEP")]
    only: Option<String>,
}

/// A part of the tests that a machine may lack the means for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Mysql,
    Redis,
    Previous,
    Deny,
    Machete,
    CargoComponent,
    Fuzz,
    Infra,
}

impl Means {
    const fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Redis => "redis",
            Self::Previous => "previous",
            Self::Deny => "deny",
            Self::Machete => "machete",
            Self::CargoComponent => "cargo-component",
            Self::Fuzz => "fuzz",
            Self::Infra => "infra",
        }
    }

    /// Whether `MARTLET_TEST_REQUIRE` (names with commas between, or `all`) makes a skip a failure.
    fn is_required(self) -> bool {
        let required = std::env::var("MARTLET_TEST_REQUIRE").unwrap_or_default();
        required.split(',').map(str::trim).any(|name| name == self.name() || name == "all")
    }
}

#[derive(Debug, Default)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
    skipped: Vec<String>,
}

/// Runs all steps, and says how many tests passed, failed and were skipped.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut tests = Tests { only: options.only.clone(), counts: Counts::default(), mysql: None };
    let outcome = tests.steps();
    let Counts { passed, failed, ignored, skipped } = &tests.counts;
    for skipped in skipped {
        run::say(&format!("SKIPPED: {skipped}"));
    }
    print_line(&format!("{passed} passed, {failed} failed, {} skipped", *ignored + skipped.len() as u64));
    outcome
}

struct Tests {
    only: Option<String>,
    counts: Counts,
    mysql: Option<mysql::Server>,
}

impl Tests {
    fn steps(&mut self) -> Result<()> {
        self.step("format", |_| {
            run::command(cargo(&["fmt", "--all", "--check"]).current_dir(workspace::root()))?;
            run::command(cargo(&["fmt", "--all", "--check"]).current_dir(workspace::plugins()))?;
            run::command(cargo(&["fmt", "--check"]).current_dir(workspace::fuzz()))
        })?;
        self.step("published", |_| wit::check())?;
        // Tests of the host and the journeys load real components.
        self.step("wasm", |_| wasm::build())?;
        self.step("clippy", |_| {
            let lint = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
            run::command(cargo(&lint).current_dir(workspace::root()))?;
            run::command(cargo(&lint).current_dir(workspace::plugins()))
        })?;
        self.step("docs", |_| {
            let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
            run::command(docs.env("RUSTDOCFLAGS", "-D warnings").current_dir(workspace::root()))
        })?;
        self.step("dependencies", Self::dependencies)?;
        self.step("store", Self::store)?;
        self.step("engine", Self::engine)?;
        self.step("contention", Self::contention)?;
        self.step("rehearsal", Self::rehearsal)?;
        self.step("instances", Self::instances)?;
        self.step("plugins", |tests| {
            tests.count(cargo(&["test", "--workspace", "--locked"]).current_dir(workspace::plugins()))
        })?;
        self.step("cargo-component", Self::cargo_component)?;
        self.step("fuzz", Self::fuzz)?;
        self.step("infra", Self::infra)
    }

    fn step(&mut self, name: &str, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            return Ok(());
        }
        run::say(&format!("== {name}"));
        let start = Instant::now();
        step(self).with_context(|| format!("the step {name} failed"))?;
        run::say(&format!("== {name}: {} s", start.elapsed().as_secs()));
        Ok(())
    }

    fn dependencies(&mut self) -> Result<()> {
        if let Some(deny) = self.means(Means::Deny, tools::DENY.ensure())? {
            let config = workspace::root().join("deny.toml");
            let deny = |arguments: &[&str], folder: &Path| {
                let mut command = Command::new(&deny);
                command.arg("--config").arg(&config).args(arguments).current_dir(folder);
                command
            };
            let mut checks = vec!["check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
            // Advisories come from a git repository that not every machine reaches.
            match run::output(&mut deny(&["fetch", "db"], workspace::root())) {
                Ok(_) => checks.push("advisories"),
                Err(_) => self.counts.skipped.push("advisories: their database can't be fetched".to_owned()),
            }
            for folder in [workspace::root().to_owned(), workspace::plugins(), workspace::fuzz()] {
                run::command(&mut deny(&checks, &folder))?;
            }
        }
        if let Some(machete) = self.means(Means::Machete, tools::MACHETE.ensure())? {
            run::command(
                Command::new(machete)
                    .args(["engine", "xtask", "plugins", "fuzz"])
                    .current_dir(workspace::root()),
            )?;
        }
        Ok(())
    }

    /// The conformance suite, on SQLite and on MySQL.
    fn store(&mut self) -> Result<()> {
        self.test_with_mysql(&mut cargo(&[
            "test",
            "--package",
            "martlet-store",
            "--locked",
            "--no-fail-fast",
        ]))
    }

    /// Everything else, journeys over the built binary included.
    fn engine(&mut self) -> Result<()> {
        self.means(Means::Redis, redis::ensure())?;
        run::build_engine(&[])?;
        let all = ["test", "--workspace", "--exclude", "martlet-store", "--locked", "--no-fail-fast"];
        self.test_with_mysql(&mut cargo(&all))
    }

    /// Hundreds of shoppers at once, each test with the machine to itself.
    fn contention(&mut self) -> Result<()> {
        run::build_engine(&[])?;
        let mut test = run::black_box("contention");
        test.args(["--", "--include-ignored", "--test-threads=1"]);
        self.test_with_mysql(&mut test)
    }

    /// Hundreds of carts and thousands of orders, under rules that are only tried and then under the same in
    /// earnest; each test with the machine to itself.
    fn rehearsal(&mut self) -> Result<()> {
        run::build_engine(&[])?;
        let mut test = run::black_box("rehearsal");
        test.args(["--", "--include-ignored", "--test-threads=1"]);
        self.count(test.current_dir(workspace::root()))
    }

    /// Several engines at once, some under load, one of the release before this one; each test with the
    /// machine to itself.
    fn instances(&mut self) -> Result<()> {
        self.means(Means::Redis, redis::ensure())?;
        run::build_engine(&[])?;
        let mut test = run::with_many_files(&run::black_box("instances"));
        test.args(["--", "--include-ignored", "--test-threads=1"]);
        if let Some(source) = self.means(Means::Previous, previous::source())? {
            test.env("MARTLET_TEST_PREVIOUS", previous::build(&source)?);
        }
        self.test_with_mysql(&mut test)
    }

    fn test_with_mysql(&mut self, test: &mut Command) -> Result<()> {
        if let Some(url) = self.mysql()? {
            test.env("TEST_MYSQL_URL", url);
        }
        self.count(test.current_dir(workspace::root()))
    }

    /// Where a MySQL is, for as long as the tests go on.
    fn mysql(&mut self) -> Result<Option<&str>> {
        if self.mysql.is_none() {
            self.mysql = self.means(Means::Mysql, mysql::Server::find_or_start())?;
        }
        Ok(self.mysql.as_ref().map(|server| server.url.as_str()))
    }

    /// Builds the plugins as their authors do, and has the tests hold both builds side by side.
    fn cargo_component(&mut self) -> Result<()> {
        let built = tools::COMPONENT.ensure().and_then(|tool| wasm::build_with_cargo_component(&tool));
        let Some(built) = self.means(Means::CargoComponent, built)? else { return Ok(()) };
        let mut test = run::black_box("cargo_component");
        test.env("MARTLET_TEST_CARGO_COMPONENT", built);
        self.count(test.args(["--", "--include-ignored"]).current_dir(workspace::root()))
    }

    /// Each fuzz target for some seconds, from its seeds alone: what it runs on is the same everywhere.
    fn fuzz(&mut self) -> Result<()> {
        let Some(tool) = self.means(Means::Fuzz, tools::FUZZ.ensure())? else { return Ok(()) };
        let corpus = fuzz::folder().join("fresh");
        if corpus.exists() {
            std::fs::remove_dir_all(&corpus)?;
        }
        Fuzz::build(&tool)?.run(None, FUZZ_SECONDS, &corpus)
    }

    /// The stack as code: what Terraform would make of it, without anybody's account.
    fn infra(&mut self) -> Result<()> {
        let Some(means) = self.means(Means::Infra, infra::ensure())? else { return Ok(()) };
        run::build_engine(&[])?;
        let server = self.mysql()?;
        let mut checks = infra::checks(&means);
        if let Some(url) = server {
            checks.env("TEST_MYSQL_URL", url);
        }
        self.count(&mut checks)
    }

    /// What a step needs, or a loud skip where it can't be had; a failure where it is required.
    fn means<T>(&mut self, means: Means, found: Result<T>) -> Result<Option<T>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error) if means.is_required() => Err(error),
            Err(error) => {
                self.counts.skipped.push(format!("{}: {error:#}", means.name()));
                run::say(&format!("SKIPPED: {}: {error:#}", means.name()));
                Ok(None)
            }
        }
    }

    /// Runs `cargo test` or pytest, passes its output on and adds up what it counts.
    fn count(&mut self, command: &mut Command) -> Result<()> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("its output is piped")?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            self.counts.add(&line);
            print_line(&line);
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("{name} ended with {status}");
        }
        Ok(())
    }
}

impl Counts {
    /// Adds what a line of output counts: cargo's `test result: ok. 3 passed; 0 failed; 1 ignored; ...` or
    /// pytest's `==== 3 passed, 1 skipped in 0.12s ====`.
    fn add(&mut self, line: &str) {
        let cargo = line.strip_prefix("test result: ");
        let pytest = || line.strip_prefix("==")?.strip_suffix("==").filter(|line| line.contains(" in "));
        let Some(result) = cargo.or_else(pytest) else { return };
        let words: Vec<&str> =
            result.split([' ', ';', ',', '.', '=']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let [number, what] = pair else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match *what {
                "passed" => self.passed += number,
                "failed" | "error" | "errors" => self.failed += number,
                "ignored" | "skipped" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "the tests' output is the task's")]
fn print_line(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn lines_of_both_runners_are_counted_and_others_are_not() {
        let mut counts = Counts::default();
        counts.add(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s",
        );
        counts.add("============ 2 failed, 40 passed, 5 skipped, 1 warning, 1 error in 61.20s (0:01:01) ============");
        counts.add("========================= test session starts =========================");
        counts.add("test a::b ... ok");
        assert_eq!((counts.passed, counts.failed, counts.ignored), (43, 3, 6));
    }
}
