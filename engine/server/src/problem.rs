//! What clients are told when something goes wrong: problems as of RFC 9457.
//!
//! This is the one place that gives errors a status and a type. Types never change once
//! published; titles and details are for people and may.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use martlet_domain::{
    cart::MAX_QUANTITY,
    coupon::CouponRefusal,
    order::{OrderStatus, Step, StepError},
    simulation::MAX_QUEUED,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    api::money::MoneyBody,
    error::{Error, Violation},
    limits::whole_seconds,
};

/// What the addresses of problem types begin with.
pub const TYPE_BASE: &str = "https://martlet.dev/problems/";
/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// Seconds after which it makes sense to try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A kind of problem: what clients may branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// In snake case; with hyphens it ends the type's address.
    pub code: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// For people, the same for each problem of the kind.
    pub title: &'static str,
}

impl Kind {
    /// The type's address.
    pub fn uri(&self) -> String {
        format!("{TYPE_BASE}{}", self.code.replace('_', "-"))
    }
}

/// A problem as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Names the kind of problem, for good.
    #[serde(rename = "type")]
    pub uri: String,
    /// What kind of problem it is, in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time, and what to do.
    pub detail: String,
    /// Names this one occurrence: `urn:request:` and the request's id, which is in the logs.
    pub instance: String,
    /// The kind of problem, in snake case.
    pub code: &'static str,
    /// Facts about this one occurrence; which ones depends on the kind.
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    pub facts: Map<String, Value>,
}

/// An error on its way out: the outermost layer, which knows the request, turns it into a body.
#[derive(Debug, Clone)]
pub struct Failed(pub Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = kind(&self).status;
        let error = match self {
            Self::Shared(error) => error,
            error => Arc::new(error),
        };
        response.extensions_mut().insert(Failed(error));
        response
    }
}

/// Fills the response that an error has become. Headers that are already there stay.
pub fn fill(response: &mut Response, error: &Error, request_id: &str) {
    let (own, body) = render(error, request_id);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    for (name, value) in own {
        headers.insert(name, value);
    }
    *response.body_mut() = Body::from(body);
}

/// The headers and the body that an error becomes.
pub fn render(error: &Error, request_id: &str) -> (Vec<(HeaderName, HeaderValue)>, Vec<u8>) {
    let problem = describe(error, request_id);
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    if let Error::RateLimited { retry_after, .. } = error {
        headers.push((header::RETRY_AFTER, HeaderValue::from(whole_seconds(*retry_after))));
    }
    match problem.status {
        401 => {
            let challenge = HeaderValue::from_static("Bearer realm=\"martlet\"");
            headers.push((header::WWW_AUTHENTICATE, challenge));
        }
        503 => headers.push((header::RETRY_AFTER, RETRY_AFTER)),
        _ if problem.code == IN_FLIGHT.code => headers.push((header::RETRY_AFTER, RETRY_AFTER)),
        _ => {}
    }
    (headers, serde_json::to_vec(&problem).unwrap_or_default())
}

/// What a client is told of an error.
pub fn describe(error: &Error, request_id: &str) -> Problem {
    let kind = kind(error);
    let detail = if kind.status == StatusCode::INTERNAL_SERVER_ERROR {
        "something went wrong on our side; the operator finds it in the logs by this instance".to_owned()
    } else {
        error.to_string()
    };
    Problem {
        uri: kind.uri(),
        title: kind.title,
        status: kind.status.as_u16(),
        detail,
        instance: format!("urn:request:{request_id}"),
        code: kind.code,
        facts: facts(error),
    }
}

macro_rules! kinds {
    ($($name:ident = $status:ident $code:literal $title:literal;)*) => {
        $(const $name: Kind = Kind { code: $code, status: StatusCode::$status, title: $title };)*
        /// Every kind there is.
        pub const KINDS: &[Kind] = &[$($name),*];
    };
}

kinds! {
    ROUTE_NOT_FOUND = NOT_FOUND "route_not_found" "There is nothing here";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method_not_allowed" "Not with this method";
    BODY_TOO_LARGE = PAYLOAD_TOO_LARGE "body_too_large" "The body is too large";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body is not declared as what is expected";
    MALFORMED_BODY = BAD_REQUEST "malformed_body" "The body is not JSON";
    INVALID_BODY = UNPROCESSABLE_ENTITY "invalid_body" "The body is not what is expected here";
    MALFORMED_ID = BAD_REQUEST "malformed_id" "This is not an id";
    MALFORMED_QUERY = BAD_REQUEST "malformed_query" "The query can't be read";
    MALFORMED_CURSOR = BAD_REQUEST "malformed_cursor" "This is not a cursor";
    MALFORMED_HEADER = BAD_REQUEST "malformed_header" "A header can't be read";
    STORE_CONFLICT = BAD_REQUEST "store_conflict" "Two stores are named";
    STORE_NOT_FOUND = NOT_FOUND "store_not_found" "There is no such store";
    NOT_FOUND = NOT_FOUND "not_found" "There is no such thing";
    UNAUTHENTICATED = UNAUTHORIZED "unauthenticated" "It isn't known who asks";
    FORBIDDEN = FORBIDDEN "forbidden" "Not with this key";
    LAST_OWNER_KEY = CONFLICT "last_owner_key" "It is the last key of an owner";
    AUDIT_UNAVAILABLE = SERVICE_UNAVAILABLE "audit_unavailable" "The audit log can't be written to just now";
    INVALID_CREDENTIALS = UNAUTHORIZED "invalid_credentials" "Nobody signs in like this";
    INVALID_REFRESH_TOKEN = UNAUTHORIZED "invalid_refresh_token" "The refresh token is not good";
    PRECONDITION_REQUIRED = PRECONDITION_REQUIRED "precondition_required" "The version is missing";
    VERSION_CONFLICT = PRECONDITION_FAILED "version_conflict" "The version is no longer current";
    IDEMPOTENCY_KEY_REQUIRED = BAD_REQUEST "idempotency_key_required" "The Idempotency-Key is missing";
    IDEMPOTENCY_KEY_REUSED = UNPROCESSABLE_ENTITY "idempotency_key_reused" "The Idempotency-Key is another request's";
    IN_FLIGHT = CONFLICT "in_flight" "The request is being worked on";
    SKU_TAKEN = CONFLICT "sku_taken" "The SKU is taken";
    HANDLE_TAKEN = CONFLICT "handle_taken" "The handle is taken";
    OPTIONS_TAKEN = CONFLICT "options_taken" "The options are taken";
    CODE_TAKEN = CONFLICT "code_taken" "The code is taken";
    INSUFFICIENT_STOCK = CONFLICT "insufficient_stock" "There isn't as much";
    UNKNOWN_SKU = UNPROCESSABLE_ENTITY "unknown_sku" "There is no such SKU";
    INVALID_QUANTITY = UNPROCESSABLE_ENTITY "invalid_quantity" "Not as many";
    CURRENCY_MISMATCH = UNPROCESSABLE_ENTITY "currency_mismatch" "Not in this currency";
    CART_FULL = UNPROCESSABLE_ENTITY "cart_full" "The cart is full";
    LINE_UNAVAILABLE = CONFLICT "line_unavailable" "A line can no longer be sold";
    COUPON_UNKNOWN = UNPROCESSABLE_ENTITY "coupon_unknown" "There is no such coupon";
    COUPON_NOT_ON_CART = NOT_FOUND "coupon_not_on_cart" "The coupon is not on the cart";
    COUPON_DISABLED = UNPROCESSABLE_ENTITY "coupon_disabled" "The coupon is switched off";
    COUPON_NOT_STARTED = UNPROCESSABLE_ENTITY "coupon_not_started" "The coupon is not valid yet";
    COUPON_EXPIRED = UNPROCESSABLE_ENTITY "coupon_expired" "The coupon has expired";
    COUPON_USED_UP = UNPROCESSABLE_ENTITY "coupon_used_up" "The coupon is used up";
    COUPON_USED_UP_BY_CUSTOMER = UNPROCESSABLE_ENTITY "coupon_used_up_by_customer" "The customer has used the coupon up";
    COUPON_NEEDS_CUSTOMER = UNPROCESSABLE_ENTITY "coupon_needs_customer" "The coupon is for known customers";
    COUPON_NOT_CLAIMED = UNPROCESSABLE_ENTITY "coupon_not_claimed" "The coupon is for those who claimed it";
    COUPON_NOT_CLAIMABLE = UNPROCESSABLE_ENTITY "coupon_not_claimable" "The coupon isn't claimed";
    COUPON_GONE = CONFLICT "coupon_gone" "The coupon is gone";
    COUPON_NOT_APPLICABLE = UNPROCESSABLE_ENTITY "coupon_not_applicable" "The coupon gives nothing here";
    SHIPPING_METHOD_NOT_OFFERED = UNPROCESSABLE_ENTITY "shipping_method_not_offered" "Not offered to this cart";
    TOO_MANY_ADDRESSES = UNPROCESSABLE_ENTITY "too_many_addresses" "There are addresses enough";
    CART_EMPTY = UNPROCESSABLE_ENTITY "cart_empty" "The cart is empty";
    CART_ORDERED = CONFLICT "cart_ordered" "The cart is an order";
    CHECKOUT_INCOMPLETE = UNPROCESSABLE_ENTITY "checkout_incomplete" "Something isn't known yet";
    CHECKOUT_BLOCKED = CONFLICT "checkout_blocked" "A plugin that must not fail did";
    CHECKOUT_REFUSED = UNPROCESSABLE_ENTITY "checkout_refused" "The cart can't be ordered as it is";
    PRICE_CHANGED = CONFLICT "price_changed" "The price is another one";
    PAYMENT_DECLINED = PAYMENT_REQUIRED "payment_declined" "The payment was declined";
    PAYMENT_UNKNOWN = SERVICE_UNAVAILABLE "payment_unknown" "The payment isn't known yet";
    PAYMENT_UNAVAILABLE = SERVICE_UNAVAILABLE "payment_unavailable" "The payment provider can't be used just now";
    ORDER_CALLED_OFF = CONFLICT "order_called_off" "The order was called off";
    ORDER_ALREADY_CANCELLED = CONFLICT "order_already_cancelled" "The order is cancelled already";
    ORDER_STEP_NOT_ALLOWED = CONFLICT "order_step_not_allowed" "Not from where the order is";
    ORDER_NOT_PAID = CONFLICT "order_not_paid" "The payment was not captured";
    UNKNOWN_ORDER_LINE = UNPROCESSABLE_ENTITY "unknown_order_line" "The order has no such line";
    TOO_MANY_UNITS = UNPROCESSABLE_ENTITY "too_many_units" "The line doesn't have as many units";
    NO_UNITS = UNPROCESSABLE_ENTITY "no_units" "Units are missing";
    REFUND_EXCEEDS_PAYMENT = UNPROCESSABLE_ENTITY "refund_exceeds_payment" "More than was paid";
    NOTHING_TO_REFUND = UNPROCESSABLE_ENTITY "nothing_to_refund" "There is nothing to refund";
    PRICING_UNAVAILABLE = SERVICE_UNAVAILABLE "pricing_unavailable" "The price can't be worked out just now";
    CONFIG_REFUSED = UNPROCESSABLE_ENTITY "config_refused" "The plugin refuses the configuration";
    PLUGIN_FAILED = UNPROCESSABLE_ENTITY "plugin_failed" "The plugin failed";
    COMPONENT_REFUSED = UNPROCESSABLE_ENTITY "component_refused" "The component can't be stored";
    PLUGIN_NAME_TAKEN = CONFLICT "plugin_name_taken" "The name is another plugin's";
    VERSION_TAKEN = CONFLICT "version_taken" "The version is taken";
    RULES_UNUSABLE = UNPROCESSABLE_ENTITY "rules_unusable" "These rules can't be worked with";
    RULEBOOK_DAMAGED = CONFLICT "rulebook_damaged" "The rulebook can't be worked with";
    INSTALLATION_QUARANTINED = CONFLICT "installation_quarantined" "The installation is in quarantine";
    NOT_QUARANTINED = CONFLICT "not_quarantined" "The installation is not in quarantine";
    RULEBOOK_ACTIVE = CONFLICT "rulebook_active" "The rulebook is active";
    NO_EARLIER_RULEBOOK = CONFLICT "no_earlier_rulebook" "There is nothing to go back to";
    NO_RULEBOOK = NOT_FOUND "no_rulebook" "There is no active rulebook";
    TOO_MANY_SIMULATIONS = CONFLICT "too_many_simulations" "Simulations enough wait";
    SIMULATION_ENDED = CONFLICT "simulation_ended" "The simulation has ended";
    RATE_LIMITED = TOO_MANY_REQUESTS "rate_limited" "Too many requests";
    TIMED_OUT = SERVICE_UNAVAILABLE "timed_out" "The request took too long";
    BUSY = SERVICE_UNAVAILABLE "busy" "The server is busy";
    INTERNAL = INTERNAL_SERVER_ERROR "internal" "Something went wrong";
}

/// The kind of an error.
pub fn kind(error: &Error) -> Kind {
    match error {
        Error::Shared(error) => kind(error),
        Error::RouteNotFound => ROUTE_NOT_FOUND,
        Error::MethodNotAllowed => METHOD_NOT_ALLOWED,
        Error::BodyTooLarge { .. } => BODY_TOO_LARGE,
        Error::UnsupportedMediaType | Error::NotDeclaredAsComponent => UNSUPPORTED_MEDIA_TYPE,
        Error::MalformedBody { .. } => MALFORMED_BODY,
        Error::InvalidBody { .. } => INVALID_BODY,
        Error::MalformedId { .. } => MALFORMED_ID,
        Error::MalformedQuery { .. } => MALFORMED_QUERY,
        Error::MalformedCursor => MALFORMED_CURSOR,
        Error::MalformedHeader { .. } => MALFORMED_HEADER,
        Error::StoreConflict => STORE_CONFLICT,
        Error::StoreNotFound { .. } => STORE_NOT_FOUND,
        Error::NotFound { .. } => NOT_FOUND,
        Error::Unauthenticated { .. } | Error::NotSignedIn { .. } => UNAUTHENTICATED,
        Error::Forbidden { .. } => FORBIDDEN,
        Error::LastOwnerKey => LAST_OWNER_KEY,
        Error::Unaudited(_) => AUDIT_UNAVAILABLE,
        Error::InvalidCredentials => INVALID_CREDENTIALS,
        Error::InvalidRefreshToken => INVALID_REFRESH_TOKEN,
        Error::PreconditionRequired => PRECONDITION_REQUIRED,
        Error::VersionConflict { .. } => VERSION_CONFLICT,
        Error::IdempotencyKeyRequired => IDEMPOTENCY_KEY_REQUIRED,
        Error::IdempotencyKeyReused => IDEMPOTENCY_KEY_REUSED,
        Error::InFlight => IN_FLIGHT,
        Error::SkuTaken { .. } => SKU_TAKEN,
        Error::HandleTaken { .. } => HANDLE_TAKEN,
        Error::OptionsTaken => OPTIONS_TAKEN,
        Error::CodeTaken { .. } => CODE_TAKEN,
        Error::InsufficientStock { .. } => INSUFFICIENT_STOCK,
        Error::UnknownSku { .. } => UNKNOWN_SKU,
        Error::InvalidQuantity { .. } => INVALID_QUANTITY,
        Error::CurrencyMismatch { .. } => CURRENCY_MISMATCH,
        Error::CartFull { .. } => CART_FULL,
        Error::LineUnavailable { .. } => LINE_UNAVAILABLE,
        Error::CouponUnknown { .. } => COUPON_UNKNOWN,
        Error::CouponNotOnCart { .. } => COUPON_NOT_ON_CART,
        Error::CouponRefused { refusal, .. } => match refusal {
            CouponRefusal::Disabled => COUPON_DISABLED,
            CouponRefusal::NotStarted => COUPON_NOT_STARTED,
            CouponRefusal::Expired => COUPON_EXPIRED,
            CouponRefusal::UsedUp => COUPON_USED_UP,
            CouponRefusal::UsedUpByCustomer => COUPON_USED_UP_BY_CUSTOMER,
            CouponRefusal::NeedsCustomer => COUPON_NEEDS_CUSTOMER,
        },
        Error::CouponNotClaimed { .. } => COUPON_NOT_CLAIMED,
        Error::CouponNotClaimable { .. } => COUPON_NOT_CLAIMABLE,
        Error::CouponGone { .. } => COUPON_GONE,
        Error::CouponNotApplicable { .. } => COUPON_NOT_APPLICABLE,
        Error::ShippingMethodNotOffered { .. } => SHIPPING_METHOD_NOT_OFFERED,
        Error::TooManyAddresses { .. } => TOO_MANY_ADDRESSES,
        Error::CartEmpty => CART_EMPTY,
        Error::CartOrdered => CART_ORDERED,
        Error::CheckoutIncomplete { .. } => CHECKOUT_INCOMPLETE,
        Error::CheckoutBlocked { .. } => CHECKOUT_BLOCKED,
        Error::CheckoutRefused { .. } => CHECKOUT_REFUSED,
        Error::PriceChanged { .. } => PRICE_CHANGED,
        Error::PaymentDeclined { .. } => PAYMENT_DECLINED,
        Error::PaymentUnknown => PAYMENT_UNKNOWN,
        Error::Payment(_) => PAYMENT_UNAVAILABLE,
        Error::OrderCalledOff => ORDER_CALLED_OFF,
        Error::TooManySimulations => TOO_MANY_SIMULATIONS,
        Error::SimulationEnded { .. } => SIMULATION_ENDED,
        Error::Step(error) => step_kind(error),
        Error::PricingUnavailable | Error::RulesUnavailable(_) => PRICING_UNAVAILABLE,
        Error::ConfigRefused { .. } => CONFIG_REFUSED,
        Error::PluginFailed { .. } => PLUGIN_FAILED,
        Error::ComponentRefused { .. } => COMPONENT_REFUSED,
        Error::PluginNameTaken { .. } => PLUGIN_NAME_TAKEN,
        Error::VersionTaken { .. } => VERSION_TAKEN,
        Error::RulesUnusable(_) => RULES_UNUSABLE,
        Error::RulebookDamaged(_) => RULEBOOK_DAMAGED,
        Error::InstallationQuarantined => INSTALLATION_QUARANTINED,
        Error::NotQuarantined => NOT_QUARANTINED,
        Error::RulebookActive { .. } => RULEBOOK_ACTIVE,
        Error::NoEarlierRulebook => NO_EARLIER_RULEBOOK,
        Error::NoRulebook => NO_RULEBOOK,
        Error::RateLimited { .. } => RATE_LIMITED,
        Error::TimedOut | Error::ChangeTimedOut => TIMED_OUT,
        Error::Busy => BUSY,
        Error::Store(_) | Error::Internal(_) => INTERNAL,
    }
}

const fn step_kind(error: &StepError) -> Kind {
    match error {
        StepError::NotAllowed { status: OrderStatus::Cancelled, step: Step::Cancel } => {
            ORDER_ALREADY_CANCELLED
        }
        StepError::NotAllowed { .. } => ORDER_STEP_NOT_ALLOWED,
        StepError::NotPaid => ORDER_NOT_PAID,
        StepError::UnknownLine { .. } => UNKNOWN_ORDER_LINE,
        StepError::TooManyUnits { .. } => TOO_MANY_UNITS,
        StepError::NoUnits => NO_UNITS,
        StepError::RefundExceedsPayment { .. } => REFUND_EXCEEDS_PAYMENT,
        StepError::NothingToRefund => NOTHING_TO_REFUND,
    }
}

fn facts(error: &Error) -> Map<String, Value> {
    let violations = |violations: &[Violation]| json!({ "errors": violations });
    let facts = match error {
        Error::Shared(error) => return facts(error),
        Error::BodyTooLarge { limit } => json!({ "limit": limit }),
        Error::InvalidBody { violations: places } | Error::ConfigRefused { violations: places } => {
            violations(places)
        }
        Error::MalformedHeader { header, .. } => json!({ "header": header }),
        Error::StoreNotFound { handle } => json!({ "store": handle }),
        Error::NotFound { entity } => json!({ "resource": entity }),
        Error::Forbidden { required } => json!({ "required_scope": required }),
        Error::VersionConflict { entity, current } => {
            json!({ "resource": entity, "current_version": current })
        }
        Error::SkuTaken { sku } => json!({ "sku": sku }),
        Error::HandleTaken { entity, handle } => json!({ "resource": entity, "handle": handle }),
        Error::CodeTaken { code } => json!({ "coupon_code": code }),
        Error::InsufficientStock { sku, requested, available } => {
            json!({ "sku": sku, "requested": requested, "available": available })
        }
        Error::UnknownSku { sku } => json!({ "sku": sku }),
        Error::InvalidQuantity { quantity } => {
            json!({ "quantity": quantity, "minimum": 1, "maximum": MAX_QUANTITY })
        }
        Error::CurrencyMismatch { sku, cart, offered } => {
            json!({ "sku": sku, "cart_currency": cart, "offered": offered })
        }
        Error::CartFull { limit, .. } | Error::TooManyAddresses { limit } => json!({ "limit": limit }),
        Error::LineUnavailable { line, sku } => json!({ "line_id": line, "sku": sku }),
        Error::CouponUnknown { code }
        | Error::CouponNotClaimed { code }
        | Error::CouponNotClaimable { code }
        | Error::CouponGone { code }
        | Error::CouponNotOnCart { code }
        | Error::CouponRefused { code, .. } => {
            json!({ "coupon_code": code })
        }
        Error::CouponNotApplicable { code, reason, .. } => json!({ "coupon_code": code, "reason": reason }),
        Error::ShippingMethodNotOffered { method } => json!({ "method": method }),
        Error::CheckoutIncomplete { missing } => json!({ "missing": missing }),
        Error::CheckoutBlocked { plugins } => json!({ "plugins": plugins }),
        Error::CheckoutRefused { objections } => json!({ "objections": objections }),
        Error::PriceChanged { expected, total, quote } => {
            json!({ "expected_total": MoneyBody::from(*expected), "total": MoneyBody::from(*total), "quote": quote })
        }
        Error::PaymentDeclined { reason, order } => {
            json!({ "decline_reason": reason.as_str(), "order_number": order })
        }
        Error::TooManySimulations => json!({ "limit": MAX_QUEUED }),
        Error::SimulationEnded { state } => json!({ "simulation_state": state.as_str() }),
        Error::RulebookActive { number } => json!({ "rulebook": number }),
        Error::RateLimited { group, retry_after } => {
            json!({ "limit_group": group, "retry_after": whole_seconds(*retry_after) })
        }
        Error::Step(error) => step_facts(error),
        Error::ComponentRefused { checks } => json!({ "checks": checks }),
        Error::PluginNameTaken { name, world } => json!({ "plugin": name, "world": world }),
        Error::VersionTaken { name, version, digest } => {
            json!({ "plugin": name, "plugin_version": version, "digest": digest })
        }
        _ => Value::Null,
    };
    if let Value::Object(facts) = facts { facts } else { Map::new() }
}

fn step_facts(error: &StepError) -> Value {
    match error {
        StepError::NotAllowed { status, step } => json!({ "order_status": status, "step": step.as_str() }),
        StepError::UnknownLine { position } => json!({ "position": position }),
        StepError::TooManyUnits { sku, requested, available } => {
            json!({ "sku": sku, "requested": requested, "available": available })
        }
        StepError::RefundExceedsPayment { requested, refundable } => {
            json!({ "requested": requested, "refundable": refundable })
        }
        StepError::NoUnits | StepError::NotPaid | StepError::NothingToRefund => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Clients branch on these: a line may be added, none may change.
    const PUBLISHED: &[(&str, u16)] = &[
        ("route_not_found", 404),
        ("method_not_allowed", 405),
        ("body_too_large", 413),
        ("unsupported_media_type", 415),
        ("malformed_body", 400),
        ("invalid_body", 422),
        ("malformed_id", 400),
        ("malformed_query", 400),
        ("malformed_cursor", 400),
        ("malformed_header", 400),
        ("store_conflict", 400),
        ("store_not_found", 404),
        ("not_found", 404),
        ("unauthenticated", 401),
        ("forbidden", 403),
        ("last_owner_key", 409),
        ("audit_unavailable", 503),
        ("invalid_credentials", 401),
        ("invalid_refresh_token", 401),
        ("precondition_required", 428),
        ("version_conflict", 412),
        ("idempotency_key_required", 400),
        ("idempotency_key_reused", 422),
        ("in_flight", 409),
        ("sku_taken", 409),
        ("handle_taken", 409),
        ("options_taken", 409),
        ("code_taken", 409),
        ("insufficient_stock", 409),
        ("unknown_sku", 422),
        ("invalid_quantity", 422),
        ("currency_mismatch", 422),
        ("cart_full", 422),
        ("line_unavailable", 409),
        ("coupon_unknown", 422),
        ("coupon_not_on_cart", 404),
        ("coupon_disabled", 422),
        ("coupon_not_started", 422),
        ("coupon_expired", 422),
        ("coupon_used_up", 422),
        ("coupon_used_up_by_customer", 422),
        ("coupon_needs_customer", 422),
        ("coupon_not_claimed", 422),
        ("coupon_not_claimable", 422),
        ("coupon_gone", 409),
        ("coupon_not_applicable", 422),
        ("shipping_method_not_offered", 422),
        ("too_many_addresses", 422),
        ("cart_empty", 422),
        ("cart_ordered", 409),
        ("checkout_incomplete", 422),
        ("checkout_blocked", 409),
        ("checkout_refused", 422),
        ("price_changed", 409),
        ("payment_declined", 402),
        ("payment_unknown", 503),
        ("payment_unavailable", 503),
        ("order_called_off", 409),
        ("order_already_cancelled", 409),
        ("order_step_not_allowed", 409),
        ("order_not_paid", 409),
        ("unknown_order_line", 422),
        ("too_many_units", 422),
        ("no_units", 422),
        ("refund_exceeds_payment", 422),
        ("nothing_to_refund", 422),
        ("pricing_unavailable", 503),
        ("config_refused", 422),
        ("plugin_failed", 422),
        ("component_refused", 422),
        ("plugin_name_taken", 409),
        ("version_taken", 409),
        ("rules_unusable", 422),
        ("rulebook_damaged", 409),
        ("installation_quarantined", 409),
        ("not_quarantined", 409),
        ("rulebook_active", 409),
        ("no_earlier_rulebook", 409),
        ("no_rulebook", 404),
        ("too_many_simulations", 409),
        ("simulation_ended", 409),
        ("rate_limited", 429),
        ("timed_out", 503),
        ("busy", 503),
        ("internal", 500),
    ];

    #[test]
    fn published_problems_never_change() {
        for (code, status) in PUBLISHED {
            let kind = KINDS.iter().find(|kind| kind.code == *code);
            assert_eq!(kind.map(|kind| kind.status.as_u16()), Some(*status), "{code}");
        }
        for kind in KINDS {
            assert!(PUBLISHED.iter().any(|(code, _)| *code == kind.code), "publish {} above", kind.code);
        }
        let uris: BTreeSet<String> = KINDS.iter().map(Kind::uri).collect();
        assert_eq!(uris.len(), KINDS.len());
        assert!(uris.contains("https://martlet.dev/problems/insufficient-stock"));
    }

    #[test]
    fn a_problem_carries_its_facts() {
        let error = Error::InsufficientStock { sku: "mug".parse().unwrap(), requested: 5, available: 2 };
        assert_eq!(
            serde_json::to_value(describe(&error, "r-1")).unwrap(),
            json!({
                "type": "https://martlet.dev/problems/insufficient-stock",
                "title": "There isn't as much",
                "status": 409,
                "detail": "2 units of MUG can be taken away, and 5 were asked for",
                "instance": "urn:request:r-1",
                "code": "insufficient_stock",
                "sku": "MUG", "requested": 5, "available": 2,
            })
        );
    }

    #[test]
    fn an_order_whose_capture_was_refused_is_not_paid() {
        let problem = describe(&Error::Step(StepError::NotPaid), "r");
        assert_eq!((problem.status, problem.code), (409, "order_not_paid"));
        assert_eq!(problem.detail, "the payment was not captured: cancel the order");
    }

    #[test]
    fn an_exhausted_pool_is_busy_and_a_corrupt_row_internal() {
        let busy = describe(&Error::from(martlet_store::StoreError::PoolTimeout), "r");
        assert_eq!((busy.status, busy.code), (503, "busy"));
        let corrupt = martlet_store::StoreError::Corrupt {
            table: "products",
            column: "handle",
            id: "xyzzy".to_owned(),
            problem: "xyzzy".to_owned(),
        };
        let internal = describe(&Error::from(corrupt), "r");
        assert_eq!((internal.status, internal.code), (500, "internal"));
        assert!(!serde_json::to_string(&internal).unwrap().contains("xyzzy"));
    }
}
