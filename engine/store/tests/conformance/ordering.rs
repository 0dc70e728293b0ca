//! Carts on their way to orders, and orders on theirs.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use martlet_domain::{
    Digest, Id, Timestamp,
    cart::{Cart, LineItem},
    catalog::Variant,
    coupon::Coupon,
    customer::{Customer, CustomerFacts},
    money::Ppm,
    order::{
        AwaitingRequest, BudgetAsk, CouponAsk, Effects, Means, NewOrder, Order, OrderNumber, RedeemedCoupon,
        Terms,
    },
    plugin::{Installation, Rulebook, SealedRulebook},
    quote::{Input, LineInput, Pricing, ProductFacts, Quote},
    settings::{Store, TaxRates},
    stock::StockLevel,
};
use martlet_store::{Advance, Claim, Committed, Db, Placement, StoreConfig, Work};

use crate::{
    harness::{World, id, number},
    samples::{self, ODD_TEXT, at, usd},
};

/// When orders are placed.
pub(crate) const PLACED: Timestamp = Timestamp::from_millis(10_000);
/// When anything happens to them afterwards.
pub(crate) const LATER: Timestamp = Timestamp::from_millis(20_000);
/// Until when they wait for their money.
pub(crate) const UNTIL: Timestamp = Timestamp::from_millis(900_000);

/// The same world in a database of its own, for what goes through the rows of all stores.
pub(crate) async fn alone(mut world: World) -> World {
    world.url = world.empty_database().await;
    world.db = Db::open(&world.url, &StoreConfig::default()).await.unwrap();
    world.db.migrate().await.unwrap();
    for id in [world.store, world.other] {
        world.db.insert_store(&Store { id, ..samples::store() }).await.unwrap();
    }
    world
}

/// A stored variant of which there are so many.
pub(crate) async fn stocked(world: &World, on_hand: i64) -> Id<Variant> {
    stocked_in(world, world.store, on_hand).await
}

pub(crate) async fn stocked_in(world: &World, store: Id<Store>, on_hand: i64) -> Id<Variant> {
    let product = samples::product();
    world.db.insert_product(store, &product).await.unwrap();
    let stock = StockLevel { on_hand, reserved: 0 };
    let variant = Variant { stock, ..samples::variant(product.id) };
    world.db.insert_variant(store, &variant).await.unwrap();
    variant.id
}

pub(crate) async fn stored_customer(world: &World) -> Id<Customer> {
    let customer = samples::customer();
    world.db.insert_customer(world.store, &customer).await.unwrap();
    customer.id
}

/// A stored guest's cart with some units of variants.
pub(crate) async fn cart(world: &World, units: &[(Id<Variant>, u32)]) -> Cart {
    cart_of(world, None, units).await
}

/// A stored cart of a customer, where there is one.
pub(crate) async fn cart_of(
    world: &World,
    customer: impl Into<Option<Id<Customer>>>,
    units: &[(Id<Variant>, u32)],
) -> Cart {
    let lines = units.iter().map(|(variant, quantity)| samples::line(*variant, *quantity)).collect();
    let cart = Cart { customer: customer.into(), ..samples::cart(lines) };
    world.db.insert_cart(world.store, &cart).await.unwrap();
    cart
}

/// The cart at 1,000 a unit, without rules.
fn quote(cart: &Cart, rulebook: &Arc<SealedRulebook>) -> Quote {
    let line = |line: &LineItem| LineInput {
        variant: line.variant,
        sku: format!("SKU-{}", line.variant.uuid().simple()).parse().unwrap(),
        options: Vec::new(),
        product: Arc::new(ProductFacts {
            id: id(),
            handle: "mug".parse().unwrap(),
            categories: Vec::new(),
            tags: Vec::new(),
            attributes: Vec::new(),
        }),
        quantity: line.quantity,
        weight_grams: None,
        unit_amount: 1_000,
        floor: 0,
        tax_category: "standard".to_owned(),
    };
    let input = Input {
        rulebook: Arc::clone(rulebook),
        as_of: PLACED,
        currency: usd(),
        prices_include_tax: true,
        tax: TaxRates { standard: Ppm(100_000), by_category: BTreeMap::new() },
        customer: cart.customer.map(|_| CustomerFacts::default()),
        destination: None,
        lines: cart.lines.iter().map(line).collect(),
        wanted_method: None,
        own_methods: Vec::new(),
        shipping: None,
        coupons: Vec::new(),
        standings: Vec::new(),
        gifts: Vec::new(),
        bucket: 0,
    };
    Pricing::start(input).unwrap().finish()
}

/// What makes an order of a cart.
pub(crate) fn placement(store: Id<Store>, cart: &Cart) -> Placement {
    let rulebook = Arc::new(SealedRulebook::new(Rulebook::without_rules()));
    let quote = quote(cart, &rulebook);
    let [.., a, b, c, d, e] = number().to_be_bytes();
    let titles: HashMap<_, _> = cart.lines.iter().map(|line| (line.variant, ODD_TEXT.to_owned())).collect();
    let (order, ask) = Order::place(NewOrder {
        id: id(),
        number: OrderNumber::from_random([a, b, c, d, e]),
        cart,
        quote: &quote,
        rulebook: &rulebook,
        coupons: &[],
        titles: &titles,
        means: Means { provider: "test".parse().unwrap(), token: ODD_TEXT.to_owned() },
        awaited_by: Some(AwaitingRequest { claim: Digest::of(b"claim"), request_id: "request".to_owned() }),
        now: PLACED,
        pending_until: UNTIL,
    });
    Placement { store, order, ask, receipt: quote.receipt, engine: "0.1.0", fuel: 7, claim: None }
}

/// What else an order can need.
pub(crate) trait Needs: Sized {
    fn terms(&mut self) -> &mut Terms;
    /// Uses a coupon.
    fn using(self, coupon: &Coupon) -> Self;
    /// Draws on a budget of some limit.
    fn drawing(self, installation: Id<Installation>, amount: i64, limit: i64) -> Self;
    /// Answers a request.
    fn under(self, claim: &Claim) -> Self;
}

impl Needs for Placement {
    fn terms(&mut self) -> &mut Terms {
        Arc::make_mut(&mut self.order.terms)
    }

    fn using(mut self, coupon: &Coupon) -> Self {
        let &Coupon { id: coupon, ref code, total_limit, per_customer_limit, .. } = coupon;
        let customer = self.order.terms.customer;
        self.ask.coupons.push(CouponAsk { coupon, customer, total_limit, per_customer_limit });
        self.terms().coupons.push(RedeemedCoupon { coupon, code: code.clone() });
        self
    }

    fn drawing(mut self, installation: Id<Installation>, amount: i64, limit: i64) -> Self {
        self.ask.budgets.push(BudgetAsk { installation, amount, limit });
        self.terms().budgets.push((installation, amount));
        self
    }

    fn under(self, claim: &Claim) -> Self {
        Self { claim: Some(claim.clone()), ..self }
    }
}

/// A claim that nobody else makes.
pub(crate) fn claim() -> Claim {
    let number = number();
    Claim {
        id: Digest::of(format!("order {number} of {:?}", std::thread::current().id()).as_bytes()),
        request: Digest::of(b"body"),
        request_id: format!("request-{number}"),
        created_at: PLACED,
        expires_at: at(UNTIL.as_millis() * 2),
    }
}

/// A stored coupon with limits.
pub(crate) async fn limited(world: &World, total: Option<i64>, per_customer: Option<i64>) -> Coupon {
    let installation = samples::stored_installation(&world.db, world.store).await.id;
    let limits =
        Coupon { total_limit: total, per_customer_limit: per_customer, ..samples::coupon(installation) };
    world.db.insert_coupon(world.store, &limits).await.unwrap();
    limits
}

pub(crate) fn place(placement: Placement) -> Work {
    Work::Place(Box::new(placement))
}

pub(crate) async fn commit<const N: usize>(world: &World, work: [Work; N]) -> Vec<Committed> {
    world.db.commit(&work).await.unwrap()
}

/// Stores an order that nothing stands in the way of.
pub(crate) async fn placed(world: &World, placement: Placement) -> Order {
    let order = placement.order.clone();
    assert_eq!(commit(world, [place(placement)]).await, [Committed::Done]);
    order
}

/// An order of a new cart with some units.
pub(crate) async fn ordered(world: &World, units: &[(Id<Variant>, u32)]) -> Order {
    let cart = cart(world, units).await;
    placed(world, placement(world.store, &cart)).await
}

/// The same, paid for.
pub(crate) async fn paid(world: &World, placement: Placement) -> Order {
    let mut order = placed(world, placement).await;
    let effects = order.pay(Some("payment".to_owned()), LATER).unwrap();
    advanced(world, &mut order, effects).await;
    order
}

pub(crate) fn advance(store: Id<Store>, order: &Order, effects: Effects) -> Advance {
    let order = order.clone();
    Advance { store, order, effects, answers: Vec::new(), delivered: None, facts: None }
}

pub(crate) fn step(advance: Advance) -> Work {
    Work::Advance(Box::new(advance))
}

/// Stores a step that nothing stands in the way of, and counts it.
pub(crate) async fn advanced(world: &World, order: &mut Order, effects: Effects) {
    let work = [step(advance(world.store, order, effects))];
    assert_eq!(commit(world, work).await, [Committed::Done]);
    order.version += 1;
}

/// Units on hand and units reserved.
pub(crate) async fn stock(world: &World, variant: Id<Variant>) -> (i64, i64) {
    let level = world.db.find_stock(world.store, variant).await.unwrap().unwrap();
    (level.on_hand, level.reserved)
}
