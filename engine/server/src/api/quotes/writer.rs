//! Writes the parts of a quote.

use martlet_domain::{
    plugin::Template,
    quote::{Decision, Message, PluginReference, Reason, Reduction, Source, Verdict, render},
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    AllocationBody, CandidateBody, GiftBody, ObjectionBody, PluginBody, QuoteBody, QuoteLineBody,
    QuoteShippingBody, ReasonBody, TaxBody, TotalsBody, UnitRunBody,
};
use crate::{
    api::{carts::title, money::MoneyBody, time::Time},
    price_cart::PricedCart,
};

impl From<&PricedCart> for QuoteBody {
    fn from(priced: &PricedCart) -> Self {
        let PricedCart { cart, quote, .. } = priced;
        let writer = Writer(priced);
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
            candidates: quote.verdicts.iter().map(|verdict| writer.candidate(verdict)).collect(),
            blocked: !quote.blocked_by.is_empty(),
            objections: writer.objections(),
            provisional: quote.provisional,
            receipt: quote.receipt.digest().to_string(),
        }
    }
}

/// Writes the parts of a quote.
struct Writer<'a>(&'a PricedCart);

impl Writer<'_> {
    fn money(&self, amount: i64) -> MoneyBody {
        MoneyBody::new(amount, self.0.quote.currency)
    }

    fn lines(&self) -> Vec<QuoteLineBody> {
        let currency = self.0.quote.currency;
        let lines = self.0.quote.lines.iter().zip(&self.0.cart.lines).enumerate();
        lines
            .map(|(position, (line, on_cart))| QuoteLineBody {
                line_id: on_cart.id.uuid(),
                position,
                variant_id: line.variant.uuid(),
                sku: line.sku.to_string(),
                title: self.0.offers.get(&line.variant).map(title),
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
        let gifts = self.0.quote.gifts.iter().map(|gift| GiftBody {
            variant_id: gift.variant.uuid(),
            sku: gift.sku.to_string(),
            title: self.0.offers.get(&gift.variant).map(title),
            quantity: gift.quantity,
            worth: self.money(gift.worth),
        });
        gifts.collect()
    }

    fn objections(&self) -> Vec<ObjectionBody> {
        let objections = self.0.quote.objections.iter().map(|objection| ObjectionBody {
            line_id: objection.position.and_then(|position| self.line_id(position)),
            message: self.0.said(&objection.source, &objection.message),
        });
        objections.collect()
    }

    fn candidate(&self, verdict: &Verdict) -> CandidateBody {
        let templates = self.0.templates(verdict);
        let label = verdict.message.as_ref().map(|message| render(message, templates, "en"));
        let (status, amount, allocations, reduced, reason) = match &verdict.decision {
            Decision::Applied(applied) => {
                let allocations = applied.allocations.iter().map(|allocation| AllocationBody {
                    line_id: allocation.position.and_then(|position| self.line_id(position)),
                    amount: self.money(allocation.amount),
                });
                ("applied", applied.amount, allocations.collect(), applied.reduced, None)
            }
            Decision::Rejected(reason) => ("rejected", 0, Vec::new(), None, Some(self.reason(reason))),
            Decision::Offered { amount, .. } => ("offered", *amount, Vec::new(), None, None),
            Decision::Taxed { .. } => ("applied", 0, Vec::new(), None, None),
            Decision::Objected { .. } => ("objected", 0, Vec::new(), None, None),
            Decision::Passed => ("passed", 0, Vec::new(), None, None),
        };
        CandidateBody {
            stage: word(&verdict.stage),
            plugin: verdict.source.plugin.as_ref().map(PluginBody::from),
            installation_id: verdict.source.installation.uuid(),
            coupon: verdict.source.coupon.as_ref().map(ToString::to_string),
            key: verdict.key.clone(),
            class: verdict.class.as_ref().map(word),
            label,
            status,
            amount: self.money(amount),
            allocations,
            reduced_by: reduced.map(|reduced| match reduced {
                Reduction::Cap => "cap",
                Reduction::Left => "left",
            }),
            reason,
            explanation: verdict.explain(templates, self.0.quote.currency),
        }
    }

    fn line_id(&self, position: u32) -> Option<Uuid> {
        self.0.cart.lines.get(usize::try_from(position).ok()?).map(|line| line.id.uuid())
    }

    fn reason(&self, reason: &Reason) -> ReasonBody {
        let mut body =
            ReasonBody { code: reason.code(), short: None, short_quantity: None, left: None, by: None };
        match reason {
            Reason::BelowMinimumSpend { short } => body.short = Some(self.money(*short)),
            Reason::BelowMinimumQuantity { short } => body.short_quantity = Some(*short),
            Reason::BudgetSpent { left } => body.left = Some(self.money(*left)),
            Reason::LostTo { winner: by }
            | Reason::Stopped { by }
            | Reason::Excluded { by, .. }
            | Reason::MethodTaken { by: Some(by) } => {
                body.by = Some(by.clone());
            }
            _ => {}
        }
        body
    }
}

impl PricedCart {
    /// The templates of whoever a verdict is on.
    pub fn templates(&self, verdict: &Verdict) -> &[Template] {
        self.templates_of(&verdict.source)
    }

    /// What somebody says, in English.
    pub fn said(&self, source: &Source, message: &Message) -> String {
        render(message, self.templates_of(source), "en")
    }

    fn templates_of(&self, source: &Source) -> &[Template] {
        let found = self.rulebook.installations.iter().find(|known| known.id == source.installation);
        found.map_or(&[], |installation| &installation.templates)
    }
}

impl From<&PluginReference> for PluginBody {
    fn from(plugin: &PluginReference) -> Self {
        Self {
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            component: plugin.component.to_string(),
        }
    }
}

/// The word that a case without fields is stored as.
fn word(case: &impl Serialize) -> String {
    match serde_json::to_value(case) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
