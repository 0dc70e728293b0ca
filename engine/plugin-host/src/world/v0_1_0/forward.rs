//! What components of 0.1.0 answer, in the newest types.

use crate::bindings::{current as wit, v0_1_0::types as old};

pub(super) fn description(description: old::Description) -> wit::Description {
    let template = |template: old::Template| wit::Template {
        key: template.key,
        language: template.language,
        text: template.text,
    };
    wit::Description {
        name: description.name,
        version: description.version,
        title: description.title,
        summary: description.summary,
        config_schema: description.config_schema,
        templates: description.templates.into_iter().map(template).collect(),
    }
}

pub(super) fn validated(
    answer: Result<Vec<old::Class>, Vec<old::ConfigProblem>>,
) -> Result<Vec<wit::Class>, Vec<wit::ConfigProblem>> {
    let problem = |problem: old::ConfigProblem| wit::ConfigProblem {
        pointer: problem.pointer,
        problem: problem.problem,
    };
    answer
        .map(|classes| classes.into_iter().map(class).collect())
        .map_err(|problems| problems.into_iter().map(problem).collect())
}

pub(super) fn prices(prices: old::Prices) -> wit::Prices {
    let price = |price: old::Price| wit::Price {
        key: price.key,
        line: scope_line(price.line),
        amount: price.amount,
        message: message(price.message),
    };
    wit::Prices {
        prices: prices.prices.into_iter().map(price).collect(),
        declined: declined(prices.declined),
    }
}

pub(super) fn proposal(proposal: old::Proposal) -> wit::Proposal {
    wit::Proposal {
        candidates: proposal.candidates.into_iter().map(candidate).collect(),
        declined: declined(proposal.declined),
    }
}

fn candidate(candidate: old::Candidate) -> wit::Candidate {
    wit::Candidate {
        key: candidate.key,
        class: class(candidate.class),
        scope: scope(candidate.scope),
        value: value(candidate.value),
        cap: candidate.cap,
        threshold: candidate.threshold.map(threshold),
        exclusivity_tags: candidate.exclusivity_tags,
        message: message(candidate.message),
    }
}

const fn class(class: old::Class) -> wit::Class {
    match class {
        old::Class::Line => wit::Class::Line,
        old::Class::Order => wit::Class::Order,
        old::Class::Shipping => wit::Class::Shipping,
        old::Class::Total => wit::Class::Total,
        old::Class::Gift => wit::Class::Gift,
    }
}

fn value(value: old::Value) -> wit::Value {
    match value {
        old::Value::Percent(ppm) => wit::Value::Percent(ppm),
        old::Value::Each(amount) => wit::Value::Each(amount),
        old::Value::Across(amount) => wit::Value::Across(amount),
        old::Value::Once(amount) => wit::Value::Once(amount),
        old::Value::UnitPrice(amount) => wit::Value::UnitPrice(amount),
        old::Value::Bundle(bundle) => {
            let part =
                |part: old::BundlePart| wit::BundlePart { scope: scope(part.scope), count: part.count };
            let parts = bundle.parts.into_iter().map(part).collect();
            wit::Value::Bundle(wit::Bundle { parts, price: bundle.price, most: bundle.most })
        }
        old::Value::BuyXGetY(offer) => wit::Value::BuyXGetY(wit::BuyXGetY {
            buy: scope(offer.buy),
            buy_count: offer.buy_count,
            get: scope(offer.get),
            get_count: offer.get_count,
            percent: offer.percent,
            most: offer.most,
        }),
        old::Value::Gift(gift) => wit::Value::Gift(wit::Gift { sku: gift.sku, quantity: gift.quantity }),
    }
}

fn threshold(threshold: old::Threshold) -> wit::Threshold {
    wit::Threshold {
        minimum: match threshold.minimum {
            old::Minimum::Spend(amount) => wit::Minimum::Spend(amount),
            old::Minimum::Quantity(units) => wit::Minimum::Quantity(units),
        },
        scope: scope(threshold.scope),
        basis: match threshold.basis {
            old::Basis::Left => wit::Basis::Left,
            old::Basis::List => wit::Basis::List,
        },
    }
}

fn scope(scope: old::Scope) -> wit::Scope {
    match scope {
        old::Scope::All => wit::Scope::All,
        old::Scope::Lines(lines) => wit::Scope::Lines(lines.into_iter().map(scope_line).collect()),
    }
}

const fn scope_line(line: old::ScopeLine) -> wit::ScopeLine {
    wit::ScopeLine { position: line.position, quantity: line.quantity }
}

fn message(message: old::Message) -> wit::Message {
    let argument = |argument: old::Argument| wit::Argument { name: argument.name, value: argument.value };
    wit::Message { key: message.key, arguments: message.arguments.into_iter().map(argument).collect() }
}

fn declined(declined: Vec<old::Decline>) -> Vec<wit::Decline> {
    let decline =
        |decline: old::Decline| wit::Decline { key: decline.key, message: message(decline.message) };
    declined.into_iter().map(decline).collect()
}
