//! Tax, per line and shipping on final amounts; currencies of 0, 2 and 3 decimals.

use martlet_domain::quote::{Class, format_amount};

use crate::support::*;

/// 10 % on top: of 1,005 it is 100.5, so 101; of 1,004 it is 100.4, so 100. 2,009 + 201.
#[test]
fn exclusive_tax_rounds_halves_up() {
    let cart = krw().line(1, 1_005).line(1, 1_004).tax(100_000).exclusive();
    cart.price().comes_to_with_tax(&[1_005, 1_004], &[101, 100], 2_210);
}

/// 10 % within: 1,000 / 1.1 = 909.09, so 909 net and 91 tax.
#[test]
fn inclusive_tax_is_what_the_net_leaves() {
    krw().line(1, 1_000).tax(100_000).price().comes_to_with_tax(&[1_000], &[91], 1_000);
}

/// 100 % within: 3 / 2 = 1.5, so 2 net and 1 tax.
#[test]
fn inclusive_tax_rounds_the_net() {
    krw().line(1, 3).tax(1_000_000).price().comes_to_with_tax(&[3], &[1], 3);
}

/// Three lines of 5 at 10 % on top: 0.5 each, so 1 each; 15 + 3. On the sum it would be 2.
#[test]
fn tax_is_rounded_by_line() {
    let cart = krw().line(1, 5).line(1, 5).line(1, 5).tax(100_000).exclusive();
    cart.price().comes_to_with_tax(&[5, 5, 5], &[1, 1, 1], 18);
}

/// Within: 1,200 at 20 % is 1,000 + 200; 1,050 at 5 % is 1,000 + 50; 999 at 0 % is all net.
#[test]
fn rates_by_category() {
    let cart = krw()
        .line(1, 1_200)
        .line(1, 1_050)
        .category("food")
        .line(1, 999)
        .category("books")
        .tax(200_000)
        .rate("food", 50_000)
        .rate("books", 0);
    let priced = cart.price().comes_to_with_tax(&[1_200, 1_050, 999], &[200, 50, 0], 3_249);
    assert_eq!(priced.quote.totals.tax, 250);
}

/// 10 % off 19.99 is 1.999, so 2.00: 17.99, on which 8.25 % is 1.484175, so 1.48. Shipping of 5.99
/// is untaxed. 17.99 + 1.48 + 5.99 = 25.46.
#[test]
fn tax_is_on_final_amounts() {
    let cart = cart("USD").line(1, 1_999).shipping(599).tax(82_500).rate("shipping", 0).exclusive();
    cart.with(promotion([order_percent(10)]))
        .price()
        .comes_to_with_tax(&[1_799, 599], &[148, 0], 2_546)
        .says(&["p1.a 200 [0:200]"]);
}

/// Shipping is taxed as itself: 10 % on top of 1,000 is 100, 20 % on top of 300 is 60.
#[test]
fn shipping_has_its_own_rate() {
    let cart = krw().line(1, 1_000).shipping(300).tax(100_000).rate("shipping", 200_000).exclusive();
    cart.price().comes_to_with_tax(&[1_000, 300], &[100, 60], 1_460);
}

/// 3 x 19.99 = 59.97 at 7.25 % on top: 4.347825, so 4.35; 64.32.
#[test]
fn two_decimals() {
    let cart = cart("USD").line(3, 1_999).tax(72_500).exclusive();
    let priced = cart.price().comes_to_with_tax(&[5_997], &[435], 6_432);
    assert_eq!(format_amount(priced.quote.totals.total, priced.quote.currency), "64.32");
}

/// 2 x 1.999 = 3.998 at 5 % on top: 0.1999, so 0.200; 4.198.
#[test]
fn three_decimals() {
    let cart = cart("KWD").line(2, 1_999).tax(50_000).exclusive();
    let priced = cart.price().comes_to_with_tax(&[3_998], &[200], 4_198);
    assert_eq!(format_amount(priced.quote.totals.total, priced.quote.currency), "4.198");
}

/// A discount on prices that include tax is gross: 10 % of 1,100 is 110; 990 / 1.1 = 900, 90 tax.
#[test]
fn a_discount_on_inclusive_prices_is_gross() {
    let cart = krw().line(1, 1_100).tax(100_000).with(promotion([line_percent(10)]));
    cart.price().comes_to_with_tax(&[990], &[90], 990).says(&["p1.a 110 [0:110]"]);
}

/// The same 200 off the total costs 133 of goods (taxed 10 % on top) and 67 of shipping (untaxed):
/// 200 x 1,000/1,500 = 133 remainder 500, 200 x 500/1,500 = 66 remainder 1,000, and the one missing
/// goes to shipping. 867 x 10 % = 86.7, so 87; 867 + 433 + 87.
#[test]
fn a_discount_on_the_total_lowers_the_tax_of_each() {
    let cart = krw().line(1, 1_000).shipping(500).tax(100_000).rate("shipping", 0).exclusive();
    cart.with(promotion([across(200).class(Class::Total)]))
        .price()
        .comes_to_with_tax(&[867, 433], &[87, 0], 1_387)
        .says(&["p1.a 200 [0:133 s:67]"]);
}

/// The fullest cart at the highest price and 100 % tax: 500 lines of 10,000 at 10^11 are 5 x 10^17,
/// and as much tax.
#[test]
fn the_fullest_cart_can_be_priced() {
    let price = martlet_domain::money::MAX_PRICE;
    let cart = (0..500).fold(krw().tax(1_000_000).exclusive(), |cart, _| cart.line(10_000, price));
    assert_eq!(cart.price().quote.totals.total, 1_000_000_000_000_000_000);
}
