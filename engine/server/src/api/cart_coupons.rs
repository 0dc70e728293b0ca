//! Coupons on a cart.

use axum::{extract::State, response::Response};
use martlet_domain::{Id, cart::Cart, coupon::CouponCode};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::carts::{CartBody, answer},
    carts::{Carts, Change},
    error::Error,
    extract::{Caller, IfMatch, Json, Path},
    problem::Problem,
};

/// A coupon to put on a cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponRequest {
    /// Its code, in upper or lower case.
    #[schema(value_type = String, example = "WELCOME10")]
    code: CouponCode,
}

/// Puts a coupon on a cart, if it gives something there.
#[utoipa::path(
    post, path = "/api/v1/carts/{id}/coupons", tag = "storefront", operation_id = "addCartCoupon",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = CouponRequest,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "No such cart, or somebody else's", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
        (status = 422, description = "Unknown, expired, used up, or gives nothing on this cart", body = Problem),
        (status = 503, description = "The coupon's plugin couldn't be run just now", body = Problem),
    )
)]
pub async fn add(
    caller: Caller,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
    if_match: Option<IfMatch>,
    Json(request): Json<CouponRequest>,
) -> Result<Response, Error> {
    let cart = carts.change(&caller, id, if_match.as_ref(), &Change::AddCoupon(request.code)).await?;
    answer(&carts, caller.store.id, cart).await
}

/// Takes a coupon off a cart.
#[utoipa::path(
    delete, path = "/api/v1/carts/{id}/coupons/{code}", tag = "storefront", operation_id = "removeCartCoupon",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("code" = String, Path, description = "The coupon's code"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "No such cart, somebody else's, or the coupon isn't on it", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
    )
)]
pub async fn remove(
    caller: Caller,
    State(carts): State<Carts>,
    Path((id, code)): Path<(Id<Cart>, CouponCode)>,
    if_match: Option<IfMatch>,
) -> Result<Response, Error> {
    let cart = carts.change(&caller, id, if_match.as_ref(), &Change::RemoveCoupon(code)).await?;
    answer(&carts, caller.store.id, cart).await
}
