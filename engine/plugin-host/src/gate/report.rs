//! What an examination comes to.

use martlet_domain::{
    Digest,
    plugin::{Description, World},
    quote::{Class, Stage},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::advice;
use crate::{LoadError, runtime::clip};

/// Bytes of what was found in one check that are kept, and of its backtrace.
const FOUND_BYTES: usize = 2_000;
const BACKTRACE_BYTES: usize = 4_000;

/// What is known of a component after it was looked at. What couldn't be found out is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReport {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// How many there are.
    pub size: usize,
    /// What it says of itself.
    pub description: Option<Description>,
    /// The world it implements.
    pub world: Option<World>,
    /// The `martlet:commerce` it was built for.
    pub wit_version: Option<String>,
    /// Interfaces and functions that it imports: the first 50.
    pub imports: Vec<String>,
    /// Functions that it exports: the first 50.
    pub exports: Vec<String>,
    /// The schema of its configurations.
    pub config_schema: Option<Value>,
    /// What it was tried with.
    pub tried_with: Option<TrialConfig>,
    /// The classes that it announces for that.
    pub classes: Vec<Class>,
    /// All that was looked at, in this order.
    pub checks: Vec<Check>,
    /// What calls cost.
    pub fuel: Vec<FuelPoint>,
    /// The messages of its answers, each once: the first 100.
    pub messages: Vec<FoundMessage>,
    /// What it logged while it was tried: the first 100 lines.
    pub logs: Vec<TrialLog>,
}

/// The configuration a component was tried with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialConfig {
    /// The first example of the schema, else `{}`.
    pub config: Value,
    /// Whether the component accepts it.
    pub accepted: bool,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What: `size`, `format`, `world`, `imports`, `compilation`, `description`, `config-schema`,
    /// `configuration`, `conformance/CART`, `determinism` or `fuel`.
    pub name: String,
    /// Whether it is as it should be.
    pub passed: bool,
    /// What was found.
    pub found: String,
    /// What to do, where it isn't as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The frames of WebAssembly it failed in, innermost first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<String>,
}

/// What one call cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuelPoint {
    /// The function.
    pub function: String,
    /// The stage it was asked in.
    pub stage: Stage,
    /// Lines of the cart.
    pub lines: usize,
    /// What it burnt.
    pub fuel: u64,
    /// What it might have burnt.
    pub limit: u64,
}

/// A message of a component's answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundMessage {
    /// Its key.
    pub key: String,
    /// The English words of its template; nothing where the component has none, so that shoppers read
    /// the key.
    pub words: Option<String>,
}

/// A line that a component logged while it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialLog {
    /// The cart it was asked about.
    pub cart: String,
    /// The stage it was asked in.
    pub stage: Stage,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// What it said.
    pub message: String,
}

impl GateReport {
    pub(super) const fn new(digest: Digest, size: usize) -> Self {
        Self {
            digest,
            size,
            description: None,
            world: None,
            wit_version: None,
            imports: Vec::new(),
            exports: Vec::new(),
            config_schema: None,
            tried_with: None,
            classes: Vec::new(),
            checks: Vec::new(),
            fuel: Vec::new(),
            messages: Vec::new(),
            logs: Vec::new(),
        }
    }

    /// Whether everything is as it should be.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// What isn't.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.passed)
    }
}

/// The checks of an examination under way.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<Check>);

impl Checks {
    pub(super) fn passed(&mut self, name: &str, found: String) {
        self.push(name, true, &found, None, None);
    }

    pub(super) fn failed(&mut self, name: &str, found: String, advice: &str) {
        self.push(name, false, &found, Some(advice.to_owned()), None);
    }

    pub(super) fn failed_in(&mut self, name: &str, found: String, advice: &str, backtrace: Option<String>) {
        self.push(name, false, &found, Some(advice.to_owned()), backtrace);
    }

    /// A failed check for what makes bytes no component that can run here; one for each unknown import.
    pub(super) fn refused(&mut self, error: &LoadError) {
        for advice::Refusal { check, found, advice } in advice::refusals(error) {
            self.failed(check, found, &advice);
        }
    }

    pub(super) fn all_passed(&self) -> bool {
        self.0.iter().all(|check| check.passed)
    }

    pub(super) fn into_checks(self) -> Vec<Check> {
        self.0
    }

    fn push(
        &mut self,
        name: &str,
        passed: bool,
        found: &str,
        advice: Option<String>,
        backtrace: Option<String>,
    ) {
        self.0.push(Check {
            name: name.to_owned(),
            passed,
            found: clip(found, FOUND_BYTES).to_owned(),
            advice,
            backtrace: backtrace.map(|backtrace| clip(&backtrace, BACKTRACE_BYTES).to_owned()),
        });
    }
}
