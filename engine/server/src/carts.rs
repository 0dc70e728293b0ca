//! Changing carts: load, change, check against the catalogue, save at the expected version.

mod change;
mod claims;
mod merge;

use std::{collections::HashMap, sync::Arc};

use axum::extract::FromRef;
use martlet_domain::{
    Entity as _, Id, Timestamp,
    cart::{Address, Cart, LineItem},
    catalog::{Handle, Sku, Variant},
    coupon::CouponCode,
    customer::Customer,
    money::Currency,
    quote::{DeliveryDays, Language},
    settings::Store,
};
use martlet_store::{Db, Offer, Update};

pub use claims::unclaimed;

use crate::{
    clock::Clock,
    error::Error,
    extract::{Caller, IfMatch, Who},
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
            pricer: Arc::clone(&state.selling.pricer),
            clock: state.world.clock.clone(),
            ids: state.world.ids.clone(),
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
    /// Makes a cart with some changes already made to it, all or none. A signed-in customer's is theirs
    /// from the start.
    pub async fn create(
        &self,
        caller: &Caller,
        currency: Option<Currency>,
        changes: &[Change],
    ) -> Result<Cart, Error> {
        let (store, now) = (caller.store.id, self.clock.now());
        let currency = match currency {
            Some(currency) => currency,
            None => settings(&self.db, store).await?.default_currency,
        };
        let mut cart = Cart {
            id: self.ids.next(now),
            version: 1,
            currency,
            customer: match caller.who {
                Who::Customer(customer) => Some(customer),
                Who::Guest | Who::Staff(_) => None,
            },
            email: None,
            shipping_address: None,
            shipping_method: None,
            lines: Vec::new(),
            coupons: Vec::new(),
            order: None,
            created_at: now,
            updated_at: now,
        };
        for change in changes {
            self.apply(store, &mut cart, change, now).await?;
        }
        self.db.insert_cart(store, &cart).await?;
        Ok(cart)
    }

    /// A cart, for whom it is there.
    pub async fn find(&self, caller: &Caller, id: Id<Cart>) -> Result<Cart, Error> {
        let found = self.db.find_cart(caller.store.id, id).await?;
        found.filter(|cart| caller.who.may_use(cart)).ok_or_else(Error::not_found::<Cart>)
    }

    /// Changes a cart, for whom it is there. With `if_match` only in that version; without it the change is made again
    /// on the newer cart when somebody else was faster.
    pub async fn change(
        &self,
        caller: &Caller,
        id: Id<Cart>,
        if_match: Option<&IfMatch>,
        change: &Change,
    ) -> Result<Cart, Error> {
        let (store, mut newest) = (caller.store.id, 0);
        for _ in 0..TRIES {
            let cart = self.find(caller, id).await?;
            if let Some(if_match) = if_match {
                if_match.check(Cart::NAME, cart.version)?;
            }
            if cart.order.is_some() {
                return Err(Error::CartOrdered);
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
        let own = methods.into_iter().filter_map(|method| {
            let amount = method.amount(cart.currency, country)?;
            Some(OfferedShipping { handle: method.handle, name: method.name, amount, delivery: None })
        });
        let mut offered: Vec<OfferedShipping> = own.collect();
        let rulebook = self.pricer.active_rulebook(&self.db, store).await?;
        if rulebook.offers_shipping() {
            offered.extend(self.methods_of_components(store, cart).await?);
        }
        Ok(offered)
    }

    /// What components offer depends on the price of the goods, so the cart is priced.
    async fn methods_of_components(
        &self,
        store: Id<Store>,
        cart: &Cart,
    ) -> Result<Vec<OfferedShipping>, Error> {
        let priced = self.price(store, cart.clone(), self.clock.now()).await?;
        if priced.quote.provisional {
            return Err(Error::PricingUnavailable);
        }
        let offered = priced.quote.methods.iter().map(|method| OfferedShipping {
            handle: method.method.clone(),
            name: priced.said(&method.source, &method.name, Language::English),
            amount: method.amount,
            delivery: method.delivery,
        });
        Ok(offered.collect())
    }

    /// Prices a cart now, for whom it is there.
    pub async fn quote(&self, caller: &Caller, id: Id<Cart>) -> Result<PricedCart, Error> {
        let cart = self.find(caller, id).await?;
        self.price(caller.store.id, cart, self.clock.now()).await
    }

    /// The same for a merchant who looks: it is no quote that a shopper was given.
    pub async fn quote_to_show(&self, caller: &Caller, id: Id<Cart>) -> Result<PricedCart, Error> {
        let cart = self.find(caller, id).await?;
        self.pricer.price_cart_to_show(&self.db, caller.store.id, cart, self.clock.now()).await
    }

    async fn price(&self, store: Id<Store>, cart: Cart, as_of: Timestamp) -> Result<PricedCart, Error> {
        self.pricer.price_cart(&self.db, store, cart, as_of).await
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
    /// When it arrives, where that is known.
    pub delivery: Option<DeliveryDays>,
}
