//! The cart that whoever asks holds.

use axum::{
    extract::OptionalFromRequestParts,
    http::{HeaderName, request::Parts},
};
use martlet_domain::{Id, cart::Cart};

use crate::error::Error;

/// Names the cart. A header, because addresses end up in logs and a cart's id gives access.
const CART_HEADER: HeaderName = HeaderName::from_static("martlet-cart");

/// The cart of the `Martlet-Cart` header: whoever knows a cart's id holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldCart(pub Id<Cart>);

impl<S: Send + Sync> OptionalFromRequestParts<S> for HeldCart {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        let mut values = parts.headers.get_all(CART_HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let only = if values.next().is_none() { value.to_str().ok() } else { None };
        let cart = only.and_then(|text| text.trim().parse().ok());
        let malformed = Error::MalformedHeader { header: "Martlet-Cart", problem: "is the id of one cart" };
        cart.map(|cart| Some(Self(cart))).ok_or(malformed)
    }
}
