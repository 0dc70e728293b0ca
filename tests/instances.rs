//! Several engines on one database, with a Redis that they share and without.
//!
//! What is timed or needs many requests has the machine to itself: `cargo xtask test instances`.

#[path = "instances/balancer.rs"]
mod balancer;
#[path = "instances/changes.rs"]
mod changes;
#[path = "instances/churn.rs"]
mod churn;
#[path = "instances/claims.rs"]
mod claims;
#[path = "instances/limits.rs"]
mod limits;
#[path = "instances/load.rs"]
mod load;
#[path = "instances/outage.rs"]
mod outage;
#[path = "instances/pair.rs"]
mod pair;
#[path = "instances/previous.rs"]
mod previous;
#[path = "instances/rolling.rs"]
mod rolling;
#[path = "instances/sessions.rs"]
mod sessions;
#[path = "instances/stampede.rs"]
mod stampede;
