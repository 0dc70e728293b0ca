//! Making and reading carts.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Id,
    cart::{Address, Cart},
    catalog::Sku,
    coupon::CouponCode,
    money::Currency,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{cart_lines::LineRequest, money::MoneyBody, time::Time},
    carts::{CartView, Carts, Change},
    error::Error,
    extract::{Caller, Json, Path},
    problem::Problem,
};

/// A new cart. Everything is optional, and all of it holds or the cart isn't made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCartRequest {
    /// ISO 4217; the store's default where it is left out. It never changes.
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    /// What it starts with.
    #[serde(default)]
    lines: Vec<LineRequest>,
    /// Coupon codes to put on it.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["WELCOME10"]))]
    coupons: Vec<CouponCode>,
}

/// A cart. What it costs is in its quote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cart)]
pub struct CartBody {
    /// Whoever knows it may use the cart while it has no customer.
    id: Uuid,
    /// Counts changes; the ETag.
    version: i64,
    /// ISO 4217.
    currency: String,
    /// The customer it is bound to, who alone may use it, signed in, beside the merchant.
    customer_id: Option<Uuid>,
    /// A guest's e-mail address.
    email: Option<String>,
    /// Where the goods go.
    shipping_address: Option<AddressBody>,
    /// The chosen shipping method.
    shipping_method: Option<String>,
    /// What is bought.
    lines: Vec<LineBody>,
    /// Codes of its coupons.
    coupons: Vec<String>,
    /// The order it has become. While it is one, it can't be changed.
    order_id: Option<Uuid>,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

/// A line of a cart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartLine)]
pub struct LineBody {
    /// Its id.
    id: Uuid,
    /// What is bought.
    variant_id: Uuid,
    /// Its stock-keeping unit; null where the variant is gone.
    #[schema(value_type = Option<String>)]
    sku: Option<Sku>,
    /// What shoppers call it.
    title: Option<String>,
    /// How many.
    quantity: u32,
    /// The price of one in the price list.
    unit_price: Option<MoneyBody>,
}

/// Where goods go.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Address)]
pub struct AddressBody {
    /// Who receives.
    pub name: String,
    /// Street and number, and what else there is: 1 to 4 lines.
    pub lines: Vec<String>,
    /// City.
    pub city: String,
    /// Postal code, where the country has them.
    pub postal_code: Option<String>,
    /// ISO 3166-2 subdivision without the country, such as `CA`.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2, such as `KR`.
    #[schema(example = "KR")]
    pub country: String,
}

/// Makes a cart. A signed-in customer's is theirs: nobody else but the merchant can use it.
#[utoipa::path(
    post, path = "/api/v1/carts", tag = "storefront", operation_id = "createCart",
    security((), ("customer" = []), ("api_key" = [])),
    request_body = CreateCartRequest,
    responses(
        (status = 201, description = "The cart", body = CartBody),
        (status = 409, description = "Not enough in stock", body = Problem),
        (status = 422, description = "Unknown SKU, bad quantity, other currency, coupon that can't be used", body = Problem),
    )
)]
pub async fn create(
    caller: Caller,
    State(carts): State<Carts>,
    Json(request): Json<CreateCartRequest>,
) -> Result<Response, Error> {
    let lines =
        request.lines.into_iter().enumerate().map(|(index, line)| line.change(&format!("/lines/{index}")));
    let mut changes = lines.collect::<Result<Vec<Change>, Error>>()?;
    changes.extend(request.coupons.into_iter().map(Change::AddCoupon));
    let cart = carts.create(&caller, request.currency, &changes).await?;
    let location = format!("/api/v1/carts/{}", cart.id);
    let mut response = answer(&carts, caller.store.id, cart).await?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A cart.
#[utoipa::path(
    get, path = "/api/v1/carts/{id}", tag = "storefront", operation_id = "getCart",
    security((), ("customer" = []), ("api_key" = [])),
    params(("id" = Uuid, Path, description = "The cart")),
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "No such cart, or somebody else's", body = Problem),
    )
)]
pub async fn get(
    caller: Caller,
    State(carts): State<Carts>,
    Path(id): Path<Id<Cart>>,
) -> Result<Response, Error> {
    let cart = carts.find(&caller, id).await?;
    answer(&carts, caller.store.id, cart).await
}

/// Answers a cart with its version as the ETag. Carts are nobody else's business, so no cache
/// keeps them.
pub async fn answer(
    carts: &Carts,
    store: Id<martlet_domain::settings::Store>,
    cart: Cart,
) -> Result<Response, Error> {
    let view = carts.view(store, cart).await?;
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", view.cart.version)) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((headers, Json(CartBody::from(view))).into_response())
}

impl From<CartView> for CartBody {
    fn from(CartView { cart, offers, coupons }: CartView) -> Self {
        let lines = cart.lines.iter().map(|line| {
            let offer = offers.get(&line.variant);
            LineBody {
                id: line.id.uuid(),
                variant_id: line.variant.uuid(),
                sku: offer.map(|offer| offer.variant.sku.clone()),
                title: offer.map(title),
                quantity: line.quantity,
                unit_price: offer
                    .and_then(|offer| offer.variant.price(cart.currency))
                    .map(|price| MoneyBody::new(price.amount, cart.currency)),
            }
        });
        Self {
            id: cart.id.uuid(),
            version: cart.version,
            currency: cart.currency.to_string(),
            customer_id: cart.customer.map(Id::uuid),
            email: cart.email.clone(),
            lines: lines.collect(),
            coupons: coupons.iter().map(ToString::to_string).collect(),
            order_id: cart.order.map(Id::uuid),
            created_at: Time(cart.created_at),
            updated_at: Time(cart.updated_at),
            shipping_address: cart.shipping_address.map(AddressBody::from),
            shipping_method: cart.shipping_method.map(|method| method.to_string()),
        }
    }
}

/// What shoppers call a variant: its product's title and what tells it from its siblings.
pub fn title(offer: &martlet_store::Offer) -> String {
    match offer.variant.title.as_str() {
        "" => offer.product.title.clone(),
        variant => format!("{}, {variant}", offer.product.title),
    }
}

impl From<Address> for AddressBody {
    fn from(address: Address) -> Self {
        let Address { name, lines, city, postal_code, region, country } = address;
        Self { name, lines, city, postal_code, region, country }
    }
}
