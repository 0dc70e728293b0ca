//! `POST /api/v1/admin/orders/{id}/...`: what merchants do to orders.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use martlet_domain::{
    Id,
    order::{LineQuantity, Order},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::{
        money::MoneyBody,
        order::{LineQuantityBody, OrderBody, stepped},
        text::Violations,
    },
    error::Error,
    extract::{Asked, Path, Staff},
    idempotency::{self, Scope},
    orders::{Orders, StepRequest, StepTaken},
    problem::Problem,
};

/// Most lines that a step can name.
const MAX_LINES: usize = 1_000;
/// Most characters of a reason.
const MAX_REASON: usize = 200;
/// Most characters of a carrier's number.
const MAX_TRACKING: usize = 100;

/// Units that are shipped together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfillmentRequest {
    /// Which units; all that are left where nothing is said.
    lines: Option<Vec<LineQuantityBody>>,
    /// The carrier's number for it.
    #[schema(min_length = 1, max_length = 100)]
    tracking: Option<String>,
}

/// Why an order is called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {
    /// In words that the shopper may read.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// Money that goes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// How much, in the order's currency; all that is left where nothing is said.
    amount: Option<MoneyBody>,
    /// Why, in words that the shopper may read.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
    /// Units that come back, or won't be shipped.
    #[serde(default)]
    lines: Vec<LineQuantityBody>,
    /// Whether units that come back can be sold again.
    #[serde(default = "restocked")]
    restock: bool,
}

fn restocked() -> bool {
    true
}

/// Nothing more has to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteRequest {}

/// Ships units: those named, or all that are left. They leave the stock.
#[utoipa::path(post, path = "/api/v1/admin/orders/{id}/fulfillments", tag = "admin",
    operation_id = "admin_fulfil_order",
    params(
        ("id" = Uuid, Path, description = "Id of the order"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = FulfillmentRequest, security(("api_key" = ["orders:write"])),
    responses(
        (status = 200, description = "The order", body = OrderBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`order_step_not_allowed` or `order_not_paid`", body = Problem),
        (status = 412, description = "`version_conflict`", body = Problem),
        (status = 422, description = "`invalid_body`, `unknown_order_line`, `too_many_units` or `no_units`", body = Problem)))]
pub async fn fulfil(
    staff: Staff,
    State(orders): State<Arc<Orders>>,
    Path(id): Path<Id<Order>>,
    asked: Asked<FulfillmentRequest>,
) -> Result<Response, Error> {
    let FulfillmentRequest { lines, tracking } = &asked.body;
    let mut wrong = Violations::default();
    let tracking = tracking.as_ref().map(|number| wrong.line("/tracking", number, 1, MAX_TRACKING));
    let lines = lines.as_ref().map(|lines| units(&mut wrong, lines));
    wrong.finish()?;
    take(&staff, &orders, id, &asked, &StepRequest::Fulfil { lines, tracking }).await
}

/// Calls an order off before any of it is shipped: its goods, coupons and budgets are free again, and
/// what was paid goes back.
#[utoipa::path(post, path = "/api/v1/admin/orders/{id}/cancel", tag = "admin",
    operation_id = "admin_cancel_order",
    params(
        ("id" = Uuid, Path, description = "Id of the order"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = CancelRequest, security(("api_key" = ["orders:write"])),
    responses(
        (status = 200, description = "The order", body = OrderBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`order_already_cancelled` or `order_step_not_allowed`", body = Problem),
        (status = 412, description = "`version_conflict`", body = Problem),
        (status = 422, description = "`invalid_body`", body = Problem)))]
pub async fn cancel(
    staff: Staff,
    State(orders): State<Arc<Orders>>,
    Path(id): Path<Id<Order>>,
    asked: Asked<CancelRequest>,
) -> Result<Response, Error> {
    let mut wrong = Violations::default();
    let reason = wrong.line("/reason", &asked.body.reason, 1, MAX_REASON);
    wrong.finish()?;
    take(&staff, &orders, id, &asked, &StepRequest::Cancel { reason }).await
}

/// Pays money back. Units named come back with it: first those that aren't shipped yet, then those
/// that are.
#[utoipa::path(post, path = "/api/v1/admin/orders/{id}/refunds", tag = "admin",
    operation_id = "admin_refund_order",
    params(
        ("id" = Uuid, Path, description = "Id of the order"),
        ("Idempotency-Key" = String, Header, description = "A text of your own, new for each refund: 1 to 255 visible ASCII characters"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = RefundRequest, security(("api_key" = ["orders:write"])),
    responses(
        (status = 200, description = "The order", body = OrderBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "`idempotency_key_required`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`order_step_not_allowed` or `in_flight`", body = Problem),
        (status = 412, description = "`version_conflict`", body = Problem),
        (status = 422, description = "`invalid_body`, `unknown_order_line`, `too_many_units`, `no_units`, \
            `refund_exceeds_payment`, `nothing_to_refund` or `idempotency_key_reused`", body = Problem)))]
pub async fn refund(
    staff: Staff,
    State(orders): State<Arc<Orders>>,
    Path(id): Path<Id<Order>>,
    asked: Asked<RefundRequest>,
) -> Result<Response, Error> {
    if !asked.has_key() {
        return Err(Error::IdempotencyKeyRequired);
    }
    let RefundRequest { amount, reason, lines, restock } = &asked.body;
    let mut wrong = Violations::default();
    let reason = wrong.line("/reason", reason, 1, MAX_REASON);
    let lines = units(&mut wrong, lines);
    if let Some(amount) = amount {
        let currency = orders.find(staff.store.id, id).await?.terms.currency;
        wrong.expect(
            amount.currency == currency,
            "/amount/currency",
            format!("must be {currency}, the order's"),
        );
    }
    wrong.finish()?;
    let amount = amount.map(|amount| amount.amount);
    let request = StepRequest::Refund { amount, reason, lines, restock: *restock };
    take(&staff, &orders, id, &asked, &request).await
}

/// Is through with an order all of which is shipped.
#[utoipa::path(post, path = "/api/v1/admin/orders/{id}/complete", tag = "admin",
    operation_id = "admin_complete_order",
    params(
        ("id" = Uuid, Path, description = "Id of the order"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = CompleteRequest, security(("api_key" = ["orders:write"])),
    responses(
        (status = 200, description = "The order", body = OrderBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`order_step_not_allowed`", body = Problem),
        (status = 412, description = "`version_conflict`", body = Problem),
        (status = 422, description = "`invalid_body`", body = Problem)))]
pub async fn complete(
    staff: Staff,
    State(orders): State<Arc<Orders>>,
    Path(id): Path<Id<Order>>,
    asked: Asked<CompleteRequest>,
) -> Result<Response, Error> {
    take(&staff, &orders, id, &asked, &StepRequest::Complete).await
}

async fn take<T>(
    staff: &Staff,
    orders: &Orders,
    id: Id<Order>,
    asked: &Asked<T>,
    step: &StepRequest,
) -> Result<Response, Error> {
    let (store, key) = (staff.store.id, staff.key.id);
    let claim = asked.claim(store, Scope::ApiKey(key));
    let taken = orders.take_step(store, id, asked.if_match.as_ref(), claim.as_ref(), step).await?;
    Ok(idempotency::respond(match taken {
        StepTaken::Now(order) => {
            tracing::info!(order = %id, status = %order.status, api_key = %key, "an order took a step");
            stepped(&order)
        }
        StepTaken::Kept(answer) => answer,
    }))
}

fn units(wrong: &mut Violations, lines: &[LineQuantityBody]) -> Vec<LineQuantity> {
    wrong.expect(lines.len() <= MAX_LINES, "/lines", format!("must be at most {MAX_LINES}"));
    lines.iter().copied().map(LineQuantity::from).collect()
}

#[cfg(test)]
mod tests;
