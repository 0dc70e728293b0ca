//! From a priced cart to an order.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    Ask, AwaitingRequest, BudgetAsk, BudgetShare, CouponAsk, CustomerLimit, DayLimit, Discount, LineProgress,
    Order, OrderLine, OrderNumber, OrderStatus, Payment, PaymentStatus, Progress, RedeemedCoupon, Terms,
};
use crate::{
    Id, Timestamp,
    cart::Cart,
    catalog::Variant,
    coupon::Coupon,
    money::{Money, Ppm},
    payment::ProviderName,
    plugin::{Installation, Rulebook},
    quote::{Applied, Decision, Quote, QuotedLine, Stage, Tax, UnitRun, Verdict, render},
};

/// What an order is made of.
#[derive(Debug)]
pub struct NewOrder<'a> {
    /// Its id.
    pub id: Id<Order>,
    /// Its number.
    pub number: OrderNumber,
    /// The cart.
    pub cart: &'a Cart,
    /// The cart's price.
    pub quote: &'a Quote,
    /// The rules it was priced under.
    pub rulebook: &'a Rulebook,
    /// The cart's coupons.
    pub coupons: &'a [Coupon],
    /// What shoppers call each variant.
    pub titles: &'a HashMap<Id<Variant>, String>,
    /// How it is paid.
    pub means: Means,
    /// The request that waits for it.
    pub awaited_by: Option<AwaitingRequest>,
    /// This moment.
    pub now: Timestamp,
    /// Until when it holds its goods without being paid.
    pub pending_until: Timestamp,
}

/// How an order is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Means {
    /// Who handles it.
    pub provider: ProviderName,
    /// What the shopper gave for it.
    pub token: String,
}

impl Order {
    /// An order that is still to be paid, and what it needs of what others want too.
    pub fn place(new: NewOrder<'_>) -> (Self, Ask) {
        let coupons = redeemed(&new);
        let terms = terms(&new, &coupons);
        let ask = ask(&new, &terms, &coupons);
        let progress = Progress {
            lines: vec![LineProgress::default(); terms.lines.len()],
            payment: Payment {
                provider: new.means.provider,
                token: new.means.token,
                status: PaymentStatus::Pending,
                reference: None,
            },
            fulfillments: Vec::new(),
            refunds: Vec::new(),
            cancelled: None,
            given_back: false,
            awaited_by: new.awaited_by,
        };
        let order = Self {
            id: new.id,
            number: new.number,
            version: 1,
            status: OrderStatus::PendingPayment,
            terms: Arc::new(terms),
            progress,
            placed_at: new.now,
            updated_at: new.now,
            pending_until: Some(new.pending_until),
        };
        (order, ask)
    }
}

/// The coupons of which something applies. One that gives nothing isn't used up.
fn redeemed<'a>(new: &NewOrder<'a>) -> Vec<&'a Coupon> {
    let applies = |coupon: &&Coupon| {
        new.quote.verdicts.iter().any(|verdict| {
            verdict.source.coupon.as_ref() == Some(&coupon.code)
                && matches!(verdict.decision, Decision::Applied(_))
        })
    };
    new.coupons.iter().filter(applies).collect()
}

fn terms(new: &NewOrder<'_>, coupons: &[&Coupon]) -> Terms {
    let NewOrder { cart, quote, .. } = new;
    Terms {
        cart: cart.id,
        cart_version: cart.version,
        customer: cart.customer,
        email: cart.email.clone(),
        shipping_address: cart.shipping_address.clone(),
        currency: quote.currency,
        as_of: quote.as_of,
        rulebook: quote.rulebook,
        receipt: quote.receipt.digest(),
        lines: lines(new),
        shipping: quote.shipping.clone(),
        discounts: discounts(new),
        totals: quote.totals,
        coupons: coupons
            .iter()
            .map(|coupon| RedeemedCoupon { coupon: coupon.id, code: coupon.code.clone() })
            .collect(),
        budgets: budgets(new),
    }
}

/// What it takes of budgets, and which of them there are to count it. A day's is that of the moment it was
/// priced at.
fn budgets(new: &NewOrder<'_>) -> Vec<BudgetShare> {
    let share = |(installation, amount)| {
        let installed = installed(new, installation);
        BudgetShare {
            installation,
            amount,
            day: installed.and_then(|it| it.daily_budget).map(|_| new.quote.as_of.day()),
            by_customer: new.cart.customer.is_some()
                && installed.is_some_and(|it| it.customer_budget.is_some()),
        }
    };
    new.quote.granted().into_iter().map(share).collect()
}

fn installed<'a>(new: &NewOrder<'a>, id: Id<Installation>) -> Option<&'a Installation> {
    new.rulebook.installations.iter().find(|known| known.id == id)
}

fn lines(new: &NewOrder<'_>) -> Vec<OrderLine> {
    let bought = new.quote.lines.iter().zip(&new.cart.lines).map(|(quoted, line)| {
        let QuotedLine { variant, sku, quantity, units, subtotal, discount, total, tax, .. } = quoted.clone();
        let title = title(new, variant);
        OrderLine {
            line: Some(line.id),
            variant,
            sku,
            title,
            quantity,
            units,
            subtotal,
            discount,
            total,
            tax,
        }
    });
    let given = new.quote.gifts.iter().map(|gift| OrderLine {
        line: None,
        variant: gift.variant,
        sku: gift.sku.clone(),
        title: title(new, gift.variant),
        quantity: gift.quantity,
        units: vec![UnitRun { count: gift.quantity, list_amount: 0, left: 0 }],
        subtotal: 0,
        discount: 0,
        total: 0,
        tax: Tax { rate: Ppm(0), amount: 0 },
    });
    bought.chain(given).collect()
}

fn discounts(new: &NewOrder<'_>) -> Vec<Discount> {
    let applied = new.quote.verdicts.iter().filter_map(|verdict| match &verdict.decision {
        // What the pricing stage makes of a price is in the subtotals, and may raise it.
        Decision::Applied(applied) if verdict.stage != Stage::Pricing => Some((verdict, applied)),
        _ => None,
    });
    let discount = |(verdict, applied): (&Verdict, &Applied)| Discount {
        installation: verdict.source.installation,
        name: verdict.source.name().to_owned(),
        label: label(new, verdict),
        amount: applied.amount,
    };
    applied.map(discount).collect()
}

fn title(new: &NewOrder<'_>, variant: Id<Variant>) -> String {
    new.titles.get(&variant).cloned().unwrap_or_default()
}

fn label(new: &NewOrder<'_>, verdict: &Verdict) -> Option<String> {
    let installation = installed(new, verdict.source.installation)?;
    verdict.message.as_ref().map(|message| render(message, &installation.templates, "en"))
}

fn ask(new: &NewOrder<'_>, terms: &Terms, coupons: &[&Coupon]) -> Ask {
    let mut stock: BTreeMap<Id<Variant>, i64> = BTreeMap::new();
    for line in &terms.lines {
        *stock.entry(line.variant).or_default() += i64::from(line.quantity);
    }
    let coupons = coupons.iter().map(|coupon| CouponAsk {
        coupon: coupon.id,
        customer: terms.customer,
        total_limit: coupon.total_limit,
        per_customer_limit: coupon.per_customer_limit,
    });
    let budgets = terms.budgets.iter().filter_map(|share| {
        let &BudgetShare { installation, amount, day, .. } = share;
        let installed = installed(new, installation)?;
        let limit = |budget: Option<Money>| budget.map(|budget| budget.minor_units);
        let (daily, customer) = (limit(installed.daily_budget), limit(installed.customer_budget));
        Some(BudgetAsk {
            installation,
            amount,
            limit: limit(installed.budget),
            day: day.zip(daily).map(|(day, limit)| DayLimit { day, limit }),
            customer: customer.map(|limit| CustomerLimit { customer: terms.customer, limit }),
        })
    });
    Ask { stock, coupons: coupons.collect(), budgets: budgets.collect() }
}
