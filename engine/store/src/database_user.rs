//! The database's user that engines sign in as: it reads and changes rows, and no tables.

use std::path::Path;

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, MySqlConnection,
    mysql::MySqlConnectOptions,
};

use crate::{Db, StoreError, dialect, password_file};

/// MySQL takes no longer names.
const LONGEST_NAME: usize = 32;
/// How long passwords are.
const PASSWORD_LENGTHS: std::ops::RangeInclusive<usize> = 16..=128;

/// What had to be done for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserMade {
    /// It was made.
    New,
    /// It signs in with the password already.
    SamePassword,
    /// It was given the password.
    NewPassword {
        /// Whether it may go on to sign in with the one it had, until it is given another.
        former_works: bool,
    },
}

/// What stands in statements that take no placeholders. It is harmless there: see [`Asked::check`].
struct Asked<'a> {
    name: &'a str,
    password: &'a str,
    database: &'a str,
}

impl Db {
    /// Makes the user of MySQL that engines sign in as from anywhere, or gives it another password, which
    /// stands in a file. It may read and change the rows of this database; what it was granted otherwise stays.
    /// This is done as the user of this handle, who must be allowed to.
    pub async fn make_user(&self, name: &str, password_file: &Path) -> Result<UserMade, StoreError> {
        let Self::MySql(pools) = self else {
            return Err(StoreError::DatabaseUser("SQLite has no users".to_owned()));
        };
        let password = password_file::read(password_file).await?;
        // The log must not have the password, even where a statement is slow.
        let options = pools.primary().options().disable_statement_logging();
        let asked = Asked { name, password: &password, database: options.get_database().unwrap_or_default() };
        asked.check(options.get_username())?;
        let mut connection = options.connect().await?;
        let made = make(&mut connection, &options, &asked).await?;
        let Asked { name, database, .. } = asked;
        // In a grant _ stands for any character.
        let database = database.replace('_', "\\_");
        let grant = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.* TO '{name}'@'%'");
        connection.execute(AssertSqlSafe(grant)).await?;
        connection.close().await?;
        Ok(made)
    }
}

impl Asked<'_> {
    /// `own` is the name of who makes it.
    fn check(&self, own: &str) -> Result<(), StoreError> {
        let all = |text: &str, others: &[u8]| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
        };
        let problem = if !(1..=LONGEST_NAME).contains(&self.name.len()) || !all(self.name, b"_") {
            "its name is 1 to 32 letters, digits and _"
        } else if self.name == own {
            "it would be the one that makes it: choose another name"
        } else if !PASSWORD_LENGTHS.contains(&self.password.len()) || !all(self.password, b"_-") {
            "its password is 16 to 128 letters, digits, _ and -"
        } else if !all(self.database, b"_-") {
            "the database's name has something else than letters, digits, _ and -"
        } else {
            return Ok(());
        };
        Err(StoreError::DatabaseUser(problem.to_owned()))
    }
}

async fn make(
    connection: &mut MySqlConnection,
    options: &MySqlConnectOptions,
    asked: &Asked<'_>,
) -> Result<UserMade, StoreError> {
    let identified = format!("USER '{}'@'%' IDENTIFIED BY '{}'", asked.name, asked.password);
    match connection.execute(AssertSqlSafe(format!("CREATE {identified}"))).await {
        Ok(_) => return Ok(UserMade::New),
        Err(error) if dialect::is_user_taken(&error) => {}
        Err(error) => return Err(error.into()),
    }
    if signs_in(options, asked).await? {
        return Ok(UserMade::SamePassword);
    }
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
    let former_works = dialect::keeps_former_password(&version);
    let retain = if former_works { " RETAIN CURRENT PASSWORD" } else { "" };
    connection.execute(AssertSqlSafe(format!("ALTER {identified}{retain}"))).await?;
    Ok(UserMade::NewPassword { former_works })
}

/// Whether the user has the password, on the server that `options` lead to.
async fn signs_in(options: &MySqlConnectOptions, asked: &Asked<'_>) -> Result<bool, StoreError> {
    // A database that is everybody's: the user may not be let into ours yet.
    let options =
        options.clone().username(asked.name).password(asked.password).database("information_schema");
    match options.connect().await {
        Ok(connection) => Ok(connection.close().await.map(|()| true)?),
        Err(error) if dialect::is_sign_in_refused(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn what_stands_in_a_statement_is_plain() {
        let problem = |name: &str, password: &str, database: &str| {
            let asked = Asked { name, password, database };
            asked.check("admin").err().map(|error| error.to_string()).unwrap_or_default()
        };
        let password = "0123456789abcde_";
        assert_eq!(problem("engine_1", password, "my-shop_2"), "");
        assert_eq!(problem(&"x".repeat(32), &"-".repeat(128), "shop"), "");
        assert!(problem("admin", password, "shop").ends_with("choose another name"));
        for database in ["my`shop", "my\\shop", "my%shop", "my shop", "läden"] {
            assert!(problem("engine", password, database).contains("the database's name"), "{database}");
        }
        for password in ["0123456789abcde", "0123456789abcde'", "0123456789abcde\n", &"x".repeat(129)] {
            let problem = problem("engine", password, "shop");
            assert!(problem.contains("its password is 16 to 128") && !problem.contains("0123"), "{problem}");
        }
    }
}
