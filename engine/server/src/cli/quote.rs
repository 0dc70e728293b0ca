//! `martlet quote`: a cart's price, with what each component did, for the merchant's eyes.

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use martlet_domain::{
    Id,
    cart::Cart,
    quote::{Decision, Outcome, Verdict, format_amount, render},
};
use martlet_plugin_host::Host;

use crate::{
    clock::Clock,
    config::Config,
    price_cart::{CallReport, PricedCart, Pricer},
};

/// Prices a cart now and prints the explanation.
pub(super) async fn run(config: &Config, cart: &str) -> anyhow::Result<ExitCode> {
    let id: Id<Cart> = cart.parse()?;
    let db = super::open(config).await?;
    let handle = config.stores.default.parse()?;
    let store = db.find_store_by_handle(&handle).await?;
    let store = store.with_context(|| format!("there is no store `{handle}`"))?;
    let cart = db.find_cart(store.id, id).await?.context("there is no such cart in this store")?;
    let pricer = Pricer::new(Arc::new(Host::new(config.plugins.host())?));
    let priced = pricer.price_cart(&db, store.id, cart, Clock::System.now()).await?;
    super::print(describe(&priced).trim_end())?;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

fn describe(priced: &PricedCart) -> String {
    let quote = &priced.quote;
    let money = |amount| format!("{} {}", format_amount(amount, quote.currency), quote.currency);
    let mut text = format!("rulebook {}, receipt {}\n\n", quote.rulebook, quote.receipt.digest());
    for line in &quote.lines {
        line_of(&mut text, &format!("{} x {}", line.quantity, line.sku), &money(line.total));
    }
    for gift in &quote.gifts {
        line_of(&mut text, &format!("{} x {} as a gift", gift.quantity, gift.sku), &money(0));
    }
    if let Some(shipping) = &quote.shipping {
        line_of(&mut text, &format!("shipping, {}", shipping.method), &money(shipping.total));
    }
    let tax = if quote.totals.tax_included { "of which tax" } else { "tax" };
    line_of(&mut text, tax, &money(quote.totals.tax));
    line_of(&mut text, "total", &money(quote.totals.total));
    text.push('\n');
    for verdict in &quote.verdicts {
        text.push_str(&candidate(priced, verdict));
    }
    text.push('\n');
    for report in &priced.calls {
        text.push_str(&call(priced, report));
    }
    text
}

fn line_of(text: &mut String, name: &str, amount: &str) {
    // Writing to a string can't fail.
    _ = writeln!(text, "{name:<48} {amount:>20}");
}

fn candidate(priced: &PricedCart, verdict: &Verdict) -> String {
    let templates = priced.templates(verdict);
    let mark =
        if matches!(verdict.decision, Decision::Rejected(_) | Decision::Objected { .. }) { "-" } else { "+" };
    let label = verdict.message.as_ref().map(|message| render(message, templates, "en"));
    let name = [Some(verdict.source.name().to_owned()), verdict.key.clone(), label];
    let name: Vec<String> = name.into_iter().flatten().collect();
    format!("{mark} {}: {}\n", name.join(", "), verdict.explain(templates, priced.quote.currency))
}

fn call(priced: &PricedCart, report: &CallReport) -> String {
    let installations = &priced.rulebook.installations;
    let plugin = installations.iter().find(|known| known.id == report.call.installation);
    let plugin = plugin.map_or("", |installation| &installation.plugin);
    let evaluation = &report.evaluated.evaluation;
    let outcome = match &evaluation.outcome {
        Outcome::Proposed(proposal) => {
            format!("{} candidates, {} declined", proposal.candidates.len(), proposal.declined.len())
        }
        Outcome::Rated(rates) => {
            format!("{} shipping rates, {} declined", rates.rates.len(), rates.declined.len())
        }
        Outcome::Taxed(taxes) => {
            format!("{} tax rates, {} declined", taxes.rates.len(), taxes.declined.len())
        }
        Outcome::Validated(objections) => format!("{} objections", objections.len()),
        Outcome::Failed(failure) => failure.explain(),
    };
    let mut text = format!("{plugin} in {:?}: {outcome}, {} fuel\n", report.stage, evaluation.fuel);
    for line in report.evaluated.backtrace.iter().flat_map(|backtrace| backtrace.lines()) {
        _ = writeln!(text, "    {line}");
    }
    for line in &report.evaluated.logs {
        _ = writeln!(text, "    {:?}: {}", line.level, line.message);
    }
    text
}
