//! What installations did, in numbers: a row for each installation and instance, so that instances don't
//! wait for each other, and one for all instances that have gone.
//!
//! An instance adds what it has counted since it last did. A row may be folded into the one of the
//! instances that have gone at any time, whether its instance has gone or only has had nothing to add: what
//! it adds next begins another row.

use std::collections::{BTreeMap, HashMap};

use martlet_domain::{Id, Timestamp, figures::Figures, plugin::Installation, settings::Store};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx,
    codec::{RowOf, to_json},
    dialect::Statement as _,
    error::is_unique_violation,
    orders::legible,
};

/// Whose row holds what is left of instances that have gone.
const GONE: Uuid = Uuid::nil();
/// Rows that one transaction writes at most.
const CHUNK: usize = 64;

/// What one instance has counted of an installation since it last said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFigures {
    /// The store.
    pub store: Id<Store>,
    /// The installation.
    pub installation: Id<Installation>,
    /// What was counted.
    pub figures: Figures,
}

/// Which instance adds figures, and which time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flush {
    /// The instance: a UUID of its own that isn't zero, made when its process begins.
    pub instance: Uuid,
    /// Counts up with every flush. What is added again under the same number changes nothing, so that
    /// a flush of which nobody knows how it ended can be made again.
    pub number: i64,
    /// This moment.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct OwnRow {
    installation_id: Uuid,
    flush: i64,
    body: String,
}

#[derive(sqlx::FromRow)]
struct OldRow {
    instance_id: Uuid,
    updated_at: i64,
    body: String,
}

impl Db {
    /// Adds what an instance has counted. The figures of an installation stand in it once.
    pub async fn add_figures(&self, flush: Flush, counted: &[NewFigures]) -> Result<(), StoreError> {
        let mut by_store: BTreeMap<Id<Store>, Vec<&NewFigures>> = BTreeMap::new();
        for figures in counted {
            by_store.entry(figures.store).or_default().push(figures);
        }
        for (store, mut counted) in by_store {
            // In one order everywhere, as rows are locked.
            counted.sort_by_key(|figures| figures.installation);
            for counted in counted.chunks(CHUNK) {
                transaction!(self, |tx| add(tx, store, flush, counted).await)?;
            }
        }
        Ok(())
    }

    /// What all instances have counted of an installation. A row that can't be read is reported and left
    /// out.
    pub async fn sum_figures(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
    ) -> Result<Figures, StoreError> {
        const SQL: &str = "SELECT body FROM installation_figures WHERE store_id = ? AND installation_id = ?";
        let rows: Vec<(String,)> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(installation.uuid())
            .fetch_all(c)
            .await)?;
        let mut sum = Figures::default();
        for (body,) in rows {
            sum.merge(&legible(decode(installation, &body)).unwrap_or_default());
        }
        Ok(sum)
    }

    /// Folds rows that weren't added to since a moment, of at most `limit` installations, and says of how
    /// many: where it is as many as were asked for, there may be more.
    pub async fn fold_figures(&self, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        const FIND: &str = "SELECT store_id, installation_id FROM installation_figures \
             WHERE updated_at < ? AND instance_id <> ? GROUP BY store_id, installation_id \
             ORDER BY store_id, installation_id LIMIT ?";
        let found: Vec<(Uuid, Uuid)> = read!(self, |c| sqlx::query_as(FIND)
            .bind(before.as_millis())
            .bind(GONE)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        for (store, installation) in &found {
            let (store, installation) = (Id::new(*store), Id::new(*installation));
            let folded: Result<(), StoreError> =
                transaction!(self, |tx| fold(tx, store, installation, before).await);
            match folded {
                // Another instance folds the same at this moment. What it leaves is for the next time.
                Err(StoreError::Database(error)) if is_unique_violation(&error) => {}
                folded => folded?,
            }
        }
        Ok(found.len())
    }
}

async fn add(tx: &mut Tx, store: Id<Store>, flush: Flush, counted: &[&NewFigures]) -> Result<(), StoreError> {
    let known = own_rows(tx, store, flush.instance, counted).await?;
    for NewFigures { installation, figures, .. } in counted {
        match known.get(&installation.uuid()) {
            Some((last, _)) if *last >= flush.number => {}
            Some((_, so_far)) => {
                let mut sum = legible(decode(*installation, so_far)).unwrap_or_default();
                sum.merge(figures);
                update(tx, store, *installation, flush, &sum).await?;
            }
            None => insert(tx, store, *installation, flush, figures).await?,
        }
    }
    Ok(())
}

/// The instance's rows of some installations, locked: the number of the last flush and what stands there.
async fn own_rows(
    tx: &mut Tx,
    store: Id<Store>,
    instance: Uuid,
    counted: &[&NewFigures],
) -> Result<HashMap<Uuid, (i64, String)>, StoreError> {
    const SQL: &str = "SELECT installation_id, flush, body FROM installation_figures WHERE store_id = ";
    let rows: Vec<OwnRow> = run!(tx, |c| {
        let mut query = QueryBuilder::new(SQL);
        query.id(store.uuid()).part(" AND instance_id = ").id(instance).part(" AND installation_id IN ");
        query.ids(counted.iter().map(|figures| figures.installation.uuid()));
        query.part(" ORDER BY installation_id").for_update();
        query.build_query_as().fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| (row.installation_id, (row.flush, row.body))).collect())
}

async fn update(
    tx: &mut Tx,
    store: Id<Store>,
    installation: Id<Installation>,
    flush: Flush,
    figures: &Figures,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE installation_figures SET flush = ?, updated_at = ?, body = ? \
         WHERE store_id = ? AND installation_id = ? AND instance_id = ?";
    let body = to_json(figures)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(flush.number)
        .bind(flush.at.as_millis())
        .bind(body)
        .bind(store.uuid())
        .bind(installation.uuid())
        .bind(flush.instance)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

async fn insert(
    tx: &mut Tx,
    store: Id<Store>,
    installation: Id<Installation>,
    flush: Flush,
    figures: &Figures,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO installation_figures \
         (flush, updated_at, body, store_id, installation_id, instance_id) VALUES (?, ?, ?, ?, ?, ?)";
    let body = to_json(figures)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(flush.number)
        .bind(flush.at.as_millis())
        .bind(body)
        .bind(store.uuid())
        .bind(installation.uuid())
        .bind(flush.instance)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Whoever folds has locked all rows of the installation, so of two at once the second finds nothing.
async fn fold(
    tx: &mut Tx,
    store: Id<Store>,
    installation: Id<Installation>,
    before: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<OldRow> = run!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT instance_id, updated_at, body FROM installation_figures WHERE store_id = ",
        );
        query.id(store.uuid()).part(" AND installation_id = ").id(installation.uuid());
        query.part(" ORDER BY instance_id").for_update();
        query.build_query_as().fetch_all(c).await
    })?;
    let (gone, others): (Vec<OldRow>, Vec<OldRow>) =
        rows.into_iter().partition(|row| row.instance_id == GONE);
    let old: Vec<OldRow> = others.into_iter().filter(|row| row.updated_at < before.as_millis()).collect();
    if old.is_empty() {
        return Ok(());
    }
    let mut sum = Figures::default();
    for row in gone.iter().chain(&old) {
        sum.merge(&legible(decode(installation, &row.body)).unwrap_or_default());
    }
    let newest = gone.iter().chain(&old).map(|row| row.updated_at).max().unwrap_or_default();
    let flush = Flush { instance: GONE, number: 0, at: Timestamp::from_millis(newest) };
    run!(tx, |c| {
        let mut query = QueryBuilder::new("DELETE FROM installation_figures WHERE store_id = ");
        query.id(store.uuid()).part(" AND installation_id = ").id(installation.uuid());
        query.part(" AND instance_id IN ").ids(old.iter().map(|row| row.instance_id));
        query.build().execute(c).await.map(drop)
    })?;
    if gone.is_empty() {
        insert(tx, store, installation, flush, &sum).await
    } else {
        update(tx, store, installation, flush, &sum).await
    }
}

fn decode(installation: Id<Installation>, body: &str) -> Result<Figures, StoreError> {
    RowOf::entity("installation_figures", installation).json("body", body)
}
