//! Where a cart's goods go, and how.

use axum::{extract::State, response::Response};
use martlet_domain::{
    Id,
    cart::{Address, Cart},
    catalog::Handle,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{
        carts::{AddressBody, CartBody, answer},
        money::MoneyBody,
        text::Violations,
    },
    carts::{Carts, Change},
    error::Error,
    extract::{Caller, IfMatch, Json, Path},
    problem::Problem,
};

/// A shipping method.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShippingMethodRequest {
    /// Handle of one that the cart is offered.
    #[schema(value_type = String, example = "standard")]
    method: Handle,
}

/// The shipping methods that a cart is offered.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShippingMethodsBody {
    /// In the merchant's order, then what plugins offer.
    items: Vec<ShippingMethodBody>,
}

/// A shipping method.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShippingMethod)]
pub struct ShippingMethodBody {
    /// Names it.
    handle: String,
    /// What shoppers call it.
    name: String,
    /// Its price before discounts.
    price: MoneyBody,
    /// When it arrives, where that is known.
    delivery_days: Option<DeliveryDaysBody>,
}

/// Days from the order to the doorstep, both ends included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryDays)]
pub struct DeliveryDaysBody {
    /// At the earliest.
    earliest: u32,
    /// At the latest.
    latest: u32,
}

/// Says where the goods go. A chosen method that doesn't go there is unchosen.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/shipping-address", tag = "storefront", operation_id = "setCartShippingAddress",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = AddressBody,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "No such cart, or somebody else's", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
        (status = 422, description = "Not an address", body = Problem),
    )
)]
pub async fn put_address(
    caller: Caller,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
    if_match: Option<IfMatch>,
    Json(request): Json<AddressBody>,
) -> Result<Response, Error> {
    let change = Change::SetShippingAddress(address(request)?);
    let cart = carts.change(&caller, id, if_match.as_ref(), &change).await?;
    answer(&carts, caller.store.id, cart).await
}

/// The shipping methods that a cart is offered.
#[utoipa::path(
    get, path = "/api/v1/carts/{id}/shipping-methods", tag = "storefront", operation_id = "listCartShippingMethods",
    security((), ("customer" = []), ("api_key" = [])),
    params(("id" = Uuid, Path, description = "The cart")),
    responses(
        (status = 200, description = "The methods", body = ShippingMethodsBody),
        (status = 404, description = "No such cart, or somebody else's", body = Problem),
    )
)]
pub async fn list_methods(
    caller: Caller,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
) -> Result<Json<ShippingMethodsBody>, Error> {
    let cart = carts.find(&caller, id).await?;
    let items =
        carts.shipping_methods(caller.store.id, &cart).await?.into_iter().map(|method| ShippingMethodBody {
            handle: method.handle.to_string(),
            name: method.name,
            price: MoneyBody::new(method.amount, cart.currency),
            delivery_days: method
                .delivery
                .map(|days| DeliveryDaysBody { earliest: days.earliest, latest: days.latest }),
        });
    Ok(Json(ShippingMethodsBody { items: items.collect() }))
}

/// Chooses a shipping method.
#[utoipa::path(
    put, path = "/api/v1/carts/{id}/shipping-method", tag = "storefront", operation_id = "setCartShippingMethod",
    security((), ("customer" = []), ("api_key" = [])),
    params(
        ("id" = Uuid, Path, description = "The cart"),
        ("If-Match" = Option<String>, Header, description = "Only in this version"),
    ),
    request_body = ShippingMethodRequest,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "No such cart, or somebody else's", body = Problem),
        (status = 412, description = "The cart has changed", body = Problem),
        (status = 422, description = "Not offered to this cart", body = Problem),
    )
)]
pub async fn put_method(
    caller: Caller,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
    if_match: Option<IfMatch>,
    Json(request): Json<ShippingMethodRequest>,
) -> Result<Response, Error> {
    let change = Change::SetShippingMethod(request.method);
    let cart = carts.change(&caller, id, if_match.as_ref(), &change).await?;
    answer(&carts, caller.store.id, cart).await
}

/// An address, if it is one.
pub fn address(body: AddressBody) -> Result<Address, Error> {
    let mut violations = Violations::default();
    violations.expect((1..=4).contains(&body.lines.len()), "/lines", "must be 1 to 4 lines");
    let is_code = |code: &str, least, most| {
        (least..=most).contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let country_is_code =
        is_code(&body.country, 2, 2) && body.country.bytes().all(|byte| byte.is_ascii_uppercase());
    violations.expect(country_is_code, "/country", "must be an ISO 3166-1 alpha-2 code, such as KR");
    if let Some(region) = &body.region {
        violations.expect(
            is_code(region, 1, 3),
            "/region",
            "must be 1 to 3 of A-Z and 0-9, as in ISO 3166-2",
        );
    }
    let lines = body.lines.iter().take(4).enumerate();
    let address = Address {
        name: violations.line("/name", &body.name, 1, 200),
        lines: lines.map(|(index, line)| violations.line(&format!("/lines/{index}"), line, 1, 200)).collect(),
        city: violations.line("/city", &body.city, 1, 100),
        postal_code: body.postal_code.map(|code| violations.line("/postal_code", &code, 1, 20)),
        region: body.region,
        country: body.country,
    };
    violations.finish()?;
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_in_all_its_places_at_once() {
        let body = AddressBody {
            name: String::new(),
            lines: Vec::new(),
            city: "\u{7}".to_owned(),
            postal_code: Some("1".repeat(21)),
            region: Some("California".to_owned()),
            country: "Korea".to_owned(),
        };
        let Err(Error::InvalidBody { violations }) = address(body) else { panic!("refused") };
        let mut places: Vec<&str> = violations.iter().map(|violation| violation.pointer.as_str()).collect();
        places.sort_unstable();
        assert_eq!(places, ["/city", "/country", "/lines", "/name", "/postal_code", "/region"]);
    }
}
