//! Changing carts: load, change, check against the catalogue, save at the expected version.

use std::{collections::HashMap, sync::Arc};

use axum::extract::FromRef;
use martlet_domain::{
    Entity as _, Id, Timestamp,
    cart::{Address, Cart, LineItem, MAX_COUPONS, MAX_LINES, MAX_QUANTITY},
    catalog::{Handle, Sku, Variant},
    coupon::CouponCode,
    customer::Customer,
    money::Currency,
    quote::{Decision, Reason},
    settings::Store,
};
use martlet_store::{Db, Offer, Update};

use crate::{
    clock::Clock,
    error::Error,
    extract::IfMatch,
    ids::Ids,
    price_cart::{PricedCart, Pricer, settings},
    state::AppState,
};

/// How often a change is made again on a newer cart, when its author didn't say which version it
/// is for.
const TRIES: usize = 4;

/// Makes, finds, changes and prices carts.
#[derive(Debug, Clone)]
pub struct Carts {
    db: Db,
    pricer: Arc<Pricer>,
    clock: Clock,
    ids: Ids,
}

impl FromRef<AppState> for Carts {
    fn from_ref(state: &AppState) -> Self {
        Self {
            db: state.db.clone(),
            pricer: Arc::clone(&state.pricer),
            clock: state.clock.clone(),
            ids: state.ids.clone(),
        }
    }
}

/// A cart with what there is to say of its lines and coupons.
#[derive(Debug)]
pub struct CartView {
    /// The cart.
    pub cart: Cart,
    /// What its lines are, by variant.
    pub offers: HashMap<Id<Variant>, Offer>,
    /// Codes of its coupons, in its order.
    pub coupons: Vec<CouponCode>,
}

/// One thing that a cart can undergo.
#[derive(Debug, Clone)]
pub enum Change {
    /// Puts units of a variant on the cart, on top of those that are there.
    AddLine {
        /// Which variant.
        variant: VariantReference,
        /// How many.
        quantity: i64,
    },
    /// Sets how many units a line has.
    SetQuantity {
        /// Which line.
        line: Id<LineItem>,
        /// How many.
        quantity: i64,
    },
    /// Takes a line off.
    RemoveLine(Id<LineItem>),
    /// Puts a coupon on, if it gives something.
    AddCoupon(CouponCode),
    /// Takes a coupon off.
    RemoveCoupon(CouponCode),
    /// Binds the cart to a customer, with that customer's prices.
    BindCustomer(Id<Customer>),
    /// Notes a guest's e-mail address.
    SetEmail(String),
    /// Says where the goods go.
    SetShippingAddress(Address),
    /// Chooses a shipping method.
    SetShippingMethod(Handle),
}

/// Names a variant.
#[derive(Debug, Clone)]
pub enum VariantReference {
    /// By its stock-keeping unit.
    Sku(Sku),
    /// By its id.
    Id(Id<Variant>),
}

impl Carts {
    /// Makes a cart with some changes already made to it, all or none.
    pub async fn create(
        &self,
        store: Id<Store>,
        currency: Option<Currency>,
        changes: &[Change],
    ) -> Result<Cart, Error> {
        let now = self.clock.now();
        let currency = match currency {
            Some(currency) => currency,
            None => settings(&self.db, store).await?.default_currency,
        };
        let mut cart = Cart {
            id: self.ids.next(now),
            version: 1,
            currency,
            customer: None,
            email: None,
            shipping_address: None,
            shipping_method: None,
            lines: Vec::new(),
            coupons: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        for change in changes {
            self.apply(store, &mut cart, change, now).await?;
        }
        self.db.insert_cart(store, &cart).await?;
        Ok(cart)
    }

    /// A cart.
    pub async fn find(&self, store: Id<Store>, id: Id<Cart>) -> Result<Cart, Error> {
        self.db.find_cart(store, id).await?.ok_or_else(Error::not_found::<Cart>)
    }

    /// Changes a cart. With `if_match` only in that version; without it the change is made again
    /// on the newer cart when somebody else was faster.
    pub async fn change(
        &self,
        store: Id<Store>,
        id: Id<Cart>,
        if_match: Option<&IfMatch>,
        change: &Change,
    ) -> Result<Cart, Error> {
        let mut newest = 0;
        for _ in 0..TRIES {
            let cart = self.find(store, id).await?;
            if let Some(if_match) = if_match {
                if_match.check(Cart::NAME, cart.version)?;
            }
            let now = self.clock.now();
            let mut changed = cart.clone();
            self.apply(store, &mut changed, change, now).await?;
            if changed == cart {
                return Ok(cart);
            }
            changed.updated_at = now;
            match self.db.save_cart(store, &changed, cart.version).await? {
                Update::Done { version } => return Ok(Cart { version, ..changed }),
                Update::Missing => return Err(Error::not_found::<Cart>()),
                Update::Stale { current } => newest = current,
            }
        }
        Err(Error::VersionConflict { entity: Cart::NAME, current: newest })
    }

    /// A cart with what there is to say of its lines and coupons.
    pub async fn view(&self, store: Id<Store>, cart: Cart) -> Result<CartView, Error> {
        let variants: Vec<Id<Variant>> = cart.lines.iter().map(|line| line.variant).collect();
        let offers = self.db.list_offers(store, &variants).await?;
        let coupons = self.db.list_coupons_by_id(store, &cart.coupons).await?;
        let codes = cart.coupons.iter().filter_map(|id| coupons.iter().find(|coupon| coupon.id == *id));
        Ok(CartView {
            coupons: codes.map(|coupon| coupon.code.clone()).collect(),
            offers: offers.into_iter().map(|offer| (offer.variant.id, offer)).collect(),
            cart,
        })
    }

    /// The shipping methods that a cart can choose.
    pub async fn shipping_methods(
        &self,
        store: Id<Store>,
        cart: &Cart,
    ) -> Result<Vec<OfferedShipping>, Error> {
        let country = cart.shipping_address.as_ref().map(|address| address.country.as_str());
        let methods = settings(&self.db, store).await?.shipping_methods;
        let offered = methods.into_iter().filter_map(|method| {
            let amount = method.amount(cart.currency, country)?;
            Some(OfferedShipping { handle: method.handle, name: method.name, amount })
        });
        Ok(offered.collect())
    }

    /// Prices a cart now.
    pub async fn quote(&self, store: Id<Store>, id: Id<Cart>) -> Result<PricedCart, Error> {
        let cart = self.find(store, id).await?;
        self.price(store, cart, self.clock.now()).await
    }

    async fn price(&self, store: Id<Store>, cart: Cart, as_of: Timestamp) -> Result<PricedCart, Error> {
        self.pricer.price_cart(&self.db, store, cart, as_of).await
    }

    async fn apply(
        &self,
        store: Id<Store>,
        cart: &mut Cart,
        change: &Change,
        now: Timestamp,
    ) -> Result<(), Error> {
        match change {
            Change::AddLine { variant, quantity } => {
                self.add_line(store, cart, variant, *quantity, now).await
            }
            Change::SetQuantity { line, quantity } => self.set_quantity(store, cart, *line, *quantity).await,
            Change::RemoveLine(line) => {
                let index = cart.lines.iter().position(|known| known.id == *line);
                cart.lines.remove(index.ok_or_else(Error::not_found::<LineItem>)?);
                Ok(())
            }
            Change::AddCoupon(code) => self.add_coupon(store, cart, code, now).await,
            Change::RemoveCoupon(code) => {
                let coupon = self.db.find_coupon_by_code(store, code).await?;
                let index = coupon.and_then(|coupon| cart.coupons.iter().position(|id| *id == coupon.id));
                cart.coupons.remove(index.ok_or_else(|| Error::CouponNotOnCart { code: code.clone() })?);
                Ok(())
            }
            Change::BindCustomer(customer) => {
                let found = self.db.find_customer(store, *customer).await?;
                cart.customer = Some(found.ok_or_else(Error::not_found::<Customer>)?.id);
                cart.email = None;
                Ok(())
            }
            Change::SetEmail(email) => {
                cart.customer = None;
                cart.email = Some(email.clone());
                Ok(())
            }
            Change::SetShippingAddress(address) => self.set_address(store, cart, address).await,
            Change::SetShippingMethod(method) => {
                let offered = self.shipping_methods(store, cart).await?;
                if !offered.iter().any(|known| known.handle == *method) {
                    return Err(Error::ShippingMethodNotOffered { method: method.clone() });
                }
                cart.shipping_method = Some(method.clone());
                Ok(())
            }
        }
    }

    async fn add_line(
        &self,
        store: Id<Store>,
        cart: &mut Cart,
        variant: &VariantReference,
        quantity: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let added = check_quantity(quantity)?;
        let offer = self.find_offer(store, variant).await?;
        let index = cart.lines.iter().position(|line| line.variant == offer.variant.id);
        let there = index.map_or(0, |index| cart.lines[index].quantity);
        let quantity = check_quantity(i64::from(there) + i64::from(added))?;
        sellable(&offer, cart.currency, quantity)?;
        match index {
            Some(index) => cart.lines[index].quantity = quantity,
            None if cart.lines.len() >= MAX_LINES => {
                return Err(Error::CartFull { what: "lines", limit: MAX_LINES });
            }
            None => cart.lines.push(LineItem {
                id: self.ids.next(now),
                variant: offer.variant.id,
                quantity,
                added_at: now,
            }),
        }
        Ok(())
    }

    async fn set_quantity(
        &self,
        store: Id<Store>,
        cart: &mut Cart,
        line: Id<LineItem>,
        quantity: i64,
    ) -> Result<(), Error> {
        let quantity = check_quantity(quantity)?;
        let line =
            cart.lines.iter_mut().find(|known| known.id == line).ok_or_else(Error::not_found::<LineItem>)?;
        let offer = self.find_offer(store, &VariantReference::Id(line.variant)).await?;
        sellable(&offer, cart.currency, quantity)?;
        line.quantity = quantity;
        Ok(())
    }

    /// The variant, unless shoppers can't see it.
    async fn find_offer(&self, store: Id<Store>, variant: &VariantReference) -> Result<Offer, Error> {
        let (offers, unknown) = match variant {
            VariantReference::Sku(sku) => (
                self.db.list_offers_by_sku(store, std::slice::from_ref(sku)).await?,
                Error::UnknownSku { sku: sku.clone() },
            ),
            VariantReference::Id(id) => {
                (self.db.list_offers(store, &[*id]).await?, Error::not_found::<Variant>())
            }
        };
        offers.into_iter().find(|offer| offer.product.published).ok_or(unknown)
    }

    /// Puts a coupon on only if it gives something on this cart, so that whoever types a code
    /// learns at once why it doesn't.
    async fn add_coupon(
        &self,
        store: Id<Store>,
        cart: &mut Cart,
        code: &CouponCode,
        now: Timestamp,
    ) -> Result<(), Error> {
        let coupon = self.db.find_coupon_by_code(store, code).await?;
        let coupon = coupon.ok_or_else(|| Error::CouponUnknown { code: code.clone() })?;
        if cart.coupons.contains(&coupon.id) {
            return Ok(());
        }
        if cart.coupons.len() >= MAX_COUPONS {
            return Err(Error::CartFull { what: "coupons", limit: MAX_COUPONS });
        }
        let mut tried = cart.clone();
        tried.coupons.push(coupon.id);
        let priced = self.price(store, tried, now).await?;
        refuse_unless_it_gives(&priced, code)?;
        *cart = priced.cart;
        Ok(())
    }

    /// Sets the address; a method that doesn't go there is unchosen.
    async fn set_address(&self, store: Id<Store>, cart: &mut Cart, address: &Address) -> Result<(), Error> {
        cart.shipping_address = Some(address.clone());
        if let Some(method) = &cart.shipping_method {
            let offered = self.shipping_methods(store, cart).await?;
            if !offered.iter().any(|known| known.handle == *method) {
                cart.shipping_method = None;
            }
        }
        Ok(())
    }
}

/// A shipping method that a cart can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedShipping {
    /// Its handle.
    pub handle: Handle,
    /// What shoppers call it.
    pub name: String,
    /// Its price before discounts, in minor units of the cart's currency.
    pub amount: i64,
}

fn check_quantity(quantity: i64) -> Result<u32, Error> {
    match u32::try_from(quantity) {
        Ok(quantity @ 1..=MAX_QUANTITY) => Ok(quantity),
        _ => Err(Error::InvalidQuantity { quantity }),
    }
}

/// Refuses what can't be sold in the cart's currency, or not as often.
fn sellable(offer: &Offer, currency: Currency, quantity: u32) -> Result<(), Error> {
    let Offer { variant, .. } = offer;
    if variant.price(currency).is_none() {
        let offered = variant.prices.iter().map(|price| price.currency).collect();
        return Err(Error::CurrencyMismatch { sku: variant.sku.clone(), cart: currency, offered });
    }
    let available = variant.stock.available();
    if i64::from(quantity) > available {
        let requested = i64::from(quantity);
        return Err(Error::InsufficientStock { sku: variant.sku.clone(), requested, available });
    }
    Ok(())
}

/// What became of a coupon's candidates: it stays when one applies, or only waits for a shipping
/// method.
fn refuse_unless_it_gives(priced: &PricedCart, code: &CouponCode) -> Result<(), Error> {
    let verdicts =
        || priced.quote.verdicts.iter().filter(|verdict| verdict.source.coupon.as_ref() == Some(code));
    let gives = |decision: &Decision| {
        matches!(decision, Decision::Applied(_) | Decision::Rejected(Reason::NoShippingMethod))
    };
    if verdicts().any(|verdict| gives(&verdict.decision)) {
        return Ok(());
    }
    if priced.quote.provisional {
        return Err(Error::PricingUnavailable);
    }
    let refused = verdicts().find_map(|verdict| match &verdict.decision {
        Decision::Rejected(reason) => Some((verdict, reason)),
        Decision::Applied(_) => None,
    });
    let Some((verdict, reason)) = refused else {
        return Err(Error::CouponNotApplicable {
            code: code.clone(),
            reason: "empty_cart",
            detail: "the cart is empty".to_owned(),
        });
    };
    if let Reason::Coupon(refusal) = reason {
        return Err(Error::CouponRefused { code: code.clone(), refusal: *refusal });
    }
    let installation =
        priced.rulebook.installations.iter().find(|known| known.id == verdict.source.installation);
    let templates = installation.map_or(&[][..], |installation| &installation.templates);
    Err(Error::CouponNotApplicable {
        code: code.clone(),
        reason: reason.code(),
        detail: verdict.explain(templates, priced.quote.currency),
    })
}
