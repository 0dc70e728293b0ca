//! Why each discount applied to a cart or an order, and why each did not, in the merchant's words.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Id,
    cart::Cart,
    order::Order,
    quote::{Language, Receipt},
};
use martlet_store::Db;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{
        quotes::{CandidateBody, Explainer},
        time::Time,
    },
    carts::Carts,
    error::Error,
    extract::{Caller, Json, Path, Query, Spoken, Staff, Who},
    orders::Orders,
    rulebooks,
};

/// Everything that plugins proposed or declined, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub struct ExplanationBody {
    /// The language of its words: `en` or `ko`.
    language: &'static str,
    /// The order, where it is one's.
    order_id: Option<Uuid>,
    /// The cart.
    cart_id: Uuid,
    /// The moment the price holds for.
    as_of: Time,
    /// Number of the rulebook it was priced under.
    rulebook: i64,
    /// SHA-256 of the evidence.
    receipt: String,
    /// By stage and turn: what applied, what didn't, and why; with plugin, version and candidate.
    candidates: Vec<CandidateBody>,
}

/// In which language.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ExplanationParameters {
    /// `en` or `ko`; else what `Accept-Language` likes best.
    pub language: Option<String>,
}

impl ExplanationParameters {
    fn language(&self, spoken: Language) -> Language {
        self.language.as_deref().and_then(Language::of_tag).unwrap_or(spoken)
    }
}

/// Explains what a cart costs now. Looking isn't counted in the figures of plugins.
#[utoipa::path(get, path = "/api/v1/admin/carts/{id}/explanation", tag = "admin",
    operation_id = "admin_explain_cart", security(("api_key" = ["orders:read"])),
    params(("id" = Uuid, Path, description = "The cart"), ExplanationParameters),
    responses(
        (status = 200, description = "The explanation", body = ExplanationBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn cart(
    staff: Staff,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
    Query(parameters): Query<ExplanationParameters>,
    Spoken(spoken): Spoken,
) -> Result<Response, Error> {
    let caller = Caller { store: staff.store, who: Who::Staff(staff.key.id) };
    let priced = carts.quote_to_show(&caller, id).await?;
    let language = parameters.language(spoken);
    Ok(answer(ExplanationBody {
        language: language.tag(),
        order_id: None,
        cart_id: id.uuid(),
        as_of: Time(priced.quote.as_of),
        rulebook: priced.quote.rulebook,
        receipt: priced.quote.receipt.digest().to_string(),
        candidates: Explainer::of_cart(&priced, language).candidates(&priced.quote.verdicts),
    }))
}

/// Explains what an order cost, from its receipt and the rulebook that it names.
#[utoipa::path(get, path = "/api/v1/admin/orders/{id}/explanation", tag = "admin",
    operation_id = "admin_explain_order", security(("api_key" = ["orders:read"])),
    params(("id" = Uuid, Path, description = "The order"), ExplanationParameters),
    responses(
        (status = 200, description = "The explanation", body = ExplanationBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn order(
    staff: Staff,
    State(orders): State<Arc<Orders>>,
    State(db): State<Db>,
    Path(id): Path<Id<Order>>,
    Query(parameters): Query<ExplanationParameters>,
    Spoken(spoken): Spoken,
) -> Result<Response, Error> {
    let store = staff.store.id;
    let order = orders.find(store, id).await?;
    let stored = db.find_receipt(store, id).await?.ok_or_else(Error::not_found::<Order>)?;
    let recorded = Receipt::parse(&stored.bytes)
        .map_err(|error| Error::Internal(format!("the receipt of the order {id} can't be read: {error}")))?;
    let rulebook = rulebooks::published(&db, store, recorded.rulebook().number).await?;
    let language = parameters.language(spoken);
    let explainer = Explainer {
        rulebook: &rulebook,
        currency: order.terms.currency,
        language,
        lines: order.terms.lines.iter().filter_map(|line| line.line).collect(),
    };
    Ok(answer(ExplanationBody {
        language: language.tag(),
        order_id: Some(id.uuid()),
        cart_id: order.terms.cart.uuid(),
        as_of: Time(order.terms.as_of),
        rulebook: recorded.rulebook().number,
        receipt: recorded.digest().to_string(),
        candidates: explainer.candidates(recorded.verdicts()),
    }))
}

fn answer(body: ExplanationBody) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_LANGUAGE, body.language)];
    (headers, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use crate::testing::{Installed, TestApp};

    /// Two mugs at 19.99, with 10 % off from 100.00: 60.02 are missing.
    #[tokio::test]
    async fn a_cart_and_its_order_are_explained_in_both_languages() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        app.variant(&product, "MUG-S", "S", 100).await;
        let config = r#"{"percent_ppm": 100000, "minimum_spend": {"amount": 10000, "currency": "USD"}}"#;
        let installed = app
            .publish(&[Installed::new("percentage-off", config), Installed::new("percentage-off", TENTH)])
            .await;
        let body = json!({"lines": [{"sku": "MUG-S", "quantity": 2}]});
        let cart =
            app.request(Method::POST, "/api/v1/carts").json(&body).send().await.expect_status(201).body;
        let path = format!("/api/v1/admin/carts/{}/explanation", cart["id"].as_str().unwrap());
        app.get(&path).await.expect_problem(401, "unauthenticated");
        let english = app.admin_get(&path).await.expect_status(200).body;
        // A merchant who looks is no shopper.
        assert_eq!(app.figures(&installed[0]).await["live"]["calls"], 0);
        let korean = app.admin_get(&format!("{path}?language=ko-KR")).await.expect_status(200).body;
        assert_eq!((&english["language"], &korean["language"]), (&json!("en"), &json!("ko")));
        let short = |body: &serde_json::Value| {
            let candidates = body["candidates"].as_array().unwrap().clone();
            candidates
                .into_iter()
                .find(|candidate| candidate["reason"]["code"] == "below_minimum_spend")
                .unwrap()
        };
        assert_eq!(short(&english)["explanation"], "below minimum spend, 60.02 short");
        assert_eq!(short(&english)["installation_id"], json!(installed[0].id));
        assert_eq!(short(&english)["plugin"]["name"], "percentage-off");
        assert_eq!(short(&korean)["explanation"], "최소 구매 금액까지 60.02 부족합니다");
        assert_eq!(short(&korean)["label"], "10 % 할인");
        let quote = format!("/api/v1/carts/{}/quote", cart["id"].as_str().unwrap());
        let request = app.request(Method::GET, &quote).header("accept-language", "ko");
        let quoted = request.send().await.expect_status(200);
        assert_eq!(quoted.header("content-language"), "ko");
        assert_eq!(quoted.body["candidates"], korean["candidates"]);
    }

    const TENTH: &str = r#"{"percent_ppm": 100000}"#;
}
