//! What is measured.

use std::{path::Path, rc::Rc};

use anyhow::{Context as _, Result, ensure};
use axum::{
    Router,
    http::{Method, header},
    routing::get,
};
use martlet_domain::quote::Outcome;
use martlet_server::{figures::PricedQuote, price_cart};
use serde_json::{Value, json};

use crate::{
    cart::{CART, COUPON, SHIPPING},
    load::Load,
    neighbour::Neighbour,
    raw::{self, Raw, RawCall},
    rounds::{Row, Unit, micros_per_call},
    shop::Shop,
    walk::{self, Question},
};

/// The plugin that is measured alone.
const PLUGIN: &str = "percentage-off";

/// A product by its handle, over HTTP.
pub(crate) fn product(shop: &Shop) -> Result<Row<'_>> {
    over_http(shop, "product by handle", "/api/v1/products/merino-socks", 64)
}

/// A page of the list of products, over HTTP.
pub(crate) fn products(shop: &Shop) -> Result<Row<'_>> {
    over_http(shop, "list of products", "/api/v1/products?limit=20", 64)
}

/// A quote with five plugins, over HTTP.
pub(crate) fn quote_over_http(shop: &Shop) -> Result<Row<'_>> {
    over_http(shop, "quote over HTTP", &format!("{}/quote", cart(shop)?), 8)
}

/// The same quote, beside a store whose plugins never end.
pub(crate) fn quote_beside<'a>(shop: &'a Shop, neighbour: &'a Neighbour<'a>) -> Result<Row<'a>> {
    let path = format!("{}/quote", cart(shop)?);
    let body = shop.ask(Method::GET, &path, String::new())?.body.len();
    let load = Load { server: shop.serve(shop.router.clone())?, path, connections: 1, body };
    let load = Rc::new(load);
    let alone = Rc::clone(&load);
    Ok(Row {
        name: "quote beside a store that loops".to_owned(),
        means: "a quiet store's median quote over HTTP, one connection, alone against beside another store \
                of the engine, of which eight at a time ask for quotes and twelve plugins burn all their \
                fuel in each"
            .to_owned(),
        unit: Unit::Micros,
        floor: Box::new(move || alone.median_micros()),
        figure: Box::new(move || {
            let crowd = neighbour.crowd();
            let median = load.median_micros()?;
            crowd.disperse()?;
            Ok(median)
        }),
    })
}

/// The path of a cart of ten lines with a coupon and shipping.
fn cart(shop: &Shop) -> Result<String> {
    let lines: Vec<Value> =
        CART.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
    let cart = json!({ "lines": lines, "coupons": [COUPON] }).to_string();
    let cart: Value = serde_json::from_slice(&shop.ask(Method::POST, "/api/v1/carts", cart)?.body)?;
    let cart = format!("/api/v1/carts/{}", cart["id"].as_str().context("a cart without an id")?);
    let method = json!({ "method": SHIPPING }).to_string();
    shop.ask(Method::PUT, &format!("{cart}/shipping-method"), method)?;
    Ok(cart)
}

/// One component asked about a cart of so many lines.
pub(crate) fn evaluation<'a>(shop: &'a Shop, raw: &Raw, plugins: &Path, lines: usize) -> Result<Row<'a>> {
    let input = shop.input(lines, walk::only(shop.rulebook()?, PLUGIN))?;
    let mut questions = walk::questions(shop.host(), input)?;
    ensure!(questions.len() == 1, "{PLUGIN} is asked {} times", questions.len());
    let question = questions.remove(0);
    let floor = raw_call(raw, plugins, PLUGIN, &question)?;
    let (host, prepared) = (shop.host(), shop.host().prepare(&question.snapshot));
    let evaluate = move || {
        let evaluated = host.evaluate(&prepared, &question.call)?;
        ensure!(matches!(evaluated.evaluation.outcome, Outcome::Proposed(_)), "{evaluated:?}");
        Ok(evaluated)
    };
    Ok(Row {
        name: format!("evaluation, lines: {lines}"),
        means: format!(
            "wasmtime alone (fresh store, instance, one call, drop) against {PLUGIN} asked by the engine \
             about the same cart"
        ),
        unit: Unit::Micros,
        floor: Box::new(move || micros_per_call(|| raw::told(floor.run()))),
        figure: Box::new(move || micros_per_call(&evaluate)),
    })
}

/// A quote with five plugins.
pub(crate) fn quote<'a>(shop: &'a Shop, raw: &Raw, plugins: &Path) -> Result<Row<'a>> {
    let rulebook = shop.rulebook()?;
    let name_of = |question: &Question| {
        let asked = rulebook.installations.iter().find(|known| known.id == question.call.installation);
        asked.map(|installation| installation.plugin.clone()).context("an unknown plugin was asked")
    };
    let input = shop.input(CART.len(), rulebook.clone())?;
    let questions = walk::questions(shop.host(), input.clone())?;
    ensure!(questions.len() == 5, "{} components are asked", questions.len());
    let floors = questions.iter().map(|question| raw_call(raw, plugins, &name_of(question)?, question));
    let floors = floors.collect::<Result<Vec<_>>>()?;
    let host = shop.host();
    Ok(Row {
        name: "quote, plugins: 5, lines: 10".to_owned(),
        means: "the same five calls by wasmtime alone against the whole walk of a quote: snapshots, calls, \
                resolving, tax, receipt"
            .to_owned(),
        unit: Unit::Micros,
        floor: Box::new(move || micros_per_call(|| raw::told(floors.iter().try_for_each(RawCall::run)))),
        figure: Box::new(move || micros_per_call(|| walk::price(host, input.clone()))),
    })
}

/// The same quote, counted as shoppers' quotes are.
pub(crate) fn counted_quote(shop: &Shop) -> Result<Row<'_>> {
    let rulebook = shop.rulebook()?;
    let input = shop.input(CART.len(), rulebook.clone())?;
    let (host, store, counters) = (shop.host(), shop.store.id, &shop.state.selling.counters);
    let fuel_for_call = host.config().fuel_for_call(input.lines.len());
    let other_input = input.clone();
    let counted = move || {
        let (quote, calls) = price_cart::walk(host, other_input.clone())?;
        counters.count_quote(PricedQuote {
            store,
            rulebook: &rulebook,
            currency: quote.currency,
            verdicts: &quote.verdicts,
            calls: &calls,
            fuel_for_call,
        });
        Ok(quote)
    };
    Ok(Row {
        name: "quote, counted".to_owned(),
        means: "the whole walk of a quote with five plugins against the same walk and the counting of what \
                they did"
            .to_owned(),
        unit: Unit::Micros,
        floor: Box::new(move || micros_per_call(|| walk::price(host, input.clone()))),
        figure: Box::new(move || micros_per_call(&counted)),
    })
}

fn raw_call(raw: &Raw, plugins: &Path, plugin: &str, question: &Question) -> Result<RawCall> {
    raw::told(raw.prepare(&raw::component(plugins, plugin)?, question))
}

fn over_http<'a>(shop: &'a Shop, name: &str, path: &str, connections: usize) -> Result<Row<'a>> {
    let answer = shop.ask(Method::GET, path, String::new())?;
    let length = answer.body.len();
    let bare =
        get(async move || ([(header::CONTENT_TYPE, answer.content_type.clone())], answer.body.clone()));
    let load = |server| Load { server, path: path.to_owned(), connections, body: length };
    let route = path.split('?').next().unwrap_or(path);
    let floor = load(shop.serve(Router::new().route(route, bare))?);
    let figure = load(shop.serve(shop.router.clone())?);
    Ok(Row {
        name: name.to_owned(),
        means: format!(
            "bare axum with a body as long ({length} bytes) against the engine over SQLite, {connections} \
             connections"
        ),
        unit: Unit::Requests,
        floor: Box::new(move || floor.requests_per_second()),
        figure: Box::new(move || figure.requests_per_second()),
    })
}
