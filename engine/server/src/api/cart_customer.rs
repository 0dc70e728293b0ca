//! Whose a cart is.

use axum::{extract::State, response::Response};
use martlet_domain::{Id, cart::Cart, customer::Customer};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::{
        carts::{CartBody, answer},
        text::email_address,
    },
    carts::{Carts, Change},
    error::Error,
    extract::{Caller, IfMatch, Json, Path, Who},
    problem::Problem,
};

/// Whose the cart is: a guest's e-mail address, or a known customer's id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerRequest {
    /// A guest's e-mail address. It gives no access to anybody's prices.
    #[schema(example = "jo@example.com")]
    email: Option<String>,
    /// The customer who is signed in; with an API key any.
    #[schema(value_type = Option<Uuid>)]
    customer_id: Option<Id<Customer>>,
}

/// Says whose a cart is. Coupons that were claimed by somebody else come off it.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/customer", tag = "storefront", operation_id = "setCartCustomer",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = CustomerRequest,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 401, description = "Naming a customer needs their access token, or an API key", body = Problem),
        (status = 404, description = "No such cart or customer, or somebody else", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
        (status = 422, description = "Not an e-mail address", body = Problem),
    )
)]
pub async fn put(
    caller: Caller,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
    if_match: Option<IfMatch>,
    Json(request): Json<CustomerRequest>,
) -> Result<Response, Error> {
    let change = match (request.email, request.customer_id) {
        (Some(email), None) => {
            let email = email_address(&email);
            Change::SetEmail(email.ok_or_else(|| Error::invalid("/email", "must be an e-mail address"))?)
        }
        (None, Some(customer)) => {
            match caller.who {
                Who::Guest => return Err(Error::NotSignedIn { sent: false }),
                Who::Customer(own) if own != customer => return Err(Error::not_found::<Customer>()),
                Who::Customer(_) | Who::Staff(_) => {}
            }
            Change::BindCustomer(customer)
        }
        _ => return Err(Error::invalid("", "must have either `email` or `customer_id`")),
    };
    let cart = carts.change(&caller, id, if_match.as_ref(), &change).await?;
    answer(&carts, caller.store.id, cart).await
}

#[cfg(test)]
mod tests;
