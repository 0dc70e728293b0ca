//! How much installations with a budget have given.

use std::collections::HashMap;

use martlet_domain::{Id, plugin::Installation, settings::Store};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, dialect::Statement as _};

#[derive(sqlx::FromRow)]
struct UsageRow {
    installation_id: Uuid,
    granted: i64,
}

impl Db {
    /// What each of some installations has given, in minor units of its budget's currency. Those
    /// that have no row, and so have given nothing, are left out.
    pub async fn budget_usage(
        &self,
        store: Id<Store>,
        installations: &[Id<Installation>],
    ) -> Result<HashMap<Id<Installation>, i64>, StoreError> {
        const SELECT: &str = "SELECT installation_id, granted FROM budget_usage WHERE store_id = ";
        if installations.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<UsageRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND installation_id IN ");
            query.ids(installations.iter().map(|id| id.uuid()));
            query.build_query_as().fetch_all(c).await
        })?;
        Ok(rows.into_iter().map(|row| (Id::new(row.installation_id), row.granted)).collect())
    }
}
