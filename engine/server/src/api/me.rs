//! `/api/v1/me`: what is the signed-in customer's.

use axum::extract::State;
use martlet_domain::{
    Id,
    coupon::Coupon,
    customer::{CouponClaim, Customer},
    quote::Standing,
};
use martlet_store::{Db, OrderQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{
        order::OrderBody,
        page::{Limit, Page, decode_cursor, encode_cursor},
        time::Time,
    },
    carts::Carts,
    error::Error,
    extract::{Json, Query, Shopper},
    problem::Problem,
};

/// The signed-in customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeBody {
    /// Their id.
    id: Uuid,
    /// Their e-mail address.
    email: String,
    /// Their open cart, if there is one: the newest that isn't an order.
    cart_id: Option<Uuid>,
    /// When they registered.
    created_at: Time,
}

/// The coupons that a customer has claimed.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletBody {
    /// Those claimed last first.
    items: Vec<ClaimedCouponBody>,
}

/// A coupon that a customer has claimed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClaimedCoupon)]
pub struct ClaimedCouponBody {
    /// Its id.
    coupon_id: Uuid,
    /// What to put on a cart.
    code: String,
    /// When it was claimed.
    claimed_at: Time,
    /// From when on it can't be used.
    ends_at: Option<Time>,
    /// Whether an order of the customer has used it.
    used: bool,
}

/// Which page.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct MyOrderParameters {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// The signed-in customer.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "storefront", operation_id = "getMe", security(("customer" = [])),
    responses(
        (status = 200, description = "The customer", body = MeBody),
        (status = 401, description = "`unauthenticated`", body = Problem),
    )
)]
pub async fn get(
    shopper: Shopper,
    State(db): State<Db>,
    State(carts): State<Carts>,
) -> Result<Json<MeBody>, Error> {
    let customer = db.find_customer(shopper.store.id, shopper.customer).await?;
    let customer = customer.ok_or_else(Error::not_found::<Customer>)?;
    let cart = carts.open_cart_of(shopper.store.id, shopper.customer).await?;
    Ok(Json(MeBody {
        id: customer.id.uuid(),
        email: customer.email,
        cart_id: cart.map(Id::uuid),
        created_at: Time(customer.created_at),
    }))
}

/// The signed-in customer's orders, those placed last first, page by page.
#[utoipa::path(
    get, path = "/api/v1/me/orders", tag = "storefront", operation_id = "listMyOrders",
    params(MyOrderParameters), security(("customer" = [])),
    responses(
        (status = 200, description = "A page of orders", body = Page<OrderBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem),
    )
)]
pub async fn orders(
    shopper: Shopper,
    State(db): State<Db>,
    Query(parameters): Query<MyOrderParameters>,
) -> Result<Json<Page<OrderBody>>, Error> {
    let before = parameters.cursor.as_deref().map(decode_cursor).transpose()?;
    let query = OrderQuery { customer: Some(shopper.customer), before, ..OrderQuery::default() };
    let page = db.list_orders(shopper.store.id, &query, parameters.limit.get()).await?;
    let items = page.orders.iter().map(OrderBody::from).collect();
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(encode_cursor).transpose()? }))
}

/// The coupons that the signed-in customer has claimed.
#[utoipa::path(
    get, path = "/api/v1/me/coupons", tag = "storefront", operation_id = "listMyCoupons",
    security(("customer" = [])),
    responses(
        (status = 200, description = "The coupons", body = WalletBody),
        (status = 401, description = "`unauthenticated`", body = Problem),
    )
)]
pub async fn coupons(shopper: Shopper, State(db): State<Db>) -> Result<Json<WalletBody>, Error> {
    Ok(Json(WalletBody { items: wallet(&db, &shopper).await? }))
}

impl ClaimedCouponBody {
    /// A coupon that a customer has claimed at a moment, and may have used.
    pub(super) fn new(coupon: &Coupon, claim: &CouponClaim, standing: Option<&Standing>) -> Self {
        Self {
            coupon_id: coupon.id.uuid(),
            code: coupon.code.to_string(),
            claimed_at: Time(claim.claimed_at),
            ends_at: coupon.ends_at.map(Time),
            used: standing.is_some_and(|standing| standing.used_by_customer > 0),
        }
    }
}

/// All that a customer has claimed.
async fn wallet(db: &Db, shopper: &Shopper) -> Result<Vec<ClaimedCouponBody>, Error> {
    let (store, customer) = (shopper.store.id, shopper.customer);
    let claims = db.list_claims(store, customer).await?;
    let ids: Vec<Id<Coupon>> = claims.iter().map(|claim| claim.coupon).collect();
    let coupons = db.list_coupons_by_id(store, &ids).await?;
    let standings = db.coupon_standings(store, &ids, Some(customer)).await?;
    let items = claims.iter().filter_map(|claim| {
        let coupon = coupons.iter().find(|coupon| coupon.id == claim.coupon)?;
        Some(ClaimedCouponBody::new(coupon, claim, standings.get(&coupon.id)))
    });
    Ok(items.collect())
}

#[cfg(test)]
mod tests;
