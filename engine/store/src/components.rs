//! The bytes of components, shared by all stores and named by their digest.

use martlet_domain::Digest;

use crate::{Db, StoreError, Tx, codec::RowOf, error::is_unique_violation};

/// Bytes a row holds at most. MariaDB takes packets of 16 MiB by default, and a component may
/// have 32 MiB.
const CHUNK: usize = 4 * 1024 * 1024;

impl Db {
    /// The bytes of a component. [`StoreError::Corrupt`] when they don't hash to its digest.
    pub async fn find_component(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        const SQL: &str = "SELECT size FROM components WHERE digest = ?";
        const CHUNKS: &str = "SELECT bytes FROM component_chunks WHERE digest = ? ORDER BY position";
        let name = digest.as_bytes().as_slice();
        let size: Option<i64> = read!(self, |c| sqlx::query_scalar(SQL).bind(name).fetch_optional(c).await)?;
        if size.is_none() {
            return Ok(None);
        }
        let chunks: Vec<Vec<u8>> = read!(self, |c| sqlx::query_scalar(CHUNKS).bind(name).fetch_all(c).await)?;
        // Millions of bytes: the threads that answer requests have something else to do.
        let joined = blocking(move || {
            let bytes = chunks.concat();
            (Digest::of(&bytes) == digest).then_some(bytes)
        });
        let Some(bytes) = joined.await else {
            return Err(RowOf::named("component_chunks", digest).corrupt("bytes", "they have another digest"));
        };
        Ok(Some(bytes))
    }
}

/// Makes sure that a component is what its version says.
pub(crate) async fn check(digest: Digest, size: i64, component: &[u8]) -> Result<(), StoreError> {
    let (same_size, copy) = (usize::try_from(size) == Ok(component.len()), component.to_vec());
    if same_size && blocking(move || Digest::of(&copy) == digest).await {
        Ok(())
    } else {
        Err(StoreError::ComponentMismatch)
    }
}

/// Runs what takes long off the threads that answer requests. A panic goes on in the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Work that isn't begun is given up when the runtime ends, and its callers with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Stores a component that isn't there yet.
pub(crate) async fn insert_if_new(tx: &mut Tx, digest: Digest, component: &[u8]) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO components (digest, size) VALUES (?, ?)";
    const CHUNK_SQL: &str = "INSERT INTO component_chunks (digest, position, bytes) VALUES (?, ?, ?)";
    let name = digest.as_bytes().as_slice();
    let size = i64::try_from(component.len()).map_err(|_| StoreError::OutOfBounds)?;
    match run!(tx, |c| sqlx::query(SQL).bind(name).bind(size).execute(c).await.map(drop)) {
        Ok(()) => {}
        Err(error) if is_unique_violation(&error) => {
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    }
    for (position, chunk) in (0_i64..).zip(component.chunks(CHUNK)) {
        run!(tx, |c| sqlx::query(CHUNK_SQL)
            .bind(name)
            .bind(position)
            .bind(chunk)
            .execute(c)
            .await
            .map(drop))?;
    }
    Ok(())
}
