//! Pricing a cart: reads what the price depends on, then walks the stages.
//!
//! All reads come first. The walk itself waits for nothing: when it is its store's turn (`turns`) it runs
//! on a blocking thread, as many at a time as there are cores, and asks components between the stages.

pub mod turns;

mod shadow;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use martlet_domain::{
    Digest, Id, Timestamp,
    cart::Cart,
    catalog::{Handle, Sku, Variant},
    coupon::Coupon,
    customer::Customer,
    plugin::{Installation, InstallationStage, Rulebook, SealedRulebook},
    quote::{
        Call, CouponInput, Destination, Evaluation, GiftInput, Input, LineInput, Pricing, ProductFacts,
        Quote, ShippingInput, Stage, Standing,
    },
    settings::{Store, StoreSettings},
};
use martlet_plugin_host::{Component, Evaluated, Host};
use martlet_store::{Db, Offer};

pub use shadow::Shadows;

use self::{
    shadow::Trial,
    turns::{TurnRules, Turns, Urgency},
};
use crate::{
    error::Error,
    figures::{Counters, PricedQuote},
    plugins, rulebooks,
};

/// Prices carts. One a process.
#[derive(Debug)]
pub struct Pricer {
    host: Arc<Host>,
    turns: Turns,
    /// The newest rulebook seen of each store.
    rulebooks: Mutex<HashMap<Id<Store>, Arc<SealedRulebook>>>,
    /// What is done beside quotes.
    watched: Option<Watched>,
}

/// What is done beside quotes that shoppers are given.
#[derive(Debug)]
struct Watched {
    counters: Arc<Counters>,
    shadows: Arc<Shadows>,
}

/// A priced cart.
#[derive(Debug)]
pub struct PricedCart {
    /// The cart.
    pub cart: Cart,
    /// Its price.
    pub quote: Quote,
    /// The rules it was priced under.
    pub rulebook: Arc<SealedRulebook>,
    /// What its lines and gifts are, by variant.
    pub offers: HashMap<Id<Variant>, Offer>,
    /// Its coupons, in its order.
    pub coupons: Vec<Coupon>,
    /// Whether the store ships what it sells.
    pub ships: bool,
    /// What each component did, for the merchant's eyes.
    pub calls: Vec<CallReport>,
}

/// What one component did in one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// The stage.
    pub stage: Stage,
    /// What was asked.
    pub call: Call,
    /// What came of it.
    pub evaluated: Evaluated,
}

impl Pricer {
    /// A pricer whose stores take turns.
    pub fn new(host: Arc<Host>, rules: TurnRules) -> Result<Self, prometheus::Error> {
        Ok(Self { host, turns: Turns::new(rules)?, rulebooks: Mutex::default(), watched: None })
    }

    /// One whose quotes are counted, and beside which so many carts at a time are tried with what is only
    /// tried.
    #[must_use]
    pub fn watched(self, counters: Arc<Counters>, shadow_concurrency: usize) -> Self {
        let turns = self.turns.clone();
        let shadows = Shadows::new(Arc::clone(&self.host), Arc::clone(&counters), turns, shadow_concurrency);
        Self { watched: Some(Watched { counters, shadows }), ..self }
    }

    /// Gives turns to whatever has a store's components run.
    pub const fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Runs the components.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Counts what installations do, where anybody does.
    pub fn counters(&self) -> Option<&Arc<Counters>> {
        self.watched.as_ref().map(|watched| &watched.counters)
    }

    /// Ready when no cart waits to be tried.
    #[cfg(test)]
    pub(crate) async fn all_tried(&self) {
        if let Some(watched) = &self.watched {
            watched.shadows.idle().await;
        }
    }

    /// Prices a cart at a moment under the store's active rulebook.
    pub async fn price_cart(
        &self,
        db: &Db,
        store: Id<Store>,
        cart: Cart,
        as_of: Timestamp,
    ) -> Result<PricedCart, Error> {
        let rulebook = self.active_rulebook(db, store).await?;
        let facts = Facts::read(db, store, &cart, false, &rulebook, as_of).await?;
        let input = facts.input(&cart, Arc::clone(&rulebook), as_of)?;
        let components = rulebooks::load_components(db, &self.host, &rulebook).await?;
        let place = self.watched.as_ref().and_then(|watched| watched.shadows.place(store, &rulebook));
        let trial = place.map(|place| {
            let methods = facts.methods(&cart, true);
            (place, input.clone(), (methods.wanted, methods.own))
        });
        let (quote, calls) = self.evaluate(store, Urgency::Foreground, input, components).await?;
        if let Some(watched) = &self.watched {
            let fuel_for_call = self.host.config().fuel_for_call(cart.lines.len());
            watched.counters.count_quote(PricedQuote {
                store,
                rulebook: &rulebook,
                currency: quote.currency,
                verdicts: &quote.verdicts,
                calls: &calls,
                fuel_for_call,
            });
            // A total that depends on the host is nothing to compare with.
            if let Some((place, input, methods)) = trial.filter(|_| !quote.provisional) {
                let (cart, live) = (cart.clone(), Arc::clone(&rulebook));
                let trial = Trial { cart, live, input, methods, total: quote.totals.total };
                watched.shadows.start(place, db.clone(), trial);
            }
        }
        let coupons = facts.coupons.into_iter().map(|(coupon, _)| coupon).collect();
        let ships = !facts.settings.shipping_methods.is_empty() || rulebook.offers_shipping();
        Ok(PricedCart { cart, quote, rulebook, offers: facts.offers, coupons, ships, calls })
    }

    /// The same for a merchant who looks: it counts for nobody, and nothing is tried beside it.
    pub async fn price_cart_to_show(
        &self,
        db: &Db,
        store: Id<Store>,
        cart: Cart,
        as_of: Timestamp,
    ) -> Result<PricedCart, Error> {
        let rulebook = self.active_rulebook(db, store).await?;
        let components = rulebooks::load_components(db, &self.host, &rulebook).await?;
        let trial = trial::Trial::read(db, store, cart, None, rulebook, as_of).await?;
        let walked = self.evaluate(store, Urgency::Foreground, trial.input.clone(), components);
        let (quote, calls) = walked.await?;
        Ok(trial.priced(quote, calls))
    }

    /// Walks through an input's stages when it is the store's turn. `components` are those that its
    /// rulebook asks. [`Error::Busy`] when too many of the store wait already.
    pub async fn evaluate(
        &self,
        store: Id<Store>,
        urgency: Urgency,
        input: Input,
        components: Vec<Arc<Component>>,
    ) -> Result<(Quote, Vec<CallReport>), Error> {
        evaluate(&self.host, &self.turns, (store, urgency), input, components).await
    }

    /// Compiles what the stores' active rulebooks name, so that no shopper waits for it. What can't
    /// be compiled is that store's trouble alone: it is logged, and met again at its next quote.
    pub async fn warm(&self, db: &Db) -> Result<(), Error> {
        for store in db.list_stores().await? {
            if let Err(error) = self.load(db, store.id).await {
                tracing::error!(store = %store.handle, "not warmed: {error}");
            }
        }
        Ok(())
    }

    /// Reads a store's active rulebook and compiles what it asks, where that isn't done yet.
    pub async fn load(&self, db: &Db, store: Id<Store>) -> Result<(), Error> {
        let rulebook = self.active_rulebook(db, store).await?;
        rulebooks::load_components(db, &self.host, &rulebook).await.map(drop)
    }

    /// Forgets the components that no active rulebook asks any more, as far as this instance has seen
    /// them, and that nobody asked for since it was called `calls` times. How many it forgot.
    pub fn forget_components(&self, calls: u32) -> usize {
        let rulebooks = self.rulebooks.lock().unwrap_or_else(PoisonError::into_inner);
        let live = rulebooks.values().flat_map(|rulebook| &rulebook.installations);
        let wanted = live
            .filter(|installation| {
                installation.stage.is_live() || installation.stage == InstallationStage::Shadow
            })
            .map(|installation| installation.component)
            .collect();
        drop(rulebooks);
        self.host.retain(&wanted, calls)
    }

    /// The store's active rulebook; an empty one where none was ever published.
    pub async fn active_rulebook(&self, db: &Db, store: Id<Store>) -> Result<Arc<SealedRulebook>, Error> {
        let Some(number) = db.find_active_rulebook_number(store).await? else {
            return rulebooks::published(db, store, 0).await;
        };
        if let Some(known) = self.known_rulebook(store).filter(|known| known.number == number) {
            return Ok(known);
        }
        let rulebook = rulebooks::published(db, store, number).await?;
        self.rulebooks.lock().unwrap_or_else(PoisonError::into_inner).insert(store, Arc::clone(&rulebook));
        Ok(rulebook)
    }

    fn known_rulebook(&self, store: Id<Store>) -> Option<Arc<SealedRulebook>> {
        self.rulebooks.lock().unwrap_or_else(PoisonError::into_inner).get(&store).cloned()
    }
}

/// Walks when it is a store's turn, off the threads that answer requests.
async fn evaluate(
    host: &Arc<Host>,
    turns: &Turns,
    (store, urgency): (Id<Store>, Urgency),
    input: Input,
    components: Vec<Arc<Component>>,
) -> Result<(Quote, Vec<CallReport>), Error> {
    let mut turn = turns.take(store, urgency).await?;
    let host = Arc::clone(host);
    let span = tracing::Span::current();
    let walked = plugins::blocking(move || {
        // The host forgets none of them while they are asked.
        let _components = components;
        let mut burnt = 0;
        let walked = span.in_scope(|| walk_burning(&host, input, &mut burnt));
        turn.charge(burnt);
        walked
    });
    walked.await?
}

/// Goes through the stages, asking components in each. Blocks the calling thread.
pub fn walk(host: &Host, input: Input) -> Result<(Quote, Vec<CallReport>), Error> {
    walk_burning(host, input, &mut 0)
}

/// The same; adds the fuel that was burnt, whatever came of it.
fn walk_burning(host: &Host, input: Input, burnt: &mut u64) -> Result<(Quote, Vec<CallReport>), Error> {
    let internal =
        |error: &dyn std::fmt::Display| Error::Internal(format!("the cart can't be priced: {error}"));
    let mut fuel = host.config().fuel_for_quote(input.lines.len());
    let mut pricing = Pricing::start(input).map_err(|error| internal(&error))?;
    let mut reports = Vec::new();
    while let Some(asked) = pricing.next_stage() {
        let prepared = host.prepare(&asked.snapshot);
        let mut evaluations: Vec<Evaluation> = Vec::with_capacity(asked.calls.len());
        for call in asked.calls {
            let evaluated = host.evaluate_within(&prepared, &call, fuel).map_err(|error| internal(&error))?;
            fuel = fuel.saturating_sub(evaluated.evaluation.fuel);
            *burnt = burnt.saturating_add(evaluated.evaluation.fuel);
            evaluations.push(evaluated.evaluation.clone());
            reports.push(CallReport { stage: asked.snapshot.stage, call, evaluated });
        }
        pricing.resolve(&evaluations).map_err(|error| internal(&error))?;
    }
    Ok((pricing.finish(), reports))
}

/// What the database knows that a price depends on.
struct Facts {
    settings: StoreSettings,
    offers: HashMap<Id<Variant>, Offer>,
    customer: Option<Customer>,
    coupons: Vec<(Coupon, Standing)>,
    standings: Vec<(Id<Installation>, Standing)>,
    gifts: BTreeSet<Sku>,
}

impl Facts {
    /// `new_customer` says that the cart is that of somebody to whom nothing was given yet.
    async fn read(
        db: &Db,
        store: Id<Store>,
        cart: &Cart,
        new_customer: bool,
        rulebook: &Rulebook,
        as_of: Timestamp,
    ) -> Result<Self, Error> {
        let settings = settings(db, store).await?;
        let ids: Vec<Id<Variant>> = cart.lines.iter().map(|line| line.variant).collect();
        let mut offers = db.list_offers(store, &ids).await?;
        let gifts: BTreeSet<Sku> = rulebook
            .installations
            .iter()
            .flat_map(|installation: &Installation| installation.gift_skus.clone())
            .collect();
        if !gifts.is_empty() {
            offers.extend(db.list_offers_by_sku(store, &gifts.iter().cloned().collect::<Vec<_>>()).await?);
        }
        let customer = match cart.customer {
            Some(id) => db.find_customer(store, id).await?,
            None => None,
        };
        Ok(Self {
            settings,
            offers: offers.into_iter().map(|offer| (offer.variant.id, offer)).collect(),
            customer,
            coupons: coupons(db, store, cart).await?,
            standings: standings_of(db, store, rulebook, (cart, new_customer), as_of).await?,
            gifts,
        })
    }

    fn input(&self, cart: &Cart, rulebook: Arc<SealedRulebook>, as_of: Timestamp) -> Result<Input, Error> {
        let address = cart.shipping_address.as_ref();
        let methods = self.methods(cart, rulebook.offers_shipping());
        Ok(Input {
            rulebook,
            as_of,
            currency: cart.currency,
            prices_include_tax: self.settings.prices_include_tax,
            tax: self.settings.tax.clone(),
            customer: self.customer.as_ref().map(|customer| customer.facts.clone()),
            destination: address.map(|address| Destination {
                country: address.country.clone(),
                region: address.region.clone(),
            }),
            lines: cart.lines.iter().map(|line| self.line(cart, line)).collect::<Result<_, _>>()?,
            shipping: methods.chosen,
            wanted_method: methods.wanted,
            own_methods: methods.own,
            coupons: self
                .coupons
                .iter()
                .map(|(coupon, standing)| CouponInput { coupon: coupon.clone(), standing: *standing })
                .collect(),
            standings: self.standings.clone(),
            gifts: self.gifts(cart),
            bucket: bucket(cart.id),
        })
    }

    /// The method that the cart has chosen, if it is one of the store's own that it is offered. Handles that
    /// matter to components are left out where no component offers any.
    fn methods(&self, cart: &Cart, components_offer: bool) -> Methods {
        let country = cart.shipping_address.as_ref().map(|address| address.country.as_str());
        let chosen = cart.shipping_method.as_ref().and_then(|chosen| {
            let mut methods = self.settings.shipping_methods.iter();
            methods.find_map(|method| {
                let amount = method.amount(cart.currency, country).filter(|_| method.handle == *chosen)?;
                let (method, tax_category) = (method.handle.clone(), method.tax_category.clone());
                Some(ShippingInput { method, amount, tax_category })
            })
        });
        if !components_offer {
            return Methods { chosen, wanted: None, own: Vec::new() };
        }
        let wanted = if chosen.is_none() { cart.shipping_method.clone() } else { None };
        Methods { chosen, wanted, own: trial::own_methods(&self.settings, cart.currency, country) }
    }

    fn line(&self, cart: &Cart, line: &martlet_domain::cart::LineItem) -> Result<LineInput, Error> {
        let unavailable = |sku: Option<Sku>| Error::LineUnavailable { line: line.id, sku };
        let offer = self.offers.get(&line.variant).ok_or_else(|| unavailable(None))?;
        if !offer.product.published {
            return Err(unavailable(Some(offer.variant.sku.clone())));
        }
        let price =
            offer.variant.price(cart.currency).ok_or_else(|| unavailable(Some(offer.variant.sku.clone())))?;
        Ok(LineInput {
            variant: line.variant,
            sku: offer.variant.sku.clone(),
            options: offer.variant.options.clone(),
            product: Arc::new(ProductFacts {
                id: offer.product.id,
                handle: offer.product.handle.clone(),
                categories: offer.categories.to_vec(),
                tags: offer.product.tags.clone(),
                attributes: offer.product.attributes.clone(),
            }),
            quantity: line.quantity,
            weight_grams: offer.variant.weight_grams,
            unit_amount: price.amount,
            floor: price.floor,
            tax_category: offer.product.tax_category.clone(),
        })
    }

    /// The variants that may be given away, with what the cart's own lines leave of them.
    fn gifts(&self, cart: &Cart) -> Vec<GiftInput> {
        let granted = self
            .offers
            .values()
            .map(|offer| &offer.variant)
            .filter(|variant| self.gifts.contains(&variant.sku));
        let mut gifts: Vec<GiftInput> = granted
            .filter_map(|variant| {
                let bought =
                    cart.lines.iter().find(|line| line.variant == variant.id).map_or(0, |line| line.quantity);
                let gift = trial::gift(variant, cart.currency)?;
                Some(GiftInput { available: (gift.available - i64::from(bought)).max(0), ..gift })
            })
            .collect();
        gifts.sort_by(|one, other| one.sku.cmp(&other.sku));
        gifts
    }
}

/// What is known of shipping methods before components are asked.
struct Methods {
    chosen: Option<ShippingInput>,
    wanted: Option<Handle>,
    own: Vec<Handle>,
}

/// How a store sells.
pub async fn settings(db: &Db, store: Id<Store>) -> Result<StoreSettings, Error> {
    let settings = db.find_settings(store).await?;
    settings
        .map(|settings| settings.value)
        .ok_or_else(|| Error::Internal("the store has no settings".to_owned()))
}

/// The cart's coupons in its order, each with how often it has been used.
async fn coupons(db: &Db, store: Id<Store>, cart: &Cart) -> Result<Vec<(Coupon, Standing)>, Error> {
    if cart.coupons.is_empty() {
        return Ok(Vec::new());
    }
    let found = db.list_coupons_by_id(store, &cart.coupons).await?;
    let standings = db.coupon_standings(store, &cart.coupons, cart.customer).await?;
    let ordered = cart.coupons.iter().filter_map(|id| {
        let coupon = found.iter().find(|coupon| coupon.id == *id)?.clone();
        Some((coupon, standings.get(id).copied().unwrap_or_default()))
    });
    Ok(ordered.collect())
}

/// What is left of the budgets of those that can be asked, on the day it is.
async fn standings(
    db: &Db,
    store: Id<Store>,
    rulebook: &Rulebook,
    cart: &Cart,
    as_of: Timestamp,
) -> Result<Vec<(Id<Installation>, Standing)>, Error> {
    standings_of(db, store, rulebook, (cart, false), as_of).await
}

/// The same for a cart of a customer whom nobody knows yet, or of one who is known. Without budgets the
/// database isn't asked.
async fn standings_of(
    db: &Db,
    store: Id<Store>,
    rulebook: &Rulebook,
    (cart, new_customer): (&Cart, bool),
    as_of: Timestamp,
) -> Result<Vec<(Id<Installation>, Standing)>, Error> {
    let live = rulebook.installations.iter().filter(|installation| installation.stage.is_live());
    let budgeted: Vec<&Installation> = live.filter(|installation| installation.has_budget()).collect();
    if budgeted.is_empty() {
        return Ok(Vec::new());
    }
    let granted = db.budget_grants(store, &budgeted, as_of.day(), cart.customer).await?;
    let standing = |installation: &Installation| {
        let mut granted = granted.get(&installation.id).copied().unwrap_or_default();
        if new_customer {
            granted.to_customer = Some(0);
        }
        Standing { budget_left: installation.budget_left(cart.currency, granted), ..Standing::default() }
    };
    Ok(budgeted.into_iter().map(|installation| (installation.id, standing(installation))).collect())
}

/// Which of 10,000 buckets a cart falls in, for as long as it lives.
fn bucket(cart: Id<Cart>) -> u16 {
    let digest = Digest::of(cart.uuid().as_bytes());
    let [first, second, third, fourth, ..] = *digest.as_bytes();
    u16::try_from(u32::from_be_bytes([first, second, third, fourth]) % 10_000).unwrap_or(0)
}

pub mod trial;

#[cfg(test)]
mod tests;
