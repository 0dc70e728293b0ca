//! Building unit prices.

use crate::{
    decline, message,
    types::{Decline, Line, Message, Price, ScopeLine},
    words::NO_LOWER,
};

/// A price for all units of a line, if it is lower than the base price; else the reason for declining.
pub fn lower_price(line: &Line, amount: i64, words: Message) -> Result<Price, Decline> {
    let key = format!("line-{}", line.position);
    if amount < line.base_amount {
        let line = ScopeLine { position: line.position, quantity: None };
        Ok(Price { key, line, amount, message: words })
    } else {
        Err(decline(&key, message(NO_LOWER, [])))
    }
}
