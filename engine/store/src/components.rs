//! The bytes of components, shared by all stores and named by their digest.

use martlet_domain::Digest;

use crate::{Db, StoreError, Tx, codec::RowOf};

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
        let bytes = chunks.concat();
        if Digest::of(&bytes) != digest {
            return Err(RowOf::named("component_chunks", digest).corrupt("bytes", "they have another digest"));
        }
        Ok(Some(bytes))
    }
}

/// Makes sure that a component is what its version says.
pub(crate) fn check(digest: Digest, size: i64, component: &[u8]) -> Result<(), StoreError> {
    if Digest::of(component) == digest && usize::try_from(size) == Ok(component.len()) {
        Ok(())
    } else {
        Err(StoreError::ComponentMismatch)
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
        Err(error) if error.as_database_error().is_some_and(|known| known.is_unique_violation()) => {
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
