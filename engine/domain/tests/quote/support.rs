//! Carts, installations and candidates, one short line each.

mod candidates;
mod invariants;
mod plugins;

use std::{collections::BTreeMap, sync::Arc};

use martlet_domain::{
    Id, Timestamp,
    customer::CustomerFacts,
    money::Ppm,
    plugin::{Group, GroupClass, GroupMode, Rulebook, SealedRulebook},
    quote::{
        Allocation, Call, Class, CouponInput, Decision, Evaluation, GiftInput, Input, LineInput, Outcome,
        Pricing, ProductFacts, Quote, Reason, Reduction, ShippingInput, Stage, Standing, Verdict,
    },
    settings::TaxRates,
};
use uuid::Uuid;

pub(crate) use candidates::*;
pub(crate) use invariants::{Found, check_invariants};
pub(crate) use plugins::*;

/// The moment at which all carts are priced.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// A cart with its store. Tax is 0 % and included until a test says otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) input: Input,
    pub(crate) rulebook: Rulebook,
    pub(crate) plugins: Vec<Plugin>,
}

/// A priced cart.
#[derive(Debug)]
pub(crate) struct Priced {
    pub(crate) quote: Quote,
}

pub(crate) fn id<T>(number: usize) -> Id<T> {
    Id::new(Uuid::from_u128(number as u128))
}

pub(crate) fn krw() -> Case {
    cart("KRW")
}

pub(crate) fn cart(currency: &str) -> Case {
    let rulebook = Rulebook {
        number: 7,
        note: String::new(),
        created_at: Timestamp::from_millis(0),
        groups: Vec::new(),
        installations: Vec::new(),
    };
    let input = Input {
        rulebook: Arc::new(SealedRulebook::new(rulebook.clone())),
        as_of: NOW,
        currency: currency.parse().unwrap(),
        prices_include_tax: true,
        tax: TaxRates { standard: Ppm(0), by_category: BTreeMap::new() },
        customer: None,
        destination: None,
        lines: Vec::new(),
        shipping: None,
        wanted_method: None,
        own_methods: Vec::new(),
        coupons: Vec::new(),
        standings: Vec::new(),
        gifts: Vec::new(),
        bucket: 0,
    };
    Case { input, rulebook, plugins: Vec::new() }
}

impl Case {
    /// Adds a line.
    pub(crate) fn line(mut self, quantity: u32, unit_amount: i64) -> Self {
        let number = self.input.lines.len();
        self.input.lines.push(LineInput {
            variant: id(number),
            sku: format!("SKU-{number}").parse().unwrap(),
            options: Vec::new(),
            product: Arc::new(ProductFacts {
                id: id(number),
                handle: format!("product-{number}").parse().unwrap(),
                categories: Vec::new(),
                tags: Vec::new(),
                attributes: Vec::new(),
            }),
            quantity,
            weight_grams: None,
            unit_amount,
            floor: 0,
            tax_category: "standard".to_owned(),
        });
        self
    }

    /// Gives the last line a floor.
    pub(crate) fn floor(mut self, floor: i64) -> Self {
        self.input.lines.last_mut().unwrap().floor = floor;
        self
    }

    /// Gives the last line a tax category.
    pub(crate) fn category(mut self, category: &str) -> Self {
        category.clone_into(&mut self.input.lines.last_mut().unwrap().tax_category);
        self
    }

    pub(crate) fn shipping(mut self, amount: i64) -> Self {
        let (method, tax_category) = ("post".parse().unwrap(), "shipping".to_owned());
        self.input.shipping = Some(ShippingInput { method, amount, tax_category });
        self
    }

    /// Chooses a method that a component has to offer.
    pub(crate) fn wants(mut self, method: &str) -> Self {
        self.input.wanted_method = Some(method.parse().unwrap());
        self
    }

    /// Has a method of the store's own by this handle.
    pub(crate) fn own_method(mut self, method: &str) -> Self {
        self.input.own_methods.push(method.parse().unwrap());
        self
    }

    /// Sets the standard rate.
    pub(crate) fn tax(mut self, rate: u32) -> Self {
        self.input.tax.standard = Ppm(rate);
        self
    }

    pub(crate) fn rate(mut self, category: &str, rate: u32) -> Self {
        self.input.tax.by_category.insert(category.to_owned(), Ppm(rate));
        self
    }

    /// Prices don't include tax.
    pub(crate) fn exclusive(mut self) -> Self {
        self.input.prices_include_tax = false;
        self
    }

    pub(crate) fn customer(mut self) -> Self {
        self.input.customer = Some(CustomerFacts::default());
        self
    }

    pub(crate) fn bucket(mut self, bucket: u16) -> Self {
        self.input.bucket = bucket;
        self
    }

    /// Makes a variant known that may be given away.
    pub(crate) fn stocked_gift(mut self, sku: &str, unit_amount: i64, available: i64) -> Self {
        let variant = id(1_000 + self.input.gifts.len());
        self.input.gifts.push(GiftInput { sku: sku.parse().unwrap(), variant, unit_amount, available });
        self
    }

    /// What is left of the budget of the how-manieth plugin.
    pub(crate) fn left(mut self, plugin: usize, budget_left: i64) -> Self {
        let standing = Standing { budget_left: Some(budget_left), ..Standing::default() };
        self.input.standings.push((id(plugin), standing));
        self
    }

    pub(crate) fn group(mut self, name: &str, class: GroupClass, rank: i32, mode: GroupMode) -> Self {
        self.rulebook.groups.push(Group { name: name.to_owned(), class, rank, mode, on_list_amounts: false });
        self
    }

    /// Lets the last group take percentages on list amounts.
    pub(crate) fn on_list_amounts(mut self) -> Self {
        self.rulebook.groups.last_mut().unwrap().on_list_amounts = true;
        self
    }

    /// Installs a plugin, with its coupons on the cart. The first is called `p1`.
    pub(crate) fn with(mut self, mut plugin: Plugin) -> Self {
        let number = self.plugins.len() + 1;
        plugin.number(number);
        for (coupon, standing) in &plugin.coupons {
            self.input.coupons.push(CouponInput { coupon: coupon.clone(), standing: *standing });
        }
        self.rulebook.installations.push(plugin.installation.clone());
        self.plugins.push(plugin);
        self
    }

    pub(crate) fn price(&self) -> Priced {
        self.price_answered(false)
    }

    /// Prices the cart with the last component of each stage answering first.
    pub(crate) fn price_answered_backwards(&self) -> Priced {
        self.price_answered(true)
    }

    fn price_answered(&self, backwards: bool) -> Priced {
        let mut input = self.input.clone();
        input.rulebook = Arc::new(SealedRulebook::new(self.rulebook.clone()));
        let mut pricing = Pricing::start(input.clone()).unwrap();
        let mut found = Found::new();
        while let Some(asked) = pricing.next_stage() {
            let answer = |call: &Call| {
                let plugin = self.plugins.iter().find(|plugin| plugin.installation.id == call.installation);
                plugin.unwrap().answer(asked.snapshot.stage)
            };
            let evaluations: Vec<Evaluation> = if backwards {
                let mut evaluations: Vec<Evaluation> = asked.calls.iter().rev().map(answer).collect();
                evaluations.reverse();
                evaluations
            } else {
                asked.calls.iter().map(answer).collect()
            };
            for (call, evaluation) in asked.calls.iter().zip(&evaluations) {
                if let Outcome::Taxed(taxes) = &evaluation.outcome {
                    found.push((call.installation, taxes.rates.clone()));
                }
            }
            pricing.resolve(&evaluations).unwrap();
        }
        let quote = pricing.finish();
        check_invariants(&input, &quote, &found);
        Priced { quote }
    }
}

impl Priced {
    /// Checks what is left of every line, then of shipping where there is some, and the total of a
    /// cart without tax.
    #[track_caller]
    pub(crate) fn comes_to(self, lines: &[i64], total: i64) -> Self {
        let zero = vec![0; lines.len()];
        self.comes_to_with_tax(lines, &zero, total)
    }

    /// The same with the tax of each.
    #[track_caller]
    pub(crate) fn comes_to_with_tax(self, lines: &[i64], tax: &[i64], total: i64) -> Self {
        let quote = &self.quote;
        let goods = quote.lines.iter().map(|line| (line.total, line.tax.amount));
        let shipping = quote.shipping.iter().map(|shipping| (shipping.total, shipping.tax.amount));
        let (left, taxed): (Vec<i64>, Vec<i64>) = goods.chain(shipping).unzip();
        assert_eq!((&left[..], &taxed[..], quote.totals.total), (lines, tax, total), "{:#?}", self.said());
        self
    }

    /// Checks all verdicts, in their order, in the notation of [`note`].
    #[track_caller]
    pub(crate) fn says(self, verdicts: &[&str]) -> Self {
        assert_eq!(self.said(), verdicts);
        self
    }

    /// Checks the units of a line: how many, their list amount, what is left of each.
    #[track_caller]
    pub(crate) fn units(self, position: usize, runs: &[(u32, i64, i64)]) -> Self {
        let units = self.quote.lines[position].units.iter();
        let found: Vec<_> = units.map(|run| (run.count, run.list_amount, run.left)).collect();
        assert_eq!(found, runs);
        self
    }

    /// Checks subtotal and discount of the goods.
    #[track_caller]
    pub(crate) fn goods(self, subtotal: i64, discount: i64) -> Self {
        let totals = self.quote.totals;
        assert_eq!((totals.goods_subtotal, totals.goods_discount), (subtotal, discount));
        self
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.quote.verdicts.iter().map(note).collect()
    }
}

/// A verdict in short: `p1.a 60 [0:40 1:10 s:10] cap` where it applies (`s` is shipping),
/// `p1.a lost_to p2` where it doesn't, `p1 silent` where it is on the whole call.
fn note(verdict: &Verdict) -> String {
    let key = verdict.key.as_ref().map_or_else(String::new, |key| format!(".{key}"));
    format!("{}{key} {}", verdict.source.name(), decision(&verdict.decision))
}

fn decision(decision: &Decision) -> String {
    match decision {
        Decision::Applied(applied) if applied.gift.is_some() => {
            let gift = applied.gift.as_ref().unwrap();
            format!("gives {} {} worth {}", gift.quantity, gift.sku, gift.worth)
        }
        Decision::Applied(applied) => {
            let bearers: Vec<String> = applied.allocations.iter().map(bearer).collect();
            let reduced = match applied.reduced {
                None => "",
                Some(Reduction::Cap) => " cap",
                Some(Reduction::Left) => " left",
            };
            format!("{} [{}]{reduced}", applied.amount, bearers.join(" "))
        }
        Decision::Rejected(reason) => {
            let code = reason.code();
            match reason {
                Reason::BelowMinimumSpend { short } => format!("{code} {short}"),
                Reason::BelowMinimumQuantity { short } => format!("{code} {short}"),
                Reason::LostTo { winner: name } | Reason::Stopped { by: name } => format!("{code} {name}"),
                Reason::Excluded { tag, by } => format!("{code} {tag} {by}"),
                Reason::GiftOutOfStock { available } => format!("{code} {available}"),
                Reason::BudgetSpent { left } => format!("{code} {left}"),
                Reason::MethodTaken { by } => format!("{code} {}", by.as_deref().unwrap_or("store")),
                Reason::Invalid(problem) if problem.contains("tax rate") => format!("{code} {problem}"),
                _ => code.to_owned(),
            }
        }
        Decision::Offered { method, amount } => format!("offers {method} {amount}"),
        Decision::Taxed { rate, included } => {
            format!("taxes {} {}", rate.0, if *included { "included" } else { "on top" })
        }
        Decision::Objected { position } => match position {
            Some(position) => format!("objects to {position}"),
            None => "objects".to_owned(),
        },
        Decision::Passed => "passes".to_owned(),
    }
}

fn bearer(allocation: &Allocation) -> String {
    let line = allocation.position.map_or_else(|| "s".to_owned(), |position| position.to_string());
    format!("{line}:{}", allocation.amount)
}

/// A group of candidates' class.
pub(crate) const fn of(class: Class) -> GroupClass {
    GroupClass::Candidates(class)
}

/// The stage in which a plugin that knows its place proposes a candidate.
pub(crate) const fn stage_of(class: Class) -> Stage {
    Stage::of(class)
}
