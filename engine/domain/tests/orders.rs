//! What orders promise: how a priced cart becomes one, which steps it can take from where, and what
//! each step moves besides.

#[cfg(test)]
#[path = "orders/any_steps.rs"]
mod any_steps;
#[cfg(test)]
#[path = "orders/cancelling.rs"]
mod cancelling;
#[cfg(test)]
#[path = "orders/fulfilling.rs"]
mod fulfilling;
#[cfg(test)]
#[path = "orders/placing.rs"]
mod placing;
/// The builder of carts that the tests of quotes have.
#[cfg(test)]
#[path = "quote"]
mod quote {
    #[expect(dead_code, reason = "orders need a part of it")]
    pub(crate) mod support;
}
#[cfg(test)]
#[path = "orders/refunding.rs"]
mod refunding;
#[cfg(test)]
#[path = "orders/samples.rs"]
mod samples;
#[cfg(test)]
#[path = "orders/transitions.rs"]
mod transitions;
#[cfg(test)]
#[path = "orders/written.rs"]
mod written;
