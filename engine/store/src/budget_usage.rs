//! How much installations with a budget have given: in all, on a day, and to a customer.

use std::collections::HashMap;

use martlet_domain::{
    Id,
    customer::Customer,
    plugin::{Granted, Installation},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, dialect::Statement as _};

#[derive(sqlx::FromRow)]
struct UsageRow {
    installation_id: Uuid,
    granted: i64,
}

/// Which rows of one of the tables are meant.
enum Of {
    All,
    Day(i64),
    Customer(Id<Customer>),
}

impl Db {
    /// What each of some installations has given in all, in minor units of its budgets' currency. Those
    /// that have no row, and so have given nothing, are left out.
    pub async fn budget_usage(
        &self,
        store: Id<Store>,
        installations: &[Id<Installation>],
    ) -> Result<HashMap<Id<Installation>, i64>, StoreError> {
        self.granted(Of::All, store, installations.iter().copied()).await
    }

    /// What each of some installations has given in all, on a day of UTC since 1970-01-01, and to a
    /// customer where there is one. A table is asked for those alone that have a budget of its kind.
    pub async fn budget_grants(
        &self,
        store: Id<Store>,
        installations: &[&Installation],
        day: i64,
        customer: Option<Id<Customer>>,
    ) -> Result<HashMap<Id<Installation>, Granted>, StoreError> {
        let with = |has: fn(&Installation) -> bool| {
            installations.iter().filter(move |it| has(it)).map(|installation| installation.id)
        };
        let total = self.granted(Of::All, store, with(|it| it.budget.is_some())).await?;
        let today = self.granted(Of::Day(day), store, with(|it| it.daily_budget.is_some())).await?;
        let to_customer = match customer {
            Some(customer) => {
                self.granted(Of::Customer(customer), store, with(|it| it.customer_budget.is_some())).await?
            }
            None => HashMap::new(),
        };
        let of = |sums: &HashMap<_, i64>, id: Id<Installation>| sums.get(&id).copied().unwrap_or(0);
        let granted = |id: Id<Installation>| Granted {
            total: of(&total, id),
            today: of(&today, id),
            to_customer: customer.map(|_| of(&to_customer, id)),
        };
        Ok(installations.iter().map(|installation| (installation.id, granted(installation.id))).collect())
    }

    async fn granted(
        &self,
        of: Of,
        store: Id<Store>,
        installations: impl Iterator<Item = Id<Installation>>,
    ) -> Result<HashMap<Id<Installation>, i64>, StoreError> {
        const IN_ALL: &str = "SELECT installation_id, granted FROM budget_usage WHERE store_id = ";
        const BY_DAY: &str = "SELECT installation_id, granted FROM budget_usage_by_day WHERE store_id = ";
        const BY_CUSTOMER: &str =
            "SELECT installation_id, granted FROM budget_usage_by_customer WHERE store_id = ";
        let installations: Vec<Uuid> = installations.map(Id::uuid).collect();
        if installations.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<UsageRow> = read!(self, |c| {
            let mut query = match of {
                Of::All => QueryBuilder::new(IN_ALL),
                Of::Day(_) => QueryBuilder::new(BY_DAY),
                Of::Customer(_) => QueryBuilder::new(BY_CUSTOMER),
            };
            query.id(store.uuid()).part(" AND installation_id IN ").ids(installations.iter().copied());
            match of {
                Of::All => &mut query,
                Of::Day(day) => query.part(" AND day = ").int(day),
                Of::Customer(customer) => query.part(" AND customer_id = ").id(customer.uuid()),
            };
            query.build_query_as().fetch_all(c).await
        })?;
        Ok(rows.into_iter().map(|row| (Id::new(row.installation_id), row.granted)).collect())
    }
}
