//! Published interfaces never change: components that were built against them run for ever.
//!
//! `wit/PUBLISHED` names every file of every published version by its SHA-256. It only ever grows, which
//! the history of the repository says, where there is one.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::{run, workspace};

/// Checks that no published file was changed, added or removed, and no line of the list itself.
pub(crate) fn check() -> Result<()> {
    let folder = workspace::root().join("wit");
    let list = std::fs::read_to_string(folder.join("PUBLISHED")).context("wit/PUBLISHED can't be read")?;
    let published = published(&list)?;
    compare(&published, &present(&folder)?)?;
    let mut log = Command::new("git");
    log.args(["log", "--format=", "--unified=0", "-p", "--", "wit/PUBLISHED"]).current_dir(workspace::root());
    match run::output(&mut log) {
        Ok(history) => only_grew(&history),
        Err(_) => {
            run::say("wit: there is no history here that says whether wit/PUBLISHED only grew");
            Ok(())
        }
    }
}

/// Digests by file.
fn published(list: &str) -> Result<BTreeMap<String, String>> {
    let lines = list.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (digest, file) =
                line.split_once("  ").with_context(|| format!("wit/PUBLISHED: what is {line:?}?"))?;
            Ok((file.to_owned(), digest.to_owned()))
        })
        .collect()
}

fn present(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for version in std::fs::read_dir(folder)? {
        let version = version?;
        if !version.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(version.path())? {
            let file = file?;
            let name = format!("{}/{}", version.file_name().display(), file.file_name().display());
            let digest = Sha256::digest(std::fs::read(file.path())?);
            files.insert(name, digest.iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
    Ok(files)
}

fn compare(published: &BTreeMap<String, String>, present: &BTreeMap<String, String>) -> Result<()> {
    for (file, digest) in published {
        match present.get(file) {
            Some(found) if found == digest => {}
            Some(_) => {
                bail!("wit/{file} is published and was changed: put it back, and publish another version")
            }
            None => bail!("wit/{file} is published and is gone: put it back"),
        }
    }
    match present.keys().find(|file| !published.contains_key(*file)) {
        Some(file) => bail!("wit/{file} isn't published: add its line to wit/PUBLISHED, or take it out"),
        None => Ok(()),
    }
}

/// A line that went away in some commit was changed or removed.
fn only_grew(history: &str) -> Result<()> {
    let gone = |line: &&str| line.starts_with('-') && !line.starts_with("---");
    match history.lines().find(gone) {
        Some(line) => bail!("wit/PUBLISHED lost a line once, and what is published stays so: {line}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(file, digest)| ((*file).to_owned(), (*digest).to_owned())).collect()
    }

    #[test]
    fn what_is_published_is_there_as_it_was_and_nothing_else_is() {
        let published = files(&[("1.0.0/types.wit", "aa"), ("1.0.0/worlds.wit", "bb")]);
        assert!(compare(&published, &published).is_ok());
        for (present, problem) in [
            (
                files(&[("1.0.0/types.wit", "aa"), ("1.0.0/worlds.wit", "cc")]),
                "worlds.wit is published and was changed",
            ),
            (files(&[("1.0.0/types.wit", "aa")]), "worlds.wit is published and is gone"),
            (
                files(&[("1.0.0/types.wit", "aa"), ("1.0.0/worlds.wit", "bb"), ("1.0.0/more.wit", "cc")]),
                "more.wit isn't published",
            ),
        ] {
            let error = compare(&published, &present).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn the_list_only_grows() {
        assert!(only_grew("--- /dev/null\n+++ b/wit/PUBLISHED\n+aa  1.0.0/types.wit").is_ok());
        let error = only_grew("--- a/wit/PUBLISHED\n-aa  1.0.0/types.wit\n+bb  1.0.0/types.wit").unwrap_err();
        assert!(error.to_string().contains("-aa  1.0.0/types.wit"));
    }

    #[test]
    fn the_repository_holds_to_it() {
        check().unwrap();
    }
}
