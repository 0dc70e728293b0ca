//! `POST /api/v1/carts/{id}/checkout`: makes an order of a cart and pays for it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use martlet_domain::{Id, cart::Cart, order::Means, payment::ProviderName};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::{money::MoneyBody, order::OrderBody, text::Violations},
    error::Error,
    extract::{Asked, Caller, Path},
    idempotency::{self, Scope},
    orders::{self, Orders},
    problem::Problem,
};

/// Most characters of a token.
const MAX_TOKEN: usize = 200;

/// What a shopper agrees to, and how it is paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutRequest {
    /// The total of the quote that the shopper has seen. At another one nothing is ordered.
    expected_total: MoneyBody,
    /// How it is paid.
    payment: PaymentRequest,
}

/// How an order is paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentMeans)]
pub struct PaymentRequest {
    /// Who handles it: `test`, which takes no money and does what the token says, or `manual`, where
    /// the merchant settles it outside.
    #[schema(value_type = String, example = "test")]
    provider: ProviderName,
    /// What the provider knows the shopper's means of payment by. `manual` needs none.
    #[schema(min_length = 1, max_length = 200, example = "tok_approve")]
    token: Option<String>,
}

/// Orders what is on a cart, if it costs what the shopper has seen.
///
/// Whatever becomes of the connection, the same request with the same `Idempotency-Key` is answered
/// with the same order. While it isn't paid, an order holds its goods; where the payment is declined it
/// lets go of them, and the cart can be ordered again.
#[utoipa::path(
    post, path = "/api/v1/carts/{id}/checkout", tag = "storefront", operation_id = "checkoutCart",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("Idempotency-Key" = String, Header, description = "A text of your own, new for each order: 1 to 255 visible ASCII characters"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = CheckoutRequest,
    responses(
        (status = 201, description = "The order", body = OrderBody,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its address"))),
        (status = 400, description = "`idempotency_key_required`", body = Problem),
        (status = 402, description = "`payment_declined`: the cart can be ordered again, with a new key", body = Problem),
        (status = 404, description = "No such cart, or somebody else's", body = Problem),
        (status = 409, description = "`price_changed`, with the quote; `insufficient_stock`, `line_unavailable`, \
            `cart_ordered`, `checkout_blocked`, `order_called_off` or `in_flight`", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
        (status = 422, description = "`cart_empty`, `checkout_incomplete`, `coupon_not_claimed`, \
            `idempotency_key_reused` or `invalid_body`", body = Problem),
        (status = 503, description = "`payment_unknown` or `pricing_unavailable`: send the same request with the \
            same key again", body = Problem),
    )
)]
pub async fn create(
    caller: Caller,
    State(orders): State<Arc<Orders>>,
    Path(cart): Path<Id<Cart>>,
    asked: Asked<CheckoutRequest>,
) -> Result<Response, Error> {
    let claim =
        asked.claim(caller.store.id, Scope::Cart(cart, caller.who)).ok_or(Error::IdempotencyKeyRequired)?;
    let request = orders::CheckoutRequest {
        who: caller.who,
        expected_total: asked.body.expected_total.into(),
        means: asked.body.payment.checked()?,
        if_match: asked.if_match,
        claim,
    };
    let answer = orders.place_order(caller.store.id, cart, request).await?;
    Ok(idempotency::respond(answer))
}

impl PaymentRequest {
    /// The means of payment, with a token where the provider needs one.
    fn checked(self) -> Result<Means, Error> {
        let Self { provider, token } = self;
        let mut wrong = Violations::default();
        match &token {
            Some(token) => {
                let fits =
                    (1..=MAX_TOKEN).contains(&token.chars().count()) && !token.chars().any(char::is_control);
                let detail = format!("must be 1 to {MAX_TOKEN} characters without control characters");
                wrong.expect(fits, "/payment/token", detail);
            }
            None => wrong.expect(provider == ProviderName::Manual, "/payment/token", "is missing"),
        }
        wrong.finish()?;
        Ok(Means { provider, token: token.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests;
