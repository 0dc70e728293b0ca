//! Carts priced by hand first. Each example's comment is its whole sum; verdicts stand in the
//! notation of `support::Priced::says`.

mod amounts;
mod budgets;
mod bundles;
mod buy_x_get_y;
mod coupons;
mod failures;
mod gifts;
mod groups;
mod objections;
mod percentages;
mod pricing;
mod rates;
mod shipping;
mod tax;
mod taxes;
mod thresholds;
mod turns;
mod unsound;
mod unsound_answers;
mod whole_carts;
mod windows;
