//! `/api/v1/me/addresses`: where the signed-in customer has goods sent.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use martlet_domain::{
    Entity as _, Id,
    customer::{CustomerAddress, MAX_ADDRESSES},
};
use martlet_store::{Db, Update};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{cart_shipping::address, carts::AddressBody, time::Time},
    clock::Clock,
    error::Error,
    extract::{IfMatch, Json, Path, Shopper},
    ids::Ids,
    problem::Problem,
};

/// An address to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerAddressRequest {
    /// Where goods go.
    address: AddressBody,
    /// Whether it is the one to be offered first, which takes that from the other. The first address is
    /// the default in any case, and the default stays it until another one is.
    #[serde(default)]
    is_default: bool,
}

/// An address that a customer keeps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomerAddress)]
pub struct CustomerAddressBody {
    /// Its id.
    id: Uuid,
    /// Counts changes; the ETag.
    version: i64,
    /// Where goods go.
    address: AddressBody,
    /// Whether it is the one to be offered first.
    is_default: bool,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

/// The addresses that a customer keeps.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerAddressesBody {
    /// The default first.
    items: Vec<CustomerAddressBody>,
}

/// The signed-in customer's addresses.
#[utoipa::path(
    get, path = "/api/v1/me/addresses", tag = "storefront", operation_id = "listMyAddresses",
    security(("customer" = [])),
    responses(
        (status = 200, description = "The addresses", body = CustomerAddressesBody),
        (status = 401, description = "`unauthenticated`", body = Problem),
    )
)]
pub async fn list(shopper: Shopper, State(db): State<Db>) -> Result<Json<CustomerAddressesBody>, Error> {
    let addresses = db.list_addresses(shopper.store.id, shopper.customer).await?;
    Ok(Json(CustomerAddressesBody { items: addresses.into_iter().map(CustomerAddressBody::from).collect() }))
}

/// Keeps an address.
#[utoipa::path(
    post, path = "/api/v1/me/addresses", tag = "storefront", operation_id = "addMyAddress",
    request_body = CustomerAddressRequest, security(("customer" = [])),
    responses(
        (status = 201, description = "The address", body = CustomerAddressBody,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 422, description = "`invalid_body` or `too_many_addresses`", body = Problem),
    )
)]
pub async fn create(
    shopper: Shopper,
    State(db): State<Db>,
    State(clock): State<Clock>,
    State(ids): State<Ids>,
    Json(request): Json<CustomerAddressRequest>,
) -> Result<Response, Error> {
    let now = clock.now();
    let new = CustomerAddress {
        id: ids.next(now),
        address: request.address()?,
        is_default: request.is_default,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let stored = db.insert_address(shopper.store.id, shopper.customer, &new).await?;
    let stored = stored.ok_or(Error::TooManyAddresses { limit: MAX_ADDRESSES })?;
    let location = format!("/api/v1/me/addresses/{}", stored.id);
    let mut response = answer(stored);
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Replaces an address.
#[utoipa::path(
    put, path = "/api/v1/me/addresses/{id}", tag = "storefront", operation_id = "replaceMyAddress",
    params(
        ("id" = Uuid, Path, description = "The address"),
        ("If-Match" = String, Header, description = "ETag of the version the change is based on"),
    ),
    request_body = CustomerAddressRequest, security(("customer" = [])),
    responses(
        (status = 200, description = "The address", body = CustomerAddressBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 412, description = "`version_conflict`", body = Problem),
        (status = 422, description = "`invalid_body`", body = Problem),
        (status = 428, description = "`precondition_required`", body = Problem),
    )
)]
pub async fn replace(
    shopper: Shopper,
    State(db): State<Db>,
    State(clock): State<Clock>,
    Path(id): Path<Id<CustomerAddress>>,
    if_match: IfMatch,
    Json(request): Json<CustomerAddressRequest>,
) -> Result<Response, Error> {
    let address = request.address()?;
    let before = find(&db, &shopper, id).await?;
    if_match.check(CustomerAddress::NAME, before.version)?;
    let expected = before.version;
    let is_default = before.is_default || request.is_default;
    let changed = CustomerAddress { address, is_default, updated_at: clock.now(), ..before };
    match db.update_address(shopper.store.id, shopper.customer, &changed, expected).await? {
        Update::Done { version } => Ok(answer(CustomerAddress { version, ..changed })),
        Update::Stale { current } => Err(Error::VersionConflict { entity: CustomerAddress::NAME, current }),
        Update::Missing => Err(Error::not_found::<CustomerAddress>()),
    }
}

/// Deletes an address. Where it was the default, the oldest of the others becomes it.
#[utoipa::path(
    delete, path = "/api/v1/me/addresses/{id}", tag = "storefront", operation_id = "deleteMyAddress",
    params(("id" = Uuid, Path, description = "The address")), security(("customer" = [])),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
    )
)]
pub async fn delete(
    shopper: Shopper,
    State(db): State<Db>,
    State(clock): State<Clock>,
    Path(id): Path<Id<CustomerAddress>>,
) -> Result<StatusCode, Error> {
    let deleted = db.delete_address(shopper.store.id, shopper.customer, id, clock.now()).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(Error::not_found::<CustomerAddress>()) }
}

async fn find(db: &Db, shopper: &Shopper, id: Id<CustomerAddress>) -> Result<CustomerAddress, Error> {
    let addresses = db.list_addresses(shopper.store.id, shopper.customer).await?;
    addresses.into_iter().find(|known| known.id == id).ok_or_else(Error::not_found::<CustomerAddress>)
}

fn answer(stored: CustomerAddress) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{}\"", stored.version));
    let mut response = Json(CustomerAddressBody::from(stored)).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

impl CustomerAddressRequest {
    /// The address, if it is one. What is wrong with it stands in the body's `address`.
    fn address(&self) -> Result<martlet_domain::cart::Address, Error> {
        address(self.address.clone()).map_err(|error| match error {
            Error::InvalidBody { mut violations } => {
                for violation in &mut violations {
                    violation.pointer.insert_str(0, "/address");
                }
                Error::InvalidBody { violations }
            }
            error => error,
        })
    }
}

impl From<CustomerAddress> for CustomerAddressBody {
    fn from(kept: CustomerAddress) -> Self {
        let CustomerAddress { id, address, is_default, version, created_at, updated_at } = kept;
        Self {
            id: id.uuid(),
            version,
            address: AddressBody::from(address),
            is_default,
            created_at: Time(created_at),
            updated_at: Time(updated_at),
        }
    }
}

#[cfg(test)]
mod tests;
