//! How often coupons have been used, in all and by each customer.

use std::collections::HashMap;

use martlet_domain::{Id, coupon::Coupon, customer::Customer, quote::Standing, settings::Store};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, Tx, codec::RowOf, dialect::Statement as _};

#[derive(sqlx::FromRow)]
struct UsageRow {
    coupon_id: Uuid,
    used: i64,
}

impl Db {
    /// How often each of some coupons has been used in all, and by a customer where there is one.
    /// Coupons that aren't there are left out. Money budgets aren't counted here.
    pub async fn coupon_standings(
        &self,
        store: Id<Store>,
        coupons: &[Id<Coupon>],
        customer: Option<Id<Customer>>,
    ) -> Result<HashMap<Id<Coupon>, Standing>, StoreError> {
        const TOTAL: &str = "SELECT coupon_id, used FROM coupon_usage WHERE store_id = ";
        const BY_CUSTOMER: &str = "SELECT coupon_id, used FROM coupon_usage_by_customer WHERE store_id = ";
        let mut standings = HashMap::new();
        for row in self.usage(TOTAL, store, coupons, None).await? {
            let used = row.decode("coupon_usage")?;
            standings.insert(Id::new(row.coupon_id), Standing { used, ..Standing::default() });
        }
        let Some(customer) = customer else { return Ok(standings) };
        for row in self.usage(BY_CUSTOMER, store, coupons, Some(customer)).await? {
            let used_by_customer = row.decode("coupon_usage_by_customer")?;
            standings.entry(Id::new(row.coupon_id)).or_default().used_by_customer = used_by_customer;
        }
        Ok(standings)
    }

    async fn usage(
        &self,
        select: &'static str,
        store: Id<Store>,
        coupons: &[Id<Coupon>],
        customer: Option<Id<Customer>>,
    ) -> Result<Vec<UsageRow>, StoreError> {
        if coupons.is_empty() {
            return Ok(Vec::new());
        }
        Ok(read!(self, |c| {
            let mut query = QueryBuilder::new(select);
            query.id(store.uuid());
            if let Some(customer) = customer {
                query.part(" AND customer_id = ").id(customer.uuid());
            }
            query.part(" AND coupon_id IN ").ids(coupons.iter().map(|id| id.uuid()));
            query.build_query_as().fetch_all(c).await
        })?)
    }
}

impl Tx {
    /// Counts one more use of a coupon, in all and by a customer where there is one. Whether the
    /// coupon is there. It doesn't look at limits.
    pub async fn increment_coupon_usage(
        &mut self,
        store: Id<Store>,
        coupon: Id<Coupon>,
        customer: Option<Id<Customer>>,
    ) -> Result<bool, StoreError> {
        const TOTAL: &str = "UPDATE coupon_usage SET used = used + 1 WHERE store_id = ? AND coupon_id = ?";
        let found = run!(self, |c| sqlx::query(TOTAL)
            .bind(store.uuid())
            .bind(coupon.uuid())
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
        if let (1, Some(customer)) = (found, customer) {
            increment_by_customer(self, store, coupon, customer).await?;
        }
        Ok(found == 1)
    }
}

impl UsageRow {
    fn decode(&self, table: &'static str) -> Result<u64, StoreError> {
        RowOf::entity(table, Id::<Coupon>::new(self.coupon_id)).number("used", self.used)
    }
}

/// The total's row, which is locked by now, keeps two first uses of a customer apart.
async fn increment_by_customer(
    tx: &mut Tx,
    store: Id<Store>,
    coupon: Id<Coupon>,
    customer: Id<Customer>,
) -> Result<(), StoreError> {
    const UPDATE: &str = "UPDATE coupon_usage_by_customer SET used = used + 1 \
         WHERE store_id = ? AND customer_id = ? AND coupon_id = ?";
    const INSERT: &str =
        "INSERT INTO coupon_usage_by_customer (store_id, customer_id, coupon_id, used) VALUES (?, ?, ?, 1)";
    for sql in [UPDATE, INSERT] {
        let changed = run!(tx, |c| sqlx::query(sql)
            .bind(store.uuid())
            .bind(customer.uuid())
            .bind(coupon.uuid())
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
        if changed == 1 {
            break;
        }
    }
    Ok(())
}
