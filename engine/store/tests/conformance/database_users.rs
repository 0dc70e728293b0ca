//! The database's user that engines sign in as.

use martlet_store::{Db, StoreConfig, StoreError, UserMade};
use sqlx::{AssertSqlSafe, Executor as _, MySqlConnection};

use crate::{
    harness::{World, create_mysql_database},
    samples,
    users::{PASSWORDS, User},
};

async fn grants(connection: &mut MySqlConnection) -> Vec<String> {
    sqlx::query_scalar("SHOW GRANTS").fetch_all(connection).await.unwrap()
}

/// What the server says to a statement that it refuses.
async fn refused(connection: &mut MySqlConnection, sql: &str) -> String {
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap_err().to_string()
}

fn database(url: &str) -> &str {
    url.rsplit('/').next().unwrap().split('?').next().unwrap()
}

pub(crate) async fn a_user_changes_rows_and_nothing_else(world: World) {
    let url = world.empty_database().await;
    let admin = Db::open(&url, &StoreConfig::default()).await.unwrap();
    admin.migrate().await.unwrap();
    let Some(user) = User::new(&world).await else { return };
    assert_eq!(admin.make_user(&user.name, &user.file()).await.unwrap(), UserMade::New);
    let db = Db::open(&user.url(&url), &user.config()).await.unwrap();
    assert_eq!(db.pending_migrations().await.unwrap(), []);
    let store = samples::store();
    db.insert_store(&store).await.unwrap();
    let coupon = samples::stored_coupon(&db, store.id).await;
    assert_eq!(db.find_coupon(store.id, coupon.id).await.unwrap(), Some(coupon));
    let mut own = user.sign_in(&url, PASSWORDS[0]).await.unwrap();
    let granted = grants(&mut own).await;
    let escaped = database(&url).replace('_', "\\_");
    let rows = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON `{escaped}`.* TO `{}`@`%`", user.name);
    assert!(granted.len() == 2 && granted[0].starts_with("GRANT USAGE ON *.* TO "), "{granted:?}");
    assert_eq!(granted[1], rows);
    // Its name is as the grant's would be if the _ in it stood for any character.
    let (start, end) = database(&url).rsplit_once('_').unwrap();
    let near = format!("{start}x{end}");
    create_mysql_database(&near).await;
    for sql in [
        "CREATE TABLE more (id BIGINT)",
        "CREATE TEMPORARY TABLE more (id BIGINT)",
        "DROP TABLE coupons",
        "ALTER TABLE coupons ADD more BIGINT",
        "CREATE INDEX more ON coupons (id)",
        "TRUNCATE TABLE coupons",
        "LOCK TABLES coupons READ",
        "SELECT user FROM mysql.user",
        "CREATE USER 'more'@'%'",
        &format!("USE {near}"),
    ] {
        let error = refused(&mut own, sql).await;
        assert!(error.contains("denied"), "{sql}: {error}");
    }
    assert!(db.make_user("more", &user.file()).await.is_err());
}

pub(crate) async fn a_user_that_has_the_password_is_let_in_again(world: World) {
    let Some(user) = User::made(&world).await else { return };
    let granted = grants(&mut user.sign_in(&world.url, PASSWORDS[0]).await.unwrap()).await;
    assert_eq!(user.give(&world).await.unwrap(), UserMade::SamePassword);
    assert_eq!(grants(&mut user.sign_in(&world.url, PASSWORDS[0]).await.unwrap()).await, granted);
    world.attempt(format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{}'@'%'", user.name)).await.unwrap();
    assert!(user.sign_in(&world.url, PASSWORDS[0]).await.is_err());
    assert_eq!(user.give(&world).await.unwrap(), UserMade::SamePassword);
    assert_eq!(grants(&mut user.sign_in(&world.url, PASSWORDS[0]).await.unwrap()).await, granted);
}

pub(crate) async fn a_new_password_leaves_the_former_where_the_server_can(world: World) {
    let Some(user) = User::made(&world).await else { return };
    let Db::MySql(pools) = &world.db else { panic!("a database on MySQL") };
    let mut connection = pools.acquire().await.unwrap();
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await.unwrap();
    let former_works = !version.contains("MariaDB");
    let works = async |password| user.sign_in(&world.url, password).await.is_ok();
    user.write(PASSWORDS[1]);
    assert_eq!(user.give(&world).await.unwrap(), UserMade::NewPassword { former_works });
    assert_eq!((works(PASSWORDS[0]).await, works(PASSWORDS[1]).await), (former_works, true));
    // The same once more takes nothing away.
    assert_eq!(user.give(&world).await.unwrap(), UserMade::SamePassword);
    assert_eq!((works(PASSWORDS[0]).await, works(PASSWORDS[1]).await), (former_works, true));
    user.write(PASSWORDS[2]);
    assert_eq!(user.give(&world).await.unwrap(), UserMade::NewPassword { former_works });
    assert!(!works(PASSWORDS[0]).await);
    assert_eq!((works(PASSWORDS[1]).await, works(PASSWORDS[2]).await), (former_works, true));
}

pub(crate) async fn who_makes_users_stays_as_it_is(world: World) {
    let Some(user) = User::made(&world).await else { return };
    user.write(PASSWORDS[1]);
    let own = user.url(&world.url).replace("verysecret", PASSWORDS[0]);
    let own = Db::open(&own, &StoreConfig::default()).await.unwrap();
    let error = own.make_user(&user.name, &user.file()).await.unwrap_err().to_string();
    assert!(error.ends_with("it would be the one that makes it: choose another name"), "{error}");
    assert!(user.sign_in(&world.url, PASSWORDS[0]).await.is_ok());
}

pub(crate) async fn a_name_or_password_that_is_not_plain_changes_nothing(world: World) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = async |name: &str, password: &str| {
        std::fs::write(file.path(), password).unwrap();
        match world.db.make_user(name, file.path()).await.unwrap_err() {
            StoreError::DatabaseUser(problem) => problem,
            error => panic!("{error}"),
        }
    };
    let Some(user) = User::made(&world).await else {
        assert_eq!(refused("engine", PASSWORDS[0]).await, "SQLite has no users");
        return;
    };
    let long = "x".repeat(33);
    for name in ["", "a-b", "a'b", "a\\", "ä", "a@localhost", &long] {
        assert_eq!(refused(name, PASSWORDS[0]).await, "its name is 1 to 32 letters, digits and _", "{name}");
        let Db::MySql(pools) = &world.db else { panic!("a database on MySQL") };
        let mut connection = pools.acquire().await.unwrap();
        let count = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM mysql.user WHERE user = ? AND host = '%'");
        assert_eq!(count.bind(name).fetch_one(&mut *connection).await.unwrap(), 0, "{name}");
    }
    let long = "x".repeat(129);
    for password in ["x", "123456789012345", "a password in words", "it's-too-dangerous", "pässwort-pässwort", &long] {
        let problem = refused(&user.name, password).await;
        assert_eq!(problem, "its password is 16 to 128 letters, digits, _ and -", "{password}");
    }
    assert!(user.sign_in(&world.url, PASSWORDS[0]).await.is_ok());
    let error = world.db.make_user(&user.name, "/nowhere/password".as_ref()).await.unwrap_err().to_string();
    assert!(error.starts_with("the password file /nowhere/password can't be read ("), "{error}");
}
