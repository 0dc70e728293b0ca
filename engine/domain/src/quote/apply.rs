//! Applying one candidate to what is left.

use std::collections::BTreeMap;

use super::{
    Basis, Bundle, BuyXGetY, Candidate, Class, Minimum, Scope, Threshold, Value,
    budget::Budgets,
    input::GiftInput,
    ledger::{Deduction, Ledger, Units},
    pick,
    spread::{self, Excess, Share},
    verdict::{Allocation, Applied, GrantedGift, Reason, Reduction},
};
use crate::{
    Id,
    catalog::Sku,
    money::{Ppm, div_round_half_away},
    plugin::Installation,
};

/// What candidates work on, and what those before them have left of it.
#[derive(Debug, Clone)]
pub(super) struct Board {
    pub(super) ledger: Ledger,
    /// Exclusivity tags in force, with what brought them.
    pub(super) tags: BTreeMap<String, TaggedBy>,
    /// Gifts that can still be given.
    pub(super) gifts: Vec<GiftInput>,
    pub(super) budgets: Budgets,
}

/// What brought a tag.
#[derive(Debug, Clone)]
pub(super) struct TaggedBy {
    installation: Id<Installation>,
    name: String,
}

/// Who gives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Giver<'a> {
    pub(super) installation: Id<Installation>,
    /// What others are told excluded them.
    pub(super) name: &'a str,
    /// The variants it may give away.
    pub(super) gifts: &'a [Sku],
    /// The merchant's tags, which each of its candidates has beside its own.
    pub(super) tags: &'a [String],
}

/// What a candidate's value comes to, before anything is taken off.
struct Discount {
    deductions: Vec<Deduction>,
    consumed: Vec<Units>,
    reduced: Option<Reduction>,
}

impl Board {
    /// Applies a candidate that was found sound.
    pub(super) fn apply(
        &mut self,
        candidate: &Candidate,
        basis: Basis,
        giver: Giver<'_>,
    ) -> Result<Applied, Reason> {
        self.exclude(candidate, giver)?;
        if let Some(threshold) = &candidate.threshold {
            self.test(threshold)?;
        }
        let applied = match &candidate.value {
            Value::Gift(gift) => self.give(&gift.sku, gift.quantity, giver)?,
            _ => self.discount(candidate, basis, giver)?,
        };
        for tag in candidate.exclusivity_tags.iter().chain(giver.tags) {
            let by = TaggedBy { installation: giver.installation, name: giver.name.to_owned() };
            self.tags.entry(tag.clone()).or_insert(by);
        }
        Ok(applied)
    }

    /// A candidate's own tags exclude it from whatever has them; those that the merchant gave to its
    /// installation, from what others gave.
    fn exclude(&self, candidate: &Candidate, giver: Giver<'_>) -> Result<(), Reason> {
        let own = candidate.exclusivity_tags.iter().find_map(|tag| Some((tag, self.tags.get(tag)?)));
        let of_others =
            |tag| self.tags.get(tag).filter(|by: &&TaggedBy| by.installation != giver.installation);
        let merchants = || giver.tags.iter().find_map(|tag| Some((tag, of_others(tag)?)));
        match own.or_else(merchants) {
            Some((tag, by)) => Err(Reason::Excluded { tag: tag.clone(), by: by.name.clone() }),
            None => Ok(()),
        }
    }

    /// Sets the price of units, up or down, but not below their floor.
    pub(super) fn reprice(
        &mut self,
        scope: &Scope,
        amount: i64,
        giver: Giver<'_>,
    ) -> Result<Applied, Reason> {
        let mut allocations = BTreeMap::new();
        let mut reduced = None;
        let mut prices = Vec::new();
        for units in self.ledger.select(Class::Line, scope) {
            let price = amount.max(units.floor);
            if price > amount {
                reduced = Some(Reduction::Left);
            }
            if price != units.left {
                *allocations.entry(units.line).or_insert(0) += i64::from(units.count) * (units.left - price);
                prices.push((units, price));
            }
        }
        let applied = self.afford(allocations, reduced, giver)?;
        for (units, price) in prices {
            self.ledger.reprice(units, price);
        }
        Ok(applied)
    }

    fn test(&self, threshold: &Threshold) -> Result<(), Reason> {
        let units = self.ledger.select(Class::Order, &threshold.scope);
        match threshold.minimum {
            Minimum::Spend(minimum) => {
                let spent: i64 =
                    units.iter().map(|units| i64::from(units.count) * amount(units, threshold.basis)).sum();
                if spent < minimum {
                    Err(Reason::BelowMinimumSpend { short: minimum - spent })
                } else {
                    Ok(())
                }
            }
            Minimum::Quantity(minimum) => {
                let count: u64 = units.iter().map(|units| u64::from(units.count)).sum();
                match u64::from(minimum).checked_sub(count) {
                    None | Some(0) => Ok(()),
                    Some(short) => Err(Reason::BelowMinimumQuantity { short }),
                }
            }
        }
    }

    fn give(&mut self, sku: &Sku, quantity: u32, giver: Giver<'_>) -> Result<Applied, Reason> {
        let gift = self.gifts.iter_mut().find(|gift| gift.sku == *sku);
        let gift = gift.filter(|_| giver.gifts.contains(sku)).ok_or(Reason::GiftNotGranted)?;
        if gift.available < i64::from(quantity) {
            return Err(Reason::GiftOutOfStock { available: gift.available });
        }
        let worth = i64::from(quantity) * gift.unit_amount;
        let granted = GrantedGift { sku: sku.clone(), variant: gift.variant, quantity, worth };
        let applied = Applied { amount: 0, allocations: Vec::new(), gift: Some(granted), reduced: None };
        self.budgets.take(giver.installation, &applied)?;
        gift.available -= i64::from(quantity);
        Ok(applied)
    }

    fn discount(&mut self, candidate: &Candidate, basis: Basis, giver: Giver<'_>) -> Result<Applied, Reason> {
        let discount = self.value(candidate, basis)?;
        let mut allocations = BTreeMap::new();
        for deduction in &discount.deductions {
            *allocations.entry(deduction.line).or_insert(0) += narrow(deduction.total());
        }
        let applied = self.afford(allocations, discount.reduced, giver)?;
        self.ledger.deduct(&discount.deductions);
        self.ledger.consume(&discount.consumed);
        Ok(applied)
    }

    fn value(&self, candidate: &Candidate, basis: Basis) -> Result<Discount, Reason> {
        let class = candidate.class;
        let selected = || self.ledger.select(class, &candidate.scope);
        match &candidate.value {
            Value::Percent(percent) => {
                Ok(percentage(&selected(), *percent, basis, class, candidate.cap, Vec::new()))
            }
            Value::Across(amount) => Ok(across(&selected(), i128::from(*amount), candidate.cap)),
            Value::Each(amount) => Ok(unit_by_unit(&selected(), |_| *amount, candidate.cap)),
            Value::UnitPrice(price) => {
                Ok(unit_by_unit(&selected(), |units| (units.left - price).max(0), candidate.cap))
            }
            Value::Once(amount) => {
                let cheapest = selected()
                    .into_iter()
                    .filter(|units| units.capacity() > 0)
                    .min_by_key(|units| units.left);
                let unit: Vec<Units> = cheapest.into_iter().map(|units| units.first(1)).collect();
                Ok(unit_by_unit(&unit, |_| *amount, candidate.cap))
            }
            Value::Bundle(bundle) => self.bundle(class, bundle, candidate.cap),
            Value::BuyXGetY(offer) => self.buy_x_get_y(class, offer, basis, candidate.cap),
            Value::Gift(_) => Err(Reason::Invalid("a gift has the class gift".to_owned())),
        }
    }

    fn buy_x_get_y(
        &self,
        class: Class,
        offer: &BuyXGetY,
        basis: Basis,
        cap: Option<i64>,
    ) -> Result<Discount, Reason> {
        let picked = pick::buy_x_get_y(&self.ledger, class, offer);
        if picked.given.is_empty() {
            return Err(Reason::NotFilled);
        }
        Ok(percentage(&picked.given, offer.percent, basis, class, cap, picked.consumed))
    }

    fn bundle(&self, class: Class, bundle: &Bundle, cap: Option<i64>) -> Result<Discount, Reason> {
        let lots = pick::bundles(&self.ledger, class, bundle)?;
        let mut reduced = None;
        let mut deductions = Vec::new();
        for lot in &lots {
            let worth: i128 =
                lot.units.iter().map(|units| i128::from(units.count) * i128::from(units.left)).sum();
            let saved = worth - i128::from(lot.bundles) * i128::from(bundle.price);
            let shares = spread::by_what_is_left(&lot.units);
            if saved > spread::capacity(&shares) {
                reduced = Some(Reduction::Left);
            }
            deductions.extend(spread::spread(saved, &shares, Excess::Redistribute));
        }
        let (deductions, reduced) = capped(deductions, cap, reduced);
        Ok(Discount { deductions, consumed: lots.into_iter().flat_map(|lot| lot.units).collect(), reduced })
    }

    /// What the parts of lines come to, once it is taken from the giver's budget. Nothing else has
    /// changed by then.
    fn afford(
        &mut self,
        allocations: BTreeMap<usize, i64>,
        reduced: Option<Reduction>,
        giver: Giver<'_>,
    ) -> Result<Applied, Reason> {
        if allocations.is_empty() {
            return Err(Reason::NoEffect);
        }
        let shipping = self.ledger.shipping();
        let applied = Applied {
            amount: allocations.values().sum(),
            allocations: allocations
                .into_iter()
                .map(|(line, amount)| Allocation {
                    position: (Some(line) != shipping).then_some(u32::try_from(line).unwrap_or(u32::MAX)),
                    amount,
                })
                .collect(),
            gift: None,
            reduced,
        };
        self.budgets.take(giver.installation, &applied)?;
        Ok(applied)
    }
}

/// A share of the units: rounded once a line for the class `line`, once in all for the others.
fn percentage(
    units: &[Units],
    percent: Ppm,
    basis: Basis,
    class: Class,
    cap: Option<i64>,
    consumed: Vec<Units>,
) -> Discount {
    let portions: Vec<&[Units]> = match class {
        Class::Line => units.chunk_by(|one, other| one.line == other.line).collect(),
        _ => vec![units],
    };
    let amounts: Vec<i128> = portions.iter().map(|units| share_of(units, percent, basis)).collect();
    let total: i128 = amounts.iter().sum();
    let limit = cap.map_or(total, |cap| total.min(i128::from(cap)));
    let amounts = scale(&amounts, limit);
    let deductions: Vec<Deduction> = portions
        .iter()
        .zip(amounts)
        .flat_map(|(units, amount)| spread::spread(amount, &shares(units, basis), Excess::Drop))
        .collect();
    let given: i128 = deductions.iter().map(Deduction::total).sum();
    let reduced = match given {
        given if given < limit => Some(Reduction::Left),
        _ if limit < total => Some(Reduction::Cap),
        _ => None,
    };
    Discount { deductions, consumed, reduced }
}

fn share_of(units: &[Units], percent: Ppm, basis: Basis) -> i128 {
    let sum: i128 =
        units.iter().map(|units| i128::from(units.count) * i128::from(amount(units, basis))).sum();
    div_round_half_away(sum * i128::from(percent.0), i128::from(Ppm::ONE.0))
}

fn shares(units: &[Units], basis: Basis) -> Vec<Share> {
    match basis {
        Basis::Left => spread::by_what_is_left(units),
        Basis::List => spread::by_list(units),
    }
}

/// Brings amounts down to a sum of `limit` by largest remainder, ties by position.
fn scale(amounts: &[i128], limit: i128) -> Vec<i128> {
    let total: i128 = amounts.iter().sum();
    if limit >= total {
        return amounts.to_vec();
    }
    let mut scaled: Vec<i128> = amounts.iter().map(|amount| amount * limit / total).collect();
    let mut order: Vec<usize> = (0..amounts.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(amounts[*index] * limit % total));
    let missing = usize::try_from(limit - scaled.iter().sum::<i128>()).unwrap_or(0);
    for index in order.into_iter().take(missing) {
        scaled[index] += 1;
    }
    scaled
}

/// An amount shared by what is left.
fn across(units: &[Units], amount: i128, cap: Option<i64>) -> Discount {
    let shares = spread::by_what_is_left(units);
    let limit = cap.map_or(amount, |cap| amount.min(i128::from(cap)));
    let reduced = if spread::capacity(&shares) < limit {
        Some(Reduction::Left)
    } else {
        (limit < amount).then_some(Reduction::Cap)
    };
    Discount {
        deductions: spread::spread(limit, &shares, Excess::Redistribute),
        consumed: Vec::new(),
        reduced,
    }
}

/// An amount off each unit.
fn unit_by_unit(units: &[Units], wanted: impl Fn(&Units) -> i64, cap: Option<i64>) -> Discount {
    let mut reduced = None;
    let deductions = units
        .iter()
        .map(|units| {
            let wanted = wanted(units);
            let each = wanted.min(units.capacity());
            if each < wanted {
                reduced = Some(Reduction::Left);
            }
            Deduction { line: units.line, start: units.start, count: units.count, each }
        })
        .filter(|deduction| deduction.each > 0)
        .collect();
    let (deductions, reduced) = capped(deductions, cap, reduced);
    Discount { deductions, consumed: Vec::new(), reduced }
}

/// Brings deductions down to a cap, in proportion.
fn capped(
    deductions: Vec<Deduction>,
    cap: Option<i64>,
    reduced: Option<Reduction>,
) -> (Vec<Deduction>, Option<Reduction>) {
    let total: i128 = deductions.iter().map(Deduction::total).sum();
    match cap.map(i128::from) {
        Some(cap) if cap < total => {
            let shares: Vec<Share> = deductions.iter().map(Share::of).collect();
            (spread::spread(cap, &shares, Excess::Redistribute), Some(Reduction::Cap))
        }
        _ => (deductions, reduced),
    }
}

fn amount(units: &Units, basis: Basis) -> i64 {
    match basis {
        Basis::Left => units.left,
        Basis::List => units.list,
    }
}

/// `Input::check` bounds every sum of a cart far below i64's end.
fn narrow(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
