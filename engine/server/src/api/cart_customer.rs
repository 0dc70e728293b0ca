//! Whose a cart is.

use axum::{extract::State, response::Response};
use martlet_domain::{Id, cart::Cart, customer::Customer};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::carts::{CartBody, answer},
    carts::{Carts, Change},
    error::Error,
    extract::{CurrentStore, IfMatch, Json, Path, Staff},
    problem::Problem,
};

/// Whose the cart is: a guest's e-mail address, or a known customer's id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerRequest {
    /// A guest's e-mail address. It gives no access to anybody's prices.
    #[schema(example = "jo@example.com")]
    email: Option<String>,
    /// A known customer. Needs an API key.
    #[schema(value_type = Option<Uuid>)]
    customer_id: Option<Id<Customer>>,
}

/// Says whose a cart is.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/customer", tag = "storefront", operation_id = "setCartCustomer",
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = CustomerRequest,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 401, description = "Naming a customer needs an API key", body = Problem),
        (status = 404, description = "No such cart or customer", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
        (status = 422, description = "Not an e-mail address", body = Problem),
    )
)]
pub async fn put(
    CurrentStore(store): CurrentStore,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
    if_match: Option<IfMatch>,
    staff: Result<Staff, Error>,
    Json(request): Json<CustomerRequest>,
) -> Result<Response, Error> {
    let change = match (request.email, request.customer_id) {
        (Some(email), None) => Change::SetEmail(email_address(&email)?),
        (None, Some(customer)) => {
            staff?;
            Change::BindCustomer(customer)
        }
        _ => return Err(Error::invalid("", "must have either `email` or `customer_id`")),
    };
    let cart = carts.change(store.id, id, if_match.as_ref(), &change).await?;
    answer(&carts, store.id, cart).await
}

/// Checks what can be checked without sending anything: one `@` with something on either side, no
/// spaces, at most 254 bytes (RFC 5321, section 4.5.3.1).
fn email_address(text: &str) -> Result<String, Error> {
    let email = text.trim().to_lowercase();
    let sound = email.len() <= 254
        && !email.chars().any(|char| char.is_whitespace() || char.is_control())
        && email.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !local.contains('@') && !domain.is_empty() && !domain.starts_with('.')
        });
    if sound { Ok(email) } else { Err(Error::invalid("/email", "must be an e-mail address")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased_and_others_refused() {
        assert_eq!(email_address(" Jo@Example.com ").unwrap(), "jo@example.com");
        for wrong in ["", "jo", "@example.com", "jo@", "jo@@example.com", "jo smith@example.com", "jo@.com"] {
            assert!(email_address(wrong).is_err(), "{wrong}");
        }
        assert!(email_address(&format!("{}@example.com", "a".repeat(250))).is_err());
    }
}
