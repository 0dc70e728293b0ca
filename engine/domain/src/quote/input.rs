//! Everything a quote depends on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Digest, Id, Timestamp,
    cart::{MAX_LINES, MAX_QUANTITY},
    catalog::{Attribute, Handle, Product, Sku, Variant},
    coupon::Coupon,
    customer::CustomerFacts,
    money::{Currency, MAX_PRICE, Ppm},
    plugin::{Installation, Rulebook, SealedRulebook},
    settings::TaxRates,
};

/// Everything a quote depends on, beside the answers of the components it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The rules. A receipt names them by number and digest, and [`Recorded::input`] puts them in:
    /// what is read back without it has rules that have nobody's digest.
    ///
    /// [`Recorded::input`]: super::Recorded::input
    #[serde(skip, default = "unnamed_rules")]
    pub rulebook: Arc<SealedRulebook>,
    /// The moment the cart is priced at.
    pub as_of: Timestamp,
    /// The cart's currency.
    pub currency: Currency,
    /// Whether prices include tax.
    pub prices_include_tax: bool,
    /// Tax rates by category.
    pub tax: TaxRates,
    /// What is known of the customer; nothing for a guest.
    pub customer: Option<CustomerFacts>,
    /// Where the goods go, as far as is known.
    pub destination: Option<Destination>,
    /// The lines; their index is their position.
    pub lines: Vec<LineInput>,
    /// The chosen shipping method, where it is one of the store's own.
    pub shipping: Option<ShippingInput>,
    /// The chosen shipping method, where a component has to offer it. Left out of receipts where there is
    /// none, as are the other facts that came later, so that older receipts keep their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_method: Option<Handle>,
    /// Handles that components can't offer, since the store's own methods have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_methods: Vec<Handle>,
    /// The coupons on the cart, in the order they were added.
    pub coupons: Vec<CouponInput>,
    /// What installations have given so far; those not named have given nothing.
    pub standings: Vec<(Id<Installation>, Standing)>,
    /// The variants that installations may give away.
    pub gifts: Vec<GiftInput>,
    /// Which of 10,000 buckets the cart falls in. A canary of N % is asked below N x 100.
    pub bucket: u16,
}

/// An input that no cart can lead to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// More lines than [`MAX_LINES`].
    #[error("a cart has at most {MAX_LINES} lines")]
    TooManyLines,
    /// A line's quantity isn't 1 to [`MAX_QUANTITY`].
    #[error("the quantity at position {position} is not 1 to {MAX_QUANTITY}")]
    Quantity {
        /// The line.
        position: usize,
    },
    /// An amount isn't 0 to [`MAX_PRICE`], or a floor is above its price.
    #[error("the amount of {of} is out of bounds")]
    Amount {
        /// What it belongs to.
        of: String,
    },
    /// A tax rate above 100 %.
    #[error("the tax rate of {category} is more than 100 %")]
    TaxRate {
        /// Its category.
        category: String,
    },
}

impl Input {
    /// Bounds everything that is added or multiplied, so that no sum can leave i64.
    pub(super) fn check(&self) -> Result<(), InputError> {
        if self.lines.len() > MAX_LINES {
            return Err(InputError::TooManyLines);
        }
        for (position, line) in self.lines.iter().enumerate() {
            if !(1..=MAX_QUANTITY).contains(&line.quantity) {
                return Err(InputError::Quantity { position });
            }
            if line.floor > line.unit_amount {
                return Err(InputError::Amount { of: format!("the floor of {}", line.sku) });
            }
            amount(line.unit_amount, || line.sku.to_string())?;
            amount(line.floor, || format!("the floor of {}", line.sku))?;
        }
        for gift in &self.gifts {
            amount(gift.unit_amount, || gift.sku.to_string())?;
        }
        if let Some(shipping) = &self.shipping {
            amount(shipping.amount, || shipping.method.to_string())?;
        }
        let standard = ("standard".to_owned(), self.tax.standard);
        let rates = self.tax.by_category.iter().map(|(category, rate)| (category.clone(), *rate));
        match rates.chain([standard]).find(|(_, rate)| *rate > Ppm::ONE) {
            Some((category, _)) => Err(InputError::TaxRate { category }),
            None => Ok(()),
        }
    }
}

fn unnamed_rules() -> Arc<SealedRulebook> {
    let digest = Digest::from_bytes([0; 32]);
    Arc::new(SealedRulebook { rulebook: Rulebook::without_rules(), digest })
}

fn amount(amount: i64, of: impl FnOnce() -> String) -> Result<(), InputError> {
    if (0..=MAX_PRICE).contains(&amount) { Ok(()) } else { Err(InputError::Amount { of: of() }) }
}

/// One line of the cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineInput {
    /// What is bought.
    pub variant: Id<Variant>,
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its options, sorted by name.
    pub options: Vec<Attribute>,
    /// The product it belongs to.
    pub product: Arc<ProductFacts>,
    /// How many, at least 1.
    pub quantity: u32,
    /// What one unit weighs, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_grams: Option<u32>,
    /// The base price of one unit, in minor units.
    pub unit_amount: i64,
    /// No discount takes a unit below this.
    pub floor: i64,
    /// Decides the tax rate.
    pub tax_category: String,
}

/// What pricing may know of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductFacts {
    /// Its id.
    pub id: Id<Product>,
    /// Its handle.
    pub handle: Handle,
    /// Handles of its categories and of all their ancestors, sorted.
    pub categories: Vec<Handle>,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Attributes, sorted by name.
    pub attributes: Vec<Attribute>,
}

/// Where the goods go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 3166-2 subdivision without the country.
    pub region: Option<String>,
}

/// The chosen shipping method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippingInput {
    /// Its handle.
    pub method: Handle,
    /// Its price, in minor units.
    pub amount: i64,
    /// Decides the tax rate.
    pub tax_category: String,
}

/// A coupon on the cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponInput {
    /// The coupon.
    pub coupon: Coupon,
    /// How often it has been used.
    pub standing: Standing,
}

/// How often a promotion or coupon has been used, and what it may still give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Orders that used it.
    pub used: u64,
    /// Orders of this customer that used it; 0 for a guest.
    pub used_by_customer: u64,
    /// What is left of its money budget.
    pub budget_left: Option<i64>,
}

/// A variant that an installation may give away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftInput {
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its id.
    pub variant: Id<Variant>,
    /// What one unit would cost, in minor units: what the shopper saves.
    pub unit_amount: i64,
    /// Units there are beyond what the cart's own lines take.
    pub available: i64,
}
