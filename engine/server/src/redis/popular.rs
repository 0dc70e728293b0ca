//! What is popular, as an instance has counted it for all.

use std::time::Duration;

use martlet_domain::{Id, catalog::Product, settings::Store};

use super::{
    Budget, Redis, Unavailable,
    keys::{self, millis},
};

impl Redis {
    /// The ranking that an instance keeps for all; nothing where none does.
    pub async fn popular(&self, store: Id<Store>) -> Result<Option<Vec<Id<Product>>>, Unavailable> {
        let mut get = redis::cmd("GET");
        get.arg(keys::popular(store));
        let kept: Option<String> = self.ask("popular.get", Budget::HotPath, get).await?;
        Ok(kept.and_then(|ids| ids.split_whitespace().map(|id| id.parse().ok()).collect()))
    }

    /// Keeps a ranking for a time.
    pub async fn fill_popular(
        &self,
        store: Id<Store>,
        ranking: &[Id<Product>],
        ttl: Duration,
    ) -> Result<(), Unavailable> {
        let ids: Vec<String> = ranking.iter().map(Id::to_string).collect();
        let mut set = redis::cmd("SET");
        set.arg(keys::popular(store)).arg(ids.join(" ")).arg("PX").arg(millis(ttl));
        self.ask::<()>("popular.fill", Budget::Command, set).await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::testing::TestRedis;

    #[tokio::test]
    async fn a_ranking_comes_back_in_its_order_and_goes_with_its_time() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, store) = (server.connect(), Id::new(Uuid::from_u128(1)));
        assert_eq!(redis.popular(store).await, Ok(None));
        let ranking = [3, 1, 2].map(|number| Id::new(Uuid::from_u128(number)));
        redis.fill_popular(store, &ranking, Duration::from_secs(60)).await.unwrap();
        assert_eq!(redis.popular(store).await, Ok(Some(ranking.to_vec())));
        assert_eq!(redis.popular(Id::new(Uuid::from_u128(2))).await, Ok(None));
        redis.fill_popular(store, &[], Duration::from_secs(60)).await.unwrap();
        assert_eq!(redis.popular(store).await, Ok(Some(Vec::new())));
        let key = keys::popular(store);
        server.command(&["SET", key.as_str(), "not ids"]).await;
        assert_eq!(redis.popular(store).await, Ok(None));
        redis.fill_popular(store, &ranking, Duration::from_millis(1)).await.unwrap();
        server.until_gone(key.as_str()).await;
        assert_eq!(redis.popular(store).await, Ok(None));
    }
}
