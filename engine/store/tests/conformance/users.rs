//! Users of MySQL that a test makes, and the files their passwords stand in.

use std::path::PathBuf;

use martlet_store::{Db, StoreConfig, StoreError, UserMade};
use sqlx::{ConnectOptions as _, MySqlConnection, mysql::MySqlConnectOptions};
use tempfile::TempDir;

use crate::harness::{World, new_name};

/// Passwords that a user has one after another.
pub(crate) const PASSWORDS: [&str; 3] =
    ["the-first-password-1", "the_second_password_2", "TheThirdPassword0003"];

/// A user of MySQL.
pub(crate) struct User {
    pub(crate) name: String,
    folder: TempDir,
}

impl User {
    /// One that isn't made yet, with the first password in its file. Nothing where there are no users, and
    /// neither can be had.
    pub(crate) async fn new(world: &World) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if let Db::Sqlite { .. } = world.db {
            let user = Self { name: "engine".to_owned(), folder };
            user.write(PASSWORDS[0]);
            assert!(matches!(user.give(world).await, Err(StoreError::DatabaseUser(_))));
            let opened = Db::open(&world.url, &user.config()).await;
            assert!(matches!(opened, Err(StoreError::Unusable(_))));
            return None;
        }
        let user = Self { name: new_name(), folder };
        user.write(PASSWORDS[0]);
        Some(user)
    }

    /// One that is let into the world's database.
    pub(crate) async fn made(world: &World) -> Option<Self> {
        let user = Self::new(world).await?;
        assert_eq!(user.give(world).await.unwrap(), UserMade::New);
        Some(user)
    }

    /// Makes it, or gives it the password of its file.
    pub(crate) async fn give(&self, world: &World) -> Result<UserMade, StoreError> {
        world.db.make_user(&self.name, &self.file()).await
    }

    /// The file of its password.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// Changes its file, and nothing else.
    pub(crate) fn write(&self, password: &str) {
        std::fs::write(self.file(), format!("{password}\n")).unwrap();
    }

    /// Changes its password on the server, and nothing else. The one it had works no more.
    pub(crate) async fn change(&self, world: &World, password: &str) {
        let sql = format!("ALTER USER '{}'@'%' IDENTIFIED BY '{password}'", self.name);
        world.attempt(sql).await.unwrap();
    }

    /// Signs in to a database with a password.
    pub(crate) async fn sign_in(
        &self,
        database: &str,
        password: &str,
    ) -> Result<MySqlConnection, sqlx::Error> {
        let options: MySqlConnectOptions = database.parse().unwrap();
        options.username(&self.name).password(password).connect().await
    }

    /// The URL of a database, for this user with a password that isn't its.
    pub(crate) fn url(&self, database: &str) -> String {
        let place = database.strip_prefix("mysql://").unwrap();
        let place = place.split_once('@').map_or(place, |(_, place)| place);
        format!("mysql://{}:verysecret@{place}", self.name)
    }

    /// How an engine has the password of its file.
    pub(crate) fn config(&self) -> StoreConfig {
        StoreConfig { password_file: Some(self.file()), max_connections: 2, ..StoreConfig::default() }
    }
}
