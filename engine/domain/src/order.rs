//! Orders: a cart that was priced, promised and paid for.
//!
//! [`Terms`] are what was agreed and never change; [`Progress`] is what became of it. Every step is
//! a method that says what else it moves, as [`Effects`]: who stores the order carries them out in
//! the same transaction, once, because the order's version is the fence.

mod allot;
mod budget_share;
mod event;
mod notes;
mod number;
mod place;
mod status;
mod steps;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Digest, Entity, Id, Timestamp,
    cart::{Address, Cart, LineItem},
    catalog::{Sku, Variant},
    coupon::{Coupon, CouponCode},
    customer::Customer,
    money::Currency,
    payment::{DeclineReason, ProviderName},
    plugin::Installation,
    quote::{QuotedShipping, Tax, Totals, UnitRun},
};

pub use allot::{Ask, BudgetAsk, CouponAsk, CustomerLimit, DayLimit, Levels, Shortage, StockShortage};
pub use budget_share::BudgetShare;
pub use event::OrderEvent;
pub use number::OrderNumber;
pub use place::{Means, NewOrder};
pub use status::{OrderStatus, Step, TRANSITIONS};
pub use steps::{Effects, LineQuantity, NewRefund, StepError};

/// A cart that was priced, promised and paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: Id<Order>,
    /// What people call it.
    pub number: OrderNumber,
    /// Counts changes, from 1.
    pub version: i64,
    /// How far it has got.
    pub status: OrderStatus,
    /// What was agreed.
    pub terms: Arc<Terms>,
    /// What became of it.
    pub progress: Progress,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Until when it holds what it reserves without being paid; nothing once that is settled.
    pub pending_until: Option<Timestamp>,
}

impl Entity for Order {
    const NAME: &'static str = "order";
}

/// What was agreed when an order was placed. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The cart it was.
    pub cart: Id<Cart>,
    /// The version of the cart that was priced.
    pub cart_version: i64,
    /// Who buys; nothing for a guest.
    pub customer: Option<Id<Customer>>,
    /// A guest's e-mail address.
    pub email: Option<String>,
    /// Where the goods go.
    pub shipping_address: Option<Address>,
    /// The currency.
    pub currency: Currency,
    /// The moment it was priced at.
    pub as_of: Timestamp,
    /// Number of the rulebook it was priced under; 0 where the store had none.
    pub rulebook: i64,
    /// Names the evidence of its price.
    pub receipt: Digest,
    /// What was bought, and after it what was given on top.
    pub lines: Vec<OrderLine>,
    /// How it is shipped.
    pub shipping: Option<QuotedShipping>,
    /// What applied to the prices, by stage and turn.
    pub discounts: Vec<Discount>,
    /// Sums.
    pub totals: Totals,
    /// The coupons it uses up.
    pub coupons: Vec<RedeemedCoupon>,
    /// What it takes of the budgets of installations.
    pub budgets: Vec<BudgetShare>,
}

/// Some units of a variant in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// The cart's line; nothing for a gift.
    pub line: Option<Id<LineItem>>,
    /// What was bought.
    pub variant: Id<Variant>,
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// What shoppers called it.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// Its units, those with the same amounts together.
    pub units: Vec<UnitRun>,
    /// Before discounts.
    pub subtotal: i64,
    /// All discounts that it bears.
    pub discount: i64,
    /// What is left: subtotal less discount. Nothing for a gift.
    pub total: i64,
    /// The tax on the total, or in it.
    pub tax: Tax,
}

/// Something that made the order cheaper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// The installation that proposed it.
    pub installation: Id<Installation>,
    /// The coupon's code, or else the plugin's name.
    pub name: String,
    /// What shoppers are told of it.
    pub label: Option<String>,
    /// What it took off.
    pub amount: i64,
}

/// A coupon that an order uses up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedeemedCoupon {
    /// The coupon.
    pub coupon: Id<Coupon>,
    /// Its code then.
    pub code: CouponCode,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// By line, in the order of the terms.
    pub lines: Vec<LineProgress>,
    /// The payment.
    pub payment: Payment,
    /// What was shipped.
    pub fulfillments: Vec<Fulfillment>,
    /// What was paid back, or is to be.
    pub refunds: Vec<Refund>,
    /// Why it was cancelled, where it was.
    pub cancelled: Option<Cancellation>,
    /// Whether coupons and budgets have it back, which happens once.
    pub given_back: bool,
    /// The request that waits for it to be settled.
    pub awaited_by: Option<AwaitingRequest>,
}

/// A request that is answered once its order is settled, by whoever settles it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwaitingRequest {
    /// Names its claim.
    pub claim: Digest,
    /// Its id, which a problem in the answer names.
    pub request_id: String,
}

/// What became of a line's units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineProgress {
    /// Units that were shipped.
    pub fulfilled: u32,
    /// Units that will not be, and are free again.
    pub released: u32,
    /// Units of those shipped that came back.
    pub returned: u32,
}

/// The payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Who handles it.
    pub provider: ProviderName,
    /// What the shopper gave for it, in the provider's language. It may be asked for again after a
    /// crash, so it is kept; nobody is shown it.
    pub token: String,
    /// How far it has got.
    pub status: PaymentStatus,
    /// How the provider calls it.
    pub reference: Option<String>,
}

/// How far a payment has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The provider is asked.
    Pending,
    /// The money is set aside.
    Authorised,
    /// The money is ours.
    Captured,
    /// The provider said no.
    Declined(DeclineReason),
    /// What was set aside is given up.
    Voided,
    /// The provider set the money aside and then refused to hand it over: nothing is shipped for it.
    CaptureRefused,
    /// The provider refused to give up what it set aside: the merchant must look.
    VoidRefused,
}

/// Units that were shipped together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fulfillment {
    /// Its id.
    pub id: Id<Fulfillment>,
    /// Which units.
    pub lines: Vec<LineQuantity>,
    /// The carrier's number for it.
    pub tracking: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Entity for Fulfillment {
    const NAME: &'static str = "fulfillment";
}

/// Money that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// Its id.
    pub id: Id<Refund>,
    /// How much, in minor units.
    pub amount: i64,
    /// Why, in the merchant's words.
    pub reason: String,
    /// Units that come back, or won't be shipped.
    pub lines: Vec<LineQuantity>,
    /// How far it has got.
    pub status: RefundStatus,
    /// When it was asked for.
    pub at: Timestamp,
}

impl Entity for Refund {
    const NAME: &'static str = "refund";
}

/// How far a refund has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The provider is asked.
    Pending,
    /// The money is back.
    Succeeded,
    /// The provider refused: the money is still ours.
    Refused,
}

/// Why an order was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancellation {
    /// The payment was declined.
    Declined,
    /// It wasn't paid in time.
    Expired,
    /// The merchant did, and said why.
    Merchant(String),
}

impl Order {
    /// Units of a line that are still to be shipped.
    pub fn open_units(&self, position: usize) -> u32 {
        let (line, progress) = (self.terms.lines.get(position), self.progress.lines.get(position));
        line.zip(progress).map_or(0, |(line, progress)| {
            line.quantity.saturating_sub(progress.fulfilled).saturating_sub(progress.released)
        })
    }

    /// What was paid and not asked back, in minor units. What the provider refused to hand over wasn't
    /// paid.
    pub fn refundable(&self) -> i64 {
        use PaymentStatus::{Authorised, Captured};
        let paid = matches!(self.progress.payment.status, Authorised | Captured);
        if paid { self.terms.totals.total - self.refunded() } else { 0 }
    }

    /// What was or is being paid back, in minor units.
    pub fn refunded(&self) -> i64 {
        let kept = self.progress.refunds.iter().filter(|refund| refund.status != RefundStatus::Refused);
        kept.map(|refund| refund.amount).sum()
    }
}
