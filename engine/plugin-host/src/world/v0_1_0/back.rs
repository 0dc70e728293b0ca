//! What components of 0.1.0 are told, in their own types: without weights, tax categories and what
//! else came later.

use crate::bindings::{current as wit, v0_1_0::types as old};

/// The cart. The stages that came later ask nobody of this version.
pub(super) fn cart(cart: &wit::Cart) -> wasmtime::Result<old::Cart> {
    Ok(old::Cart {
        stage: stage(cart.stage)?,
        as_of: cart.as_of,
        currency: cart.currency.clone(),
        currency_decimals: cart.currency_decimals,
        prices_include_tax: cart.prices_include_tax,
        customer: cart.customer.as_ref().map(|customer| old::Customer {
            groups: customer.groups.clone(),
            order_count: customer.order_count,
            lifetime_spend: customer.lifetime_spend,
        }),
        destination: cart.destination.as_ref().map(|destination| old::Destination {
            country: destination.country.clone(),
            region: destination.region.clone(),
        }),
        lines: cart.lines.iter().map(line).collect(),
        shipping: cart.shipping.as_ref().map(|shipping| old::Shipping {
            method: shipping.method.clone(),
            list_amount: shipping.list_amount,
            left: shipping.left,
        }),
        codes: cart.codes.clone(),
    })
}

pub(super) fn standing(standing: wit::Standing) -> old::Standing {
    old::Standing {
        used: standing.used,
        used_by_customer: standing.used_by_customer,
        budget_left: standing.budget_left,
    }
}

fn stage(stage: wit::Stage) -> wasmtime::Result<old::Stage> {
    Ok(match stage {
        wit::Stage::Pricing => old::Stage::Pricing,
        wit::Stage::Line => old::Stage::Line,
        wit::Stage::Order => old::Stage::Order,
        wit::Stage::Shipping => old::Stage::Shipping,
        wit::Stage::Total => old::Stage::Total,
        wit::Stage::ShippingRates | wit::Stage::Tax | wit::Stage::CheckoutValidation => {
            return Err(wasmtime::Error::msg("0.1.0 has no such stage"));
        }
    })
}

fn line(line: &wit::Line) -> old::Line {
    let run =
        |run: &wit::UnitRun| old::UnitRun { count: run.count, list_amount: run.list_amount, left: run.left };
    old::Line {
        position: line.position,
        variant: line.variant.clone(),
        sku: line.sku.clone(),
        options: attributes(&line.options),
        product: old::Product {
            id: line.product.id.clone(),
            handle: line.product.handle.clone(),
            categories: line.product.categories.clone(),
            tags: line.product.tags.clone(),
            attributes: attributes(&line.product.attributes),
        },
        quantity: line.quantity,
        base_amount: line.base_amount,
        units: line.units.iter().map(run).collect(),
    }
}

fn attributes(attributes: &[wit::Attribute]) -> Vec<old::Attribute> {
    let attribute =
        |fact: &wit::Attribute| old::Attribute { name: fact.name.clone(), value: fact.value.clone() };
    attributes.iter().map(attribute).collect()
}
