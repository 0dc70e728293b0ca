//! What became of everything that was proposed, in words: for a quote and for an order's receipt alike.

use martlet_domain::{
    Id,
    cart::LineItem,
    money::Currency,
    plugin::{Rulebook, Template},
    quote::{Decision, Language, PluginReference, Reason, Reduction, Source, Verdict, render},
};
use serde::Serialize;
use uuid::Uuid;

use super::{AllocationBody, CandidateBody, PluginBody, ReasonBody};
use crate::{api::money::MoneyBody, price_cart::PricedCart};

/// Explains verdicts.
#[derive(Debug)]
pub struct Explainer<'a> {
    /// The rules under which they came about.
    pub rulebook: &'a Rulebook,
    /// The currency of amounts.
    pub currency: Currency,
    /// The language of words.
    pub language: Language,
    /// The cart's lines, by position.
    pub lines: Vec<Id<LineItem>>,
}

impl<'a> Explainer<'a> {
    /// For the verdicts of a priced cart.
    pub fn of_cart(priced: &'a PricedCart, language: Language) -> Self {
        Self {
            rulebook: &priced.rulebook,
            currency: priced.quote.currency,
            language,
            lines: priced.cart.lines.iter().map(|line| line.id).collect(),
        }
    }

    /// All of them, in their order.
    pub fn candidates(&self, verdicts: &[Verdict]) -> Vec<CandidateBody> {
        verdicts.iter().map(|verdict| self.candidate(verdict)).collect()
    }

    fn candidate(&self, verdict: &Verdict) -> CandidateBody {
        let templates = templates(self.rulebook, &verdict.source);
        let label = verdict.message.as_ref().map(|message| render(message, templates, self.language.tag()));
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
            explanation: verdict.explain_in(self.language, templates, self.currency),
        }
    }

    fn money(&self, amount: i64) -> MoneyBody {
        MoneyBody::new(amount, self.currency)
    }

    fn line_id(&self, position: u32) -> Option<Uuid> {
        self.lines.get(usize::try_from(position).ok()?).map(|line| line.uuid())
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

/// The templates of whoever a verdict is on.
pub(super) fn templates<'a>(rulebook: &'a Rulebook, source: &Source) -> &'a [Template] {
    let found = rulebook.installations.iter().find(|known| known.id == source.installation);
    found.map_or(&[], |installation| &installation.templates)
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
