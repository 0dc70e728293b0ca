//! What shoppers put into their carts.

use martlet_domain::{Id, Timestamp, catalog::Product, settings::Store};
use uuid::Uuid;

use crate::{Db, StoreError};

impl Db {
    /// The published products that most cart lines were added of since a moment, at most `limit`, the
    /// most wanted first.
    pub async fn list_popular_products(
        &self,
        store: Id<Store>,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Id<Product>>, StoreError> {
        const SQL: &str = "SELECT v.product_id FROM cart_lines l \
             JOIN variants v ON v.store_id = l.store_id AND v.id = l.variant_id \
             JOIN products p ON p.store_id = v.store_id AND p.id = v.product_id \
             WHERE l.store_id = ? AND l.added_at >= ? AND p.published = TRUE \
             GROUP BY v.product_id ORDER BY COUNT(*) DESC, v.product_id LIMIT ?";
        let ids: Vec<Uuid> = read!(self, |c| sqlx::query_scalar(SQL)
            .bind(store.uuid())
            .bind(since.as_millis())
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        Ok(ids.into_iter().map(Id::new).collect())
    }
}
