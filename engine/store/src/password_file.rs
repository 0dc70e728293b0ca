//! A file that a password stands in: whoever changes the password writes the new one there.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sqlx::MySqlPool;

use crate::StoreError;

/// More than this isn't a password.
const MOST_BYTES: u64 = 4_096;

/// The file of the password that a pool signs in with.
pub(crate) struct PasswordFile {
    path: PathBuf,
    /// What the pool signs in with.
    password: Mutex<Arc<str>>,
}

impl PasswordFile {
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { path: path.to_owned(), password: Mutex::new(read(path).await?) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the pool signs in with.
    pub(crate) fn password(&self) -> Arc<str> {
        self.locked().clone()
    }

    /// Reads the file again, for a pool whose server has refused a password. Whether the pool now signs in
    /// with another one than that.
    pub(crate) async fn renew(&self, pool: &MySqlPool, refused: &str) -> bool {
        let found = match read(&self.path).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "the database refuses its password, and there is no other");
                return false;
            }
        };
        let is_another = *found != *refused;
        let mut password = self.locked();
        // Many are refused at once, and the first of them changes it.
        if is_another && *password != found {
            let options = (*pool.connect_options()).clone().password(&found);
            let (host, user) = (options.get_host(), options.get_username());
            tracing::info!(file = %self.path.display(), host, user, "the database's password was taken up anew");
            pool.set_connect_options(options);
            *password = found;
        }
        is_another
    }

    fn locked(&self) -> MutexGuard<'_, Arc<str>> {
        self.password.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PasswordFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The password in a file, without the end of its line.
pub(crate) async fn read(path: &Path) -> Result<Arc<str>, StoreError> {
    let problem = |problem: String| StoreError::PasswordFile { path: path.to_owned(), problem };
    let own = path.to_owned();
    let bytes = match tokio::task::spawn_blocking(move || read_bytes(&own)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(problem(format!("can't be read ({error})"))),
        Err(error) => return Err(problem(format!("wasn't read to its end ({error})"))),
    };
    if bytes.len() as u64 > MOST_BYTES {
        return Err(problem(format!("has more than {MOST_BYTES} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| problem("isn't text in UTF-8".to_owned()))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() { Err(problem("is empty".to_owned())) } else { Ok(line.into()) }
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_from(contents: &[u8]) -> Result<Arc<str>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), contents).unwrap();
        read(file.path()).await.map_err(|error| {
            let path = file.path().display().to_string();
            let words = format!("{error} {error:?}");
            assert!(words.contains(&path) && !words.contains("hunter"), "{words}");
            error.to_string().replace(&path, "FILE")
        })
    }

    #[tokio::test]
    async fn a_password_is_read_without_the_end_of_its_line() {
        for contents in ["hunter2", "hunter2\n", "hunter2\r\n"] {
            assert_eq!(read_from(contents.as_bytes()).await.as_deref(), Ok("hunter2"));
        }
        assert_eq!(read_from(b" hunter 2 \n\n").await.as_deref(), Ok(" hunter 2 \n"));
        let longest = [b"hunter".as_slice(), &[b'x'; 4_090]].concat();
        assert_eq!(read_from(&longest).await.map(|password| password.len()), Ok(4_096));
    }

    #[tokio::test]
    async fn a_file_without_a_password_is_named_and_its_contents_are_not() {
        let refused = async |contents: &[u8]| read_from(contents).await.unwrap_err();
        assert_eq!(refused(b"").await, "the password file FILE is empty");
        assert_eq!(refused(b"\r\n").await, "the password file FILE is empty");
        assert_eq!(refused(b"hunter\xff").await, "the password file FILE isn't text in UTF-8");
        let long = [b"hunter".as_slice(), &[b'x'; 4_091]].concat();
        assert_eq!(refused(&long).await, "the password file FILE has more than 4096 bytes");
        let error = read(Path::new("/nowhere/password")).await.unwrap_err().to_string();
        assert!(
            error.starts_with("the password file /nowhere/password can't be read (No such file"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_password_is_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter2").unwrap();
        let shown = format!("{:?}", PasswordFile::open(file.path()).await.unwrap());
        assert!(shown.contains("path") && !shown.contains("hunter2"), "{shown}");
    }
}
