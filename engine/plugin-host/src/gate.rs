//! The upload gate: what is looked at before a component is stored, and what came of it.
//!
//! [`Host::examine`] reads, compiles and tries a component. It trusts nothing of it, but takes as much
//! memory and time as the component makes it take: whoever examines what a stranger sent does so in a
//! process of its own, with limits.

mod advice;
mod carts;
mod report;
mod trial;

use martlet_domain::{Digest, Malformed, plugin::Description, quote::Failure};
use serde_json::Value;

pub use report::{Check, FoundMessage, FuelPoint, GateReport, TrialConfig, TrialLog};

use crate::{Component, ComponentError, ConfigProblem, ConfigSchema, Host, LoadError, inspect};
use report::Checks;

/// How far an examination has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateStep {
    /// The bytes are read.
    Reading,
    /// They are compiled.
    Compiling,
    /// The component is asked.
    Trying,
}

impl GateStep {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Reading, Self::Compiling, Self::Trying];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Compiling => "compiling",
            Self::Trying => "trying",
        }
    }
}

/// Nothing can be said of a component, for reasons that are not its own: ask again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// A call failed for want of something that this machine lacks just now.
    #[error("{}", .0.explain())]
    Host(Failure),
    /// The carts of the trial can't be made.
    #[error("a cart of the trial can't be made: {0}")]
    Cart(#[from] Malformed),
}

impl Host {
    /// Looks at a component as an upload is looked at: everything that can be looked at by itself, so that
    /// an author gets all there is to mend. `progress` hears of each step before it is taken. Blocks the
    /// calling thread, for as long as compiling takes and 100 calls or so.
    ///
    /// # Errors
    ///
    /// [`Undecided`] where a call failed that may go well in a moment.
    pub fn examine(&self, bytes: &[u8], progress: &mut dyn FnMut(GateStep)) -> Result<GateReport, Undecided> {
        let mut report = GateReport::new(Digest::of(bytes), bytes.len());
        let loaded = self.find(&report.digest).is_some();
        let checks = examine(self, bytes, &mut report, progress);
        if !loaded {
            self.unload(&report.digest);
        }
        report.checks = checks?.into_checks();
        Ok(report)
    }
}

fn examine(
    host: &Host,
    bytes: &[u8],
    report: &mut GateReport,
    progress: &mut dyn FnMut(GateStep),
) -> Result<Checks, Undecided> {
    progress(GateStep::Reading);
    let mut checks = Checks::default();
    if !read(host, bytes, report, &mut checks) {
        return Ok(checks);
    }
    progress(GateStep::Compiling);
    let component = match host.load(bytes) {
        Ok(component) => component,
        Err(LoadError::DoesNotStart(failure @ (Failure::TimedOut | Failure::HostResources))) => {
            return Err(Undecided::Host(failure));
        }
        Err(error) => {
            checks.refused(&error);
            return Ok(checks);
        }
    };
    checks.passed("compilation", format!("{} bytes compiled, linked and started", bytes.len()));
    progress(GateStep::Trying);
    let description = describe(&component, report, &mut checks)?;
    let schema = description.as_ref().and_then(|description| schema(description, report, &mut checks));
    let config = configure(&component, schema.as_ref(), report, &mut checks)?;
    trial::run(host, &component, &config, report, &mut checks)?;
    Ok(checks)
}

/// Reads what the bytes are and what they import and export. Whether they can be compiled.
fn read(host: &Host, bytes: &[u8], report: &mut GateReport, checks: &mut Checks) -> bool {
    let limit = host.config().module_bytes;
    let named = inspect::check_size(bytes, limit)
        .and_then(|()| inspect::check_format(bytes))
        .and_then(|()| inspect::names(bytes));
    let (imports, exports) = match named {
        Ok(names) => names,
        Err(error) => {
            checks.refused(&error);
            return false;
        }
    };
    checks.passed("size", format!("{} of at most {limit} bytes", bytes.len()));
    checks.passed("format", "a WebAssembly component".to_owned());
    report.imports = inspect::shown_names(&imports);
    report.exports = inspect::shown_names(&exports);
    let world = inspect::world(&exports);
    match &world {
        Ok(world) => {
            report.world = Some(*world);
            checks.passed("world", format!("martlet:commerce/{world}"));
        }
        Err(error) => checks.refused(error),
    }
    match inspect::check_imports(&imports) {
        Ok(version) => {
            report.wit_version = Some(version.as_str().to_owned());
            checks.passed("imports", format!("martlet:commerce {} alone", version.as_str()));
            if let Ok(world) = world
                && let Err(error) = inspect::check_version(world, version)
            {
                checks.refused(&error);
            }
        }
        Err(error) => checks.refused(&error),
    }
    checks.all_passed()
}

/// What it says of itself.
fn describe(
    component: &Component,
    report: &mut GateReport,
    checks: &mut Checks,
) -> Result<Option<Description>, Undecided> {
    match answered("description", component.describe(), checks)? {
        Answered::Well(description) => {
            checks.passed("description", format!("{} {}", description.name, description.version));
            report.description = Some(description.clone());
            Ok(Some(description))
        }
        Answered::Refused(_) | Answered::Badly => Ok(None),
    }
}

fn schema(description: &Description, report: &mut GateReport, checks: &mut Checks) -> Option<ConfigSchema> {
    match ConfigSchema::parse(&description.config_schema) {
        Ok(schema) => {
            checks.passed("config-schema", "JSON Schema draft 2020-12".to_owned());
            report.config_schema = Some(schema.as_value().clone());
            Some(schema)
        }
        Err(problems) => {
            checks.failed("config-schema", list(&problems), advice::SCHEMA);
            None
        }
    }
}

/// Finds a configuration to try the component with: the first example of its schema, else `{}`. Where
/// neither is good, it is tried with `{}` all the same: it must answer.
fn configure(
    component: &Component,
    schema: Option<&ConfigSchema>,
    report: &mut GateReport,
    checks: &mut Checks,
) -> Result<String, Undecided> {
    let example = schema.and_then(|schema| schema.examples().first());
    let config = example.cloned().unwrap_or_else(|| Value::Object(Default::default()));
    let text = config.to_string();
    if let (Some(example), Some(schema)) = (example, schema)
        && let Err(problems) = schema.validate(example)
    {
        let found = format!("the first example of the schema is not of the schema: {}", list(&problems));
        checks.failed("configuration", found, advice::EXAMPLE);
    }
    let mut accepted = false;
    match answered("configuration", component.validate_config(&text), checks)? {
        Answered::Well(classes) => {
            accepted = true;
            report.classes = classes;
            let of = if example.is_some() { "the first example of the schema" } else { "`{}`" };
            checks.passed("configuration", format!("{of} is accepted"));
        }
        Answered::Refused(problems) if example.is_some() => {
            let found = format!("the first example of the schema is refused: {}", list(&problems));
            checks.failed("configuration", found, advice::EXAMPLE);
        }
        Answered::Refused(_) => {
            let found = "the schema has no example and `{}` is refused: the component was tried with `{}`, \
                         without a valid configuration";
            checks.passed("configuration", found.to_owned());
        }
        Answered::Badly => {}
    }
    report.tried_with = Some(TrialConfig { config, accepted });
    Ok(text)
}

/// What came of a question outside of a cart.
enum Answered<T> {
    Well(T),
    Refused(Vec<ConfigProblem>),
    /// A failed check says how.
    Badly,
}

fn answered<T>(
    check: &str,
    answer: Result<T, ComponentError>,
    checks: &mut Checks,
) -> Result<Answered<T>, Undecided> {
    match answer {
        Ok(answer) => Ok(Answered::Well(answer)),
        Err(ComponentError::ConfigRefused(problems)) => Ok(Answered::Refused(problems)),
        Err(ComponentError::Failed {
            failure: failure @ (Failure::TimedOut | Failure::HostResources),
            ..
        }) => Err(Undecided::Host(failure)),
        Err(ComponentError::Failed { failure, backtrace }) => {
            checks.failed_in(check, failure.explain(), advice::of_failure(&failure), backtrace);
            Ok(Answered::Badly)
        }
        Err(error @ ComponentError::Unusable { .. }) => {
            checks.failed(check, error.to_string(), advice::ANSWER);
            Ok(Answered::Badly)
        }
    }
}

fn list(problems: &[ConfigProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
