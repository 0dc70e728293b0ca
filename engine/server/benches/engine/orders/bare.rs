//! The statements of a checkout without the engine: nothing is priced, decided, grouped or spawned.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use martlet_domain::{
    cart::Cart,
    order::{Ask, AwaitingRequest, Means, NewOrder, Order, OrderNumber},
    payment::ProviderName,
};
use martlet_server::price_cart::PricedCart;
use martlet_store::{
    Advance, Answering, Committed, Db, Placement, StoredAnswer, TestOperation, TestOutcome, TestPayment, Work,
};

use super::{Counter, TOKEN, claim};
use crate::shop::{NOW, Shop};

/// An order that others are made of.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    placement: Placement,
}

impl Template {
    pub(crate) fn of(shop: &Shop, priced: &PricedCart) -> Self {
        let (order, ask) = Order::place(NewOrder {
            id: shop.state.world.ids.next(NOW),
            number: OrderNumber::from_random([0; 5]),
            cart: &priced.cart,
            quote: &priced.quote,
            rulebook: &priced.rulebook,
            coupons: &priced.coupons,
            titles: &[(priced.cart.lines[0].variant, "Bench".to_owned())].into(),
            means: Means { provider: ProviderName::Test, token: TOKEN.to_owned() },
            awaited_by: None,
            now: NOW,
            pending_until: NOW,
        });
        let receipt = priced.quote.receipt.clone();
        let placement =
            Placement { store: shop.store.id, order, ask, receipt, engine: "bench", fuel: 0, claim: None };
        Self { placement }
    }
}

/// One more unit promised, in a statement that is its own transaction.
pub(crate) async fn update(counter: &Counter) -> Result<()> {
    const SQL: &str = "UPDATE stock_levels SET reserved = reserved + 1 \
         WHERE store_id = ? AND variant_id = ? AND on_hand - reserved >= 1";
    let (store, variant) = (counter.store.uuid(), counter.hot.uuid());
    let changed = match &counter.state.db {
        Db::MySql(pools) => {
            let mut connection = pools.acquire().await?;
            sqlx::query(SQL).bind(store).bind(variant).execute(&mut *connection).await?.rows_affected()
        }
        Db::Sqlite { write, .. } => {
            sqlx::query(SQL).bind(store).bind(variant).execute(write).await?.rows_affected()
        }
    };
    ensure!(changed == 1, "{changed} rows were changed");
    Ok(())
}

/// The engine's first transaction alone.
pub(crate) async fn reserve(counter: &Counter, cart: &Cart) -> Result<()> {
    let work = Work::Place(Box::new(placement(counter, cart)));
    let committed = counter.committer.commit(work).await?;
    ensure!(committed == Committed::Done, "{committed:?}");
    Ok(())
}

/// All statements of a checkout, in its order.
pub(crate) async fn order(counter: &Counter, cart: &Cart) -> Result<()> {
    let Counter { state, store, .. } = counter;
    let (db, claim) = (&state.db, claim(cart));
    drop(db.find_claim(claim.id, claim.request, NOW).await?);
    let cart = db.find_cart(*store, cart.id).await?.context("the cart")?;
    db.find_active_rulebook_number(*store).await?;
    db.find_settings(*store).await?;
    let variants: Vec<_> = cart.lines.iter().map(|line| line.variant).collect();
    db.list_offers(*store, &variants).await?;
    let placement = placement(counter, &cart);
    let mut order = placement.order.clone();
    commit(counter, Work::Place(Box::new(placement))).await?;
    let entry = TestPayment {
        request_key: format!("{}:authorise", order.id),
        operation: TestOperation::Authorise,
        payment: order.id.to_string(),
        amount: order.terms.totals.total,
        currency: order.terms.currency,
        outcome: TestOutcome::Done(String::new()),
        created_at: NOW,
    };
    db.insert_test_payment(*store, &entry).await?;
    let effects = order.pay(Some("bench".to_owned()), NOW)?;
    let answer = StoredAnswer { status: 201, headers: Vec::new(), body: vec![b' '; 2_000] };
    let answers = vec![Answering::Claimed { claim: claim.id, answer }];
    let advance = Advance { store: *store, order, effects, answers, delivered: None, facts: None };
    commit(counter, Work::Advance(Box::new(advance))).await?;
    drop(db.find_claim(claim.id, claim.request, NOW).await?);
    Ok(())
}

async fn commit(counter: &Counter, work: Work) -> Result<()> {
    let committed = counter.state.db.commit(std::slice::from_ref(&work)).await?;
    ensure!(committed == [Committed::Done], "{committed:?}");
    Ok(())
}

/// The template's order, of another cart.
fn placement(counter: &Counter, cart: &Cart) -> Placement {
    let Counter { state, template, .. } = counter;
    let mut placement = template.placement.clone();
    let claim = claim(cart);
    let mut terms = placement.order.terms.as_ref().clone();
    (terms.cart, terms.cart_version) = (cart.id, cart.version);
    for (sold, line) in terms.lines.iter_mut().zip(&cart.lines) {
        (sold.line, sold.variant) = (Some(line.id), line.variant);
    }
    placement.ask =
        Ask { stock: cart.lines.iter().map(|line| (line.variant, 1)).collect(), ..Ask::default() };
    placement.order.terms = Arc::new(terms);
    placement.order.id = state.world.ids.next(NOW);
    let [a, b, c, d, e, ..] = state.world.ids.bytes();
    placement.order.number = OrderNumber::from_random([a, b, c, d, e]);
    placement.order.progress.awaited_by =
        Some(AwaitingRequest { claim: claim.id, request_id: claim.request_id.clone() });
    placement.claim = Some(claim);
    placement
}
