//! The books: whatever happened, stock, coupons, money and answers agree with the orders.

use std::collections::{BTreeMap, BTreeSet};

use martlet_domain::{
    Id,
    coupon::Coupon,
    customer::Customer,
    order::{Order, OrderStatus, PaymentStatus, RefundStatus},
    settings::Store,
};
use martlet_store::{Db, OrderQuery, Tx};
use uuid::Uuid;

/// What the books of a store say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Orders by status.
    pub orders: BTreeMap<String, usize>,
    /// Units of all variants on hand, and those of them that are reserved.
    pub stock: (i64, i64),
    /// Uses of all coupons.
    pub coupon_uses: i64,
    /// Minor units that the test provider has captured and not paid back.
    pub money: i64,
    /// Requests with an answer.
    pub answers: usize,
    /// Everything that doesn't agree.
    pub disagreements: Vec<String>,
}

macro_rules! rows {
    ($db:expr, $row:ty, $sql:expr) => {{
        let rows: Vec<$row> = match $db.begin().await.expect("a transaction") {
            Tx::MySql(mut tx) => sqlx::query_as($sql).fetch_all(&mut *tx).await.expect("rows"),
            Tx::Sqlite(mut tx) => sqlx::query_as($sql).fetch_all(&mut *tx).await.expect("rows"),
        };
        rows
    }};
}

/// Reads the books of a store on which nothing is under way.
pub async fn read(db: &Db, store: Id<Store>) -> Ledger {
    let orders = orders(db, store).await;
    let mut wrong = Vec::new();
    let stock = check_stock(db, &orders, &mut wrong).await;
    let coupon_uses = check_coupons(db, &orders, &mut wrong).await;
    check_budgets(db, &orders, &mut wrong).await;
    check_claims(db, &mut wrong).await;
    let money = check_money(db, store, &orders, &mut wrong).await;
    check_carts(db, &orders, &mut wrong).await;
    let answers = check_answers(db, &orders, &mut wrong).await;
    let waiting = db.count_events().await.expect("a count");
    if waiting > 0 {
        wrong.push(format!("{waiting} events wait in the outbox"));
    }
    let mut by_status: BTreeMap<String, usize> = BTreeMap::new();
    for order in &orders {
        *by_status.entry(order.status.to_string()).or_default() += 1;
    }
    Ledger { orders: by_status, stock, coupon_uses, money, answers, disagreements: wrong }
}

impl Ledger {
    /// Itself, if everything agrees.
    #[track_caller]
    pub fn expect_exact(self) -> Self {
        assert_eq!(self.disagreements, Vec::<String>::new(), "{self:#?}");
        self
    }

    /// Orders in a status.
    pub fn count(&self, status: OrderStatus) -> usize {
        self.orders.get(status.as_str()).copied().unwrap_or(0)
    }
}

/// All orders of a store.
pub async fn orders(db: &Db, store: Id<Store>) -> Vec<Order> {
    let mut all = Vec::new();
    let mut query = OrderQuery::default();
    loop {
        let page = db.list_orders(store, &query, 500).await.expect("orders");
        all.extend(page.orders);
        match page.next {
            Some(next) => query.before = Some(next),
            None => return all,
        }
    }
}

/// Who has claimed a coupon.
pub async fn claims(db: &Db, coupon: Id<Coupon>) -> BTreeSet<Id<Customer>> {
    let claims = rows!(db, (Uuid, Uuid), CLAIMS).into_iter();
    claims.filter(|(of, _)| *of == coupon.uuid()).map(|(_, customer)| Id::new(customer)).collect()
}

const CLAIMS: &str = "SELECT coupon_id, customer_id FROM coupon_claims";

/// What is reserved is what orders are still to ship.
async fn check_stock(db: &Db, orders: &[Order], wrong: &mut Vec<String>) -> (i64, i64) {
    let mut open: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    for order in orders {
        for (position, line) in order.terms.lines.iter().enumerate() {
            let units = i64::from(order.open_units(position));
            if units > 0 {
                *open.entry((order.id.uuid(), line.variant.uuid())).or_default() += units;
            }
        }
    }
    const RESERVATIONS: &str = "SELECT order_id, variant_id, quantity FROM reservations";
    let held: BTreeMap<(Uuid, Uuid), i64> = rows!(db, (Uuid, Uuid, i64), RESERVATIONS)
        .into_iter()
        .map(|(order, variant, quantity)| ((order, variant), quantity))
        .collect();
    if held != open {
        wrong.push(format!("reservations hold {held:?}, and orders are to ship {open:?}"));
    }
    let mut reserved: BTreeMap<Uuid, i64> = BTreeMap::new();
    for ((_, variant), units) in &held {
        *reserved.entry(*variant).or_default() += units;
    }
    const LEVELS: &str = "SELECT variant_id, on_hand, reserved FROM stock_levels";
    let mut sums = (0, 0);
    for (variant, on_hand, level) in rows!(db, (Uuid, i64, i64), LEVELS) {
        sums = (sums.0 + on_hand, sums.1 + level);
        let expected = reserved.get(&variant).copied().unwrap_or(0);
        if level != expected || on_hand < level {
            wrong.push(format!("{variant} has {level} of {on_hand} reserved, and {expected} are held"));
        }
    }
    sums
}

/// A coupon's uses are its redemptions, in all and by customer, and those are of living orders.
async fn check_coupons(db: &Db, orders: &[Order], wrong: &mut Vec<String>) -> i64 {
    let mut expected: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    for order in orders.iter().filter(|order| !order.progress.given_back) {
        expected.extend(order.terms.coupons.iter().map(|used| (order.id.uuid(), used.coupon.uuid())));
    }
    const REDEMPTIONS: &str = "SELECT order_id, coupon_id, customer_id FROM redemptions";
    let redemptions = rows!(db, (Uuid, Uuid, Option<Uuid>), REDEMPTIONS);
    let found: BTreeSet<(Uuid, Uuid)> =
        redemptions.iter().map(|(order, coupon, _)| (*order, *coupon)).collect();
    if found != expected {
        wrong.push(format!("redemptions are {found:?}, and orders use {expected:?}"));
    }
    let (mut used, mut by_customer) = (BTreeMap::<Uuid, i64>::new(), BTreeMap::<(Uuid, Uuid), i64>::new());
    for (_, coupon, customer) in &redemptions {
        *used.entry(*coupon).or_default() += 1;
        if let Some(customer) = customer {
            *by_customer.entry((*customer, *coupon)).or_default() += 1;
        }
    }
    for (coupon, count) in rows!(db, (Uuid, i64), "SELECT coupon_id, used FROM coupon_usage") {
        if used.get(&coupon).copied().unwrap_or(0) != count {
            wrong.push(format!("coupon {coupon} counts {count} uses, and has {:?}", used.get(&coupon)));
        }
    }
    const CUSTOMERS: &str = "SELECT customer_id, coupon_id, used FROM coupon_usage_by_customer";
    for (customer, coupon, count) in rows!(db, (Uuid, Uuid, i64), CUSTOMERS) {
        if by_customer.get(&(customer, coupon)).copied().unwrap_or(0) != count {
            wrong.push(format!("coupon {coupon} counts {count} uses by {customer}, which has fewer or more"));
        }
    }
    used.values().sum()
}

/// Installations have given what living orders have of their budgets: in all, by day and by customer.
async fn check_budgets(db: &Db, orders: &[Order], wrong: &mut Vec<String>) {
    let mut in_all: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut by_day: BTreeMap<(Uuid, i64), i64> = BTreeMap::new();
    let mut by_customer: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    for order in orders.iter().filter(|order| !order.progress.given_back) {
        for share in &order.terms.budgets {
            let installation = share.installation.uuid();
            *in_all.entry(installation).or_default() += share.amount;
            if let Some(day) = share.day {
                *by_day.entry((installation, day)).or_default() += share.amount;
            }
            if let Some(customer) = order.terms.customer.filter(|_| share.by_customer) {
                *by_customer.entry((installation, customer.uuid())).or_default() += share.amount;
            }
        }
    }
    const IN_ALL: &str = "SELECT installation_id, granted FROM budget_usage WHERE granted <> 0";
    const BY_DAY: &str = "SELECT installation_id, day, granted FROM budget_usage_by_day WHERE granted <> 0";
    const BY_CUSTOMER: &str =
        "SELECT installation_id, customer_id, granted FROM budget_usage_by_customer WHERE granted <> 0";
    let counted: BTreeMap<Uuid, i64> = rows!(db, (Uuid, i64), IN_ALL).into_iter().collect();
    if counted != in_all {
        wrong.push(format!("budgets count {counted:?}, and orders hold {in_all:?}"));
    }
    let counted: BTreeMap<(Uuid, i64), i64> =
        rows!(db, (Uuid, i64, i64), BY_DAY).into_iter().map(|(id, day, sum)| ((id, day), sum)).collect();
    if counted != by_day {
        wrong.push(format!("budgets count {counted:?} by day, and orders hold {by_day:?}"));
    }
    let counted: BTreeMap<(Uuid, Uuid), i64> = rows!(db, (Uuid, Uuid, i64), BY_CUSTOMER)
        .into_iter()
        .map(|(id, customer, sum)| ((id, customer), sum))
        .collect();
    if counted != by_customer {
        wrong.push(format!("budgets count {counted:?} by customer, and orders hold {by_customer:?}"));
    }
}

/// A coupon counts as many claims as there are, and never more than there may be.
async fn check_claims(db: &Db, wrong: &mut Vec<String>) {
    let mut claims: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (coupon, _) in rows!(db, (Uuid, Uuid), CLAIMS) {
        *claims.entry(coupon).or_default() += 1;
    }
    const STOCK: &str = "SELECT coupon_id, units, claimed FROM coupon_claim_stock";
    for (coupon, units, claimed) in rows!(db, (Uuid, i64, i64), STOCK) {
        let found = claims.remove(&coupon).unwrap_or(0);
        if claimed != found || found > units {
            wrong.push(format!("coupon {coupon} counts {claimed} claims of {units}, and has {found}"));
        }
    }
    if !claims.is_empty() {
        wrong.push(format!("coupons that aren't claimed are: {claims:?}"));
    }
}

/// The provider has what orders say was paid, and nothing of orders that came to nothing.
async fn check_money(db: &Db, store: Id<Store>, orders: &[Order], wrong: &mut Vec<String>) -> i64 {
    let mut books = db.list_test_payment_balances(store).await.expect("the provider's books");
    let mut money = 0;
    for order in orders {
        let booked = books.remove(&order.id.to_string()).unwrap_or_default();
        let kept = booked.captured - booked.refunded;
        money += kept;
        let refunds = order.progress.refunds.iter();
        let refunded: i64 = refunds
            .filter(|refund| refund.status == RefundStatus::Succeeded)
            .map(|refund| refund.amount)
            .sum();
        let expected = match order.progress.payment.status {
            PaymentStatus::Captured => order.terms.totals.total - refunded,
            _ => 0,
        };
        if kept != expected {
            wrong.push(format!(
                "{} of {} is kept for order {} ({})",
                kept, expected, order.number, order.status
            ));
        }
        if booked.authorised != booked.captured + booked.voided {
            wrong.push(format!("order {} ({}) has money set aside: {booked:?}", order.number, order.status));
        }
    }
    for (payment, entries) in books {
        wrong.push(format!("the provider knows a payment {payment} that no order has: {entries:?}"));
    }
    money
}

/// A cart is the order that it names, and no other order of it lives.
async fn check_carts(db: &Db, orders: &[Order], wrong: &mut Vec<String>) {
    let living = orders.iter().filter(|order| {
        // Cancelled after it was paid for, a cart stays what it was.
        order.status != OrderStatus::Cancelled || order.progress.payment.reference.is_some()
    });
    let mut expected: BTreeMap<Uuid, Uuid> = BTreeMap::new();
    for order in living {
        if expected.insert(order.terms.cart.uuid(), order.id.uuid()).is_some() {
            wrong.push(format!("order {} has a cart that another order has too", order.number));
        }
    }
    const CARTS: &str = "SELECT id, order_id FROM carts WHERE order_id IS NOT NULL";
    let found: BTreeMap<Uuid, Uuid> = rows!(db, (Uuid, Uuid), CARTS).into_iter().collect();
    if found != expected {
        wrong.push(format!("carts are orders {found:?}, and orders have carts {expected:?}"));
    }
}

/// No request is in flight, and each that was promised an order has one.
async fn check_answers(db: &Db, orders: &[Order], wrong: &mut Vec<String>) -> usize {
    const ANSWERS: &str = "SELECT COALESCE(status, 0), COALESCE(headers, '') FROM idempotency_keys";
    let answers = rows!(db, (i64, String), ANSWERS);
    for (status, headers) in &answers {
        let of_checkout = *status == 201 && headers.contains("/api/v1/orders/");
        if *status == 0 {
            wrong.push("a request is still in flight".to_owned());
        } else if of_checkout && !orders.iter().any(|order| headers.contains(&order.id.to_string())) {
            wrong.push(format!("an answer promises an order that isn't there: {headers}"));
        }
    }
    let unsettled = orders.iter().filter(|order| order.status == OrderStatus::PendingPayment).count();
    if unsettled > 0 {
        wrong.push(format!("{unsettled} orders are still to be settled"));
    }
    answers.iter().filter(|(status, _)| *status > 0).count()
}
