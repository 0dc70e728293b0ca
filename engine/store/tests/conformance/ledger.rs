//! The books: what orders say they hold is what everybody else counts as held.

use std::collections::BTreeMap;

use martlet_domain::{
    Id,
    order::{BudgetShare, Order, OrderStatus, PaymentStatus},
    settings::Store,
};
use martlet_store::{Db, OrderQuery};
use uuid::Uuid;

use crate::harness::World;

/// Numbers by what they belong to. Nothing and 0 are the same.
type Sums = BTreeMap<(Uuid, Uuid), i64>;
type Days = BTreeMap<(Uuid, i64), i64>;

const RESERVATIONS: &str = "SELECT order_id, variant_id, quantity FROM reservations WHERE store_id = ?";
const REDEMPTIONS: &str = "SELECT order_id, coupon_id, COUNT(*) FROM redemptions WHERE store_id = ? \
     GROUP BY order_id, coupon_id";
const REDEMPTIONS_BY_CUSTOMER: &str = "SELECT coupon_id, customer_id, COUNT(*) FROM redemptions \
     WHERE store_id = ? AND customer_id IS NOT NULL GROUP BY coupon_id, customer_id";
const RESERVED: &str = "SELECT variant_id, variant_id, reserved FROM stock_levels WHERE store_id = ?";
const USED: &str = "SELECT coupon_id, coupon_id, used FROM coupon_usage WHERE store_id = ?";
const USED_BY_CUSTOMER: &str =
    "SELECT coupon_id, customer_id, used FROM coupon_usage_by_customer WHERE store_id = ?";
const GRANTED: &str = "SELECT installation_id, installation_id, granted FROM budget_usage WHERE store_id = ?";
const GRANTED_TO: &str =
    "SELECT installation_id, customer_id, granted FROM budget_usage_by_customer WHERE store_id = ?";
const GRANTED_BY_DAY: &str =
    "SELECT installation_id, day, granted FROM budget_usage_by_day WHERE store_id = ?";
const CARTS: &str = "SELECT id, order_id, 1 + version - version FROM carts \
     WHERE store_id = ? AND order_id IS NOT NULL";

/// Asserts that the books of both stores balance.
pub(crate) async fn assert_balanced(world: &World) {
    for store in [world.store, world.other] {
        balance(&world.db, store).await;
    }
}

async fn balance(db: &Db, store: Id<Store>) {
    let orders = orders(db, store).await;
    let reservations = sums(db, RESERVATIONS, store).await;
    assert_eq!(reservations, open_units(&orders), "each order reserves what it has to ship");
    assert_eq!(sums(db, RESERVED, store).await, by_second(&reservations), "stock counts what is reserved");

    let redemptions = sums(db, REDEMPTIONS, store).await;
    assert_eq!(redemptions, used_coupons(&orders), "each order redeems what it uses");
    assert_eq!(sums(db, USED, store).await, by_second(&redemptions), "coupons count what is redeemed");
    let by_customer = sums(db, USED_BY_CUSTOMER, store).await;
    assert_eq!(by_customer, sums(db, REDEMPTIONS_BY_CUSTOMER, store).await, "and so do customers");

    assert_eq!(sums(db, GRANTED, store).await, granted(&orders), "budgets count what orders hold");
    assert_eq!(sums(db, GRANTED_TO, store).await, granted_to(&orders), "by customer");
    assert_eq!(days(db, store).await, granted_by_day(&orders), "and by day");
    assert_eq!(sums(db, CARTS, store).await, carts(&orders), "carts are the orders that they became");
    for order in &orders {
        let receipt = db.find_receipt(store, order.id).await.unwrap().unwrap();
        assert_eq!((receipt.digest, receipt.totals), (order.terms.receipt, order.terms.totals));
    }
}

async fn orders(db: &Db, store: Id<Store>) -> Vec<Order> {
    let (mut orders, mut query) = (Vec::new(), OrderQuery::default());
    loop {
        let page = db.list_orders(store, &query, 100).await.unwrap();
        orders.extend(page.orders);
        if page.next.is_none() {
            return orders;
        }
        assert!(page.next != query.before, "the next page is another");
        query.before = page.next;
    }
}

async fn sums(db: &Db, sql: &'static str, store: Id<Store>) -> Sums {
    let rows: Vec<(Uuid, Uuid, i64)> = match db {
        Db::MySql(pools) => {
            let mut connection = pools.acquire().await.unwrap();
            sqlx::query_as(sql).bind(store.uuid()).fetch_all(&mut *connection).await.unwrap()
        }
        Db::Sqlite { read, .. } => sqlx::query_as(sql).bind(store.uuid()).fetch_all(read).await.unwrap(),
    };
    let sums = rows.into_iter().map(|(one, two, sum)| ((one, two), sum));
    sums.filter(|(_, sum)| *sum != 0).collect()
}

fn by_second(sums: &Sums) -> Sums {
    let mut totals = Sums::new();
    for ((_, second), sum) in sums {
        *totals.entry((*second, *second)).or_default() += sum;
    }
    totals
}

fn open_units(orders: &[Order]) -> Sums {
    let mut open = Sums::new();
    for order in orders {
        for (position, line) in order.terms.lines.iter().enumerate() {
            let units = i64::from(order.open_units(position));
            *open.entry((order.id.uuid(), line.variant.uuid())).or_default() += units;
        }
    }
    open.retain(|_, units| *units != 0);
    open
}

fn holding(orders: &[Order]) -> impl Iterator<Item = &Order> {
    orders.iter().filter(|order| !order.progress.given_back)
}

fn used_coupons(orders: &[Order]) -> Sums {
    let used = holding(orders)
        .flat_map(|order| order.terms.coupons.iter().map(|used| ((order.id.uuid(), used.coupon.uuid()), 1)));
    used.collect()
}

fn shares(orders: &[Order]) -> impl Iterator<Item = (&Order, &BudgetShare)> {
    holding(orders).flat_map(|order| order.terms.budgets.iter().map(move |share| (order, share)))
}

fn granted(orders: &[Order]) -> Sums {
    let mut granted = Sums::new();
    for (_, share) in shares(orders) {
        let installation = share.installation.uuid();
        *granted.entry((installation, installation)).or_default() += share.amount;
    }
    granted.retain(|_, amount| *amount != 0);
    granted
}

fn granted_to(orders: &[Order]) -> Sums {
    let mut granted = Sums::new();
    for (order, share) in shares(orders).filter(|(_, share)| share.by_customer) {
        let customer = order.terms.customer.unwrap().uuid();
        *granted.entry((share.installation.uuid(), customer)).or_default() += share.amount;
    }
    granted.retain(|_, amount| *amount != 0);
    granted
}

fn granted_by_day(orders: &[Order]) -> Days {
    let mut granted = Days::new();
    for (_, share) in shares(orders) {
        if let Some(day) = share.day {
            *granted.entry((share.installation.uuid(), day)).or_default() += share.amount;
        }
    }
    granted.retain(|_, amount| *amount != 0);
    granted
}

async fn days(db: &Db, store: Id<Store>) -> Days {
    let rows: Vec<(Uuid, i64, i64)> = match db {
        Db::MySql(pools) => {
            let mut connection = pools.acquire().await.unwrap();
            sqlx::query_as(GRANTED_BY_DAY).bind(store.uuid()).fetch_all(&mut *connection).await.unwrap()
        }
        Db::Sqlite { read, .. } => {
            sqlx::query_as(GRANTED_BY_DAY).bind(store.uuid()).fetch_all(read).await.unwrap()
        }
    };
    rows.into_iter().map(|(id, day, sum)| ((id, day), sum)).filter(|(_, sum)| *sum != 0).collect()
}

/// An order that was called off before it was paid for is nobody's cart any more.
fn carts(orders: &[Order]) -> Sums {
    let was_paid = |order: &Order| {
        matches!(
            order.progress.payment.status,
            PaymentStatus::Authorised | PaymentStatus::Captured | PaymentStatus::CaptureRefused
        )
    };
    let kept = orders.iter().filter(|order| order.status != OrderStatus::Cancelled || was_paid(order));
    kept.map(|order| ((order.terms.cart.uuid(), order.id.uuid()), 1)).collect()
}
