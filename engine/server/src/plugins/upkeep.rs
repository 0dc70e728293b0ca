//! Components that are no longer needed leave memory, and in time the folder of compiled ones.

use std::{sync::Arc, time::Duration};

use martlet_store::Db;
use tokio::{task::JoinSet, time::sleep};

use crate::{error::Error, plugins, price_cart::Pricer};

/// For how many rounds a component stays that no active rulebook asks: merchants try things out.
const IDLE_ROUNDS: u32 = 5;
/// How many rounds there are between two in which the folder is gone through.
const SWEEP_ROUNDS: u32 = 60;

/// Tidies up until the process ends: components that nobody needed for so long leave memory, and what
/// they were compiled to leaves its folder. A round that fails or panics is followed by another.
pub async fn run(pricer: Arc<Pricer>, db: Db, keep: Duration, cache_keep: Duration) {
    // What is under way is given up with whoever waits for it.
    let mut under_way = JoinSet::new();
    for number in 0_u32.. {
        sleep(keep / IDLE_ROUNDS).await;
        let (pricer, db) = (Arc::clone(&pricer), db.clone());
        under_way.spawn(async move { round(&pricer, &db, cache_keep, number).await });
        match under_way.join_next().await {
            Some(Ok(Err(error))) => tracing::error!("components aren't tidied up: {error}"),
            Some(Err(error)) => tracing::error!("tidying up components ended early: {error}"),
            Some(Ok(Ok(()))) | None => {}
        }
    }
}

async fn round(pricer: &Arc<Pricer>, db: &Db, cache_keep: Duration, number: u32) -> Result<(), Error> {
    let forgetting = Arc::clone(pricer);
    let forgotten = plugins::blocking(move || forgetting.forget_components(IDLE_ROUNDS)).await?;
    if forgotten > 0 {
        plugins::blocking(give_back).await?;
        tracing::info!(forgotten, "components that nobody needs have left memory");
    }
    if number.is_multiple_of(SWEEP_ROUNDS) {
        sweep(pricer, db, cache_keep).await?;
    }
    Ok(())
}

/// Has the allocator give back to the system what it keeps free. Compiling a component takes tens of MB for a
/// moment, and glibc keeps them in an arena for each thread that ever compiled one.
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "the allocator has no other way to be asked")]
    // SAFETY: it takes no pointer, locks for itself, and touches what is free alone.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Goes through the folder of compiled components, where there is one.
async fn sweep(pricer: &Pricer, db: &Db, keep: Duration) -> Result<(), Error> {
    if !pricer.host().has_cache() {
        return Ok(());
    }
    let named = db.list_rulebook_components().await?;
    let host = Arc::clone(pricer.host());
    match plugins::blocking(move || host.sweep_cache(&named, keep)).await? {
        Ok(Some(swept)) if swept.entries + swept.temporary > 0 => {
            tracing::info!(swept.entries, swept.temporary, "compiled components that nobody uses are gone");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the folder of compiled components can't be gone through"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
        time::UNIX_EPOCH,
    };

    use axum::http::Method;
    use serde_json::json;

    use super::*;
    use crate::{
        config::PluginsConfig,
        testing::{Installed, NOW, TestApp},
    };

    const DAY: Duration = Duration::from_secs(86_400);
    const KEEP: Duration = DAY.saturating_mul(7);

    async fn app(folder: &Path) -> TestApp {
        let plugins = PluginsConfig { cache_dir: folder.to_owned(), slots: 2, ..PluginsConfig::default() };
        TestApp::builder().plugins(plugins).build().await
    }

    /// Files of compiled components.
    fn entries(folder: &Path) -> Vec<PathBuf> {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut entries: Vec<PathBuf> = files.filter(|path| !path.ends_with("key")).collect();
        entries.sort();
        entries
    }

    fn age(path: &Path, by: Duration) {
        let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(NOW.as_millis()).unwrap());
        fs::File::open(path).unwrap().set_modified(now - by).unwrap();
    }

    #[tokio::test]
    async fn what_is_compiled_is_kept_for_the_next_engine_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        for (compiled, cached) in [(1, 0), (0, 1)] {
            let app = app(&folder.path().join("cache")).await;
            app.publish(&[Installed::new("percentage-off", r#"{"percent_ppm": 100000}"#)]).await;
            let text = app.get("/actuator/prometheus").await.expect_status(200);
            for (from, count) in [("compiler", compiled), ("cache", cached)] {
                let line = format!("martlet_components_loaded_total{{from=\"{from}\"}} {count}\n");
                assert!(text.body.as_str().unwrap().contains(&line), "{line}{text:#?}");
            }
        }
    }

    #[tokio::test]
    async fn a_folder_that_can_not_be_used_costs_time_alone_but_an_open_one_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let (clock, ids) = (crate::clock::Clock::System, crate::ids::Ids::seeded());
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let config = PluginsConfig { cache_dir: file, slots: 1, ..PluginsConfig::default() };
        assert!(!plugins::host(&config, &clock, &ids).unwrap().has_cache());
        assert!(crate::testing::logged().contains("plugins.cache_dir"));
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let config = PluginsConfig { cache_dir: open, ..config };
        let error = plugins::host(&config, &clock, &ids).unwrap_err().to_string();
        assert!(error.contains("can be written to by others"), "{error}");
    }

    #[tokio::test]
    async fn a_sweep_leaves_what_rulebooks_name_and_what_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let app = app(&cache).await;
        let host = app.state.selling.pricer.host();
        app.publish(&[Installed::new("percentage-off", r#"{"percent_ppm": 100000}"#)]).await;
        let named = entries(&cache);
        // An older rulebook still names it.
        app.publish(&[]).await;
        let tried = app.install_in(&app.store, &Installed::new("hostile", r#"{"mode": "trap"}"#)).await;
        assert!(host.find(&tried.component).is_some());
        assert_eq!(entries(&cache).len(), 2);
        entries(&cache).iter().for_each(|path| age(path, KEEP));
        sweep(&app.state.selling.pricer, &app.state.db, KEEP).await.unwrap();
        assert_eq!(entries(&cache).len(), 2);
        app.clock.advance(Duration::from_millis(1));
        sweep(&app.state.selling.pricer, &app.state.db, KEEP).await.unwrap();
        assert_eq!(entries(&cache), named);
    }

    #[tokio::test]
    async fn components_of_rulebooks_of_the_past_leave_memory_and_quotes_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(&folder.path().join("cache")).await;
        let pricer = &app.state.selling.pricer;
        let product = app.product("mug").await;
        app.variant(&product, "MUG-S", "S", 9).await;
        let body = json!({"lines": [{"sku": "MUG-S", "quantity": 1}]});
        let cart = app.request(Method::POST, "/api/v1/carts").json(&body).send().await.expect_status(201);
        let path = format!("/api/v1/carts/{}/quote", cart.body["id"].as_str().unwrap());
        let past = app.publish(&[Installed::new("percentage-off", r#"{"percent_ppm": 100000}"#)]).await;
        app.get(&path).await.expect_status(200);
        let active = app.publish(&[Installed::new("hostile", r#"{"mode": "trap"}"#)]).await;
        app.get(&path).await.expect_status(200);
        let there = || [&past, &active].map(|all| pricer.host().find(&all[0].component).is_some());
        assert_eq!(there(), [true, true]);
        round(pricer, &app.state.db, KEEP, 0).await.unwrap();
        let forgotten: Vec<usize> = (0..IDLE_ROUNDS).map(|_| pricer.forget_components(IDLE_ROUNDS)).collect();
        assert_eq!(forgotten, [0, 0, 0, 0, 1]);
        assert_eq!(there(), [false, true]);
        // A roll-back takes it from the cache again.
        app.publish(&[Installed::new("percentage-off", r#"{"percent_ppm": 100000}"#)]).await;
        let quote = app.get(&path).await.expect_status(200).body;
        assert_eq!(quote["totals"]["goods_discount"]["amount"], 200);
        assert_eq!(pricer.host().loaded().cached, 1);
    }
}
