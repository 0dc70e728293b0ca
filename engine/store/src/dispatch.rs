//! The one place where a statement meets its database.
//!
//! The bodies are written once and compiled for either. They are macros because a helper that
//! takes an asynchronous closure over a connection isn't `Send`.

/// Runs the body with the pool for reads as `$c`. What fails on the replica is read again from the
/// primary: the body must be able to run more than once.
macro_rules! read {
    ($db:expr, |$c:ident| $body:expr) => {
        match $db {
            $crate::Db::MySql(pools) => {
                let mut from = $crate::pools::Source::Any;
                loop {
                    let mut reader = pools.to_read(from).await?;
                    let read = {
                        let $c = &mut *reader.connection;
                        $body
                    };
                    match read {
                        Err(error) if reader.failed_on_replica(&error) => {
                            from = $crate::pools::Source::Primary;
                        }
                        read => break read,
                    }
                }
            }
            $crate::Db::Sqlite { read, .. } => {
                let $c = read;
                $body
            }
        }
    };
}

/// Runs the body with the transaction's connection as `$c`.
macro_rules! run {
    ($tx:expr, |$c:ident| $body:expr) => {
        match $tx {
            $crate::Tx::MySql(transaction) => {
                let $c = &mut **transaction;
                $body
            }
            $crate::Tx::Sqlite(transaction) => {
                let $c = &mut **transaction;
                $body
            }
        }
    };
}

/// Runs the body in a transaction, bound to `$tx` as `&mut Tx`, and commits it when the body is
/// `Ok`. The whole is tried again, a bounded number of times, when it loses against another: the
/// body must be able to run more than once. Nothing but the database may be touched in it.
#[macro_export]
macro_rules! transaction {
    ($db:expr, |$tx:ident| $body:expr) => {{
        let db: &$crate::Db = $db;
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome: ::core::result::Result<_, $crate::StoreError> = async {
                let mut tx = db.begin().await?;
                let done: ::core::result::Result<_, $crate::StoreError> = async {
                    let $tx = &mut tx;
                    $body
                }
                .await;
                match done {
                    Ok(value) => tx.commit().await.map(|()| value),
                    Err(error) => {
                        tx.rollback().await;
                        Err(error)
                    }
                }
            }
            .await;
            match outcome {
                Err(error) if $crate::Db::tries_again(&error, tries).await => {}
                outcome => break outcome,
            }
        }
    }};
}
