//! What quotes and orders have in common.

use martlet_domain::{
    money::Currency,
    quote::{QuotedShipping, Tax, Totals, UnitRun},
};

use super::{QuoteShippingBody, TaxBody, TotalsBody, UnitRunBody};
use crate::api::money::MoneyBody;

impl TotalsBody {
    /// Sums in a currency.
    pub fn new(totals: Totals, currency: Currency) -> Self {
        let money = |amount| MoneyBody::new(amount, currency);
        Self {
            goods_subtotal: money(totals.goods_subtotal),
            goods_discount: money(totals.goods_discount),
            shipping_subtotal: money(totals.shipping_subtotal),
            shipping_discount: money(totals.shipping_discount),
            tax: money(totals.tax),
            tax_included: totals.tax_included,
            total: money(totals.total),
        }
    }
}

impl QuoteShippingBody {
    /// Shipping in a currency.
    pub fn new(shipping: &QuotedShipping, currency: Currency) -> Self {
        let money = |amount| MoneyBody::new(amount, currency);
        Self {
            method: shipping.method.to_string(),
            subtotal: money(shipping.subtotal),
            discount: money(shipping.discount),
            total: money(shipping.total),
            tax: TaxBody::new(shipping.tax, currency),
        }
    }
}

impl TaxBody {
    /// Tax in a currency.
    pub fn new(tax: Tax, currency: Currency) -> Self {
        Self { rate_ppm: tax.rate.0, amount: MoneyBody::new(tax.amount, currency) }
    }
}

impl UnitRunBody {
    /// Units with the same amounts, in a currency.
    pub fn new(units: &UnitRun, currency: Currency) -> Self {
        let money = |amount| MoneyBody::new(amount, currency);
        Self { count: units.count, price: money(units.list_amount), left: money(units.left) }
    }
}
