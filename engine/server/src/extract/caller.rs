//! On whose behalf a request comes: a guest's, a signed-in customer's or a merchant's.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{Method, request::Parts},
};
use martlet_domain::{
    Id,
    access::{Area, Scope},
    cart::Cart,
    customer::Customer,
    order::Order,
    settings::Store,
};
use martlet_store::{ApiKey, Db};

use super::{CurrentStore, shopper, staff};
use crate::{auth::Auth, error::Error};

/// Whoever asks, in the store that the request means. An access token that isn't good is refused; an API
/// key that isn't is nobody's, and so is one that may not look at orders, or change them where the request
/// changes something: to it carts and orders of others are as absent as to a guest.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The store.
    pub store: Store,
    /// On whose behalf.
    pub who: Who,
}

/// On whose behalf a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Somebody who doesn't say.
    Guest,
    /// A customer who is signed in.
    Customer(Id<Customer>),
    /// Whoever holds an API key that has to do with orders.
    Staff(Id<ApiKey>),
}

impl Who {
    /// Whether a cart is there for them. One without a customer is for whoever knows its id; one with a
    /// customer is that customer's and the merchant's.
    pub fn may_use(self, cart: &Cart) -> bool {
        cart.customer.is_none_or(|customer| self.stands_for(customer))
    }

    /// Whether an order is there for them, who hold a cart or don't.
    pub fn may_read(self, order: &Order, held: Option<Id<Cart>>) -> bool {
        match order.terms.customer {
            Some(customer) => self.stands_for(customer),
            None => held == Some(order.terms.cart) || matches!(self, Self::Staff(_)),
        }
    }

    fn stands_for(self, customer: Id<Customer>) -> bool {
        match self {
            Self::Guest => false,
            Self::Customer(own) => own == customer,
            Self::Staff(_) => true,
        }
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    CurrentStore: FromRequestParts<S, Rejection = Error>,
    Db: FromRef<S>,
    Arc<Auth>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let CurrentStore(store) = CurrentStore::from_request_parts(parts, state).await?;
        let auth = Arc::<Auth>::from_ref(state);
        if let Some(shopper) = shopper::find(&auth, store.clone(), &parts.headers).await? {
            return Ok(Self { store, who: Who::Customer(shopper.customer) });
        }
        let who = match staff::key_of(&Db::from_ref(state), store.id, &parts.headers).await {
            Ok(key) if key.grant.has(needed(&parts.method)) => Who::Staff(key.id),
            Ok(_) => Who::Guest,
            Err(Error::Unauthenticated { .. }) => Who::Guest,
            Err(error) => return Err(error),
        };
        Ok(Self { store, who })
    }
}

/// What a key needs to act for others on the shoppers' side.
fn needed(method: &Method) -> Scope {
    match *method {
        Method::GET | Method::HEAD => Scope::read(Area::Orders),
        _ => Scope::write(Area::Orders),
    }
}

#[cfg(test)]
mod tests {
    use martlet_domain::Timestamp;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_bound_cart_is_its_customers_and_the_merchants() {
        let id = |number| Id::new(Uuid::from_u128(number));
        let mut cart = Cart {
            id: Id::new(Uuid::from_u128(1)),
            version: 1,
            currency: "USD".parse().unwrap(),
            customer: None,
            email: None,
            shipping_address: None,
            shipping_method: None,
            lines: Vec::new(),
            coupons: Vec::new(),
            order: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        };
        let key = Who::Staff(Id::new(Uuid::from_u128(7)));
        let everybody = [Who::Guest, Who::Customer(id(2)), Who::Customer(id(3)), key];
        assert_eq!(everybody.map(|who| who.may_use(&cart)), [true; 4]);
        cart.customer = Some(id(2));
        assert_eq!(everybody.map(|who| who.may_use(&cart)), [false, true, false, true]);
    }
}
