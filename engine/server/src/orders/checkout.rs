//! From cart to order: price, reserve, authorise, settle.

use std::{collections::HashMap, sync::Arc};

use martlet_domain::{
    Entity as _, Id, Timestamp,
    cart::Cart,
    catalog::Variant,
    money::Money,
    order::{AwaitingRequest, Means, NewOrder, Order, OrderNumber, Shortage, StockShortage},
    quote::Language,
    settings::Store,
};
use martlet_store::{Claim, Committed, Placement, StoreError, StoredAnswer, Unique, Work, fault};
use tracing::Instrument as _;

use super::{Orders, TRIES};
use crate::{
    api::carts::title,
    carts,
    error::{CheckoutRefusal, Error},
    extract::{IfMatch, Who},
    operations::VERSION,
    price_cart::PricedCart,
};

/// What a shopper asks for at checkout.
#[derive(Debug, Clone)]
pub struct CheckoutRequest {
    /// On whose behalf.
    pub who: Who,
    /// The total that the shopper has seen and agrees to.
    pub expected_total: Money,
    /// How it is paid.
    pub means: Means,
    /// The version of the cart that the shopper has seen.
    pub if_match: Option<IfMatch>,
    /// The request's key.
    pub claim: Claim,
}

/// How one try to place an order ended.
enum Try {
    Answered(StoredAnswer),
    /// Somebody took what the order needs.
    Short(Shortage),
    /// Somebody changed what it was based on.
    Again,
}

impl Orders {
    /// Makes an order of a cart. A request that comes again gets the first answer again.
    ///
    /// When whoever asked goes away, pricing ends with them; what is begun from then on is settled.
    pub async fn place_order(
        self: &Arc<Self>,
        store: Id<Store>,
        cart: Id<Cart>,
        request: CheckoutRequest,
    ) -> Result<StoredAnswer, Error> {
        let claim = &request.claim;
        if let Some(answer) = self.answer_of(claim.id, claim.request).await? {
            return Ok(answer);
        }
        match self.checkout(store, cart, &request).await {
            Err(error) => self.keep_refusal(claim, error).await,
            Ok(answer) => Ok(answer),
        }
    }

    async fn checkout(
        self: &Arc<Self>,
        store: Id<Store>,
        cart: Id<Cart>,
        request: &CheckoutRequest,
    ) -> Result<StoredAnswer, Error> {
        self.payments.check_token(request.means.provider, &request.means.token)?;
        for _ in 0..TRIES {
            match self.try_to_place(store, cart, request).await? {
                Try::Answered(answer) => return Ok(answer),
                // What is used up or gone isn't part of the price when the cart is priced again.
                Try::Short(_) | Try::Again => {}
            }
        }
        Err(Error::Busy)
    }

    async fn try_to_place(
        self: &Arc<Self>,
        store: Id<Store>,
        cart: Id<Cart>,
        request: &CheckoutRequest,
    ) -> Result<Try, Error> {
        let turn = self.turn(store).await?;
        let cart = self.db.find_cart(store, cart).await?.filter(|cart| request.who.may_use(cart));
        let cart = cart.ok_or_else(Error::not_found::<Cart>)?;
        if cart.order.is_some() {
            // A request with the same key, sent at the same time, may have made it one.
            let answer = self.answer_of(request.claim.id, request.claim.request).await?;
            return answer.map(Try::Answered).ok_or(Error::CartOrdered);
        }
        check_cart(&cart, request)?;
        let now = self.clock.now();
        let priced = self.pricer.price_cart(&self.db, store, cart, now).await?;
        check_complete(&priced)?;
        check_price(&priced, request)?;
        check_objections(&priced)?;
        check_stock(&priced)?;
        self.check_claims(store, &priced).await?;
        fault::point("checkout.priced");
        let placement = self.placement(store, &priced, request, now);
        drop(turn);
        let (orders, claim) = (Arc::clone(self), request.claim.clone());
        // A task of its own, which goes on when whoever asked has gone.
        let begun = tokio::spawn(async move { orders.place(placement, &claim).await }.in_current_span());
        let ended =
            begun.await.map_err(|error| Error::Internal(format!("a checkout ended early: {error}")))?;
        match ended? {
            Try::Short(Shortage::Stock(short)) if is_own(&priced, &short) => {
                Err(insufficient(&priced, &short))
            }
            tried => Ok(tried),
        }
    }

    /// The first transaction and, where it reserved what the order needs, the payment.
    async fn place(&self, placement: Placement, claim: &Claim) -> Result<Try, Error> {
        let (store, order) = (placement.store, placement.order.clone());
        match self.committer.commit(Work::Place(Box::new(placement))).await {
            Ok(Committed::Done) => {
                fault::point("checkout.placed");
                self.pay(store, order, claim).await.map(Try::Answered)
            }
            Ok(Committed::Short(shortage)) => Ok(Try::Short(shortage)),
            Ok(Committed::CartChanged) => Ok(Try::Again),
            Ok(Committed::KeyTaken) => {
                let answer = self.answer_of(claim.id, claim.request).await?;
                Ok(answer.map_or(Try::Again, Try::Answered))
            }
            Err(Error::Store(StoreError::Conflict(Unique::OrderNumber | Unique::IdempotencyKey))) => {
                Ok(Try::Again)
            }
            Ok(Committed::Stale | Committed::Delivered) => {
                Err(Error::Internal("a new order was taken for a step".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses a coupon that has to be claimed and that the cart's customer hasn't: it may have become
    /// such a coupon since it was put on. What was claimed stays so, so this holds until the order is
    /// placed.
    async fn check_claims(&self, store: Id<Store>, priced: &PricedCart) -> Result<(), Error> {
        let cart = &priced.cart;
        let unclaimed = carts::unclaimed(&self.db, store, cart.customer, &cart.coupons).await?;
        let coupon = priced.coupons.iter().find(|coupon| unclaimed.contains(&coupon.id));
        match coupon {
            Some(coupon) => Err(Error::CouponNotClaimed { code: coupon.code.clone() }),
            None => Ok(()),
        }
    }

    fn placement(
        &self,
        store: Id<Store>,
        priced: &PricedCart,
        request: &CheckoutRequest,
        now: Timestamp,
    ) -> Placement {
        let titles: HashMap<Id<Variant>, String> =
            priced.offers.iter().map(|(variant, offer)| (*variant, title(offer))).collect();
        let [a, b, c, d, e, ..] = self.ids.bytes();
        let claim = &request.claim;
        let (order, ask) = Order::place(NewOrder {
            id: self.ids.next(now),
            number: OrderNumber::from_random([a, b, c, d, e]),
            cart: &priced.cart,
            quote: &priced.quote,
            rulebook: &priced.rulebook,
            coupons: &priced.coupons,
            titles: &titles,
            means: request.means.clone(),
            awaited_by: Some(AwaitingRequest { claim: claim.id, request_id: claim.request_id.clone() }),
            now,
            pending_until: now.plus(self.rules.hold),
        });
        Placement {
            store,
            order,
            ask,
            receipt: priced.quote.receipt.clone(),
            engine: VERSION,
            fuel: priced.calls.iter().map(|report| report.evaluated.evaluation.fuel).sum(),
            claim: Some(claim.clone()),
        }
    }
}

/// Refuses a cart that isn't the one the shopper has seen, or that has nothing on it.
fn check_cart(cart: &Cart, request: &CheckoutRequest) -> Result<(), Error> {
    if let Some(if_match) = &request.if_match {
        if_match.check(Cart::NAME, cart.version)?;
    }
    if cart.lines.is_empty() { Err(Error::CartEmpty) } else { Ok(()) }
}

/// Refuses a cart of which too little is known.
fn check_complete(priced: &PricedCart) -> Result<(), Error> {
    let missing = missing(priced);
    if missing.is_empty() { Ok(()) } else { Err(Error::CheckoutIncomplete { missing }) }
}

/// What has to be known of a cart before it is ordered: whom to write to and, in a store that ships,
/// where to and how. A method that isn't offered to the cart any more has no price, so it counts as none.
fn missing(priced: &PricedCart) -> Vec<&'static str> {
    let PricedCart { cart, quote, ships, .. } = priced;
    let known = [
        ("customer", cart.customer.is_some() || cart.email.is_some()),
        ("shipping_address", !ships || cart.shipping_address.is_some()),
        ("shipping_method", !ships || quote.shipping.is_some()),
    ];
    known.into_iter().filter(|(_, known)| !known).map(|(what, _)| what).collect()
}

/// Refuses a price that can't be kept to, or that isn't the one the shopper agreed to.
fn check_price(priced: &PricedCart, request: &CheckoutRequest) -> Result<(), Error> {
    let quote = &priced.quote;
    if quote.provisional {
        return Err(Error::PricingUnavailable);
    }
    if !quote.blocked_by.is_empty() {
        let plugins = quote.blocked_by.iter().map(|source| source.name().to_owned()).collect();
        return Err(Error::CheckoutBlocked { plugins });
    }
    let total = Money { minor_units: quote.totals.total, currency: quote.currency };
    if total == request.expected_total {
        return Ok(());
    }
    Err(Error::price_changed(request.expected_total, priced))
}

/// Refuses what a plugin of the merchant's doesn't let pass.
fn check_objections(priced: &PricedCart) -> Result<(), Error> {
    let quote = &priced.quote;
    if quote.objections.is_empty() {
        return Ok(());
    }
    let refusals = quote.objections.iter().map(|objection| CheckoutRefusal {
        line: objection
            .position
            .and_then(|position| priced.cart.lines.get(position as usize))
            .map(|line| line.id),
        message: priced.said(&objection.source, &objection.message, Language::English),
    });
    Err(Error::CheckoutRefused { objections: refusals.collect() })
}

/// Refuses what was sold out when the cart was priced, without asking anybody to wait for its rows.
/// What is promised is decided under the lock.
fn check_stock(priced: &PricedCart) -> Result<(), Error> {
    for line in &priced.cart.lines {
        let available = priced.offers.get(&line.variant).map_or(0, |offer| offer.variant.stock.available());
        let requested = i64::from(line.quantity);
        if requested > available {
            let short = StockShortage { variant: line.variant, requested, available };
            return Err(insufficient(priced, &short));
        }
    }
    Ok(())
}

/// Whether what the shopper chose is short, and not only what would be given on top.
fn is_own(priced: &PricedCart, short: &StockShortage) -> bool {
    let lines = priced.cart.lines.iter().filter(|line| line.variant == short.variant);
    lines.map(|line| i64::from(line.quantity)).sum::<i64>() > short.available
}

fn insufficient(priced: &PricedCart, short: &StockShortage) -> Error {
    match priced.offers.get(&short.variant) {
        Some(offer) => Error::InsufficientStock {
            sku: offer.variant.sku.clone(),
            requested: short.requested,
            available: short.available,
        },
        None => Error::not_found::<Variant>(),
    }
}
