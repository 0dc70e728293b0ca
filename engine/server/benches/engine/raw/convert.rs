//! A stage's snapshot in wasmtime's types.

use martlet_domain::{
    catalog::Attribute,
    quote::{ProductFacts, Snapshot, SnapshotLine, Stage, Standing},
};

use super::types;

pub(super) fn cart(snapshot: &Snapshot) -> types::Cart {
    types::Cart {
        stage: stage(snapshot.stage),
        as_of: snapshot.as_of.as_millis(),
        currency: snapshot.currency.code().to_owned(),
        currency_decimals: snapshot.currency.decimals(),
        prices_include_tax: snapshot.prices_include_tax,
        // The bench's carts are guests' and go nowhere yet.
        customer: None,
        destination: None,
        lines: (0..).zip(&snapshot.lines).map(|(position, facts)| line(position, facts)).collect(),
        shipping: snapshot.shipping.as_ref().map(|shipping| types::Shipping {
            method: shipping.method.to_string(),
            list_amount: shipping.list_amount,
            left: shipping.left,
            tax_category: shipping.tax_category.clone(),
        }),
        codes: snapshot.codes.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn standing(standing: Standing) -> types::Standing {
    types::Standing {
        used: standing.used,
        used_by_customer: standing.used_by_customer,
        budget_left: standing.budget_left,
    }
}

const fn stage(stage: Stage) -> types::Stage {
    match stage {
        Stage::Pricing => types::Stage::Pricing,
        Stage::Line => types::Stage::Line,
        Stage::Order => types::Stage::Order,
        Stage::ShippingRates => types::Stage::ShippingRates,
        Stage::Shipping => types::Stage::Shipping,
        Stage::Total => types::Stage::Total,
        Stage::Tax => types::Stage::Tax,
        Stage::CheckoutValidation => types::Stage::CheckoutValidation,
    }
}

fn line(position: u32, line: &SnapshotLine) -> types::Line {
    let runs = line.units.iter();
    types::Line {
        position,
        variant: line.variant.to_string(),
        sku: line.sku.to_string(),
        options: attributes(&line.options),
        product: product(&line.product),
        quantity: line.quantity,
        weight_grams: line.weight_grams,
        tax_category: line.tax_category.clone(),
        base_amount: line.base_amount,
        units: runs
            .map(|run| types::UnitRun { count: run.count, list_amount: run.list_amount, left: run.left })
            .collect(),
    }
}

fn product(facts: &ProductFacts) -> types::Product {
    types::Product {
        id: facts.id.to_string(),
        handle: facts.handle.to_string(),
        categories: facts.categories.iter().map(ToString::to_string).collect(),
        tags: facts.tags.clone(),
        attributes: attributes(&facts.attributes),
    }
}

fn attributes(attributes: &[Attribute]) -> Vec<types::Attribute> {
    let fact = |fact: &Attribute| types::Attribute { name: fact.name.clone(), value: fact.value.clone() };
    attributes.iter().map(fact).collect()
}
