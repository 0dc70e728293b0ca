//! Whole carts, with several things at once.

use crate::support::*;

/// The design's own example. KRW, 10 % VAT inclusive; 3 x 3,333, 2 x 5,555, 1 x 12,345 make 33,454.
/// Buy 2 get 1 free over all goods frees two of 3,333: 6,666 off, 26,788 left. 10 % of that is 2,678.8,
/// so 2,679 off, 24,109 left: 2,679 x 3,333/26,788 = 333 remainder 8,703, x 5,555 = 555 remainder 14,505
/// twice, x 12,345 = 1,234 remainder 15,863; 2,677, and the 2 missing go to 12,345 and the first 5,555.
/// The code for 3,000 from 25,000 is 891 short. VAT 273 + 909 + 1,010 = 2,192.
#[test]
fn the_designs_example_comes_out_to_the_last_won() {
    let cart = krw()
        .line(3, 3_333)
        .line(2, 5_555)
        .line(1, 12_345)
        .tax(100_000)
        .with(promotion([buy_get_any(2, 1)]))
        .with(promotion([order_percent(10)]))
        .with(code("minus3000", [across(3_000).from(25_000)]));
    let priced = cart
        .price()
        .goods(33_454, 9_345)
        .comes_to_with_tax(&[3_000, 9_999, 11_110], &[273, 909, 1_010], 24_109)
        .says(&[
            "p1.a 6666 [0:6666]",
            "p2.a 2679 [0:333 1:1111 2:1235]",
            "MINUS3000.a below_minimum_spend 891",
        ]);
    assert_eq!(priced.quote.totals.tax, 2_192);
    let words = priced.quote.verdicts[2].explain(&[], priced.quote.currency);
    assert_eq!(words, "below minimum spend, 891 short");
}

/// USD, 8.875 % on top. Six mugs at 12.00 come to 10.50 each by volume: 63.00; a poster at 25.00. Any
/// two mugs for 18.00: three times 3.00 off, 9.00: 54.00. 15 % off the order of 79.00 is 11.85: 8.10
/// and 3.75. Shipping of 7.95 at half price is 3.975, so 3.98 off. 10 off everything with code TENNER:
/// 45.90 + 21.25 + 3.97 = 71.12; mugs 10.00 x 7.65/71.12 each: 1,000 x 765/7,112 = 107 remainder 4,016,
/// six times; poster 298 remainder 5,624... (1,000 x 2,125 = 298 x 7,112 + 5,624); shipping 55
/// remainder 5,840; 642 + 298 + 55 = 995, and the 5 missing go to shipping, the poster and three mugs:
/// 6.45, 2.99, 0.56. Left are 39.45, 18.26 and 3.41. Tax: 3.5011875, 1.620575, 0.3026375: 3.50, 1.62,
/// 0.30. 61.12 + 5.42 = 66.54.
#[test]
fn a_full_cart_in_dollars() {
    use martlet_domain::{
        money::Ppm,
        quote::{Class, Scope, Value},
    };
    let two_mugs = bundle(1_800, &[(lines(&[0]), 2)]);
    let half_shipping = candidate(Class::Shipping, Value::Percent(Ppm(500_000)));
    let tenner = candidate(Class::Total, Value::Across(1_000));
    assert_eq!(tenner.scope, Scope::All);
    let cart = cart("USD")
        .line(6, 1_200)
        .line(1, 2_500)
        .shipping(795)
        .tax(88_750)
        .exclusive()
        .with(pricing([unit_price(1_050).over(lines(&[0]))]))
        .with(promotion([two_mugs, order_percent(15), half_shipping]))
        .with(code("TENNER", [tenner]));
    cart.price()
        .goods(8_800, 900 + 1_185 + 645 + 299)
        .comes_to_with_tax(&[3_945, 1_826, 341], &[350, 162, 30], 6_654)
        .says(&[
            "p1.a 900 [0:900]",
            "p2.a 900 [0:900]",
            "p2.b 1185 [0:810 1:375]",
            "p2.c 398 [s:398]",
            "TENNER.a 1000 [0:645 1:299 s:56]",
        ]);
}
