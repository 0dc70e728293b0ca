//! What a cart costs, and why.

use axum::{extract::State, http::header, response::IntoResponse};
use martlet_domain::{
    Id,
    cart::Cart,
    plugin::Template,
    quote::{Decision, PluginReference, Reason, Reduction, Tax, UnitRun, Verdict, render},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{carts::title, money::MoneyBody, time::Time},
    carts::Carts,
    error::Error,
    extract::{CurrentStore, Json, Path},
    price_cart::PricedCart,
    problem::Problem,
};

/// A priced cart. Amounts add up to the last minor unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quote)]
pub struct QuoteBody {
    /// The cart.
    cart_id: Uuid,
    /// The version of the cart that was priced.
    cart_version: i64,
    /// The moment the price holds for.
    as_of: Time,
    /// Number of the rulebook it was priced under.
    rulebook: i64,
    /// The lines, by position.
    lines: Vec<QuoteLineBody>,
    /// Gifts that go with the cart.
    gifts: Vec<GiftBody>,
    /// The chosen shipping method.
    shipping: Option<QuoteShippingBody>,
    /// Sums.
    totals: TotalsBody,
    /// Everything that plugins proposed or declined, by stage and turn, and what became of it.
    candidates: Vec<CandidateBody>,
    /// Whether a plugin failed without which this cart can't be ordered.
    blocked: bool,
    /// Whether a plugin failed for a reason that may pass. The price may then be another one next time.
    provisional: bool,
    /// SHA-256 of the evidence: the same input has the same digest on any instance.
    receipt: String,
}

/// A priced line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuoteLine)]
pub struct QuoteLineBody {
    /// The cart's line.
    line_id: Uuid,
    /// Its place, from 0.
    position: usize,
    /// What is bought.
    variant_id: Uuid,
    /// Its stock-keeping unit.
    sku: String,
    /// What shoppers call it.
    title: Option<String>,
    /// How many.
    quantity: u32,
    /// The price of one in the price list.
    base_price: MoneyBody,
    /// After the pricing stage, before discounts.
    subtotal: MoneyBody,
    /// All discounts that the line bears.
    discount: MoneyBody,
    /// What is left: subtotal less discount.
    total: MoneyBody,
    /// Tax on the total, or in it.
    tax: TaxBody,
    /// Its units, those with the same amounts together.
    units: Vec<UnitRunBody>,
}

/// Units with the same amounts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnitRun)]
pub struct UnitRunBody {
    /// How many.
    count: u32,
    /// One of them before discounts.
    price: MoneyBody,
    /// One of them after discounts.
    left: MoneyBody,
}

/// A gift.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gift)]
pub struct GiftBody {
    /// What is given.
    variant_id: Uuid,
    /// Its stock-keeping unit.
    sku: String,
    /// What shoppers call it.
    title: Option<String>,
    /// How many.
    quantity: u32,
    /// What they would have cost.
    worth: MoneyBody,
}

/// Priced shipping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuoteShipping)]
pub struct QuoteShippingBody {
    /// Handle of the method.
    method: String,
    /// Before discounts.
    subtotal: MoneyBody,
    /// All discounts on it.
    discount: MoneyBody,
    /// What is left.
    total: MoneyBody,
    /// Tax on the total, or in it.
    tax: TaxBody,
}

/// Tax.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tax)]
pub struct TaxBody {
    /// Parts per million: 100000 is 10 %.
    rate_ppm: u32,
    /// The tax.
    amount: MoneyBody,
}

/// Sums.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Totals)]
pub struct TotalsBody {
    /// Goods before discounts.
    goods_subtotal: MoneyBody,
    /// Discounts on goods.
    goods_discount: MoneyBody,
    /// Shipping before discounts.
    shipping_subtotal: MoneyBody,
    /// Discounts on shipping.
    shipping_discount: MoneyBody,
    /// Tax in all.
    tax: MoneyBody,
    /// Whether the tax is in the amounts above, or comes on top of them.
    tax_included: bool,
    /// What there is to pay.
    total: MoneyBody,
}

/// What became of one candidate, one thing a plugin declined, or one call that gave no answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateBody {
    /// `pricing`, `line`, `order`, `shipping` or `total`.
    stage: String,
    /// The plugin; null where its installation is gone.
    plugin: Option<PluginBody>,
    /// The installation.
    installation_id: Uuid,
    /// The coupon it was asked for.
    coupon: Option<String>,
    /// The candidate's key; null where this is about the whole call.
    key: Option<String>,
    /// `line`, `order`, `shipping`, `total` or `gift`; null for unit prices and whole calls.
    class: Option<String>,
    /// What the plugin calls it.
    label: Option<String>,
    /// `applied` or `rejected`.
    status: &'static str,
    /// What it takes off; below 0 where a unit price goes up.
    amount: MoneyBody,
    /// The same by line and shipping.
    allocations: Vec<AllocationBody>,
    /// Why it gives less than was proposed: `cap` or `left`.
    reduced_by: Option<&'static str>,
    /// Why it was rejected.
    reason: Option<ReasonBody>,
    /// What became of it, in words.
    explanation: String,
}

/// The component that ran.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginReference)]
pub struct PluginBody {
    /// Name of the plugin.
    name: String,
    /// Its version.
    version: String,
    /// SHA-256 of the component.
    component: String,
}

/// The part of a discount that one line, or shipping, bears.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Allocation)]
pub struct AllocationBody {
    /// The cart's line; null for shipping.
    line_id: Option<Uuid>,
    /// Its part.
    amount: MoneyBody,
}

/// Why a candidate was rejected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
pub struct ReasonBody {
    /// A stable word, such as `below_minimum_spend`.
    code: &'static str,
    /// The money that is missing to a minimum spend.
    short: Option<MoneyBody>,
    /// The units that are missing to a minimum quantity.
    short_quantity: Option<u64>,
    /// What it lost to, was stopped by or is excluded by.
    by: Option<String>,
}

/// What a cart costs now, and why: every candidate of every plugin, applied or rejected.
#[utoipa::path(
    get, path = "/api/v1/carts/{id}/quote", tag = "storefront", operation_id = "getCartQuote",
    params(("id" = Uuid, Path, description = "The cart")),
    responses(
        (status = 200, description = "The quote", body = QuoteBody),
        (status = 404, description = "No such cart", body = Problem),
        (status = 409, description = "A line can no longer be sold", body = Problem),
    )
)]
pub async fn get(
    CurrentStore(store): CurrentStore,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
) -> Result<impl IntoResponse, Error> {
    let priced = carts.quote(store.id, id).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(QuoteBody::from(&priced))))
}

impl From<&PricedCart> for QuoteBody {
    fn from(priced: &PricedCart) -> Self {
        let PricedCart { cart, quote, .. } = priced;
        let writer = Writer(priced);
        Self {
            cart_id: cart.id.uuid(),
            cart_version: cart.version,
            as_of: Time(quote.as_of),
            rulebook: quote.rulebook,
            lines: writer.lines(),
            gifts: writer.gifts(),
            shipping: writer.shipping(),
            totals: writer.totals(),
            candidates: quote.verdicts.iter().map(|verdict| writer.candidate(verdict)).collect(),
            blocked: !quote.blocked_by.is_empty(),
            provisional: quote.provisional,
            receipt: quote.receipt.digest().to_string(),
        }
    }
}

/// Writes the parts of a quote.
struct Writer<'a>(&'a PricedCart);

impl Writer<'_> {
    fn money(&self, amount: i64) -> MoneyBody {
        MoneyBody::new(amount, self.0.quote.currency)
    }

    fn tax(&self, tax: Tax) -> TaxBody {
        TaxBody { rate_ppm: tax.rate.0, amount: self.money(tax.amount) }
    }

    fn lines(&self) -> Vec<QuoteLineBody> {
        let lines = self.0.quote.lines.iter().zip(&self.0.cart.lines).enumerate();
        lines
            .map(|(position, (line, on_cart))| QuoteLineBody {
                line_id: on_cart.id.uuid(),
                position,
                variant_id: line.variant.uuid(),
                sku: line.sku.to_string(),
                title: self.0.offers.get(&line.variant).map(title),
                quantity: line.quantity,
                base_price: self.money(line.base_amount),
                subtotal: self.money(line.subtotal),
                discount: self.money(line.discount),
                total: self.money(line.total),
                tax: self.tax(line.tax),
                units: line.units.iter().map(|units| self.units(units)).collect(),
            })
            .collect()
    }

    fn units(&self, units: &UnitRun) -> UnitRunBody {
        UnitRunBody { count: units.count, price: self.money(units.list_amount), left: self.money(units.left) }
    }

    fn gifts(&self) -> Vec<GiftBody> {
        let gifts = self.0.quote.gifts.iter().map(|gift| GiftBody {
            variant_id: gift.variant.uuid(),
            sku: gift.sku.to_string(),
            title: self.0.offers.get(&gift.variant).map(title),
            quantity: gift.quantity,
            worth: self.money(gift.worth),
        });
        gifts.collect()
    }

    fn shipping(&self) -> Option<QuoteShippingBody> {
        self.0.quote.shipping.as_ref().map(|shipping| QuoteShippingBody {
            method: shipping.method.to_string(),
            subtotal: self.money(shipping.subtotal),
            discount: self.money(shipping.discount),
            total: self.money(shipping.total),
            tax: self.tax(shipping.tax),
        })
    }

    fn totals(&self) -> TotalsBody {
        let totals = self.0.quote.totals;
        TotalsBody {
            goods_subtotal: self.money(totals.goods_subtotal),
            goods_discount: self.money(totals.goods_discount),
            shipping_subtotal: self.money(totals.shipping_subtotal),
            shipping_discount: self.money(totals.shipping_discount),
            tax: self.money(totals.tax),
            tax_included: totals.tax_included,
            total: self.money(totals.total),
        }
    }

    fn candidate(&self, verdict: &Verdict) -> CandidateBody {
        let templates = self.0.templates(verdict);
        let label = verdict.message.as_ref().map(|message| render(message, templates, "en"));
        let (status, amount, allocations, reduced, reason) = match &verdict.decision {
            Decision::Applied(applied) => {
                let allocations = applied.allocations.iter().map(|allocation| AllocationBody {
                    line_id: allocation.position.and_then(|position| self.line_id(position)),
                    amount: self.money(allocation.amount),
                });
                ("applied", applied.amount, allocations.collect(), applied.reduced, None)
            }
            Decision::Rejected(reason) => ("rejected", 0, Vec::new(), None, Some(self.reason(reason))),
        };
        CandidateBody {
            stage: word(&verdict.stage),
            plugin: verdict.source.plugin.as_ref().map(PluginBody::from),
            installation_id: verdict.source.installation.uuid(),
            coupon: verdict.source.coupon.as_ref().map(ToString::to_string),
            key: verdict.key.clone(),
            class: verdict.class.as_ref().map(word),
            label,
            status,
            amount: self.money(amount),
            allocations,
            reduced_by: reduced.map(|reduced| match reduced {
                Reduction::Cap => "cap",
                Reduction::Left => "left",
            }),
            reason,
            explanation: verdict.explain(templates, self.0.quote.currency),
        }
    }

    fn line_id(&self, position: u32) -> Option<Uuid> {
        self.0.cart.lines.get(usize::try_from(position).ok()?).map(|line| line.id.uuid())
    }

    fn reason(&self, reason: &Reason) -> ReasonBody {
        let mut body = ReasonBody { code: reason.code(), short: None, short_quantity: None, by: None };
        match reason {
            Reason::BelowMinimumSpend { short } => body.short = Some(self.money(*short)),
            Reason::BelowMinimumQuantity { short } => body.short_quantity = Some(*short),
            Reason::LostTo { winner: by } | Reason::Stopped { by } | Reason::Excluded { by, .. } => {
                body.by = Some(by.clone());
            }
            _ => {}
        }
        body
    }
}

impl PricedCart {
    /// The templates of whoever a verdict is on.
    pub fn templates(&self, verdict: &Verdict) -> &[Template] {
        let installation = verdict.source.installation;
        let found = self.rulebook.installations.iter().find(|known| known.id == installation);
        found.map_or(&[], |installation| &installation.templates)
    }
}

impl From<&PluginReference> for PluginBody {
    fn from(plugin: &PluginReference) -> Self {
        Self {
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            component: plugin.component.to_string(),
        }
    }
}

/// The word that a case without fields is stored as.
fn word(case: &impl Serialize) -> String {
    match serde_json::to_value(case) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
