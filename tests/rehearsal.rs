//! What rules would do, told before they are published, is what they do once they are: shadows, canaries
//! and simulations, over hundreds of carts and thousands of orders.
//!
//! They have the machine to themselves: `cargo xtask test rehearsal`.

#[path = "rehearsal/canary.rs"]
mod canary;
#[path = "rehearsal/shadow.rs"]
mod shadow;
#[path = "rehearsal/simulation.rs"]
mod simulation;
#[path = "rehearsal/wish.rs"]
mod wish;
