//! Which packages of the plugins' workspace become components.

use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{run, workspace};

/// A package that is built as a `cdylib`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// Its name, which its component bears too.
    pub(super) name: String,
    /// The name of its library, which is the file's that cargo makes.
    pub(super) library: String,
}

/// All of them, by name.
pub(super) fn list() -> Result<Vec<Package>> {
    let mut metadata = Command::new(super::toolchain::cargo()?);
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(workspace::plugins());
    let metadata = run::output(&mut metadata)?;
    let metadata = serde_json::from_str(&metadata).context("cargo metadata answered no JSON")?;
    let packages = of_metadata(&metadata);
    if packages.is_empty() {
        bail!("no package in {} has crate-type = [\"cdylib\"]", workspace::plugins().display());
    }
    Ok(packages)
}

fn of_metadata(metadata: &Value) -> Vec<Package> {
    let mut packages: Vec<_> = items(&metadata["packages"])
        .filter_map(|package| {
            let library = items(&package["targets"])
                .find(|target| items(&target["crate_types"]).any(|kind| kind == "cdylib"))?;
            let library = library["name"].as_str()?.replace('-', "_");
            Some(Package { name: package["name"].as_str()?.to_owned(), library })
        })
        .collect();
    packages.sort_by(|one, other| one.name.cmp(&other.name));
    packages
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn packages_with_a_cdylib_become_components() {
        let metadata = json!({"packages": [
            {"name": "sdk", "targets": [{"name": "sdk", "crate_types": ["lib"]}]},
            {"name": "two-for-one", "targets": [
                {"name": "build-script-build", "crate_types": ["bin"]},
                {"name": "two_for_one", "crate_types": ["cdylib", "rlib"]},
            ]},
            {"name": "a", "targets": [{"name": "a-b", "crate_types": ["cdylib"]}]},
        ]});
        let package =
            |name: &str, library: &str| Package { name: name.to_owned(), library: library.to_owned() };
        assert_eq!(of_metadata(&metadata), [package("a", "a_b"), package("two-for-one", "two_for_one")]);
    }
}
