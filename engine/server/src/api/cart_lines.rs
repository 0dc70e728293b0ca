//! Lines of a cart.

use axum::{extract::State, response::Response};
use martlet_domain::{
    Id,
    cart::{Cart, LineItem},
    catalog::{Sku, Variant},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::carts::{CartBody, answer},
    carts::{Carts, Change, VariantReference},
    error::Error,
    extract::{Caller, IfMatch, Json, Path},
    problem::Problem,
};

/// Units of a variant, named by its SKU or by its id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRequest {
    /// The variant's stock-keeping unit.
    #[schema(value_type = Option<String>, example = "MUG-STONE-350")]
    sku: Option<Sku>,
    /// Or its id.
    #[schema(value_type = Option<Uuid>)]
    variant_id: Option<Id<Variant>>,
    /// How many, 1 to 10,000.
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: i64,
}

/// A new quantity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuantityRequest {
    /// How many, 1 to 10,000.
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: i64,
}

impl LineRequest {
    /// The change that it asks for. `pointer` is where it stands in the body.
    pub fn change(self, pointer: &str) -> Result<Change, Error> {
        let variant = match (self.sku, self.variant_id) {
            (Some(sku), None) => VariantReference::Sku(sku),
            (None, Some(id)) => VariantReference::Id(id),
            _ => return Err(Error::invalid(pointer, "must have either `sku` or `variant_id`")),
        };
        Ok(Change::AddLine { variant, quantity: self.quantity })
    }
}

/// Puts units of a variant on a cart, on top of those that are there.
#[utoipa::path(
    post, path = "/api/v1/carts/{id}/lines", tag = "storefront", operation_id = "addCartLine",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = LineRequest,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "No such cart or variant, or somebody else's cart", body = Problem),
        (status = 409, description = "Not enough in stock", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
        (status = 422, description = "Unknown SKU, bad quantity, other currency", body = Problem),
    )
)]
pub async fn add(
    caller: Caller,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
    if_match: Option<IfMatch>,
    Json(request): Json<LineRequest>,
) -> Result<Response, Error> {
    let cart = carts.change(&caller, id, if_match.as_ref(), &request.change("")?).await?;
    answer(&carts, caller.store.id, cart).await
}

/// Sets how many units a line has.
#[utoipa::path(
    patch, path = "/api/v1/carts/{id}/lines/{line}", tag = "storefront", operation_id = "changeCartLine",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("line" = Uuid, Path, description = "The line"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = QuantityRequest,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "No such cart or line, or somebody else's cart", body = Problem),
        (status = 409, description = "Not enough in stock", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
        (status = 422, description = "Bad quantity", body = Problem),
    )
)]
pub async fn set(
    caller: Caller,
    State(carts): State<Carts>,
    Path((id, line)): Path<(Id<Cart>, Id<LineItem>)>,
    if_match: Option<IfMatch>,
    Json(request): Json<QuantityRequest>,
) -> Result<Response, Error> {
    let change = Change::SetQuantity { line, quantity: request.quantity };
    let cart = carts.change(&caller, id, if_match.as_ref(), &change).await?;
    answer(&carts, caller.store.id, cart).await
}

/// Takes a line off a cart.
#[utoipa::path(
    delete, path = "/api/v1/carts/{id}/lines/{line}", tag = "storefront", operation_id = "removeCartLine",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("line" = Uuid, Path, description = "The line"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "No such cart or line, or somebody else's cart", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
    )
)]
pub async fn remove(
    caller: Caller,
    State(carts): State<Carts>,
    Path((id, line)): Path<(Id<Cart>, Id<LineItem>)>,
    if_match: Option<IfMatch>,
) -> Result<Response, Error> {
    let cart = carts.change(&caller, id, if_match.as_ref(), &Change::RemoveLine(line)).await?;
    answer(&carts, caller.store.id, cart).await
}
