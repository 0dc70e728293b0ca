//! `POST /api/v1/coupons/{id}/claim`: coupons for those who come first.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use martlet_domain::{Id, Timestamp, coupon::Coupon, quote::Standing};
use martlet_store::{ClaimOutcome, Db};

use super::me::ClaimedCouponBody;
use crate::{
    claims::Claims,
    clock::Clock,
    error::Error,
    extract::{Json, Path, Shopper},
    problem::Problem,
};

/// Claims a coupon for the signed-in customer. Claiming it again is no error and takes nothing.
#[utoipa::path(
    post, path = "/api/v1/coupons/{id}/claim", tag = "storefront", operation_id = "claimCoupon",
    params(("id" = Uuid, Path, description = "The coupon")), security(("customer" = [])),
    responses(
        (status = 200, description = "It was the customer's already", body = ClaimedCouponBody),
        (status = 201, description = "It is the customer's now", body = ClaimedCouponBody),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`coupon_gone`: others were faster", body = Problem),
        (status = 422, description = "`coupon_not_claimable`, `coupon_disabled`, `coupon_not_started` or \
            `coupon_expired`", body = Problem),
    )
)]
pub async fn claim(
    shopper: Shopper,
    State(db): State<Db>,
    State(clock): State<Clock>,
    State(claims): State<Arc<Claims>>,
    Path(id): Path<Id<Coupon>>,
) -> Result<(StatusCode, Json<ClaimedCouponBody>), Error> {
    let (store, now) = (shopper.store.id, clock.now());
    let coupon = db.find_coupon(store, id).await?.ok_or_else(Error::not_found::<Coupon>)?;
    check(&coupon, now)?;
    let status = match claims.claim(store, &coupon, shopper.customer, now).await? {
        ClaimOutcome::Claimed => {
            tracing::info!(coupon = %id, customer = %shopper.customer, "a coupon was claimed");
            StatusCode::CREATED
        }
        ClaimOutcome::AlreadyClaimed => StatusCode::OK,
        ClaimOutcome::Gone => return Err(Error::CouponGone { code: coupon.code }),
        ClaimOutcome::NotClaimable => return Err(Error::CouponNotClaimable { code: coupon.code }),
    };
    Ok((status, Json(claimed(&db, &shopper, &coupon).await?)))
}

/// A customer's claim of a coupon, which is there.
async fn claimed(db: &Db, shopper: &Shopper, coupon: &Coupon) -> Result<ClaimedCouponBody, Error> {
    let (store, customer) = (shopper.store.id, shopper.customer);
    let claim = db.find_coupon_claim(store, customer, coupon.id).await?;
    let claim =
        claim.ok_or_else(|| Error::Internal(format!("the claim of coupon {} isn't there", coupon.id)))?;
    let standings = db.coupon_standings(store, &[coupon.id], Some(customer)).await?;
    Ok(ClaimedCouponBody::new(coupon, &claim, standings.get(&coupon.id)))
}

/// Refuses a coupon that nobody can use now. Who has used how many is asked where it is used.
fn check(coupon: &Coupon, now: Timestamp) -> Result<(), Error> {
    match coupon.refusal(now, Standing::default(), true) {
        Some(refusal) => Err(Error::CouponRefused { code: coupon.code.clone(), refusal }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
