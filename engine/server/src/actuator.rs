//! What operators look at. None of it needs a key: keep `/actuator` away from the public side of
//! a load balancer.

pub mod health;
pub mod info;
pub mod metrics;
