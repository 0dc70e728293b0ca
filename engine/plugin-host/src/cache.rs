//! Compiled components on disk, so that a start compiles nothing that was compiled before.
//!
//! Compiled code runs outside of any sandbox, so an entry is believed for its MAC alone, whose key
//! stands beside the entries and can be read by their owner only. An entry is never a reason to
//! refuse a component: one that isn't as it was written is removed, and made again from the
//! component's own bytes.

mod entry;
mod folder;
mod sweep;

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit as _};
use martlet_domain::Timestamp;
use sha2::Sha256;

pub(crate) use entry::OwnCode;
pub use folder::CacheError;
pub use sweep::Swept;
pub(crate) use sweep::name;

/// Tells the time, for the ages of entries.
pub type Now = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// How old the last use of an entry may be before it is noted anew.
const TOUCHED_AFTER: Duration = Duration::from_secs(86_400);

/// A folder of compiled components. Any number of processes may share it.
pub struct Cache {
    folder: PathBuf,
    mac: Hmac<Sha256>,
    /// What the names of this process' temporary files begin with.
    temporary: String,
    written: AtomicU64,
    now: Now,
}

impl Cache {
    /// Opens a folder, and makes it and its key where they aren't there yet. `draw` is asked for 32
    /// bytes that nobody can guess.
    ///
    /// # Errors
    ///
    /// [`CacheError::Exposed`] when others could put code into it or can read its key, which is to be
    /// refused; [`CacheError::Unusable`] when it can't be read, or not be made.
    pub fn open(folder: &Path, draw: impl Fn() -> [u8; 32], now: Now) -> Result<Self, CacheError> {
        let temporary = folder::temporary(draw());
        let key = folder::open(folder, &temporary, draw)?;
        let mac = Hmac::new_from_slice(&key).expect("HMAC takes keys of any length (RFC 2104, section 2)");
        Ok(Self { folder: folder.to_owned(), mac, temporary, written: AtomicU64::new(0), now })
    }

    /// Looks at a folder as [`Cache::open`] would and leaves it as it is. Whether there is one yet.
    ///
    /// # Errors
    ///
    /// As for [`Cache::open`], and when the folder can't be written to.
    pub fn check(folder: &Path, draw: impl Fn() -> [u8; 32]) -> Result<bool, CacheError> {
        folder::check(folder, &folder::temporary(draw()))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The code of an entry, if it is as one with this key has written it.
    pub(crate) fn find(&self, name: &str) -> Option<OwnCode> {
        match self.read(name) {
            Ok(Some(code)) => Some(code),
            Ok(None) => {
                self.discard(name, "it isn't as it was written");
                None
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.discard(name, &error.to_string());
                None
            }
        }
    }

    /// Keeps code under a name. A folder that can't be written to costs the next start some time and
    /// nothing else.
    pub(crate) fn keep(&self, name: &str, code: &[u8]) {
        if let Err(error) = self.write(name, code) {
            tracing::warn!(folder = %self.folder.display(), name, %error, "compiled code isn't kept");
        }
    }

    /// Removes an entry that can't be used.
    pub(crate) fn discard(&self, name: &str, problem: &str) {
        let folder = self.folder.display();
        tracing::warn!(%folder, name, problem, "kept code is not used: the component is compiled again");
        match fs::remove_file(self.folder.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%folder, name, %error, "kept code can't be removed"),
        }
    }

    /// Nothing when it isn't what was written.
    fn read(&self, name: &str) -> io::Result<Option<OwnCode>> {
        let mut file = File::open(self.folder.join(name))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let code = entry::open(&self.mac, name, bytes);
        if code.is_some()
            && let Err(error) = self.touch(&file)
        {
            tracing::debug!(name, %error, "the last use of kept code isn't noted");
        }
        Ok(code)
    }

    fn touch(&self, file: &File) -> io::Result<()> {
        let now = (self.now)();
        let used = timestamp(file.metadata()?.modified()?);
        if used > now.minus(TOUCHED_AFTER) { Ok(()) } else { file.set_modified(system_time(now)) }
    }

    fn write(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let turn = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = self.folder.join(format!("{}{turn}", self.temporary));
        let written = folder::create(&temporary).and_then(|mut file| {
            file.write_all(&entry::head(&self.mac, name, code))?;
            file.write_all(code)?;
            file.set_modified(system_time((self.now)()))?;
            // Not synced: what a power cut leaves of it doesn't have its MAC, and is made again.
            fs::rename(&temporary, self.folder.join(name))
        });
        if written.is_err() {
            // Gone already, or never made, or for the sweep.
            drop(fs::remove_file(&temporary));
        }
        written
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::from_millis(0).plus(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn system_time(timestamp: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(timestamp.as_millis()).unwrap_or(0))
}
