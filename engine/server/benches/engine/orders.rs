//! Orders: from a cart to a paid order, through many variants and through one that all want.

mod bare;
mod goods;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use martlet_domain::{Digest, Id, cart::Cart, money::Money, order::Means, payment::ProviderName};
use martlet_server::{extract::Who, idempotency::KEPT, orders::CheckoutRequest};
use martlet_store::Claim;
use tokio::task::JoinSet;

use self::{bare::Template, goods::Goods};
use crate::{
    rounds::{Row, Unit},
    shop::{NOW, Shop},
};

/// Orders in one measurement, among all clients.
const ORDERS: usize = 256;
/// The same where there is one client alone, who takes longer.
const ORDERS_ALONE: usize = 64;
/// How the test provider is told to approve.
const TOKEN: &str = "tok_approve";

/// What the rows share.
pub(crate) struct Till<'a> {
    shop: &'a Shop,
    goods: Goods,
    template: Template,
    total: Money,
}

impl<'a> Till<'a> {
    /// Stocks the shop.
    pub(crate) fn open(shop: &'a Shop) -> Result<Self> {
        shop.runtime.block_on(async {
            let goods = Goods::stock(shop).await?;
            let cart = goods.cart(shop, 0).await?;
            let priced =
                shop.state.selling.pricer.price_cart(&shop.state.db, shop.store.id, cart, NOW).await?;
            let quote = &priced.quote;
            let total = Money { minor_units: quote.totals.total, currency: quote.currency };
            Ok(Self { shop, template: Template::of(shop, &priced), goods, total })
        })
    }

    /// From cart to paid order over many variants.
    pub(crate) fn many(&'a self, clients: usize) -> Row<'a> {
        Row {
            name: format!("checkout on {}, clients: {clients}", self.shop.database),
            means: "orders of one line, over 1,000 variants: the same statements sent bare, one order a \
                    transaction, by as many clients, against the engine from the cart to the paid order, \
                    pricing by five plugins included"
                .to_owned(),
            unit: Unit::Orders,
            floor: Box::new(move || self.measure(clients, false, Side::Bare)),
            figure: Box::new(move || self.measure(clients, false, Side::Engine)),
        }
    }

    /// From cart to paid order, all wanting the same variant.
    pub(crate) fn hot(&'a self, clients: usize) -> Row<'a> {
        Row {
            name: format!("hot variant on {}, clients: {clients}", self.shop.database),
            means:
                "orders of one line, all of one variant: a bare autocommit UPDATE of its stock, by as many \
                    clients, against the engine from the cart to the paid order"
                    .to_owned(),
            unit: Unit::Orders,
            floor: Box::new(move || self.measure(clients, true, Side::Update)),
            figure: Box::new(move || self.measure(clients, true, Side::Engine)),
        }
    }

    /// The same without pricing, reading and paying: only what a transaction that reserves does.
    pub(crate) fn reserving(&'a self, clients: usize) -> Row<'a> {
        Row {
            name: format!("hot, reserving on {}, clients: {clients}", self.shop.database),
            means:
                "orders that were priced before, all of one variant: a bare autocommit UPDATE of its stock, \
                    by as many clients, against the engine's first transaction"
                    .to_owned(),
            unit: Unit::Orders,
            floor: Box::new(move || self.measure(clients, true, Side::Update)),
            figure: Box::new(move || self.measure(clients, true, Side::Committer)),
        }
    }

    /// Orders a second.
    fn measure(&self, clients: usize, hot: bool, side: Side) -> Result<f64> {
        let count = if clients == 1 { ORDERS_ALONE } else { ORDERS };
        self.shop.runtime.block_on(async {
            let carts =
                self.goods.carts(self.shop, if side == Side::Update { 0 } else { count }, hot).await?;
            let work = Work { till: self.on_its_own(), side, carts: Mutex::new(carts) };
            let (work, began) = (Arc::new(work), Instant::now());
            let mut under_way = JoinSet::new();
            for client in 0..clients {
                let orders = count / clients + usize::from(client < count % clients);
                under_way.spawn(Arc::clone(&work).client(orders));
            }
            while let Some(done) = under_way.join_next().await {
                done??;
            }
            let took = began.elapsed().as_secs_f64();
            let count = u32::try_from(count).context("a small number")?;
            Ok(f64::from(count) / took)
        })
    }

    /// What tasks take with them.
    fn on_its_own(&self) -> Counter {
        Counter {
            state: self.shop.state.clone(),
            committer: Arc::clone(&self.goods.committer),
            store: self.shop.store.id,
            template: self.template.clone(),
            hot: self.goods.hot(),
            total: self.total,
        }
    }
}

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Engine,
    Committer,
    Bare,
    Update,
}

/// What a client needs.
pub(crate) struct Counter {
    pub(crate) state: martlet_server::state::AppState,
    pub(crate) committer: Arc<martlet_server::committer::Committer>,
    pub(crate) store: Id<martlet_domain::settings::Store>,
    pub(crate) template: Template,
    pub(crate) hot: Id<martlet_domain::catalog::Variant>,
    pub(crate) total: Money,
}

struct Work {
    till: Counter,
    side: Side,
    carts: Mutex<VecDeque<Cart>>,
}

impl Work {
    async fn client(self: Arc<Self>, orders: usize) -> Result<()> {
        for _ in 0..orders {
            match self.side {
                Side::Update => bare::update(&self.till).await?,
                Side::Bare => bare::order(&self.till, &self.cart()?).await?,
                Side::Committer => bare::reserve(&self.till, &self.cart()?).await?,
                Side::Engine => self.till.checkout(&self.cart()?).await?,
            }
        }
        Ok(())
    }

    fn cart(&self) -> Result<Cart> {
        self.carts.lock().unwrap_or_else(PoisonError::into_inner).pop_front().context("no cart is left")
    }
}

impl Counter {
    async fn checkout(&self, cart: &Cart) -> Result<()> {
        let request = CheckoutRequest {
            who: Who::Guest,
            expected_total: self.total,
            means: Means { provider: ProviderName::Test, token: TOKEN.to_owned() },
            if_match: None,
            claim: claim(cart),
        };
        let answer = self.state.selling.orders.place_order(self.store, cart.id, request).await?;
        ensure!(answer.status == 201, "{}", String::from_utf8_lossy(&answer.body));
        Ok(())
    }
}

/// The claim of the only request of a cart.
pub(crate) fn claim(cart: &Cart) -> Claim {
    let id = Digest::of(cart.id.uuid().as_bytes());
    let expires_at = NOW.plus(KEPT);
    Claim { id, request: id, request_id: "bench".to_owned(), created_at: NOW, expires_at }
}
