//! What a quote comes to.

use serde::{Deserialize, Serialize};

use super::{
    GrantedGift, Input, OfferedMethod, ShippingInput, UnitRun, Verdict,
    ledger::Ledger,
    receipt::Receipt,
    tax::tax,
    taxes::DecidedTaxes,
    verdict::{Objected, Source},
};
use crate::{
    Id, Timestamp,
    catalog::{Handle, Sku, Variant},
    money::{Currency, Ppm},
    plugin::Installation,
};

/// A priced cart, with its explanation and its evidence. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The currency.
    pub currency: Currency,
    /// The moment it holds for.
    pub as_of: Timestamp,
    /// Number of the rulebook.
    pub rulebook: i64,
    /// The lines, by position.
    pub lines: Vec<QuotedLine>,
    /// Gifts that go with the cart.
    pub gifts: Vec<GrantedGift>,
    /// The chosen shipping method.
    pub shipping: Option<QuotedShipping>,
    /// The shipping methods that components offer, beside the store's own.
    pub methods: Vec<OfferedMethod>,
    /// What stands against ordering the cart.
    pub objections: Vec<Objected>,
    /// What became of everything proposed, by stage and turn.
    pub verdicts: Vec<Verdict>,
    /// Sums.
    pub totals: Totals,
    /// The installations that have a budget, by id, whether they gave anything or not.
    pub budgeted: Vec<Id<Installation>>,
    /// Who failed under the policy to block. Such a quote can't be ordered.
    pub blocked_by: Vec<Source>,
    /// Whether a call failed in a way that depends on the host. Such a quote is neither kept nor
    /// ordered: another attempt may give another one.
    pub provisional: bool,
    /// Its evidence.
    pub receipt: Receipt,
}

/// A priced line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedLine {
    /// What is bought.
    pub variant: Id<Variant>,
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// The price of one unit in the price list.
    pub base_amount: i64,
    /// Its units after everything applied.
    pub units: Vec<UnitRun>,
    /// Before discounts, after the pricing stage.
    pub subtotal: i64,
    /// All discounts that it bears.
    pub discount: i64,
    /// What is left: `subtotal - discount`.
    pub total: i64,
    /// The tax on it, or in it.
    pub tax: Tax,
}

/// Priced shipping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedShipping {
    /// Handle of the method.
    pub method: Handle,
    /// Before discounts.
    pub subtotal: i64,
    /// All discounts that it bears.
    pub discount: i64,
    /// What is left.
    pub total: i64,
    /// The tax on it, or in it.
    pub tax: Tax,
}

/// The tax of one line or of shipping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// Its rate.
    pub rate: Ppm,
    /// Its amount.
    pub amount: i64,
}

/// The sums of a quote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Goods before discounts.
    pub goods_subtotal: i64,
    /// Discounts on goods.
    pub goods_discount: i64,
    /// Shipping before discounts.
    pub shipping_subtotal: i64,
    /// Discounts on shipping.
    pub shipping_discount: i64,
    /// Tax in all.
    pub tax: i64,
    /// Whether the tax is in the amounts above, or comes on top of them.
    pub tax_included: bool,
    /// What there is to pay.
    pub total: i64,
}

/// What a quote's amounts are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums<'a> {
    pub(super) input: &'a Input,
    pub(super) ledger: &'a Ledger,
    /// The chosen method, whoever offers it.
    pub(super) shipping: Option<&'a ShippingInput>,
    /// What a component has decided.
    pub(super) taxes: Option<&'a DecidedTaxes>,
}

pub(super) fn lines(sums: Sums<'_>) -> Vec<QuotedLine> {
    let Sums { input, ledger, taxes, .. } = sums;
    let quoted = |(position, line): (usize, &super::LineInput)| {
        let (subtotal, total) = (ledger.list(position), ledger.left(position));
        QuotedLine {
            variant: line.variant,
            sku: line.sku.clone(),
            quantity: line.quantity,
            base_amount: line.unit_amount,
            units: ledger.unit_runs(position),
            subtotal,
            discount: subtotal - total,
            total,
            tax: sums.taxed(total, &line.tax_category, taxes.and_then(|taxes| taxes.lines[position])),
        }
    };
    input.lines.iter().enumerate().map(quoted).collect()
}

pub(super) fn shipping(sums: Sums<'_>) -> Option<QuotedShipping> {
    let ledger = sums.ledger;
    let (shipping, line) = (sums.shipping?, ledger.shipping()?);
    let (subtotal, total) = (ledger.list(line), ledger.left(line));
    Some(QuotedShipping {
        method: shipping.method.clone(),
        subtotal,
        discount: subtotal - total,
        total,
        tax: sums.taxed(total, &shipping.tax_category, sums.taxes.and_then(|taxes| taxes.shipping)),
    })
}

impl Sums<'_> {
    /// Whether the tax is in the amounts.
    pub(super) fn tax_included(&self) -> bool {
        self.taxes.map_or(self.input.prices_include_tax, |taxes| taxes.included)
    }

    /// The tax on an amount, or in it: at the rate that was decided for it, else at its category's.
    fn taxed(&self, amount: i64, category: &str, decided: Option<Ppm>) -> Tax {
        let rate = decided.unwrap_or_else(|| self.input.tax.rate(category));
        Tax { rate, amount: tax(amount, rate, self.tax_included()) }
    }
}

impl Totals {
    pub(super) fn of(lines: &[QuotedLine], shipping: Option<&QuotedShipping>, tax_included: bool) -> Self {
        let goods: i64 = lines.iter().map(|line| line.total).sum();
        let tax = lines.iter().map(|line| line.tax).chain(shipping.map(|shipping| shipping.tax));
        let tax: i64 = tax.map(|tax| tax.amount).sum();
        let shipped = shipping.map_or(0, |shipping| shipping.total);
        Self {
            goods_subtotal: lines.iter().map(|line| line.subtotal).sum(),
            goods_discount: lines.iter().map(|line| line.discount).sum(),
            shipping_subtotal: shipping.map_or(0, |shipping| shipping.subtotal),
            shipping_discount: shipping.map_or(0, |shipping| shipping.discount),
            tax,
            tax_included,
            total: goods + shipped + if tax_included { 0 } else { tax },
        }
    }
}
