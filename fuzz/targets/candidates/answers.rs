//! Answers made of any bytes. Most numbers are such that something comes of them, and some are any.

use arbitrary::{Arbitrary, Result, Unstructured};
use martlet_domain::{
    money::{MAX_PRICE, Ppm},
    plugin::World,
    quote::{
        Argument, Basis, Bundle, BundlePart, BuyXGetY, Candidate, Class, Decline, DeliveryDays, Failure,
        Gift, Message, Minimum, Objection, Outcome, Proposal, Rates, Scope, ScopeLine, ShippingRate, TaxRate,
        TaxScope, Taxes, Threshold, Value,
    },
};

pub(crate) const CLASSES: [Class; 5] =
    [Class::Line, Class::Order, Class::Shipping, Class::Total, Class::Gift];
const SKUS: [&str; 5] = ["MUG", "SAMPLE", "GONE", "SKU-0", "OTHER"];
const METHODS: [&str; 4] = ["courier", "pickup", "post", "drone"];

/// Makes answers about a cart of lines with these quantities.
pub(crate) struct Any<'a> {
    data: Unstructured<'a>,
    pub(crate) quantities: Vec<u32>,
    /// How many keys were made, so that most are their answer's only one.
    keys: u32,
    /// How many installations were.
    installed: usize,
}

impl<'a> Any<'a> {
    pub(crate) const fn new(data: Unstructured<'a>) -> Self {
        Self { data, quantities: Vec::new(), keys: 0, installed: 0 }
    }

    /// One of so many; the first where the bytes have come to their end.
    pub(crate) fn below(&mut self, bound: usize) -> Result<usize> {
        self.data.int_in_range(0..=bound.saturating_sub(1))
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> Result<T> {
        self.data.choose(choices).copied()
    }

    /// Something that isn't there once the bytes have come to their end.
    pub(crate) fn one_in(&mut self, of: usize) -> Result<bool> {
        Ok(self.below(of)? + 1 == of)
    }

    pub(crate) fn maybe<T>(
        &mut self,
        of: usize,
        make: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        if self.one_in(of)? { make(self).map(Some) } else { Ok(None) }
    }

    /// So many at most.
    pub(crate) fn some<T>(&mut self, most: usize, make: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.below(most + 1)?;
        (0..count).map(|_| make(self)).collect()
    }

    pub(crate) fn any<T: Arbitrary<'a>>(&mut self) -> Result<T> {
        self.data.arbitrary()
    }

    /// Of the next installation.
    pub(crate) fn number(&mut self) -> usize {
        self.installed += 1;
        self.installed
    }

    pub(crate) fn bucket(&mut self) -> Result<u16> {
        self.data.int_in_range(0..=9_999)
    }

    pub(crate) fn amount(&mut self) -> Result<i64> {
        match self.below(8)? {
            0..=3 => self.data.int_in_range(0..=20_000),
            4 => self.data.int_in_range(0..=30),
            5 => self.data.int_in_range(0..=MAX_PRICE),
            6 => self.one_of(&[i64::MAX, i64::MIN, -1, 0, MAX_PRICE, MAX_PRICE + 1]),
            _ => self.any(),
        }
    }

    fn count(&mut self) -> Result<u32> {
        if self.one_in(8)? { self.any() } else { self.data.int_in_range(1..=5) }
    }

    fn share(&mut self) -> Result<Ppm> {
        let round = |count: u32| count * 50_000;
        Ok(Ppm(match self.below(8)? {
            0..=3 => round(self.data.int_in_range(1..=20)?),
            4..=6 => self.data.int_in_range(0..=1_000_001)?,
            _ => self.any()?,
        }))
    }

    fn position(&mut self) -> Result<u32> {
        let lines = self.quantities.len();
        if self.one_in(16)? { self.any() } else { Ok(u32::try_from(self.below(lines)?).unwrap_or(u32::MAX)) }
    }

    fn scope(&mut self) -> Result<Scope> {
        if !self.one_in(3)? {
            return Ok(Scope::All);
        }
        Ok(Scope::Lines(self.some(4, |any| {
            let position = any.position()?;
            let there = any.quantities.get(position as usize).copied().unwrap_or(1);
            let quantity = any
                .maybe(2, |any| if any.one_in(8)? { any.any() } else { any.data.int_in_range(1..=there) })?;
            Ok(ScopeLine { position, quantity })
        })?))
    }

    fn key(&mut self) -> Result<String> {
        self.keys += 1;
        match self.below(16)? {
            14 => Ok("again".to_owned()),
            15 => self.words(),
            _ => Ok(format!("k{}", self.keys)),
        }
    }

    /// Any text, but a short one.
    fn words(&mut self) -> Result<String> {
        let length = self.below(80)?;
        let bytes = self.data.bytes(length.min(self.data.len()))?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn message(&mut self) -> Result<Message> {
        let arguments =
            self.maybe(16, |any| Ok(vec![Argument { name: any.words()?, value: any.words()? }]))?;
        Ok(Message { key: "it".to_owned(), arguments: arguments.unwrap_or_default() })
    }

    pub(crate) fn tag(&mut self) -> Result<String> {
        if self.one_in(8)? { self.words() } else { Ok(self.one_of(&["one", "other", "third"])?.to_owned()) }
    }

    fn declined(&mut self) -> Result<Vec<Decline>> {
        let declined = |any: &mut Self| Ok(Decline { key: any.key()?, message: any.message()? });
        Ok(self.maybe(8, |any| any.some(3, declined))?.unwrap_or_default())
    }

    fn value(&mut self, class: Class) -> Result<Value> {
        let kind = match class {
            Class::Gift if !self.one_in(16)? => 7,
            _ => self.below(8)?,
        };
        Ok(match kind {
            0 => Value::Percent(self.share()?),
            1 => Value::Each(self.amount()?),
            2 => Value::Across(self.amount()?),
            3 => Value::Once(self.amount()?),
            4 => Value::UnitPrice(self.amount()?),
            5 => {
                let part = |any: &mut Self| Ok(BundlePart { scope: any.scope()?, count: any.count()? });
                let mut parts = vec![part(self)?];
                parts.extend(self.some(9, part)?);
                let most = self.maybe(3, Self::count)?;
                Value::Bundle(Bundle { parts, price: self.amount()?, most })
            }
            6 => Value::BuyXGetY(BuyXGetY {
                buy: self.scope()?,
                buy_count: self.count()?,
                get: self.scope()?,
                get_count: self.count()?,
                percent: self.share()?,
                most: self.maybe(3, Self::count)?,
            }),
            _ => Value::Gift(Gift { sku: self.sku()?, quantity: self.count()? }),
        })
    }

    pub(crate) fn sku(&mut self) -> Result<martlet_domain::catalog::Sku> {
        self.one_of(&SKUS)?.parse().map_err(|_| arbitrary::Error::IncorrectFormat)
    }

    fn candidate(&mut self, world: World) -> Result<Candidate> {
        let prices = world == World::Pricing && !self.one_in(8)?;
        let class = if prices { Class::Line } else { self.one_of(&CLASSES)? };
        let value = if prices { Value::UnitPrice(self.amount()?) } else { self.value(class)? };
        let goods = matches!(class, Class::Line | Class::Order) || self.one_in(16)?;
        let minimum = |any: &mut Self| {
            let spend = any.one_in(2)?;
            Ok(if spend { Minimum::Spend(any.amount()?) } else { Minimum::Quantity(any.count()?) })
        };
        let threshold = |any: &mut Self| {
            let basis = any.one_of(&[Basis::Left, Basis::List])?;
            Ok(Threshold { minimum: minimum(any)?, scope: any.scope()?, basis })
        };
        Ok(Candidate {
            key: self.key()?,
            class,
            scope: if goods { self.scope()? } else { Scope::All },
            value,
            cap: self.maybe(6, Self::amount)?,
            threshold: self.maybe(6, threshold)?,
            exclusivity_tags: self.maybe(6, |any| any.some(3, Self::tag))?.unwrap_or_default(),
            message: self.message()?,
        })
    }

    fn rate(&mut self) -> Result<ShippingRate> {
        let method = self.one_of(&METHODS)?.parse().map_err(|_| arbitrary::Error::IncorrectFormat)?;
        let days = |any: &mut Self| Ok(DeliveryDays { earliest: any.count()?, latest: any.count()? });
        Ok(ShippingRate {
            key: self.key()?,
            method,
            amount: self.amount()?,
            tax_category: self.maybe(3, |any| {
                if any.one_in(4)? { any.words() } else { Ok(any.one_of(&["food", "books"])?.to_owned()) }
            })?,
            delivery: self.maybe(3, days)?,
            name: self.message()?,
        })
    }

    fn tax_rate(&mut self) -> Result<TaxRate> {
        let scope = match self.below(4)? {
            0 | 1 => TaxScope::All,
            2 => TaxScope::Shipping,
            _ => TaxScope::Lines(self.some(4, Self::position)?),
        };
        Ok(TaxRate { key: self.key()?, scope, rate: self.share()?, name: self.message()? })
    }

    fn objection(&mut self) -> Result<Objection> {
        let position = self.maybe(2, Self::position)?;
        Ok(Objection { key: self.key()?, position, message: self.message()? })
    }

    fn failure(&mut self) -> Result<Failure> {
        Ok(match self.below(6)? {
            0 => Failure::OutOfFuel,
            1 => Failure::Trapped(self.words()?),
            2 => Failure::InvalidOutput(self.words()?),
            3 => Failure::TimedOut,
            4 => Failure::StackOverflow,
            _ => Failure::HostResources,
        })
    }

    /// What a component of a world answers, or now and then one of another world, or none.
    pub(crate) fn outcome(&mut self, world: World) -> Result<Outcome> {
        let world = if self.one_in(16)? { self.one_of(&World::ALL)? } else { world };
        if self.one_in(12)? {
            return Ok(Outcome::Failed(self.failure()?));
        }
        Ok(match world {
            World::Pricing | World::Coupon | World::Promotion => Outcome::Proposed(Proposal {
                candidates: self.some(5, |any| any.candidate(world))?,
                declined: self.declined()?,
            }),
            World::ShippingRates => {
                Outcome::Rated(Rates { rates: self.some(4, Self::rate)?, declined: self.declined()? })
            }
            World::Tax => Outcome::Taxed(Taxes {
                included: self.one_in(2)?,
                rates: self.some(4, Self::tax_rate)?,
                declined: self.declined()?,
            }),
            World::CheckoutValidation => Outcome::Validated(self.some(3, Self::objection)?),
        })
    }
}
