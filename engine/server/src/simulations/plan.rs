//! What a merchant asks a simulation for, and the plan that comes of it. All is checked before a job is
//! made of it.

use std::{collections::BTreeSet, sync::Arc};

use martlet_domain::{
    Id, Timestamp,
    cart::{Address, Cart, LineItem, MAX_COUPONS, MAX_LINES, MAX_QUANTITY},
    catalog::{Handle, Sku},
    coupon::{Coupon, CouponCode},
    customer::CustomerFacts,
    money::Currency,
    plugin::{Installation, SealedRulebook},
    settings::Store,
    simulation::MAX_ORDERS,
};
use martlet_store::{Db, ReceiptWindow};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Simulations, orders::LastOrders};
use crate::{
    api::{admin::groups::GroupBody, text::Violations, time::Time},
    error::Error,
    price_cart::{settings, trial::Trial},
    rules::{InstallationRequest, RuleRequest, Rules, unusable},
};

/// Changes of a draft at most.
const MAX_CHANGES: usize = 100;
/// Groups of a customer at most.
const MAX_CUSTOMER_GROUPS: usize = 50;

/// Which rules to try, and on what. Either `rulebook`, or `changes` and `groups`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationRequest {
    /// Number of a rulebook that was published.
    pub rulebook: Option<i64>,
    /// Changes of the active rulebook, one after the other; at most 100.
    #[schema(max_items = 100)]
    pub changes: Option<Vec<SimulatedChange>>,
    /// All groups there are to be, where they change.
    pub groups: Option<Vec<GroupBody>>,
    /// What they are tried on.
    pub on: SimulatedOn,
}

/// A change of an installation, as the endpoints of installations take it. Without an `id` it is a new
/// installation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatedChange {
    /// The installation that changes.
    #[schema(value_type = Option<Uuid>)]
    pub id: Option<Id<Installation>>,
    /// Whether it leaves; nothing else is said then.
    #[serde(default)]
    pub remove: bool,
    /// What changes.
    #[serde(flatten)]
    pub to: InstallationRequest,
}

/// What rules are tried on: one of these.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatedOn {
    /// A cart that there is.
    #[schema(value_type = Option<Uuid>)]
    pub cart: Option<Id<Cart>>,
    /// A cart that needn't be there.
    pub given_cart: Option<GivenCart>,
    /// The last orders.
    pub orders: Option<SimulatedOrders>,
}

/// A cart that needn't be there.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenCart {
    /// ISO 4217; the store's default where it is left out.
    #[schema(value_type = Option<String>, example = "USD")]
    pub currency: Option<Currency>,
    /// What is bought.
    #[schema(min_items = 1, max_items = 500)]
    pub lines: Vec<GivenLine>,
    /// Where the goods go: ISO 3166-1 alpha-2.
    #[schema(example = "KR")]
    pub country: Option<String>,
    /// ISO 3166-2 subdivision without the country.
    pub region: Option<String>,
    /// Handle of a shipping method; needs the country.
    #[schema(value_type = Option<String>)]
    pub shipping_method: Option<Handle>,
    /// Handles of the customer's groups. Where it is left out a guest buys.
    #[schema(max_items = 50)]
    pub customer_groups: Option<Vec<String>>,
    /// Coupon codes.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 10)]
    pub coupons: Vec<CouponCode>,
}

/// Units of a variant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenLine {
    /// The variant.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// How many.
    #[schema(minimum = 1, maximum = 10_000)]
    pub quantity: u32,
}

/// The last orders that were placed in a window and not cancelled.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatedOrders {
    /// How many at most.
    #[schema(minimum = 1, maximum = 5_000)]
    pub last: u32,
    /// Those placed from then on.
    pub since: Option<Time>,
    /// Those placed before.
    pub until: Option<Time>,
}

/// A simulation that was asked for, checked.
#[derive(Debug)]
pub struct Plan {
    /// The request, as JSON.
    pub(super) asked: String,
    pub(super) active: Arc<SealedRulebook>,
    pub(super) draft: Arc<SealedRulebook>,
    pub(super) on: On,
    total: u32,
}

/// What rules are tried on.
#[derive(Debug)]
pub(super) enum On {
    Cart(Box<Trials>),
    Orders(LastOrders),
}

/// One cart, ready to be priced under either rules.
#[derive(Debug)]
pub(super) struct Trials {
    pub(super) active: Trial,
    pub(super) draft: Trial,
}

impl SimulatedOn {
    /// Whether it is what shoppers have ordered, or have in a cart.
    pub const fn is_of_shoppers(&self) -> bool {
        self.orders.is_some() || self.cart.is_some()
    }
}

impl Plan {
    /// Carts or orders that it goes through.
    pub(super) const fn total(&self) -> u32 {
        self.total
    }
}

impl Simulations {
    /// Checks what is asked for and reads what doesn't change until it is worked out. `asked` is the
    /// request as it was sent.
    pub async fn plan(
        &self,
        rules: &Rules,
        store: Id<Store>,
        request: SimulationRequest,
        asked: &str,
    ) -> Result<Plan, Error> {
        let now = self.clock.now();
        request.check()?;
        let active = rules.active(store).await.map_err(unusable)?;
        let draft = self.draft(rules, store, &active, &request).await?;
        let on = &request.on;
        let (on, total) = if let Some(orders) = &on.orders {
            let window = orders.window(now);
            let total = self.db.count_latest_receipts(store, window, orders.last).await?;
            (On::Orders(LastOrders { window, last: total }), total)
        } else {
            let (cart, customer) = self.cart(store, on, now).await?;
            let (again, same) = (cart.clone(), customer.clone());
            let own = Trial::read(&self.db, store, cart, customer, Arc::clone(&active), now).await?;
            let other = Trial::read(&self.db, store, again, same, Arc::clone(&draft), now).await?;
            let trials = Trials { active: own, draft: other };
            (On::Cart(Box::new(trials)), 1)
        };
        Ok(Plan { asked: compact(asked)?, active, draft, on, total })
    }

    async fn draft(
        &self,
        rules: &Rules,
        store: Id<Store>,
        active: &SealedRulebook,
        request: &SimulationRequest,
    ) -> Result<Arc<SealedRulebook>, Error> {
        if let Some(number) = request.rulebook {
            if number < 1 || self.db.find_rulebook_summary(store, number).await?.is_none() {
                return Err(Error::invalid("/rulebook", "must be the number of a rulebook of this store"));
            }
            // What going back to it would make of it: what is in quarantine stays there.
            let next = rules.draft_back(store, active, number, None).await?;
            return Ok(Arc::new(SealedRulebook::new(next)));
        }
        let draft = rules.draft(store, active, &request.rule_requests()).await?;
        Ok(Arc::new(SealedRulebook::new(draft.rulebook)))
    }

    /// The cart, and what is known of a customer who needn't be one.
    async fn cart(
        &self,
        store: Id<Store>,
        on: &SimulatedOn,
        now: Timestamp,
    ) -> Result<(Cart, Option<CustomerFacts>), Error> {
        if let Some(given) = &on.given_cart {
            return self.given_cart(store, given, now).await;
        }
        let id = on.cart.ok_or_else(|| Error::invalid("/on", "is missing"))?;
        let cart = self.db.find_cart(store, id).await?;
        let cart =
            cart.ok_or_else(|| Error::invalid("/on/cart", "must be the id of a cart of this store"))?;
        Ok((cart, None))
    }

    async fn given_cart(
        &self,
        store: Id<Store>,
        given: &GivenCart,
        now: Timestamp,
    ) -> Result<(Cart, Option<CustomerFacts>), Error> {
        let default_currency = settings(&self.db, store).await?.default_currency;
        let currency = given.currency.unwrap_or(default_currency);
        let mut wrong = Violations::default();
        let lines = self.lines(store, given, currency, now, &mut wrong).await?;
        let coupons = coupons(&self.db, store, &given.coupons, &mut wrong).await?;
        wrong.finish()?;
        let cart = Cart {
            id: self.ids.next(now),
            version: 1,
            currency,
            customer: None,
            email: None,
            shipping_address: given.address(),
            shipping_method: given.shipping_method.clone(),
            lines,
            coupons,
            order: None,
            created_at: now,
            updated_at: now,
        };
        Ok((cart, given.customer()))
    }

    async fn lines(
        &self,
        store: Id<Store>,
        given: &GivenCart,
        currency: Currency,
        now: Timestamp,
        wrong: &mut Violations,
    ) -> Result<Vec<LineItem>, Error> {
        let skus: Vec<Sku> = given.lines.iter().map(|line| line.sku.clone()).collect();
        let offers = self.db.list_offers_by_sku(store, &skus).await?;
        let mut lines = Vec::with_capacity(skus.len());
        for (index, line) in given.lines.iter().enumerate() {
            let place = format!("/on/given_cart/lines/{index}/sku");
            let offer = offers.iter().find(|offer| offer.variant.sku == line.sku);
            match offer.filter(|offer| offer.product.published) {
                None => wrong.add(place, format!("must be a SKU that is sold; {} is none", line.sku)),
                Some(offer) if offer.variant.price(currency).is_none() => {
                    wrong.add(place, format!("must be one with a price in {currency}"));
                }
                Some(offer) => lines.push(LineItem {
                    id: self.ids.next(now),
                    variant: offer.variant.id,
                    quantity: line.quantity,
                    added_at: now,
                }),
            }
        }
        Ok(lines)
    }
}

/// The same JSON without what was only there to be read by people.
fn compact(text: &str) -> Result<String, Error> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Error::Internal(format!("a request that was read is no JSON: {error}")))?;
    Ok(value.to_string())
}

async fn coupons(
    db: &Db,
    store: Id<Store>,
    codes: &[CouponCode],
    wrong: &mut Violations,
) -> Result<Vec<Id<Coupon>>, Error> {
    let mut coupons = Vec::with_capacity(codes.len());
    for (index, code) in codes.iter().enumerate() {
        let place = format!("/on/given_cart/coupons/{index}");
        match db.find_coupon_by_code(store, code).await? {
            Some(coupon) => coupons.push(coupon.id),
            None => wrong.add(place, format!("must be the code of a coupon; {code} is none")),
        }
    }
    Ok(coupons)
}

impl SimulationRequest {
    /// What can be said without asking anybody.
    fn check(&self) -> Result<(), Error> {
        let mut wrong = Violations::default();
        let Self { rulebook, changes, groups, on } = self;
        let drafted = changes.is_some() || groups.is_some();
        wrong.expect(rulebook.is_some() != drafted, "/rulebook", "must be there, or else changes or groups");
        for (index, change) in changes.iter().flatten().enumerate() {
            let place = format!("/changes/{index}/remove");
            wrong.expect(!change.remove || change.id.is_some(), place, "goes with an id");
        }
        let fits = changes.as_ref().is_none_or(|changes| changes.len() <= MAX_CHANGES);
        wrong.expect(fits, "/changes", format!("must be at most {MAX_CHANGES}"));
        let named = [on.cart.is_some(), on.given_cart.is_some(), on.orders.is_some()];
        let one = named.iter().filter(|there| **there).count() == 1;
        wrong.expect(one, "/on", "must have one of cart, given_cart and orders");
        if let Some(orders) = &on.orders {
            let range = 1..=MAX_ORDERS;
            let words = format!("must be 1 to {MAX_ORDERS}");
            wrong.expect(range.contains(&orders.last), "/on/orders/last", words);
            let (since, until) = (orders.since, orders.until);
            let ordered = since.zip(until).is_none_or(|(since, until)| since < until);
            wrong.expect(ordered, "/on/orders/until", "must be after since");
        }
        if let Some(cart) = &on.given_cart {
            cart.check(&mut wrong);
        }
        wrong.finish()
    }

    /// What the draft's changes are, each with its place in the request.
    fn rule_requests(&self) -> Vec<(String, RuleRequest)> {
        let mut requests: Vec<(String, RuleRequest)> = Vec::new();
        // First, so that installations can name new ones.
        if let Some(groups) = &self.groups {
            let groups = groups.iter().cloned().map(Into::into).collect();
            requests.push((String::new(), RuleRequest::Groups(groups)));
        }
        for (index, change) in self.changes.iter().flatten().enumerate() {
            let request = match change.id {
                Some(id) if change.remove => RuleRequest::Remove(id),
                Some(id) => RuleRequest::Change(id, Box::new(change.to.clone())),
                None => RuleRequest::Install(Box::new(change.to.clone())),
            };
            requests.push((format!("/changes/{index}"), request));
        }
        requests
    }
}

impl SimulatedOrders {
    /// Orders that are placed while it goes on aren't gone through.
    fn window(&self, now: Timestamp) -> ReceiptWindow {
        let next = Timestamp::from_millis(now.as_millis().saturating_add(1));
        let until = self.until.map_or(next, |until| until.0.min(next));
        ReceiptWindow { since: self.since.map(|since| since.0), until: Some(until) }
    }
}

impl GivenCart {
    fn check(&self, wrong: &mut Violations) {
        let at = |member: &str| format!("/on/given_cart/{member}");
        let fits = (1..=MAX_LINES).contains(&self.lines.len());
        wrong.expect(fits, at("lines"), format!("must be 1 to {MAX_LINES}"));
        let mut seen = BTreeSet::new();
        for (index, line) in self.lines.iter().enumerate() {
            let fits = (1..=MAX_QUANTITY).contains(&line.quantity);
            let words = format!("must be 1 to {MAX_QUANTITY}");
            wrong.expect(fits, at(&format!("lines/{index}/quantity")), words);
            let new = seen.insert(&line.sku);
            wrong.expect(new, at(&format!("lines/{index}/sku")), "must not stand on two lines");
        }
        let fits = self.coupons.len() <= MAX_COUPONS;
        wrong.expect(fits, at("coupons"), format!("must be at most {MAX_COUPONS}"));
        let mut seen = BTreeSet::new();
        for (index, code) in self.coupons.iter().enumerate() {
            wrong.expect(seen.insert(code), at(&format!("coupons/{index}")), "must not be there twice");
        }
        let groups = self.customer_groups.as_deref().unwrap_or_default();
        let fits = groups.len() <= MAX_CUSTOMER_GROUPS && groups.iter().all(|group| group.len() <= 100);
        let words = format!("must be at most {MAX_CUSTOMER_GROUPS} of at most 100 bytes");
        wrong.expect(fits, at("customer_groups"), words);
        let code = |text: &str, least, most| {
            let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            (least..=most).contains(&text.len()) && text.bytes().all(known)
        };
        let fits = self.country.as_deref().is_none_or(|it| code(it, 2, 2));
        wrong.expect(fits, at("country"), "must be an ISO 3166-1 alpha-2 code, such as KR");
        let fits = self.region.as_deref().is_none_or(|it| code(it, 1, 3));
        wrong.expect(fits, at("region"), "must be 1 to 3 of A-Z and 0-9, as in ISO 3166-2");
        let goes_somewhere = self.country.is_some() || self.region.is_none();
        wrong.expect(goes_somewhere, at("country"), "must be there with a region");
    }

    fn address(&self) -> Option<Address> {
        Some(Address {
            name: String::new(),
            lines: Vec::new(),
            city: String::new(),
            postal_code: None,
            region: self.region.clone(),
            country: self.country.clone()?,
        })
    }

    fn customer(&self) -> Option<CustomerFacts> {
        let mut groups = self.customer_groups.clone()?;
        groups.sort();
        groups.dedup();
        Some(CustomerFacts { groups, ..CustomerFacts::default() })
    }
}
