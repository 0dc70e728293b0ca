//! A store whose plugins never end, beside the one that is measured.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, Result, ensure};
use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use http_body_util::BodyExt as _;
use martlet_domain::{
    Digest,
    plugin::{Installation, Plugin, PluginVersion, RuleChange, World},
    settings::Store,
};
use martlet_store::Published;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::{cart::CART, raw, shop::Shop};

/// The component that never ends.
const PLUGIN: &str = "hostile";
/// How many installations of it there are.
const INSTALLATIONS: usize = 12;
/// How many ask for a quote of it at a time.
const CLIENTS: usize = 8;
/// Handle of the store.
const HANDLE: &str = "loops";

/// The store, and a cart in it.
pub(crate) struct Neighbour<'a> {
    shop: &'a Shop,
    quote: String,
}

/// Shoppers of the neighbour, who ask again and again until they are sent away.
pub(crate) struct Crowd<'a> {
    shop: &'a Shop,
    asking: JoinSet<Result<u32>>,
    over: Arc<AtomicBool>,
}

impl<'a> Neighbour<'a> {
    /// In the same engine: the demo's rules, and a plugin that never ends, a dozen times.
    pub(crate) fn open(shop: &'a Shop, components: &Path) -> Result<Self> {
        let store = shop.seed(HANDLE, components)?;
        shop.runtime.block_on(install(shop, &store, &raw::component(components, PLUGIN)?))?;
        let lines: Vec<Value> =
            CART.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
        let body = json!({ "lines": lines }).to_string();
        let cart = shop.runtime.block_on(ask(shop.router.clone(), Method::POST, "/api/v1/carts", body))?;
        let cart = cart["id"].as_str().context("a cart without an id")?;
        let quote = format!("/api/v1/carts/{cart}/quote");
        let answer = shop.runtime.block_on(ask(shop.router.clone(), Method::GET, &quote, String::new()))?;
        let candidates = answer["candidates"].as_array().context("a quote without candidates")?;
        // One of the demo's has nothing left then, either.
        let ours = candidates.iter().filter(|one| one["plugin"]["name"] == PLUGIN);
        let burnt = ours.filter(|one| one["reason"]["code"] == "out_of_fuel").count();
        ensure!(burnt == INSTALLATIONS, "{burnt} plugins burn all their fuel");
        Ok(Self { shop, quote })
    }

    /// Has shoppers ask there.
    pub(crate) fn crowd(&self) -> Crowd<'a> {
        let (mut asking, over) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for _ in 0..CLIENTS {
            let (router, quote, over) = (self.shop.router.clone(), self.quote.clone(), Arc::clone(&over));
            let ask_on = async move {
                let mut answered = 0;
                while !over.load(Ordering::Relaxed) {
                    ask(router.clone(), Method::GET, &quote, String::new()).await?;
                    answered += 1;
                }
                Ok(answered)
            };
            asking.spawn_on(ask_on, self.shop.runtime.handle());
        }
        Crowd { shop: self.shop, asking, over }
    }
}

impl Crowd<'_> {
    /// Sends them away when each has the answer that it waits for, so that nothing of theirs is left to do.
    pub(crate) fn disperse(self) -> Result<()> {
        self.over.store(true, Ordering::Relaxed);
        let answered = self.shop.runtime.block_on(self.asking.join_all());
        let answered: u32 = answered.into_iter().sum::<Result<u32>>()?;
        ensure!(answered > 0, "the store that loops had no turn");
        Ok(())
    }
}

async fn install(shop: &Shop, store: &Store, bytes: &[u8]) -> Result<()> {
    let (db, world) = (&shop.state.db, &shop.state.world);
    let now = world.clock.now();
    let component = shop.host().load(bytes)?;
    let plugin = Plugin { id: world.ids.next(now), name: PLUGIN.to_owned(), world: World::Promotion };
    db.insert_plugin(store.id, &plugin).await?;
    let version = PluginVersion {
        plugin: plugin.id,
        digest: Digest::of(bytes),
        description: component.describe()?,
        wit_version: component.wit_version().to_owned(),
        size: i64::try_from(bytes.len())?,
        created_at: now,
    };
    db.insert_plugin_version(store.id, &version, bytes).await?;
    let rules = db.find_active_rulebook(store.id).await?.context("no rulebook")?.into_rulebook();
    let promotion = rules.installations.iter().find(|known| known.world == World::Promotion);
    let promotion = promotion.context("no promotion")?;
    let loops = (0..INSTALLATIONS).map(|_| Installation {
        id: world.ids.next(now),
        sequence: 0,
        plugin: PLUGIN.to_owned(),
        version: version.description.version.clone(),
        component: version.digest,
        config: json!({"mode": "loop"}).to_string(),
        templates: Vec::new(),
        ..promotion.clone()
    });
    let changes = loops.map(|installation| RuleChange::Put(Box::new(installation))).collect();
    let next = rules.changed("Loops".to_owned(), now, changes, &BTreeMap::new());
    let next = next.map_err(|problems| anyhow::anyhow!("the rules are refused: {problems:?}"))?;
    let published = db.publish_change(store.id, &next, None, None).await?;
    ensure!(matches!(published, Published::Done(_)), "somebody else changed the rules");
    Ok(())
}

/// The answer to a request to the neighbour, which must succeed.
async fn ask(router: Router, method: Method, path: &str, body: String) -> Result<Value> {
    let request = Request::builder().method(method).uri(path).header("martlet-store", HANDLE);
    let request = request.header("content-type", "application/json").body(Body::from(body))?;
    let (head, body) = router.oneshot(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    ensure!(head.status.is_success(), "{path}: {} {}", head.status, String::from_utf8_lossy(&body));
    Ok(serde_json::from_slice(&body)?)
}
