//! What comes out: proposals and unit prices.
//!
//! Only what the domain's types can't hold is refused here, and then the answer as a whole:
//! whether positions exist and amounts make sense, the domain says candidate by candidate.

use martlet_domain::{
    money::Ppm,
    quote::{
        Argument, Basis, Bundle, BundlePart, BuyXGetY, Candidate, Class, Decline, Gift, Message, Minimum,
        Proposal, Scope, ScopeLine, Threshold, Value, is_key,
    },
};

use crate::bindings::current as wit;

/// What makes an answer unusable.
pub(crate) type Malformed = String;

pub(crate) fn proposal(answer: wit::Proposal, limit: usize) -> Result<Proposal, Malformed> {
    at_most(limit, "candidates", answer.candidates.len())?;
    Ok(Proposal {
        candidates: answer.candidates.into_iter().map(candidate).collect::<Result<_, _>>()?,
        declined: declined(answer.declined, limit)?,
    })
}

/// Unit prices become candidates of the class `Line` with the value `UnitPrice`.
pub(crate) fn prices(answer: wit::Prices, limit: usize) -> Result<Proposal, Malformed> {
    at_most(limit, "prices", answer.prices.len())?;
    Ok(Proposal {
        candidates: answer.prices.into_iter().map(price).collect::<Result<_, _>>()?,
        declined: declined(answer.declined, limit)?,
    })
}

pub(crate) const fn class(class: wit::Class) -> Class {
    match class {
        wit::Class::Line => Class::Line,
        wit::Class::Order => Class::Order,
        wit::Class::Shipping => Class::Shipping,
        wit::Class::Total => Class::Total,
        wit::Class::Gift => Class::Gift,
    }
}

pub(super) fn at_most(limit: usize, what: &str, count: usize) -> Result<(), Malformed> {
    if count > limit { Err(format!("{count} {what}, and the limit is {limit}")) } else { Ok(()) }
}

pub(super) fn key(what: &str, key: String) -> Result<String, Malformed> {
    if is_key(&key) {
        Ok(key)
    } else {
        Err(format!("a {what} has the key {}; a key is 1 to 64 of a-z, 0-9, -, _ and .", quoted(&key)))
    }
}

/// A component's text in our words: short, and without control characters.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    let shown: String = text.chars().take(SHOWN).collect();
    format!("{shown:?}{}", if shown.len() < text.len() { "..." } else { "" })
}

fn candidate(candidate: wit::Candidate) -> Result<Candidate, Malformed> {
    let key = key("candidate", candidate.key)?;
    Ok(Candidate {
        class: class(candidate.class),
        scope: scope(candidate.scope),
        value: value(candidate.value, &key)?,
        cap: candidate.cap,
        threshold: candidate.threshold.map(threshold),
        exclusivity_tags: candidate.exclusivity_tags,
        message: message(candidate.message)?,
        key,
    })
}

fn price(price: wit::Price) -> Result<Candidate, Malformed> {
    Ok(Candidate {
        key: key("price", price.key)?,
        class: Class::Line,
        scope: Scope::Lines(vec![scope_line(price.line)]),
        value: Value::UnitPrice(price.amount),
        cap: None,
        threshold: None,
        exclusivity_tags: Vec::new(),
        message: message(price.message)?,
    })
}

pub(super) fn declined(declined: Vec<wit::Decline>, limit: usize) -> Result<Vec<Decline>, Malformed> {
    at_most(limit, "declined", declined.len())?;
    let decline = |decline: wit::Decline| {
        Ok(Decline { key: key("decline", decline.key)?, message: message(decline.message)? })
    };
    declined.into_iter().map(decline).collect()
}

pub(super) fn message(message: wit::Message) -> Result<Message, Malformed> {
    let argument = |argument: wit::Argument| Argument { name: argument.name, value: argument.value };
    Ok(Message {
        key: key("message", message.key)?,
        arguments: message.arguments.into_iter().map(argument).collect(),
    })
}

fn scope(scope: wit::Scope) -> Scope {
    match scope {
        wit::Scope::All => Scope::All,
        wit::Scope::Lines(lines) => Scope::Lines(lines.into_iter().map(scope_line).collect()),
    }
}

const fn scope_line(line: wit::ScopeLine) -> ScopeLine {
    ScopeLine { position: line.position, quantity: line.quantity }
}

fn value(value: wit::Value, key: &str) -> Result<Value, Malformed> {
    Ok(match value {
        wit::Value::Percent(ppm) => Value::Percent(Ppm(ppm)),
        wit::Value::Each(amount) => Value::Each(amount),
        wit::Value::Across(amount) => Value::Across(amount),
        wit::Value::Once(amount) => Value::Once(amount),
        wit::Value::UnitPrice(amount) => Value::UnitPrice(amount),
        wit::Value::Bundle(value) => Value::Bundle(bundle(value)),
        wit::Value::BuyXGetY(value) => Value::BuyXGetY(buy_x_get_y(value)),
        wit::Value::Gift(value) => Value::Gift(gift(value, key)?),
    })
}

fn bundle(bundle: wit::Bundle) -> Bundle {
    let part = |part: wit::BundlePart| BundlePart { scope: scope(part.scope), count: part.count };
    Bundle { parts: bundle.parts.into_iter().map(part).collect(), price: bundle.price, most: bundle.most }
}

fn buy_x_get_y(value: wit::BuyXGetY) -> BuyXGetY {
    BuyXGetY {
        buy: scope(value.buy),
        buy_count: value.buy_count,
        get: scope(value.get),
        get_count: value.get_count,
        percent: Ppm(value.percent),
        most: value.most,
    }
}

fn gift(gift: wit::Gift, key: &str) -> Result<Gift, Malformed> {
    let sku = gift
        .sku
        .parse()
        .map_err(|error| format!("the candidate {key} gives {}, and a {error}", quoted(&gift.sku)))?;
    Ok(Gift { sku, quantity: gift.quantity })
}

fn threshold(threshold: wit::Threshold) -> Threshold {
    Threshold {
        minimum: match threshold.minimum {
            wit::Minimum::Spend(amount) => Minimum::Spend(amount),
            wit::Minimum::Quantity(units) => Minimum::Quantity(units),
        },
        scope: scope(threshold.scope),
        basis: match threshold.basis {
            wit::Basis::Left => Basis::Left,
            wit::Basis::List => Basis::List,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate_of(value: wit::Value) -> wit::Candidate {
        wit::Candidate {
            key: "summer.sale_1".to_owned(),
            class: wit::Class::Gift,
            scope: wit::Scope::Lines(vec![wit::ScopeLine { position: 3, quantity: Some(2) }]),
            value,
            cap: Some(-1),
            threshold: Some(wit::Threshold {
                minimum: wit::Minimum::Quantity(4),
                scope: wit::Scope::All,
                basis: wit::Basis::List,
            }),
            exclusivity_tags: vec!["sale".to_owned()],
            message: wit::Message {
                key: "off".to_owned(),
                arguments: vec![wit::Argument { name: "percent".to_owned(), value: "10".to_owned() }],
            },
        }
    }

    fn answer(candidates: Vec<wit::Candidate>) -> wit::Proposal {
        wit::Proposal { candidates, declined: Vec::new() }
    }

    fn value_of(value: wit::Value) -> Value {
        let proposal = proposal(answer(vec![candidate_of(value)]), 1).expect("it is an answer");
        proposal.candidates.into_iter().next().expect("one candidate").value
    }

    fn problem_of(candidate: wit::Candidate) -> Malformed {
        proposal(answer(vec![candidate]), 1).expect_err("it is no answer")
    }

    #[test]
    fn every_field_of_a_candidate_arrives() {
        let lines = Scope::Lines(vec![ScopeLine { position: 3, quantity: Some(2) }]);
        let expected = Candidate {
            key: "summer.sale_1".to_owned(),
            class: Class::Gift,
            scope: lines,
            value: Value::Percent(Ppm(100_000)),
            cap: Some(-1),
            threshold: Some(Threshold {
                minimum: Minimum::Quantity(4),
                scope: Scope::All,
                basis: Basis::List,
            }),
            exclusivity_tags: vec!["sale".to_owned()],
            message: Message {
                key: "off".to_owned(),
                arguments: vec![Argument { name: "percent".to_owned(), value: "10".to_owned() }],
            },
        };
        let proposal =
            proposal(answer(vec![candidate_of(wit::Value::Percent(100_000))]), 1).expect("it is an answer");
        assert_eq!(proposal, Proposal { candidates: vec![expected], declined: Vec::new() });
    }

    #[test]
    fn every_value_arrives() {
        assert_eq!(value_of(wit::Value::Each(1)), Value::Each(1));
        assert_eq!(value_of(wit::Value::Across(2)), Value::Across(2));
        assert_eq!(value_of(wit::Value::Once(-3)), Value::Once(-3));
        assert_eq!(value_of(wit::Value::UnitPrice(i64::MIN)), Value::UnitPrice(i64::MIN));
        let part = wit::BundlePart { scope: wit::Scope::All, count: 3 };
        let bundle = wit::Bundle { parts: vec![part], price: 999, most: Some(2) };
        let parts = vec![BundlePart { scope: Scope::All, count: 3 }];
        assert_eq!(
            value_of(wit::Value::Bundle(bundle)),
            Value::Bundle(Bundle { parts, price: 999, most: Some(2) })
        );
        let gift = wit::Gift { sku: " mug-1 ".to_owned(), quantity: 1 };
        let sku = "MUG-1".parse().expect("a sku");
        assert_eq!(value_of(wit::Value::Gift(gift)), Value::Gift(Gift { sku, quantity: 1 }));
    }

    #[test]
    fn buy_x_get_y_keeps_its_sides_apart() {
        let value = wit::BuyXGetY {
            buy: wit::Scope::All,
            buy_count: 2,
            get: wit::Scope::Lines(Vec::new()),
            get_count: 1,
            percent: 1_000_000,
            most: None,
        };
        let expected = BuyXGetY {
            buy: Scope::All,
            buy_count: 2,
            get: Scope::Lines(Vec::new()),
            get_count: 1,
            percent: Ppm::ONE,
            most: None,
        };
        assert_eq!(value_of(wit::Value::BuyXGetY(value)), Value::BuyXGetY(expected));
    }

    #[test]
    fn unit_prices_become_candidates_of_lines() {
        let price = wit::Price {
            key: "vip".to_owned(),
            line: wit::ScopeLine { position: 1, quantity: None },
            amount: 750,
            message: wit::Message { key: "vip-price".to_owned(), arguments: Vec::new() },
        };
        let answer = wit::Prices { prices: vec![price], declined: Vec::new() };
        let proposal = prices(answer, 1).expect("it is an answer");
        let candidate = &proposal.candidates[0];
        assert_eq!((candidate.class, &candidate.value), (Class::Line, &Value::UnitPrice(750)));
        assert_eq!(candidate.scope, Scope::Lines(vec![ScopeLine { position: 1, quantity: None }]));
    }

    #[test]
    fn declined_arrive_with_their_reasons() {
        let message = wit::Message { key: "too-few".to_owned(), arguments: Vec::new() };
        let decline = wit::Decline { key: "tier-2".to_owned(), message };
        let answer = wit::Proposal { candidates: Vec::new(), declined: vec![decline] };
        let proposal = proposal(answer, 1).expect("it is an answer");
        assert_eq!(proposal.declined[0].key, "tier-2");
        assert_eq!(proposal.declined[0].message.key, "too-few");
    }

    #[test]
    fn a_gift_that_names_no_sku_makes_no_answer() {
        let gift = wit::Gift { sku: " ".to_owned(), quantity: 1 };
        assert_eq!(
            problem_of(candidate_of(wit::Value::Gift(gift))),
            "the candidate summer.sale_1 gives \" \", and a sku is 1 to 64 characters without control characters"
        );
    }

    #[test]
    fn keys_have_one_form() {
        for key in ["", "Summer", "a b", "ä", "a\n", &"a".repeat(65)] {
            let mut candidate = candidate_of(wit::Value::Each(1));
            candidate.key = key.to_owned();
            assert!(problem_of(candidate).starts_with("a candidate has the key"), "{key:?}");
        }
        assert!(is_key(&"a".repeat(64)) && is_key("a-b_c.9"));
    }

    #[test]
    fn a_long_key_is_quoted_in_part_and_without_control_characters() {
        let mut candidate = candidate_of(wit::Value::Each(1));
        candidate.message.key = format!("\u{1b}{}", "x".repeat(10_000));
        let problem = problem_of(candidate);
        assert!(problem.starts_with(r#"a message has the key "\u{1b}xxx"#), "{problem}");
        assert!(problem.len() < 200);
    }

    #[test]
    fn more_candidates_than_the_limit_make_no_answer() {
        let candidates = vec![candidate_of(wit::Value::Each(1)), candidate_of(wit::Value::Each(1))];
        assert_eq!(proposal(answer(candidates), 1), Err("2 candidates, and the limit is 1".to_owned()));
    }
}
