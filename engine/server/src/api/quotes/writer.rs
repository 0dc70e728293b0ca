//! Writes the parts of a quote.

use martlet_domain::{
    plugin::Template,
    quote::{Language, Message, Source, Verdict, render},
};
use uuid::Uuid;

use super::{
    GiftBody, ObjectionBody, QuoteBody, QuoteLineBody, QuoteShippingBody, TaxBody, TotalsBody, UnitRunBody,
    explainer::{Explainer, templates},
};
use crate::{
    api::{carts::title, money::MoneyBody, time::Time},
    price_cart::PricedCart,
};

impl QuoteBody {
    /// A quote that is explained in a language.
    pub fn new(priced: &PricedCart, language: Language) -> Self {
        let PricedCart { cart, quote, .. } = priced;
        let writer = Writer { priced, language };
        let explainer = Explainer::of_cart(priced, language);
        Self {
            cart_id: cart.id.uuid(),
            cart_version: cart.version,
            as_of: Time(quote.as_of),
            rulebook: quote.rulebook,
            lines: writer.lines(),
            gifts: writer.gifts(),
            shipping: quote
                .shipping
                .as_ref()
                .map(|shipping| QuoteShippingBody::new(shipping, quote.currency)),
            totals: TotalsBody::new(quote.totals, quote.currency),
            candidates: explainer.candidates(&quote.verdicts),
            blocked: !quote.blocked_by.is_empty(),
            objections: writer.objections(),
            provisional: quote.provisional,
            receipt: quote.receipt.digest().to_string(),
        }
    }
}

/// Writes the parts of a quote.
struct Writer<'a> {
    priced: &'a PricedCart,
    language: Language,
}

impl Writer<'_> {
    fn money(&self, amount: i64) -> MoneyBody {
        MoneyBody::new(amount, self.priced.quote.currency)
    }

    fn lines(&self) -> Vec<QuoteLineBody> {
        let currency = self.priced.quote.currency;
        let lines = self.priced.quote.lines.iter().zip(&self.priced.cart.lines).enumerate();
        lines
            .map(|(position, (line, on_cart))| QuoteLineBody {
                line_id: on_cart.id.uuid(),
                position,
                variant_id: line.variant.uuid(),
                sku: line.sku.to_string(),
                title: self.priced.offers.get(&line.variant).map(title),
                quantity: line.quantity,
                base_price: self.money(line.base_amount),
                subtotal: self.money(line.subtotal),
                discount: self.money(line.discount),
                total: self.money(line.total),
                tax: TaxBody::new(line.tax, currency),
                units: line.units.iter().map(|units| UnitRunBody::new(units, currency)).collect(),
            })
            .collect()
    }

    fn gifts(&self) -> Vec<GiftBody> {
        let gifts = self.priced.quote.gifts.iter().map(|gift| GiftBody {
            variant_id: gift.variant.uuid(),
            sku: gift.sku.to_string(),
            title: self.priced.offers.get(&gift.variant).map(title),
            quantity: gift.quantity,
            worth: self.money(gift.worth),
        });
        gifts.collect()
    }

    fn objections(&self) -> Vec<ObjectionBody> {
        let objections = self.priced.quote.objections.iter().map(|objection| ObjectionBody {
            line_id: objection.position.and_then(|position| self.line_id(position)),
            message: self.priced.said(&objection.source, &objection.message, self.language),
        });
        objections.collect()
    }

    fn line_id(&self, position: u32) -> Option<Uuid> {
        self.priced.cart.lines.get(usize::try_from(position).ok()?).map(|line| line.id.uuid())
    }
}

impl PricedCart {
    /// The templates of whoever a verdict is on.
    pub fn templates(&self, verdict: &Verdict) -> &[Template] {
        templates(&self.rulebook, &verdict.source)
    }

    /// What somebody says, in a language.
    pub fn said(&self, source: &Source, message: &Message, language: Language) -> String {
        render(message, templates(&self.rulebook, source), language.tag())
    }
}
