//! What can go wrong with a request. `problem.rs` says what clients are told of each.

use std::{sync::Arc, time::Duration};

use martlet_domain::{
    Digest, Id,
    access::Scope,
    cart::{LineItem, MAX_QUANTITY},
    catalog::{Handle, Sku},
    coupon::{CouponCode, CouponRefusal},
    money::{Currency, Money},
    order::{OrderNumber, StepError},
    payment::DeclineReason,
    plugin::World,
    quote::Language,
    simulation::{MAX_QUEUED, SimulationState},
};
use martlet_plugin_host::Check;
use martlet_store::StoreError;
use serde::Serialize;

use crate::{
    api::quotes::QuoteBody,
    limits::whole_seconds,
    payments::{PaymentError, TokenError},
    price_cart::PricedCart,
    rulebooks::RulesError,
};

/// Why a request isn't answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The same for all who waited for the same thing.
    #[error(transparent)]
    Shared(Arc<Self>),
    /// No route has this path.
    #[error("there is nothing at this path; /openapi.json lists what there is")]
    RouteNotFound,
    /// The path has no such method.
    #[error("this path doesn't take this method; the Allow header lists those it takes")]
    MethodNotAllowed,
    /// The body is too large.
    #[error("the body has more than {limit} bytes")]
    BodyTooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The body isn't declared as JSON.
    #[error("the body must be declared with `Content-Type: application/json`")]
    UnsupportedMediaType,
    /// The body isn't declared as a component.
    #[error("the body must be the bytes of a component, declared with `Content-Type: application/wasm`")]
    NotDeclaredAsComponent,
    /// The body isn't JSON.
    #[error("the body is not JSON: {problem}")]
    MalformedBody {
        /// Where and why.
        problem: String,
    },
    /// The body is JSON, but not what the endpoint takes.
    #[error("the body is not what this endpoint takes: {}", sentence(.violations))]
    InvalidBody {
        /// Each place that is wrong.
        violations: Vec<Violation>,
    },
    /// A part of the path isn't an id.
    #[error("{problem}")]
    MalformedId {
        /// What it should be.
        problem: String,
    },
    /// The query can't be read.
    #[error("the query is not what this endpoint takes: {problem}")]
    MalformedQuery {
        /// Which parameter, and what it should be.
        problem: String,
    },
    /// A cursor isn't one of ours.
    #[error("the cursor is not one that this list gave; leave it out to start from the beginning")]
    MalformedCursor,
    /// A header can't be read.
    #[error("the header {header} {problem}")]
    MalformedHeader {
        /// Its name.
        header: &'static str,
        /// What it should be.
        problem: &'static str,
    },
    /// The host name is one store's and the header names another.
    #[error(
        "the host name belongs to another store than the Martlet-Store header names; leave the header out"
    )]
    StoreConflict,
    /// There is no such store.
    #[error("there is no store `{handle}`")]
    StoreNotFound {
        /// Its handle.
        handle: String,
    },
    /// There is no such thing in this store.
    #[error("there is no such {entity} in this store")]
    NotFound {
        /// What was looked for.
        entity: &'static str,
    },
    /// No key was sent, or one that this store doesn't know.
    #[error("{}", if *.sent {
        "this store has no such API key, or it was revoked"
    } else {
        "this endpoint needs an API key: send `Authorization: Bearer mk_...`"
    })]
    Unauthenticated {
        /// Whether anything was sent as a key.
        sent: bool,
    },
    /// The API key isn't allowed what was asked for.
    #[error("this API key may not do that: it lacks the scope `{required}`")]
    Forbidden {
        /// What it would need.
        required: Scope,
    },
    /// A key can't be revoked because nobody could do everything any more.
    #[error("this is the last key of the store that may do everything: make another owner's key first")]
    LastOwnerKey,
    /// A change can't be written into the audit log. Clients learn nothing of why.
    #[error("the change can't be written into the audit log just now, so it wasn't made; try again")]
    Unaudited(#[source] StoreError),
    /// No access token was sent, or one that isn't good any more.
    #[error("{}", if *.sent {
        "the access token is not good, or not any more: refresh it, or sign in again"
    } else {
        "this is for customers who are signed in: send `Authorization: Bearer` with an access token"
    })]
    NotSignedIn {
        /// Whether anything was sent as a token.
        sent: bool,
    },
    /// Nobody with this address signs in with this password. Which of the two it is isn't told.
    #[error("the e-mail address or the password is not right")]
    InvalidCredentials,
    /// A refresh token isn't good. Why isn't told.
    #[error("the refresh token is not good, or not any more: sign in again")]
    InvalidRefreshToken,
    /// A change came without the version it is based on.
    #[error("this change needs an If-Match header with the ETag of the version it is based on")]
    PreconditionRequired,
    /// A change is based on a version that is no longer current.
    #[error(
        "the {entity} has changed since: it is at version {current} now; fetch it again and redo the change"
    )]
    VersionConflict {
        /// What changed.
        entity: &'static str,
        /// Its version now.
        current: i64,
    },
    /// A request that may be sent again came without a key.
    #[error(
        "this request needs an Idempotency-Key header: a text of your own, new for each thing you want done"
    )]
    IdempotencyKeyRequired,
    /// A key came with another request before.
    #[error(
        "this Idempotency-Key came with another request before; take a new one for each thing you want done"
    )]
    IdempotencyKeyReused,
    /// A request with the same key is being worked on.
    #[error("a request with this Idempotency-Key is being worked on; send it again to get its answer")]
    InFlight,
    /// Another variant has this SKU.
    #[error("another variant of this store has the SKU {sku}")]
    SkuTaken {
        /// The SKU.
        sku: Sku,
    },
    /// Another one has this handle.
    #[error("another {entity} of this store has the handle {handle}")]
    HandleTaken {
        /// What has it.
        entity: &'static str,
        /// The handle.
        handle: Handle,
    },
    /// Another variant of the product has these options.
    #[error("another variant of this product has the same options")]
    OptionsTaken,
    /// Another coupon has this code.
    #[error("another coupon of this store has the code {code}")]
    CodeTaken {
        /// The code.
        code: CouponCode,
    },
    /// There are fewer units than a change takes away.
    #[error("{available} units of {sku} can be taken away, and {requested} were asked for")]
    InsufficientStock {
        /// Of which variant.
        sku: Sku,
        /// Units asked for.
        requested: i64,
        /// Units there are.
        available: i64,
    },
    /// No variant that shoppers see has this SKU.
    #[error("there is no variant with the SKU {sku}")]
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// A line can't have so many units.
    #[error("a line has 1 to {MAX_QUANTITY} units, not {quantity}")]
    InvalidQuantity {
        /// What was asked for.
        quantity: i64,
    },
    /// A variant has no price in the cart's currency.
    #[error("{sku} has no price in {cart}, the cart's currency")]
    CurrencyMismatch {
        /// The variant.
        sku: Sku,
        /// The cart's currency.
        cart: Currency,
        /// The currencies in which it has one.
        offered: Vec<Currency>,
    },
    /// A cart holds as much as it can.
    #[error("a cart has at most {limit} {what}")]
    CartFull {
        /// What there is too much of.
        what: &'static str,
        /// How much it can hold.
        limit: usize,
    },
    /// A line of the cart can no longer be sold.
    #[error("a line of the cart can no longer be sold; remove it")]
    LineUnavailable {
        /// Which line.
        line: Id<LineItem>,
        /// What it was, as far as is known.
        sku: Option<Sku>,
    },
    /// No coupon has this code.
    #[error("there is no coupon {code}")]
    CouponUnknown {
        /// The code.
        code: CouponCode,
    },
    /// The coupon is for those who have claimed it.
    #[error("the coupon {code} is for customers who have claimed it")]
    CouponNotClaimed {
        /// The code.
        code: CouponCode,
    },
    /// The coupon isn't one that is claimed.
    #[error("the coupon {code} doesn't have to be claimed; put it on a cart")]
    CouponNotClaimable {
        /// The code.
        code: CouponCode,
    },
    /// As many customers have claimed the coupon as could.
    #[error("the coupon {code} was claimed as often as there is")]
    CouponGone {
        /// The code.
        code: CouponCode,
    },
    /// The coupon isn't on the cart.
    #[error("the coupon {code} is not on the cart")]
    CouponNotOnCart {
        /// The code.
        code: CouponCode,
    },
    /// The coupon can't be used now.
    #[error("{}", .refusal.explain())]
    CouponRefused {
        /// The code.
        code: CouponCode,
        /// Why.
        refusal: CouponRefusal,
    },
    /// The coupon gives nothing on this cart.
    #[error("the coupon {code} gives nothing on this cart: {detail}")]
    CouponNotApplicable {
        /// The code.
        code: CouponCode,
        /// Why, for programs.
        reason: &'static str,
        /// Why, in words.
        detail: String,
    },
    /// The cart isn't offered this shipping method.
    #[error(
        "the shipping method {method} is not offered to this cart; its shipping-methods list those that are"
    )]
    ShippingMethodNotOffered {
        /// Its handle.
        method: Handle,
    },
    /// A customer keeps as many addresses as can be kept.
    #[error("a customer has at most {limit} addresses; delete one first")]
    TooManyAddresses {
        /// How many.
        limit: usize,
    },
    /// There is nothing on the cart that could be ordered.
    #[error("the cart is empty; put something on it first")]
    CartEmpty,
    /// The cart is an order.
    #[error("the cart has become an order and can't be changed; make another one")]
    CartOrdered,
    /// Something has to be known of the cart before it is ordered.
    #[error("before the cart is ordered this has to be known: {}", .missing.join(", "))]
    CheckoutIncomplete {
        /// What is missing.
        missing: Vec<&'static str>,
    },
    /// A plugin failed whose failure policy is to block.
    #[error("a plugin without which this cart can't be ordered failed")]
    CheckoutBlocked {
        /// Which; coupons by their code.
        plugins: Vec<String>,
    },
    /// A plugin of the merchant's doesn't let the cart pass.
    #[error("the cart can't be ordered as it is: {}", objections.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join("; "))]
    CheckoutRefused {
        /// What stands against it.
        objections: Vec<CheckoutRefusal>,
    },
    /// The cart costs something else than the shopper agreed to.
    #[error("the cart costs something else than `expected_total`; look at the quote and ask again")]
    PriceChanged {
        /// What the shopper agreed to.
        expected: Money,
        /// What it costs.
        total: Money,
        /// The quote that says why, as its endpoint answers it.
        quote: serde_json::Value,
    },
    /// The provider doesn't set the money aside.
    #[error("the payment was declined; the cart can be ordered again, with a new Idempotency-Key")]
    PaymentDeclined {
        /// Why.
        reason: DeclineReason,
        /// The order that came to nothing.
        order: OrderNumber,
    },
    /// Whether the provider set the money aside isn't known yet.
    #[error(
        "the payment provider hasn't answered; send the same request with the same Idempotency-Key again"
    )]
    PaymentUnknown,
    /// The payment provider failed. Clients learn nothing of how.
    #[error("the payment provider can't be used just now; try again")]
    Payment(#[source] PaymentError),
    /// An order was called off before its payment was known.
    #[error("the order was called off before it was paid; the cart can be ordered again")]
    OrderCalledOff,
    /// A step isn't taken.
    #[error(transparent)]
    Step(StepError),
    /// A component couldn't be run for reasons of this machine.
    #[error("the price can't be worked out just now; try again")]
    PricingUnavailable,
    /// The rules of the store can't be worked with. Clients learn nothing of why.
    #[error("the price can't be worked out just now; try again")]
    RulesUnavailable(#[source] RulesError),
    /// The plugin refuses a configuration.
    #[error("the plugin refuses the configuration: {}", sentence(.violations))]
    ConfigRefused {
        /// Each place that is wrong, in the plugin's words.
        violations: Vec<Violation>,
    },
    /// The plugin failed while it was asked something. Its author is told how.
    #[error("the plugin could not check the configuration: {problem}")]
    PluginFailed {
        /// How.
        problem: String,
    },
    /// An uploaded component can't be stored.
    #[error("the component is refused: {}", .checks.iter().map(|check| check.found.as_str()).collect::<Vec<_>>().join("; "))]
    ComponentRefused {
        /// What isn't as it should be.
        checks: Vec<Check>,
    },
    /// The store has a plugin of this name that implements another world.
    #[error("the store has `{name}` as a plugin of the world `{world}`; give this one another name")]
    PluginNameTaken {
        /// The name.
        name: String,
        /// The world of those that the store has.
        world: World,
    },
    /// The plugin has this version with other bytes.
    #[error("`{name}` has a version {version} with other bytes; raise the version that `describe` answers")]
    VersionTaken {
        /// The plugin.
        name: String,
        /// The version.
        version: String,
        /// The component that is known by it.
        digest: Digest,
    },
    /// Rules that were asked for can't be worked with here.
    #[error("the rules can't be worked with, so those before stay: {0}")]
    RulesUnusable(#[source] RulesError),
    /// The rulebook isn't what was published, or isn't there. The merchant is told the way out.
    #[error(
        "{0}; where it is the active one, make another active: POST /api/v1/admin/rulebooks/rollback, or \
         /api/v1/admin/rulebooks/{{number}}/activate with an older number"
    )]
    RulebookDamaged(#[source] RulesError),
    /// An installation that is switched off is to go on.
    #[error("the installation is in quarantine, because it failed too often: release it first")]
    InstallationQuarantined,
    /// An installation that isn't switched off is to be called back.
    #[error("the installation is not in quarantine")]
    NotQuarantined,
    /// The rulebook is the active one.
    #[error("rulebook {number} is active already")]
    RulebookActive {
        /// Its number.
        number: i64,
    },
    /// There is nothing to go back to.
    #[error("there is no rulebook before the active one")]
    NoEarlierRulebook,
    /// No rulebook is active yet.
    #[error("this store has no active rulebook yet")]
    NoRulebook,
    /// As many simulations wait as may.
    #[error("{MAX_QUEUED} simulations of this store wait already; cancel one, or wait until one has ended")]
    TooManySimulations,
    /// A simulation that has ended can't be stopped.
    #[error("the simulation is {state} already")]
    SimulationEnded {
        /// How far it has got.
        state: SimulationState,
    },
    /// Too many requests of a kind came from one side.
    #[error("too many requests of this kind; try again in {} s", whole_seconds(*.retry_after))]
    RateLimited {
        /// The kind.
        group: &'static str,
        /// After how long another one is allowed.
        retry_after: Duration,
    },
    /// The request took too long.
    #[error("the request took longer than the server allows; try again")]
    TimedOut,
    /// A change took too long. It may still be made.
    #[error(
        "the change took longer than the server allows, and may still be made: look at what it changes \
         (rules: GET /api/v1/admin/rulebooks/active) before you send it again"
    )]
    ChangeTimedOut,
    /// The server is at its limit.
    #[error("the server is busy; try again")]
    Busy,
    /// The store failed. Clients learn nothing of it.
    #[error(transparent)]
    Store(StoreError),
    /// Something that can't happen did. Clients learn nothing of it.
    #[error("{0}")]
    Internal(String),
}

/// Something that stands against ordering a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckoutRefusal {
    /// The line it is about; nothing where it is about the whole cart.
    #[serde(rename = "line_id")]
    pub line: Option<Id<LineItem>>,
    /// The reason, in words for the shopper.
    pub message: String,
}

/// What is wrong at one place of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) to the place; empty for the whole.
    pub pointer: String,
    /// What is expected there.
    pub detail: String,
}

impl Violation {
    /// What is expected at a place.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl Error {
    /// Whether what was asked for isn't there.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Shared(error) => error.is_not_found(),
            error => matches!(error, Self::NotFound { .. }),
        }
    }

    /// There is no such thing in this store.
    pub fn not_found<T: martlet_domain::Entity>() -> Self {
        Self::NotFound { entity: T::NAME }
    }

    /// A priced cart costs something else than the shopper agreed to.
    pub fn price_changed(expected: Money, priced: &PricedCart) -> Self {
        let quote = &priced.quote;
        let total = Money { minor_units: quote.totals.total, currency: quote.currency };
        match serde_json::to_value(QuoteBody::new(priced, Language::English)) {
            Ok(quote) => Self::PriceChanged { expected, total, quote },
            Err(error) => Self::Internal(format!("a quote can't be written: {error}")),
        }
    }

    /// A body with one place that is wrong.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::InvalidBody { violations: vec![Violation::new(pointer, detail)] }
    }
}

fn sentence(violations: &[Violation]) -> String {
    let words = |violation: &Violation| match violation.pointer.as_str() {
        "" => violation.detail.clone(),
        pointer => format!("{pointer} {}", violation.detail),
    };
    violations.iter().map(words).collect::<Vec<_>>().join("; ")
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        let pointer = match error {
            TokenError::NotOffered { .. } => "/payment/provider",
            TokenError::UnknownToken { .. } => "/payment/token",
        };
        Self::invalid(pointer, format!("is refused: {error}"))
    }
}

/// What can't go wrong.
impl From<std::convert::Infallible> for Error {
    fn from(error: std::convert::Infallible) -> Self {
        match error {}
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::PoolTimeout => Self::Busy,
            // Tried as often as makes sense: the rows are in demand.
            error if error.is_transient() => Self::Busy,
            StoreError::CursorMismatch => Self::MalformedCursor,
            StoreError::UnknownReference => Self::invalid("", "names something that is not in this store"),
            StoreError::OutOfBounds => {
                Self::invalid("", "has a value that is too long or too large to be stored")
            }
            error => Self::Store(error),
        }
    }
}
