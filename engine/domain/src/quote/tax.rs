//! Tax, per line and shipping method, on final amounts.

use crate::money::{Ppm, div_round_half_away};

/// The tax of an amount, rounded half away from zero: `a x r` on a net amount, `a - a / (1 + r)`
/// on one that includes it.
pub(super) fn tax(amount: i64, rate: Ppm, included: bool) -> i64 {
    let (amount, rate, one) = (i128::from(amount), i128::from(rate.0), i128::from(Ppm::ONE.0));
    let tax = if included {
        amount - div_round_half_away(amount * one, one + rate)
    } else {
        div_round_half_away(amount * rate, one)
    };
    // At most the amount itself: `Input::check` refuses rates above 100 %.
    i64::try_from(tax).unwrap_or(i64::MAX)
}
