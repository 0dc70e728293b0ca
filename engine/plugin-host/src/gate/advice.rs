//! What to do about what is wrong.

use martlet_domain::quote::Failure;

use crate::{LoadError, WIT_VERSIONS, error::functions};

pub(super) const SCHEMA: &str = "mend the schema that `describe` answers: draft 2020-12, with references to its own `$defs` that lead in no circle";
pub(super) const EXAMPLE: &str =
    "put a configuration first in the schema's `examples` that both the schema and `validate-config` accept";
pub(super) const ANSWER: &str = "mend the function's answer; the WIT says what each field holds";
pub(super) const UNSOUND: &str = "propose for lines and units of the cart alone, nothing negative, each key once, and the classes that \
     `validate-config` announces";
pub(super) const DIFFERS: &str = "let the answer depend on the arguments alone";

/// A failed check in the making.
pub(super) struct Refusal {
    pub(super) check: &'static str,
    pub(super) found: String,
    pub(super) advice: String,
}

/// What to do about a call that failed.
pub(super) const fn of_failure(failure: &Failure) -> &'static str {
    match failure {
        Failure::Trapped(_) => {
            "the backtrace says where: answer on every cart, with a decline where there is nothing to propose"
        }
        Failure::OutOfFuel => "do less for each line: a call has 50 million fuel and half a million a line",
        Failure::InvalidOutput(_) => ANSWER,
        Failure::StackOverflow => "nest calls less deeply: loop where the depth grows with the cart",
        Failure::TimedOut | Failure::HostResources => "try again",
    }
}

/// What makes bytes no component that can run here, and what to do about it.
pub(super) fn refusals(error: &LoadError) -> Vec<Refusal> {
    let one = |check, found: &str, advice: &str| {
        vec![Refusal { check, found: found.to_owned(), advice: advice.to_owned() }]
    };
    match error {
        LoadError::TooLarge { size, limit } => one(
            "size",
            &format!("the component has {size} bytes and the limit is {limit}"),
            "build it for size, without debug information",
        ),
        LoadError::NotWasm => one(
            "format",
            "this is not WebAssembly",
            "upload the .wasm file of a component, as `cargo component build --release` makes it",
        ),
        LoadError::Text => one(
            "format",
            "this is WebAssembly text",
            "turn it into a binary component first, as with `wasm-tools parse`",
        ),
        LoadError::Precompiled => one(
            "format",
            "this is compiled native code",
            "upload the .wasm file of the component: native code is only ever made here",
        ),
        LoadError::CoreModule => one(
            "format",
            "this is a core module and not a component",
            "make a component of it with `cargo component build` or `wasm-tools component new`",
        ),
        LoadError::Invalid(problem) => one(
            "compilation",
            &format!("this is not a valid component: {problem}"),
            "build it with a current toolchain and without experimental instructions",
        ),
        LoadError::NoWorld { exports } => one(
            "world",
            &format!("it exports {} and so no function of a world of martlet:commerce", listed(exports)),
            &format!("implement one world of martlet:commerce, which one of these tells: {}", functions()),
        ),
        LoadError::NoSuchWorld { world, version } => one(
            "world",
            &format!("martlet:commerce {version} has no world `{world}`"),
            &format!("build it against {}", WIT_VERSIONS.last().copied().unwrap_or_default()),
        ),
        LoadError::SeveralWorlds { worlds } => one(
            "world",
            &format!("it is of several worlds: {}", listed(worlds)),
            "make one component for each world",
        ),
        LoadError::MissingExport { world, export } => one(
            "world",
            &format!("it doesn't export `{export}`, which the world `{world}` asks for"),
            "implement every function of the world",
        ),
        LoadError::WitVersion { found } => one(
            "imports",
            &format!("it was built for martlet:commerce {found}"),
            &format!("build it against martlet:commerce {}", listed(WIT_VERSIONS)),
        ),
        LoadError::NoWitVersion => one(
            "imports",
            "it doesn't name the martlet:commerce it was built for",
            "build it from the published WIT package",
        ),
        LoadError::UnknownImports(imports) => {
            let refusal = |import: &crate::UnknownImport| Refusal {
                check: "imports",
                found: format!("it imports `{}`, which can't be had", import.name),
                advice: import.advice.to_owned(),
            };
            imports.iter().map(refusal).collect()
        }
        LoadError::Signature { world, version, problem } => one(
            "world",
            &format!("it doesn't fit the world `{world}` of martlet:commerce {version}: {problem}"),
            "build it from the published WIT package, unchanged",
        ),
        LoadError::DoesNotStart(failure) => one(
            "start",
            &format!("it can't be instantiated: {}", failure.explain()),
            "ask for no more memory than there is, and do nothing before a function is called",
        ),
    }
}

fn listed<T: std::fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}
