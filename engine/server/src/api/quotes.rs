//! What a cart costs, and why.

mod parts;
mod writer;

use axum::{extract::State, http::header, response::IntoResponse};
use martlet_domain::{Id, cart::Cart};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{money::MoneyBody, time::Time},
    carts::Carts,
    error::Error,
    extract::{Caller, Json, Path},
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
    /// What stands against ordering the cart as it is.
    objections: Vec<ObjectionBody>,
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
    /// `pricing`, `line`, `order`, `shipping_rates`, `shipping`, `total`, `tax` or `checkout_validation`.
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
    /// `applied` or `rejected`; of a shipping method `offered`; of a checkout validation `objected` or `passed`.
    status: &'static str,
    /// What it takes off; below 0 where a unit price goes up. Of a shipping method what it costs.
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

/// Something that stands against ordering a cart.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Objection)]
pub struct ObjectionBody {
    /// The line it is about; null where it is about the whole cart.
    line_id: Option<Uuid>,
    /// The reason, in words for the shopper.
    message: String,
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
    /// The money that is left of a budget which is too short for it.
    left: Option<MoneyBody>,
    /// What it lost to, was stopped by or is excluded by.
    by: Option<String>,
}

/// What a cart costs now, and why: every candidate of every plugin, applied or rejected.
#[utoipa::path(
    get, path = "/api/v1/carts/{id}/quote", tag = "storefront", operation_id = "getCartQuote",
    security((), ("customer" = []), ("api_key" = [])),
    params(("id" = Uuid, Path, description = "The cart")),
    responses(
        (status = 200, description = "The quote", body = QuoteBody),
        (status = 404, description = "No such cart, or somebody else's", body = Problem),
        (status = 409, description = "A line can no longer be sold", body = Problem),
    )
)]
pub async fn get(
    caller: Caller,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
) -> Result<impl IntoResponse, Error> {
    let priced = carts.quote(&caller, id).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(QuoteBody::from(&priced))))
}
