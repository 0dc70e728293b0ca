//! Carts that were filled before their owner signed in.

use martlet_domain::{
    Id,
    cart::{Cart, LineItem, MAX_COUPONS, MAX_LINES, MAX_QUANTITY},
    customer::Customer,
    settings::Store,
};
use martlet_store::Update;

use super::{Carts, TRIES};
use crate::error::Error;

impl Carts {
    /// The open cart of a customer.
    pub async fn open_cart_of(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
    ) -> Result<Option<Id<Cart>>, Error> {
        Ok(self.db.find_open_cart_of_customer(store, customer).await?.map(|cart| cart.id))
    }

    /// Makes a cart a customer's, who has just signed in, and says which cart is theirs now. Where they
    /// have an open one in the same currency, the newer of the two gets what is on the other, which is
    /// emptied. A cart that is somebody else's, is an order or isn't there stays what it is: whoever
    /// still knows its id mustn't be kept from signing in by it.
    pub async fn take_along(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        brought: Id<Cart>,
    ) -> Result<Option<Id<Cart>>, Error> {
        for _ in 0..TRIES {
            let open = self.db.find_open_cart_of_customer(store, customer).await?;
            let brought =
                self.db.find_cart(store, brought).await?.filter(|cart| {
                    cart.order.is_none() && cart.customer.is_none_or(|owner| owner == customer)
                });
            let (target, source) =
                match (brought, open) {
                    (None, open) => return Ok(open.map(|cart| cart.id)),
                    (Some(brought), Some(open))
                        if brought.id != open.id && brought.currency == open.currency =>
                    {
                        if is_newer(&brought, &open) { (brought, Some(open)) } else { (open, Some(brought)) }
                    }
                    (Some(brought), _) => (brought, None),
                };
            let id = target.id;
            if self.join(store, customer, target, source).await? {
                return Ok(Some(id));
            }
        }
        Err(Error::Busy)
    }

    /// Makes a cart a customer's, with what is on another. False where somebody changed one of them
    /// meanwhile.
    ///
    /// The two are saved one after the other, and the engine may die in between. Doing it again adds
    /// nothing twice: a line that was taken over kept its id.
    async fn join(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        target: Cart,
        source: Option<Cart>,
    ) -> Result<bool, Error> {
        let mut joined = target.clone();
        joined.customer = Some(customer);
        joined.email = None;
        if let Some(source) = &source {
            merge(&mut joined, source);
        }
        self.drop_unclaimed(store, &mut joined).await?;
        if joined != target {
            joined.updated_at = self.clock.now();
            let saved = self.db.save_cart(store, &joined, target.version).await?;
            if !matches!(saved, Update::Done { .. }) {
                return Ok(false);
            }
        }
        let Some(source) = source else { return Ok(true) };
        if source.lines.is_empty() && source.coupons.is_empty() {
            return Ok(true);
        }
        let emptied =
            Cart { lines: Vec::new(), coupons: Vec::new(), updated_at: self.clock.now(), ..source.clone() };
        Ok(matches!(self.db.save_cart(store, &emptied, source.version).await?, Update::Done { .. }))
    }
}

/// As [`martlet_store::Db::find_open_cart_of_customer`] has it, so that the one with everything on it is
/// the one that is found from then on.
fn is_newer(one: &Cart, other: &Cart) -> bool {
    (one.created_at, one.id) > (other.created_at, other.id)
}

/// Puts what is on one cart on another, as far as it holds it.
fn merge(target: &mut Cart, source: &Cart) {
    for line in &source.lines {
        if target.lines.iter().any(|known| known.id == line.id) {
            continue;
        }
        if let Some(known) = target.lines.iter_mut().find(|known| known.variant == line.variant) {
            let quantity = known.quantity.saturating_add(line.quantity).min(MAX_QUANTITY);
            *known = LineItem { id: line.id, quantity, ..known.clone() };
        } else if target.lines.len() < MAX_LINES {
            target.lines.push(line.clone());
        }
    }
    for coupon in &source.coupons {
        if target.coupons.len() < MAX_COUPONS && !target.coupons.contains(coupon) {
            target.coupons.push(*coupon);
        }
    }
    if target.shipping_address.is_none() {
        target.shipping_address.clone_from(&source.shipping_address);
        target.shipping_method.clone_from(&source.shipping_method);
    }
}

#[cfg(test)]
mod tests {
    use martlet_domain::{Timestamp, coupon::Coupon};
    use uuid::Uuid;

    use super::*;

    fn cart(number: u128, lines: &[(u128, u32)], coupons: &[u128]) -> Cart {
        let line = |(at, (variant, quantity)): (u128, &(u128, u32))| LineItem {
            id: Id::new(Uuid::from_u128(1_000 * number + at)),
            variant: Id::new(Uuid::from_u128(*variant)),
            quantity: *quantity,
            added_at: Timestamp::from_millis(0),
        };
        Cart {
            id: Id::new(Uuid::from_u128(number)),
            version: 1,
            currency: "USD".parse().unwrap(),
            customer: None,
            email: None,
            shipping_address: None,
            shipping_method: None,
            lines: (0..).zip(lines).map(line).collect(),
            coupons: coupons.iter().map(|coupon| Id::<Coupon>::new(Uuid::from_u128(*coupon))).collect(),
            order: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    fn quantities(cart: &Cart) -> Vec<(u128, u32)> {
        cart.lines.iter().map(|line| (line.variant.uuid().as_u128(), line.quantity)).collect()
    }

    #[test]
    fn quantities_are_added_up_to_what_a_line_holds() {
        let mut target = cart(1, &[(1, 2), (2, 9_999)], &[5]);
        merge(&mut target, &cart(2, &[(2, 2), (3, 1), (1, 1)], &[6, 5]));
        assert_eq!(quantities(&target), [(1, 3), (2, 10_000), (3, 1)]);
        let coupons: Vec<u128> = target.coupons.iter().map(|coupon| coupon.uuid().as_u128()).collect();
        assert_eq!(coupons, [5, 6]);
    }

    #[test]
    fn merging_again_adds_nothing_but_what_is_new() {
        let mut target = cart(1, &[(1, 2)], &[]);
        let mut source = cart(2, &[(1, 3), (2, 1)], &[5]);
        merge(&mut target, &source);
        let once = target.clone();
        merge(&mut target, &source);
        assert_eq!(target, once);
        source.lines.push(cart(3, &[(9, 4)], &[]).lines[0].clone());
        merge(&mut target, &source);
        assert_eq!(quantities(&target), [(1, 5), (2, 1), (9, 4)]);
    }

    #[test]
    fn a_cart_takes_no_more_than_it_holds() {
        let many: Vec<(u128, u32)> = (0..500).map(|variant| (variant, 1)).collect();
        let coupons: Vec<u128> = (0..10).collect();
        let mut target = cart(1, &many, &coupons);
        merge(&mut target, &cart(2, &[(999, 1), (0, 1)], &[99]));
        assert_eq!((target.lines.len(), target.coupons.len()), (MAX_LINES, MAX_COUPONS));
        assert_eq!(target.lines[0].quantity, 2);
    }
}
