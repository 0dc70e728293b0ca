//! `GET /api/v1/orders/{id}`: an order, for its customer, for the guest who holds its cart and for staff.
//!
//! Shoppers and merchants are shown the same. What only the provider may know of the payment isn't in
//! it, nor is the cart's id, which is as good as a key.

mod writer;

use std::sync::Arc;

use axum::{extract::State, response::Response};
use martlet_domain::{Id, order::Order};
use martlet_store::StoredAnswer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{
        carts::AddressBody,
        money::MoneyBody,
        quotes::{QuoteShippingBody, TaxBody, TotalsBody, UnitRunBody},
        time::Time,
    },
    error::Error,
    extract::{Caller, HeldCart, Path},
    idempotency,
    orders::Orders,
    problem::Problem,
};

/// An order. What was agreed never changes; what became of it does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderBody {
    /// Its id.
    id: Uuid,
    /// What people call it.
    #[schema(example = "7K3M-9QXP")]
    number: String,
    /// Counts changes; the ETag.
    version: i64,
    /// `pending_payment`, `paid`, `partly_fulfilled`, `fulfilled`, `completed`, `partly_refunded`,
    /// `refunded` or `cancelled`.
    status: &'static str,
    /// Who buys; null for a guest.
    customer_id: Option<Uuid>,
    /// A guest's e-mail address.
    email: Option<String>,
    /// Where the goods go.
    shipping_address: Option<AddressBody>,
    /// ISO 4217.
    currency: String,
    /// Number of the rulebook it was priced under; 0 where the store had none.
    rulebook: i64,
    /// SHA-256 of the evidence of its price.
    receipt: String,
    /// What was bought, and after it what was given on top.
    lines: Vec<OrderLineBody>,
    /// How it is shipped.
    shipping: Option<QuoteShippingBody>,
    /// What made it cheaper.
    discounts: Vec<DiscountBody>,
    /// Sums.
    totals: TotalsBody,
    /// Codes of the coupons that it uses up.
    coupons: Vec<String>,
    /// The payment.
    payment: PaymentBody,
    /// How much of it is shipped: `none`, `partly` or `all`. Units that won't be shipped don't count.
    fulfillment_status: &'static str,
    /// What was shipped.
    fulfillments: Vec<FulfillmentBody>,
    /// What was paid back, or is to be.
    refunds: Vec<RefundBody>,
    /// Why it was cancelled, where it was.
    cancelled: Option<CancellationBody>,
    /// When it was placed.
    placed_at: Time,
    /// When it last changed.
    updated_at: Time,
    /// Until when it holds its goods without being paid; null once that is settled.
    pending_until: Option<Time>,
}

/// Some units of a variant in an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct OrderLineBody {
    /// Its place, from 0.
    position: usize,
    /// What was bought.
    variant_id: Uuid,
    /// Its stock-keeping unit.
    sku: String,
    /// What shoppers called it.
    title: String,
    /// How many.
    quantity: u32,
    /// Whether it was given on top.
    gift: bool,
    /// Its units, those with the same amounts together.
    units: Vec<UnitRunBody>,
    /// Before discounts.
    subtotal: MoneyBody,
    /// All discounts that it bears.
    discount: MoneyBody,
    /// What is left: subtotal less discount.
    total: MoneyBody,
    /// Tax on the total, or in it.
    tax: TaxBody,
    /// Units that were shipped.
    fulfilled: u32,
    /// Units that will not be.
    released: u32,
    /// Units of those shipped that came back.
    returned: u32,
}

/// Something that made an order cheaper.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Discount)]
pub struct DiscountBody {
    /// The coupon's code, or else the plugin's name.
    name: String,
    /// What the plugin calls it.
    label: Option<String>,
    /// What it took off.
    amount: MoneyBody,
}

/// The payment of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentBody {
    /// Who handles it: `test` or `manual`.
    provider: &'static str,
    /// `pending`, `authorised`, `captured`, `declined`, `voided`, `capture_refused` or `void_refused`.
    status: &'static str,
    /// Why it was declined: `card_declined`, `insufficient_funds` or `expired`.
    decline_reason: Option<&'static str>,
    /// What was or is being paid back.
    refunded: MoneyBody,
    /// What can still be paid back.
    refundable: MoneyBody,
}

/// Units that were shipped together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fulfillment)]
pub struct FulfillmentBody {
    /// Its id.
    id: Uuid,
    /// Which units.
    lines: Vec<LineQuantityBody>,
    /// The carrier's number for it.
    tracking: Option<String>,
    /// When.
    at: Time,
}

/// Money that goes back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundBody {
    /// Its id.
    id: Uuid,
    /// How much.
    amount: MoneyBody,
    /// `pending`, `succeeded` or `refused`, in which case the money wasn't paid back.
    status: &'static str,
    /// Why, in the merchant's words.
    reason: String,
    /// Units that come back, or won't be shipped.
    lines: Vec<LineQuantityBody>,
    /// When it was asked for.
    at: Time,
}

/// Units of one line of an order.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LineQuantity)]
pub struct LineQuantityBody {
    /// The line's place in the order, from 0.
    pub position: u32,
    /// How many.
    #[schema(minimum = 1)]
    pub quantity: u32,
}

/// Why an order was cancelled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cancellation)]
pub struct CancellationBody {
    /// `declined`: the payment was; `expired`: it wasn't paid in time; `merchant`: the merchant did.
    kind: &'static str,
    /// Why, in the merchant's words.
    reason: Option<String>,
}

/// An order, for the customer who placed it, for a guest who holds the cart it was made of, and with an
/// API key. Nobody else learns anything of it, not even whether there is one.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", tag = "storefront", operation_id = "getOrder",
    params(
        ("id" = Uuid, Path, description = "The order"),
        ("Martlet-Cart" = Option<Uuid>, Header, description = "The cart it was made of, where a guest placed it"),
    ),
    security((), ("customer" = []), ("api_key" = [])),
    responses(
        (status = 200, description = "The order", body = OrderBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Not the id of a cart", body = Problem),
        (status = 404, description = "No such order, or somebody else's", body = Problem),
    )
)]
pub async fn get(
    caller: Caller,
    State(orders): State<Arc<Orders>>,
    Path(id): Path<Id<Order>>,
    held: Option<HeldCart>,
) -> Result<Response, Error> {
    let order = orders.find(caller.store.id, id).await?;
    if !caller.who.may_read(&order, held.map(|HeldCart(cart)| cart)) {
        return Err(Error::not_found::<Order>());
    }
    Ok(idempotency::respond(stepped(&order)))
}

/// What is answered to who placed an order.
pub fn placed(order: &Order) -> StoredAnswer {
    let mut answer = StoredAnswer { status: 201, ..stepped(order) };
    answer.headers.push(("location".to_owned(), format!("/api/v1/orders/{}", order.id)));
    answer
}

/// What is answered to who took a step on an order, or reads it. Orders are nobody else's business, so
/// no cache keeps them.
pub fn stepped(order: &Order) -> StoredAnswer {
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("etag", format!("\"{}\"", order.version)),
        ("cache-control", "no-store".to_owned()),
    ];
    StoredAnswer {
        status: 200,
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body: serde_json::to_vec(&OrderBody::from(order)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
