//! What is removed from a cache in time.

use std::{collections::BTreeSet, fs, io, time::Duration};

use martlet_domain::{Digest, Timestamp};

use super::{Cache, folder::TEMPORARY, timestamp};

/// How long a temporary file may take to get its name. Whoever was writing an older one is gone.
const WRITTEN_WITHIN: Duration = Duration::from_secs(3_600);

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Compiled components.
    pub entries: usize,
    /// Files that somebody began to write.
    pub temporary: usize,
}

impl Cache {
    /// Removes what nobody has used for so long: entries of components that aren't `wanted`, and those
    /// of engines other than these, which end in `ours`. Files that aren't the cache's stay.
    pub(crate) fn sweep(
        &self,
        wanted: &BTreeSet<Digest>,
        ours: &[&str],
        unused_for: Duration,
    ) -> io::Result<Swept> {
        let now = (self.now)();
        let before = now.minus(unused_for);
        let mut swept = Swept::default();
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            let Some(used) = last_use(&file)? else { continue };
            let (count, gone) = if name.starts_with(TEMPORARY) {
                (&mut swept.temporary, used < now.minus(WRITTEN_WITHIN))
            } else if let Some((digest, engine)) = parts(name) {
                let wanted = wanted.contains(&digest) && ours.contains(&engine);
                (&mut swept.entries, used < before && !wanted)
            } else {
                continue;
            };
            if gone && removed(fs::remove_file(file.path()))? {
                *count += 1;
            }
        }
        Ok(swept)
    }
}

/// The name of an entry: the component, and the engine it was compiled for.
pub(crate) fn name(component: Digest, engine: &str) -> String {
    format!("{component}.{engine}")
}

fn parts(name: &str) -> Option<(Digest, &str)> {
    let (component, engine) = name.split_once('.')?;
    Some((component.parse().ok()?, engine))
}

/// Nothing where somebody else was faster.
fn last_use(file: &fs::DirEntry) -> io::Result<Option<Timestamp>> {
    match file.metadata().and_then(|found| found.modified()) {
        Ok(modified) => Ok(Some(timestamp(modified))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn removed(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
