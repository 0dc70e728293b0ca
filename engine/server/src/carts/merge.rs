//! Carts that were filled before their owner signed in.

use martlet_domain::{
    Id,
    cart::{Cart, MAX_COUPONS, MAX_LINES, MAX_QUANTITY},
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
    /// have an open one in the same currency, the newer of the two gets what is on the other, which keeps
    /// what doesn't fit. A cart that is somebody else's, is an order or isn't there stays what it is: whoever
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
    /// meanwhile, and then neither is changed.
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
        let mut left = source.clone();
        if let Some(left) = &mut left {
            merge(&mut joined, left);
        }
        self.drop_unclaimed(store, &mut joined).await?;
        let now = self.clock.now();
        if let (Some(source), Some(mut left)) = (&source, left)
            && left != *source
        {
            (joined.updated_at, left.updated_at) = (now, now);
            let carts = [(&joined, target.version), (&left, source.version)];
            return Ok(self.db.save_two_carts(store, carts).await?);
        }
        if joined == target {
            return Ok(true);
        }
        joined.updated_at = now;
        Ok(matches!(self.db.save_cart(store, &joined, target.version).await?, Update::Done { .. }))
    }
}

/// As [`martlet_store::Db::find_open_cart_of_customer`] has it, so that the one with everything on it is
/// the one that is found from then on.
fn is_newer(one: &Cart, other: &Cart) -> bool {
    (one.created_at, one.id) > (other.created_at, other.id)
}

/// Moves what is on one cart to another, as far as that holds it: the rest stays. A line of the target
/// keeps its id, which its shopper may be about to change it by.
fn merge(target: &mut Cart, source: &mut Cart) {
    source.lines.retain_mut(|line| {
        if let Some(known) = target.lines.iter_mut().find(|known| known.variant == line.variant) {
            let moved = line.quantity.min(MAX_QUANTITY.saturating_sub(known.quantity));
            known.quantity += moved;
            line.quantity -= moved;
            return line.quantity > 0;
        }
        let fits = target.lines.len() < MAX_LINES;
        if fits {
            target.lines.push(line.clone());
        }
        !fits
    });
    source.coupons.retain(|coupon| {
        if target.coupons.contains(coupon) {
            return false;
        }
        let fits = target.coupons.len() < MAX_COUPONS;
        if fits {
            target.coupons.push(*coupon);
        }
        !fits
    });
    if target.shipping_address.is_none() {
        target.shipping_address.clone_from(&source.shipping_address);
        target.shipping_method.clone_from(&source.shipping_method);
    }
}

#[cfg(test)]
mod tests {
    use martlet_domain::{Timestamp, cart::LineItem, coupon::Coupon};
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

    fn coupons(cart: &Cart) -> Vec<u128> {
        cart.coupons.iter().map(|coupon| coupon.uuid().as_u128()).collect()
    }

    #[test]
    fn quantities_are_added_up_to_what_a_line_holds_and_the_rest_stays() {
        let mut target = cart(1, &[(1, 2), (2, 9_999)], &[5]);
        let ids: Vec<_> = target.lines.iter().map(|line| line.id).collect();
        let mut source = cart(2, &[(2, 3), (3, 1), (1, 1)], &[6, 5]);
        let moved = source.lines[1].id;
        merge(&mut target, &mut source);
        assert_eq!(quantities(&target), [(1, 3), (2, 10_000), (3, 1)]);
        assert_eq!(coupons(&target), [5, 6]);
        assert_eq!((quantities(&source), coupons(&source)), (vec![(2, 2)], vec![]));
        let now: Vec<_> = target.lines.iter().map(|line| line.id).collect();
        assert_eq!(now, [ids[0], ids[1], moved]);
    }

    #[test]
    fn merging_again_moves_nothing_but_what_is_new() {
        let mut target = cart(1, &[(1, 2)], &[]);
        let mut source = cart(2, &[(1, 3), (2, 1)], &[5]);
        merge(&mut target, &mut source);
        let once = target.clone();
        merge(&mut target, &mut source);
        assert_eq!(target, once);
        source.lines.push(cart(3, &[(9, 4)], &[]).lines[0].clone());
        merge(&mut target, &mut source);
        assert_eq!(quantities(&target), [(1, 5), (2, 1), (9, 4)]);
        assert_eq!(quantities(&source), []);
    }

    #[test]
    fn a_cart_takes_no_more_than_it_holds_and_the_other_keeps_the_rest() {
        let many: Vec<(u128, u32)> = (0..500).map(|variant| (variant, 1)).collect();
        let ten: Vec<u128> = (0..10).collect();
        let mut target = cart(1, &many, &ten);
        let mut source = cart(2, &[(999, 1), (0, 1)], &[99, 3]);
        merge(&mut target, &mut source);
        assert_eq!((target.lines.len(), target.coupons.len()), (MAX_LINES, MAX_COUPONS));
        assert_eq!(target.lines[0].quantity, 2);
        assert_eq!((quantities(&source), coupons(&source)), (vec![(999, 1)], vec![99]));
    }
}
