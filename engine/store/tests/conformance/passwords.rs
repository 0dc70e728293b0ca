//! Passwords that are changed while an engine runs.

use std::time::Duration;

use martlet_store::{Db, StoreConfig, StoreError, Tx};

use crate::{
    harness::World,
    samples,
    users::{PASSWORDS, User},
};

/// The only connections of a database that has two of them. None is made as long as both are held.
async fn both(db: &Db) -> [Tx; 2] {
    [db.begin().await.unwrap(), db.begin().await.unwrap()]
}

async fn connection_id(tx: &mut Tx) -> i64 {
    let Tx::MySql(tx) = tx else { panic!("a transaction on MySQL") };
    sqlx::query_scalar("SELECT CAST(CONNECTION_ID() AS SIGNED)").fetch_one(&mut **tx).await.unwrap()
}

/// Ends a transaction's connection from the server's side, and waits until it has ended.
async fn kill(world: &World, mut tx: Tx) {
    const THERE: &str = "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?";
    let id = connection_id(&mut tx).await;
    world.attempt(format!("KILL {id}")).await.unwrap();
    let Db::MySql(pools) = &world.db else { panic!("a database on MySQL") };
    let mut own = pools.acquire().await.unwrap();
    let ended = async {
        while sqlx::query_scalar::<_, i64>(THERE).bind(id).fetch_one(&mut *own).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    tx.rollback().await;
}

fn is_refused(answer: Result<(), StoreError>) -> bool {
    answer.is_err_and(|error| error.to_string().contains("Access denied"))
}

pub(crate) async fn a_password_that_was_changed_is_read_again(world: World) {
    let Some(user) = User::made(&world).await else { return };
    let db = Db::open(&user.url(&world.url), &user.config()).await.unwrap();
    for password in &PASSWORDS[1..] {
        let [one, two] = both(&db).await;
        user.change(&world, password).await;
        kill(&world, one).await;
        kill(&world, two).await;
        assert!(is_refused(db.ping().await), "the file is as it was");
        assert!(is_refused(db.begin().await.map(drop)), "the file is as it was");
        user.write(password);
        // Whoever is refused has the new one, not only who reads it first.
        let asking: Vec<_> = (0..8)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move { db.begin().await.unwrap().commit().await.unwrap() })
            })
            .collect();
        for asked in asking {
            asked.await.unwrap();
        }
        db.ping().await.unwrap();
    }
    assert!(db.server_limits().await.unwrap().is_some());
}

pub(crate) async fn connections_that_are_open_stay(world: World) {
    let Some(user) = User::made(&world).await else { return };
    let db = Db::open(&user.url(&world.url), &user.config()).await.unwrap();
    let [mut kept, ended] = both(&db).await;
    let id = connection_id(&mut kept).await;
    user.change(&world, PASSWORDS[1]).await;
    kill(&world, ended).await;
    assert!(is_refused(db.ping().await));
    user.write(PASSWORDS[1]);
    db.ping().await.unwrap();
    assert_eq!(connection_id(&mut kept).await, id);
    kept.commit().await.unwrap();
}

pub(crate) async fn a_password_that_cannot_be_read_again_changes_nothing(world: World) {
    let Some(user) = User::made(&world).await else { return };
    let db = Db::open(&user.url(&world.url), &user.config()).await.unwrap();
    let [kept, ended] = both(&db).await;
    user.change(&world, PASSWORDS[1]).await;
    kill(&world, ended).await;
    std::fs::remove_file(user.file()).unwrap();
    assert!(is_refused(db.ping().await));
    user.write("");
    assert!(is_refused(db.ping().await));
    user.write(PASSWORDS[1]);
    db.ping().await.unwrap();
    kept.commit().await.unwrap();
}

pub(crate) async fn a_replicas_password_is_read_again(world: World) {
    let Some(user) = User::made(&world).await else { return };
    let replica_url = world.empty_database().await;
    let replica = Db::open(&replica_url, &StoreConfig::default()).await.unwrap();
    replica.migrate().await.unwrap();
    replica.make_user(&user.name, &user.file()).await.unwrap();
    let late = samples::store();
    replica.insert_store(&late).await.unwrap();
    let open = async || {
        let (primary, replica) = (user.url(&world.url), user.url(&replica_url));
        Db::open_with_replica(&primary, &replica, &user.config()).await.unwrap()
    };
    // Neither has been to the replica when the password changes.
    let (hasty, patient) = (open().await, open().await);
    let [one, two] = both(&hasty).await;
    user.change(&world, PASSWORDS[1]).await;
    one.commit().await.unwrap();
    two.commit().await.unwrap();
    let found = hasty.lagging().find_store(late.id).await.unwrap();
    assert_eq!(found, None, "the replica refuses the former one, so the primary is asked");
    user.write(PASSWORDS[1]);
    let found = patient.lagging().find_store(late.id).await.unwrap();
    assert_eq!(found, Some(late), "the replica takes the new one");
}

pub(crate) async fn migrations_have_the_password_of_the_file(world: World) {
    let Some(user) = User::made(&world).await else { return };
    let url = world.empty_database().await;
    let name = url.rsplit('/').next().unwrap();
    world.attempt(format!("GRANT ALL ON {name}.* TO '{}'@'%'", user.name)).await.unwrap();
    let db = Db::open(&user.url(&url), &user.config()).await.unwrap();
    user.change(&world, PASSWORDS[1]).await;
    assert!(db.migrate().await.is_err());
    user.write(PASSWORDS[1]);
    db.migrate().await.unwrap();
    assert_eq!(db.pending_migrations().await.unwrap(), []);
}

pub(crate) async fn a_file_without_the_right_password_is_named(world: World) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let shown = file.path().display().to_string();
    let config = StoreConfig { password_file: Some(file.path().to_owned()), ..StoreConfig::default() };
    let refused = async |url: &str| {
        let error = Db::open(url, &config).await.unwrap_err();
        let words = format!("{error} {error:?}");
        assert!(!words.contains("verysecret") && !words.contains("the-first"), "{words}");
        error.to_string()
    };
    let Some(user) = User::made(&world).await else {
        assert_eq!(refused(&world.url).await, "the database can't be used: only MySQL has passwords");
        return;
    };
    let url = user.url(&world.url);
    assert_eq!(refused(&url).await, format!("the password file {shown} is empty"));
    std::fs::write(file.path(), "the-first-of-others").unwrap();
    let error = refused(&url).await;
    let expected = format!("the database can't be used: MySQL doesn't let us in with the password in {shown} (");
    assert!(error.starts_with(&expected) && error.contains("Access denied"), "{error}");
    std::fs::remove_file(file.path()).unwrap();
    assert!(refused(&url).await.starts_with(&format!("the password file {shown} can't be read (")));
}
