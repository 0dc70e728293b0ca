//! Connections to one MySQL server, signed in to with the password of the day.

use std::sync::Arc;

use sqlx::{MySql, MySqlPool, Transaction, mysql::MySqlConnectOptions, pool::PoolConnection};

use crate::{StoreConfig, StoreError, dialect, password_file::PasswordFile};

/// Connections to one MySQL server. All are taken here: a pool alone doesn't know that passwords change.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    pool: MySqlPool,
    password: Option<Arc<PasswordFile>>,
}

impl Connections {
    /// Makes one at once, which shows whether the server can be used.
    pub(crate) async fn open(options: MySqlConnectOptions, config: &StoreConfig) -> Result<Self, StoreError> {
        let connections = Self::lazy(options, config).await?;
        let error = match connections.acquire().await {
            Ok(_) => return Ok(connections),
            Err(error) => error,
        };
        let file = connections.password.filter(|_| dialect::is_sign_in_refused(&error));
        let with = file.map(|file| format!(" with the password in {}", file.path().display()));
        let with = with.unwrap_or_default();
        Err(StoreError::Unusable(format!("MySQL doesn't let us in{with} ({error})")))
    }

    /// Makes none before one is wanted.
    pub(crate) async fn lazy(options: MySqlConnectOptions, config: &StoreConfig) -> Result<Self, StoreError> {
        let password = match &config.password_file {
            Some(path) => Some(Arc::new(PasswordFile::open(path).await?)),
            None => None,
        };
        let options = match &password {
            Some(file) => options.password(&file.password()),
            None => options,
        };
        let pool = dialect::mysql_pool_options(config, options.get_port()).connect_lazy_with(options);
        Ok(Self { pool, password })
    }

    /// Others to the same server, used in another way.
    pub(crate) async fn beside(&self, config: StoreConfig) -> Result<Self, StoreError> {
        let password_file = self.password.as_ref().map(|file| file.path().to_owned());
        Self::open(self.options(), &StoreConfig { password_file, ..config }).await
    }

    /// A connection, once one is free.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        self.signed_in(|pool| async move { pool.acquire().await }).await
    }

    /// A transaction, once a connection is free.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, MySql>, sqlx::Error> {
        self.signed_in(|pool| async move { pool.begin().await }).await
    }

    /// Takes something from the pool. Where the server refuses the password for it, and the file has another
    /// one by now, it is tried once more with that.
    async fn signed_in<T, F>(&self, take: impl Fn(MySqlPool) -> F) -> Result<T, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let Some(file) = &self.password else { return take(self.pool.clone()).await };
        let tried = file.password();
        match take(self.pool.clone()).await {
            Err(error) if dialect::is_sign_in_refused(&error) && file.renew(&self.pool, &tried).await => {
                take(self.pool.clone()).await
            }
            taken => taken,
        }
    }

    /// How new connections are made.
    pub(crate) fn options(&self) -> MySqlConnectOptions {
        (*self.pool.connect_options()).clone()
    }

    /// How many there are.
    pub(crate) fn size(&self) -> u32 {
        self.pool.size()
    }

    /// How many of them are free.
    pub(crate) fn num_idle(&self) -> usize {
        self.pool.num_idle()
    }

    /// Whether there are as many as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.size() >= self.pool.options().get_max_connections()
    }

    /// Closes all once they are free.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
