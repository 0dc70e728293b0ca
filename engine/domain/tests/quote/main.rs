//! What a quote must come to: examples worked by hand, properties of random carts, and the form of
//! receipts. One crate, so that all of them share one builder of carts.

#[cfg(test)]
mod compared;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod receipt;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod support;
#[cfg(test)]
mod worked_examples;
