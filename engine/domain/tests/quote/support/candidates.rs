//! Candidates in one line: a value with a class, then what else there is to say.

use martlet_domain::{
    money::Ppm,
    quote::{
        Argument, Basis, Bundle, BundlePart, BuyXGetY, Candidate, Class, Gift, Message, Minimum, Scope,
        ScopeLine, Threshold, Value,
    },
};

/// A candidate over all that its class covers. Its key is given when it is installed.
pub(crate) fn candidate(class: Class, value: Value) -> Candidate {
    Candidate {
        key: String::new(),
        class,
        scope: Scope::All,
        value,
        cap: None,
        threshold: None,
        exclusivity_tags: Vec::new(),
        message: Message {
            key: "it".to_owned(),
            arguments: vec![Argument { name: "what".to_owned(), value: "something".to_owned() }],
        },
    }
}

/// A percentage of the class `line`.
pub(crate) fn line_percent(percent: u32) -> Candidate {
    candidate(Class::Line, Value::Percent(Ppm(percent * 10_000)))
}

/// A percentage of the class `order`.
pub(crate) fn order_percent(percent: u32) -> Candidate {
    candidate(Class::Order, Value::Percent(Ppm(percent * 10_000)))
}

pub(crate) fn each(amount: i64) -> Candidate {
    candidate(Class::Line, Value::Each(amount))
}

pub(crate) fn across(amount: i64) -> Candidate {
    candidate(Class::Order, Value::Across(amount))
}

pub(crate) fn once(amount: i64) -> Candidate {
    candidate(Class::Line, Value::Once(amount))
}

pub(crate) fn unit_price(amount: i64) -> Candidate {
    candidate(Class::Line, Value::UnitPrice(amount))
}

pub(crate) fn gift(sku: &str, quantity: u32) -> Candidate {
    candidate(Class::Gift, Value::Gift(Gift { sku: sku.parse().unwrap(), quantity }))
}

/// Parts are a scope and a count each.
pub(crate) fn bundle(price: i64, parts: &[(Scope, u32)]) -> Candidate {
    let part = |(scope, count): &(Scope, u32)| BundlePart { scope: scope.clone(), count: *count };
    let parts = parts.iter().map(part).collect();
    candidate(Class::Line, Value::Bundle(Bundle { parts, price, most: None }))
}

/// Buy so many of a scope, get so many of another for nothing.
pub(crate) fn buy_get(buy_count: u32, buy: Scope, get_count: u32, get: Scope) -> Candidate {
    let offer = BuyXGetY { buy, buy_count, get, get_count, percent: Ppm::ONE, most: None };
    candidate(Class::Line, Value::BuyXGetY(offer))
}

/// Buy so many of anything, get so many for nothing.
pub(crate) fn buy_get_any(buy_count: u32, get_count: u32) -> Candidate {
    buy_get(buy_count, Scope::All, get_count, Scope::All)
}

/// All units of some lines.
pub(crate) fn lines(positions: &[u32]) -> Scope {
    Scope::Lines(positions.iter().map(|position| ScopeLine { position: *position, quantity: None }).collect())
}

/// Some units of a line.
pub(crate) fn some_of(position: u32, quantity: u32) -> Scope {
    Scope::Lines(vec![ScopeLine { position, quantity: Some(quantity) }])
}

/// What else there is to say of a candidate.
pub(crate) trait Refine: Sized {
    fn over(self, scope: Scope) -> Self;
    fn class(self, class: Class) -> Self;
    fn capped(self, cap: i64) -> Self;
    fn tagged(self, tag: &str) -> Self;
    fn keyed(self, key: &str) -> Self;
    /// Most bundles or applications.
    fn most(self, most: u32) -> Self;
    /// What a buy-x-get-y takes off.
    fn half(self) -> Self;
    fn needs(self, minimum: Minimum, scope: Scope, basis: Basis) -> Self;
    /// A minimum spend over all goods, on what is left.
    fn from(self, spend: i64) -> Self {
        self.needs(Minimum::Spend(spend), Scope::All, Basis::Left)
    }
}

impl Refine for Candidate {
    fn over(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    fn capped(self, cap: i64) -> Self {
        Self { cap: Some(cap), ..self }
    }

    fn tagged(mut self, tag: &str) -> Self {
        self.exclusivity_tags.push(tag.to_owned());
        self
    }

    fn keyed(self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self }
    }

    fn most(mut self, most: u32) -> Self {
        match &mut self.value {
            Value::Bundle(bundle) => bundle.most = Some(most),
            Value::BuyXGetY(offer) => offer.most = Some(most),
            other => panic!("{other:?} has no most"),
        }
        self
    }

    fn half(mut self) -> Self {
        match &mut self.value {
            Value::BuyXGetY(offer) => offer.percent = Ppm(500_000),
            other => panic!("{other:?} takes no percentage"),
        }
        self
    }

    fn needs(self, minimum: Minimum, scope: Scope, basis: Basis) -> Self {
        Self { threshold: Some(Threshold { minimum, scope, basis }), ..self }
    }
}
