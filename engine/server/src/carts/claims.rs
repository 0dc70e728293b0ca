//! Coupons that are for those who have claimed them.

use martlet_domain::{Id, cart::Cart, coupon::Coupon, customer::Customer, settings::Store};
use martlet_store::Db;

use super::Carts;
use crate::error::Error;

impl Carts {
    /// Refuses a coupon that has to be claimed, unless the cart's customer has.
    pub(super) async fn check_claimed(
        &self,
        store: Id<Store>,
        cart: &Cart,
        coupon: &Coupon,
    ) -> Result<(), Error> {
        if unclaimed(&self.db, store, cart.customer, &[coupon.id]).await?.is_empty() {
            return Ok(());
        }
        Err(Error::CouponNotClaimed { code: coupon.code.clone() })
    }

    /// Takes coupons off that whoever the cart is for now hasn't claimed.
    pub(super) async fn drop_unclaimed(&self, store: Id<Store>, cart: &mut Cart) -> Result<(), Error> {
        let unclaimed = unclaimed(&self.db, store, cart.customer, &cart.coupons).await?;
        cart.coupons.retain(|coupon| !unclaimed.contains(coupon));
        Ok(())
    }
}

/// Those of some coupons that have to be claimed and that a customer, or a guest, hasn't.
pub async fn unclaimed(
    db: &Db,
    store: Id<Store>,
    customer: Option<Id<Customer>>,
    coupons: &[Id<Coupon>],
) -> Result<Vec<Id<Coupon>>, Error> {
    let stocks = db.claim_stocks(store, coupons).await?;
    let mut to_claim: Vec<Id<Coupon>> = coupons.to_vec();
    to_claim.retain(|coupon| stocks.contains_key(coupon));
    if let Some(customer) = customer {
        let claimed = db.has_claimed(store, customer, &to_claim).await?;
        to_claim.retain(|coupon| !claimed.contains(coupon));
    }
    Ok(to_claim)
}
