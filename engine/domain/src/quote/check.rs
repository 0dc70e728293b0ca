//! Whether a candidate is sound: plugins propose, the host disposes.

use std::collections::BTreeSet;

use super::{
    BundlePart, BuyXGetY, Candidate, Class, Minimum, Outcome, Proposal, Scope, Snapshot, Stage, Threshold,
    Value, objections, rates, taxes, verdict::Reason,
};
use crate::{
    cart::MAX_QUANTITY,
    money::{MAX_PRICE, Ppm},
    plugin::World,
};

const MAX_TAGS: usize = 16;
const MAX_TAG_CHARS: usize = 64;
const MAX_BUNDLE_PARTS: usize = 8;

/// What a candidate is checked against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) stage: Stage,
    pub(super) classes: &'a [Class],
    /// Quantities of the lines, by position.
    pub(super) quantities: &'a [u32],
}

/// Something of an answer that no quote would apply, whatever else is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsound {
    /// Its key, as the component gave it.
    pub key: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What of an answer about a snapshot would be rejected before its turn comes. `classes` are those the
/// component announced for its configuration, in a world that has them.
pub fn unsound(outcome: &Outcome, snapshot: &Snapshot, world: World, classes: &[Class]) -> Vec<Unsound> {
    let lines = snapshot.lines.len();
    match outcome {
        Outcome::Proposed(proposal) => unsound_candidates(proposal, snapshot, world, classes),
        Outcome::Rated(rates) => rates::unsound(rates),
        Outcome::Taxed(taxes) => taxes::unsound(taxes, lines),
        Outcome::Validated(objections) => objections::unsound(objections, lines),
        Outcome::Failed(_) => Vec::new(),
    }
}

fn unsound_candidates(
    proposal: &Proposal,
    snapshot: &Snapshot,
    world: World,
    classes: &[Class],
) -> Vec<Unsound> {
    let quantities: Vec<u32> = snapshot.lines.iter().map(|line| line.quantity).collect();
    let bounds = Bounds { stage: snapshot.stage, classes, quantities: &quantities };
    let mut keys = BTreeSet::new();
    let refused = |candidate: &Candidate| {
        let reason = of_world(world, candidate, bounds, &mut keys).err()?;
        Some(Unsound { key: candidate.key.clone(), reason })
    };
    proposal.candidates.iter().filter_map(refused).collect()
}

impl Unsound {
    /// What a check of one thing of an answer says, where it says anything.
    pub(super) fn of(key: &str, checked: Result<(), String>) -> Option<Self> {
        checked.err().map(|problem| Self { key: key.to_owned(), reason: Reason::Invalid(problem) })
    }
}

/// Says what is wrong with a candidate of a world. `keys` are those of the answer so far.
pub(super) fn of_world(
    world: World,
    sought: &Candidate,
    bounds: Bounds<'_>,
    keys: &mut BTreeSet<String>,
) -> Result<(), Reason> {
    match world {
        World::Pricing => unit_price(sought, bounds)?,
        _ => candidate(sought, bounds)?,
    }
    if keys.insert(sought.key.clone()) {
        Ok(())
    } else {
        Err(Reason::Invalid("its key stands twice in the answer".to_owned()))
    }
}

/// Says what is wrong with a candidate of a coupon or a promotion.
fn candidate(candidate: &Candidate, bounds: Bounds<'_>) -> Result<(), Reason> {
    sound(candidate, bounds.quantities).map_err(Reason::Invalid)?;
    if !bounds.classes.contains(&candidate.class) {
        return Err(Reason::ClassNotAllowed);
    }
    if Stage::of(candidate.class) != bounds.stage {
        return Err(Reason::WrongStage);
    }
    Ok(())
}

/// Says what is wrong with a unit price.
fn unit_price(candidate: &Candidate, bounds: Bounds<'_>) -> Result<(), Reason> {
    sound(candidate, bounds.quantities).map_err(Reason::Invalid)?;
    match candidate.value {
        Value::UnitPrice(amount) if amount <= MAX_PRICE => Ok(()),
        Value::UnitPrice(_) => {
            Err(Reason::Invalid(format!("a unit price is at most {MAX_PRICE} minor units")))
        }
        _ => Err(Reason::Invalid("a pricing component proposes unit prices alone".to_owned())),
    }
}

fn sound(candidate: &Candidate, quantities: &[u32]) -> Result<(), String> {
    key(&candidate.key)?;
    not_negative("the cap", candidate.cap.unwrap_or(0))?;
    scope(&candidate.scope, candidate.class, quantities)?;
    value(&candidate.value, candidate.class, quantities)?;
    if let Some(threshold) = &candidate.threshold {
        minimum(threshold, quantities)?;
    }
    tags(&candidate.exclusivity_tags)
}

/// The keys of one answer, each of which stands once.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeSet<String>);

impl Keys {
    /// Adds a key, or says what is wrong with it.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        key(text)?;
        if self.0.insert(text.to_owned()) {
            Ok(())
        } else {
            Err("its key stands twice in the answer".to_owned())
        }
    }
}

/// Whether a text can name a thing of an answer or a message: 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`.
pub fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn key(key: &str) -> Result<(), String> {
    if is_key(key) { Ok(()) } else { Err("a key is 1 to 64 of a-z, 0-9, '-', '_' and '.'".to_owned()) }
}

/// Says what tags have to be that aren't. Those of an installation are bounded as those of a candidate are.
pub(crate) fn tags(tags: &[String]) -> Result<(), String> {
    let fits = |tag: &String| (1..=MAX_TAG_CHARS).contains(&tag.chars().count());
    if tags.len() <= MAX_TAGS && tags.iter().all(fits) {
        Ok(())
    } else {
        Err(format!("at most {MAX_TAGS} exclusivity tags of 1 to {MAX_TAG_CHARS} characters"))
    }
}

fn value(value: &Value, class: Class, quantities: &[u32]) -> Result<(), String> {
    if matches!(value, Value::Gift(_)) != (class == Class::Gift) {
        return Err("the class gift goes with the value gift, and only with it".to_owned());
    }
    let goods_only = matches!(value, Value::Bundle(_) | Value::BuyXGetY(_));
    if goods_only && !matches!(class, Class::Line | Class::Order) {
        return Err("bundles and buy-x-get-y have the class line or order".to_owned());
    }
    match value {
        Value::Percent(share) => percent(*share),
        Value::Each(amount) | Value::Across(amount) | Value::Once(amount) => {
            not_negative("an amount", *amount)
        }
        Value::UnitPrice(amount) => not_negative("a unit price", *amount),
        Value::Bundle(bundle) => {
            not_negative("a bundle's price", bundle.price)?;
            at_least_one("a bundle's most", bundle.most.unwrap_or(1))?;
            parts(&bundle.parts, class, quantities)
        }
        Value::BuyXGetY(offer) => buy_x_get_y(offer, class, quantities),
        Value::Gift(gift) if gift.quantity > MAX_QUANTITY => {
            Err(format!("a gift is at most {MAX_QUANTITY} units"))
        }
        Value::Gift(gift) => at_least_one("a gift's quantity", gift.quantity),
    }
}

fn parts(parts: &[BundlePart], class: Class, quantities: &[u32]) -> Result<(), String> {
    if !(1..=MAX_BUNDLE_PARTS).contains(&parts.len()) {
        return Err(format!("a bundle has 1 to {MAX_BUNDLE_PARTS} parts"));
    }
    parts.iter().try_for_each(|part| {
        at_least_one("a bundle part's count", part.count)?;
        scope(&part.scope, class, quantities)
    })
}

fn buy_x_get_y(offer: &BuyXGetY, class: Class, quantities: &[u32]) -> Result<(), String> {
    at_least_one("the buy count", offer.buy_count)?;
    at_least_one("the get count", offer.get_count)?;
    at_least_one("the most applications", offer.most.unwrap_or(1))?;
    percent(offer.percent)?;
    scope(&offer.buy, class, quantities)?;
    scope(&offer.get, class, quantities)
}

fn minimum(threshold: &Threshold, quantities: &[u32]) -> Result<(), String> {
    match threshold.minimum {
        Minimum::Spend(amount) => not_negative("a minimum spend", amount)?,
        Minimum::Quantity(count) => at_least_one("a minimum quantity", count)?,
    }
    scope(&threshold.scope, Class::Order, quantities)
}

fn scope(scope: &Scope, class: Class, quantities: &[u32]) -> Result<(), String> {
    let Scope::Lines(lines) = scope else { return Ok(()) };
    if matches!(class, Class::Shipping | Class::Total | Class::Gift) {
        return Err("the classes shipping, total and gift have the scope all".to_owned());
    }
    if lines.is_empty() {
        return Err("a scope of lines names at least one".to_owned());
    }
    let mut seen = vec![false; quantities.len()];
    for line in lines {
        let position = line.position;
        let Some(there) = quantities.get(position as usize) else {
            return Err(format!("there is no line at position {position}"));
        };
        if std::mem::replace(&mut seen[position as usize], true) {
            return Err(format!("position {position} stands twice in a scope"));
        }
        let wanted = line.quantity.unwrap_or(1);
        if !(1..=*there).contains(&wanted) {
            return Err(format!("{wanted} units of position {position}, which has {there}"));
        }
    }
    Ok(())
}

fn percent(share: Ppm) -> Result<(), String> {
    if share <= Ppm::ONE { Ok(()) } else { Err(format!("{} ppm is more than all of it", share.0)) }
}

fn not_negative(what: &str, amount: i64) -> Result<(), String> {
    if amount >= 0 { Ok(()) } else { Err(format!("{what} is negative")) }
}

fn at_least_one(what: &str, count: u32) -> Result<(), String> {
    if count >= 1 { Ok(()) } else { Err(format!("{what} is 0")) }
}
