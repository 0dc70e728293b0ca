//! What each change does to a cart, and what it needs for that.

use martlet_domain::{
    Id, Timestamp,
    cart::{Address, Cart, LineItem, MAX_COUPONS, MAX_LINES, MAX_QUANTITY},
    catalog::Variant,
    coupon::CouponCode,
    customer::Customer,
    money::Currency,
    quote::{Decision, Reason},
    settings::Store,
};
use martlet_store::Offer;

use super::{Carts, Change, VariantReference};
use crate::{error::Error, price_cart::PricedCart};

impl Carts {
    pub(super) async fn apply(
        &self,
        store: Id<Store>,
        cart: &mut Cart,
        change: &Change,
        now: Timestamp,
    ) -> Result<(), Error> {
        match change {
            Change::AddLine { variant, quantity } => {
                self.add_line(store, cart, variant, *quantity, now).await
            }
            Change::SetQuantity { line, quantity } => self.set_quantity(store, cart, *line, *quantity).await,
            Change::RemoveLine(line) => {
                let index = cart.lines.iter().position(|known| known.id == *line);
                cart.lines.remove(index.ok_or_else(Error::not_found::<LineItem>)?);
                Ok(())
            }
            Change::AddCoupon(code) => self.add_coupon(store, cart, code, now).await,
            Change::RemoveCoupon(code) => {
                let coupon = self.db.find_coupon_by_code(store, code).await?;
                let index = coupon.and_then(|coupon| cart.coupons.iter().position(|id| *id == coupon.id));
                cart.coupons.remove(index.ok_or_else(|| Error::CouponNotOnCart { code: code.clone() })?);
                Ok(())
            }
            Change::BindCustomer(customer) => {
                let found = self.db.find_customer(store, *customer).await?;
                cart.customer = Some(found.ok_or_else(Error::not_found::<Customer>)?.id);
                cart.email = None;
                self.drop_unclaimed(store, cart).await
            }
            Change::SetEmail(email) => {
                cart.customer = None;
                cart.email = Some(email.clone());
                self.drop_unclaimed(store, cart).await
            }
            Change::SetShippingAddress(address) => self.set_address(store, cart, address).await,
            Change::SetShippingMethod(method) => {
                let offered = self.shipping_methods(store, cart).await?;
                if !offered.iter().any(|known| known.handle == *method) {
                    return Err(Error::ShippingMethodNotOffered { method: method.clone() });
                }
                cart.shipping_method = Some(method.clone());
                Ok(())
            }
        }
    }

    async fn add_line(
        &self,
        store: Id<Store>,
        cart: &mut Cart,
        variant: &VariantReference,
        quantity: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let added = check_quantity(quantity)?;
        let offer = self.find_offer(store, variant).await?;
        let index = cart.lines.iter().position(|line| line.variant == offer.variant.id);
        let there = index.map_or(0, |index| cart.lines[index].quantity);
        let quantity = check_quantity(i64::from(there) + i64::from(added))?;
        sellable(&offer, cart.currency, quantity)?;
        match index {
            Some(index) => cart.lines[index].quantity = quantity,
            None if cart.lines.len() >= MAX_LINES => {
                return Err(Error::CartFull { what: "lines", limit: MAX_LINES });
            }
            None => cart.lines.push(LineItem {
                id: self.ids.next(now),
                variant: offer.variant.id,
                quantity,
                added_at: now,
            }),
        }
        Ok(())
    }

    async fn set_quantity(
        &self,
        store: Id<Store>,
        cart: &mut Cart,
        line: Id<LineItem>,
        quantity: i64,
    ) -> Result<(), Error> {
        let quantity = check_quantity(quantity)?;
        let line =
            cart.lines.iter_mut().find(|known| known.id == line).ok_or_else(Error::not_found::<LineItem>)?;
        let offer = self.find_offer(store, &VariantReference::Id(line.variant)).await?;
        sellable(&offer, cart.currency, quantity)?;
        line.quantity = quantity;
        Ok(())
    }

    /// The variant, unless shoppers can't see it.
    async fn find_offer(&self, store: Id<Store>, variant: &VariantReference) -> Result<Offer, Error> {
        let (offers, unknown) = match variant {
            VariantReference::Sku(sku) => (
                self.db.list_offers_by_sku(store, std::slice::from_ref(sku)).await?,
                Error::UnknownSku { sku: sku.clone() },
            ),
            VariantReference::Id(id) => {
                (self.db.list_offers(store, &[*id]).await?, Error::not_found::<Variant>())
            }
        };
        offers.into_iter().find(|offer| offer.product.published).ok_or(unknown)
    }

    /// Puts a coupon on only if it gives something on this cart, so that whoever types a code
    /// learns at once why it doesn't.
    async fn add_coupon(
        &self,
        store: Id<Store>,
        cart: &mut Cart,
        code: &CouponCode,
        now: Timestamp,
    ) -> Result<(), Error> {
        let coupon = self.db.find_coupon_by_code(store, code).await?;
        let coupon = coupon.ok_or_else(|| Error::CouponUnknown { code: code.clone() })?;
        if cart.coupons.contains(&coupon.id) {
            return Ok(());
        }
        if cart.coupons.len() >= MAX_COUPONS {
            return Err(Error::CartFull { what: "coupons", limit: MAX_COUPONS });
        }
        self.check_claimed(store, cart, &coupon).await?;
        let mut tried = cart.clone();
        tried.coupons.push(coupon.id);
        let priced = self.price(store, tried, now).await?;
        refuse_unless_it_gives(&priced, code)?;
        *cart = priced.cart;
        Ok(())
    }

    /// Sets the address; a method that doesn't go there is unchosen.
    async fn set_address(&self, store: Id<Store>, cart: &mut Cart, address: &Address) -> Result<(), Error> {
        cart.shipping_address = Some(address.clone());
        if let Some(method) = &cart.shipping_method {
            let offered = self.shipping_methods(store, cart).await?;
            if !offered.iter().any(|known| known.handle == *method) {
                cart.shipping_method = None;
            }
        }
        Ok(())
    }
}

fn check_quantity(quantity: i64) -> Result<u32, Error> {
    match u32::try_from(quantity) {
        Ok(quantity @ 1..=MAX_QUANTITY) => Ok(quantity),
        _ => Err(Error::InvalidQuantity { quantity }),
    }
}

/// Refuses what can't be sold in the cart's currency, or not as often.
fn sellable(offer: &Offer, currency: Currency, quantity: u32) -> Result<(), Error> {
    let Offer { variant, .. } = offer;
    if variant.price(currency).is_none() {
        let offered = variant.prices.iter().map(|price| price.currency).collect();
        return Err(Error::CurrencyMismatch { sku: variant.sku.clone(), cart: currency, offered });
    }
    let available = variant.stock.available();
    if i64::from(quantity) > available {
        let requested = i64::from(quantity);
        return Err(Error::InsufficientStock { sku: variant.sku.clone(), requested, available });
    }
    Ok(())
}

/// What became of a coupon's candidates: it stays when one applies, or only waits for a shipping
/// method.
fn refuse_unless_it_gives(priced: &PricedCart, code: &CouponCode) -> Result<(), Error> {
    let verdicts =
        || priced.quote.verdicts.iter().filter(|verdict| verdict.source.coupon.as_ref() == Some(code));
    let gives = |decision: &Decision| {
        matches!(decision, Decision::Applied(_) | Decision::Rejected(Reason::NoShippingMethod))
    };
    if verdicts().any(|verdict| gives(&verdict.decision)) {
        return Ok(());
    }
    if priced.quote.provisional {
        return Err(Error::PricingUnavailable);
    }
    let refused = verdicts().find_map(|verdict| match &verdict.decision {
        Decision::Rejected(reason) => Some((verdict, reason)),
        _ => None,
    });
    let Some((verdict, reason)) = refused else {
        return Err(Error::CouponNotApplicable {
            code: code.clone(),
            reason: "empty_cart",
            detail: "the cart is empty".to_owned(),
        });
    };
    if let Reason::Coupon(refusal) = reason {
        return Err(Error::CouponRefused { code: code.clone(), refusal: *refusal });
    }
    let installation =
        priced.rulebook.installations.iter().find(|known| known.id == verdict.source.installation);
    let templates = installation.map_or(&[][..], |installation| &installation.templates);
    Err(Error::CouponNotApplicable {
        code: code.clone(),
        reason: reason.code(),
        detail: verdict.explain(templates, priced.quote.currency),
    })
}
