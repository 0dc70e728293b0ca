//! The folder of a cache and its key: who else could write to it, or read it.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Name of the key's file.
const KEY: &str = "key";
/// What temporary files begin with.
pub(super) const TEMPORARY: &str = "tmp-";
/// Bits of a mode by which others than the owner write.
const OTHERS_WRITE: u32 = 0o022;
/// Bits of a mode by which others than the owner do anything.
const OTHERS: u32 = 0o077;

/// A folder can't be a cache of compiled components.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Others could put code into it, which would run here, or could sign such code.
    #[error("{path} {problem}")]
    Exposed {
        /// Of the folder or its key.
        path: String,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// It can't be read, or can't be made.
    #[error("{path} can't be used: {source}")]
    Unusable {
        /// Of the folder or its key.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// What the names of a process' temporary files begin with. Processes in several containers may have
/// one number, so it is drawn.
pub(super) fn temporary(drawn: [u8; 32]) -> String {
    let digits: String = drawn[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{TEMPORARY}{digits}-")
}

/// The key of a folder. Both are made where they aren't there yet.
pub(super) fn open(
    folder: &Path,
    temporary: &str,
    draw: impl Fn() -> [u8; 32],
) -> Result<[u8; 32], CacheError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable(folder))?;
    let path = folder.join(KEY);
    let probed = probe(folder, temporary);
    let owner = probed.as_ref().ok().map(Metadata::uid);
    check_folder(folder, owner)?;
    if !path.try_exists().map_err(unusable(&path))? {
        probed
            .and_then(|_| make_key(&path, &folder.join(format!("{temporary}key")), draw))
            .map_err(unusable(&path))?;
    }
    let (key, made_by) = read_key(&path, owner)?;
    // Where nothing can be written, the key's owner is whoever runs this: nobody else could read it.
    check_folder(folder, owner.or(Some(made_by)))?;
    Ok(key)
}

/// Whether there is a folder, and it could be opened and written to.
pub(super) fn check(folder: &Path, temporary: &str) -> Result<bool, CacheError> {
    if !folder.try_exists().map_err(unusable(folder))? {
        return Ok(false);
    }
    let owner = probe(folder, temporary).map_err(unusable(folder))?.uid();
    check_folder(folder, Some(owner))?;
    let path = folder.join(KEY);
    if path.try_exists().map_err(unusable(&path))? {
        read_key(&path, Some(owner))?;
    }
    Ok(true)
}

/// A file that nobody else reads or writes.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Makes a file and removes it again: what is known of it says who runs this process.
fn probe(folder: &Path, temporary: &str) -> io::Result<Metadata> {
    let path = folder.join(format!("{temporary}probe"));
    let metadata = create(&path)?.metadata();
    fs::remove_file(&path)?;
    metadata
}

fn check_folder(folder: &Path, owner: Option<u32>) -> Result<(), CacheError> {
    let found = fs::metadata(folder).map_err(unusable(folder))?;
    if !found.is_dir() {
        return Err(unusable(folder)(io::ErrorKind::NotADirectory.into()));
    }
    if found.mode() & OTHERS_WRITE != 0 {
        let problem = "can be written to by others, whose code would run here: make it `chmod 700`";
        return Err(exposed(folder, problem));
    }
    // The superuser could do anything anyway.
    if owner.is_some_and(|owner| ![0, owner].contains(&found.uid())) {
        let problem = "is another user's, whose code would run here: take a folder of the server's own user";
        return Err(exposed(folder, problem));
    }
    Ok(())
}

/// Makes the key, unless another process is faster. It appears whole: the link is made when all of it
/// is on the disk, and no link replaces another.
fn make_key(path: &Path, temporary: &Path, draw: impl Fn() -> [u8; 32]) -> io::Result<()> {
    let made = create(temporary).and_then(|mut file| {
        file.write_all(&draw())?;
        file.sync_all()?;
        fs::hard_link(temporary, path)
    });
    // Gone already, or for the sweep.
    drop(fs::remove_file(temporary));
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// The key, and whose it is.
fn read_key(path: &Path, owner: Option<u32>) -> Result<([u8; 32], u32), CacheError> {
    let file = File::open(path).map_err(unusable(path))?;
    let found = file.metadata().map_err(unusable(path))?;
    if found.mode() & OTHERS != 0 {
        let problem = "can be read by others, who could sign code with it: delete it with the whole folder";
        return Err(exposed(path, problem));
    }
    if owner.is_some_and(|owner| ![0, owner].contains(&found.uid())) {
        return Err(exposed(path, "is another user's: delete it with the whole folder"));
    }
    let mut bytes = Vec::new();
    file.take(33).read_to_end(&mut bytes).map_err(unusable(path))?;
    let key = bytes.try_into().map_err(|_| {
        unusable(path)(io::Error::other("it isn't a key of 32 bytes: delete it, and another one is made"))
    })?;
    Ok((key, found.uid()))
}

fn exposed(path: &Path, problem: &'static str) -> CacheError {
    CacheError::Exposed { path: path.display().to_string(), problem }
}

fn unusable(path: &Path) -> impl Fn(io::Error) -> CacheError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| CacheError::Unusable { path: path.display().to_string(), source }
}
