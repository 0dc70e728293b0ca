//! `/api/v1/admin/coupons`: the store's coupons.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Id,
    coupon::{Coupon, CouponCode},
    plugin::{Installation, World},
    quote::Class,
    settings::Store,
};
use martlet_plugin_host::Host;
use martlet_store::{Db, StoreError, Unique};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    api::{
        page::{Limit, Page, decode_cursor, encode_cursor},
        text::Violations,
        time::Time,
    },
    clock::Clock,
    error::Error,
    extract::{Json, Query, Staff},
    ids::Ids,
    plugins,
    price_cart::turns::Turns,
    rules::MAX_CONFIG,
};

/// Most uses that can be asked for.
const MAX_LIMIT: i64 = 1_000_000_000;

/// A coupon as merchants see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CouponBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Coupon>,
    /// Counts changes, from 1. `If-Match` takes it in quotes.
    pub version: i64,
    /// What the merchant said of it.
    #[serde(flatten)]
    pub content: CouponContent,
    /// What its discounts can act on, as its plugin says.
    #[schema(value_type = Vec<String>)]
    pub classes: Vec<Class>,
}

/// What a merchant says of a coupon.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponContent {
    /// What shoppers type: trimmed, NFKC, upper case. Unique in the store.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    pub code: CouponCode,
    /// Id of the installation of a coupon plugin, which decides what the coupon gives.
    #[schema(value_type = Uuid)]
    pub installation: Id<Installation>,
    /// The plugin's configuration of this coupon, checked by the plugin.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    /// Whether it can be used at all.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Not before.
    pub starts_at: Option<Time>,
    /// Not from then on.
    pub ends_at: Option<Time>,
    /// Most orders in all.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub total_limit: Option<i64>,
    /// Most orders of one customer.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub per_customer_limit: Option<i64>,
}

fn enabled() -> bool {
    true
}

/// Which page.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Items on a page; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Limit,
}

impl TryFrom<Coupon> for CouponBody {
    type Error = Error;

    fn try_from(coupon: Coupon) -> Result<Self, Error> {
        let config = serde_json::from_str(&coupon.config).map_err(|error| {
            Error::Internal(format!("the configuration of coupon {}: {error}", coupon.id))
        })?;
        Ok(Self {
            id: coupon.id,
            version: coupon.version,
            content: CouponContent {
                code: coupon.code,
                installation: coupon.installation,
                config,
                enabled: coupon.enabled,
                starts_at: coupon.starts_at.map(Time),
                ends_at: coupon.ends_at.map(Time),
                total_limit: coupon.total_limit,
                per_customer_limit: coupon.per_customer_limit,
            },
            classes: coupon.classes,
        })
    }
}

/// All coupons, those made last first, page by page.
#[utoipa::path(get, path = "/api/v1/admin/coupons", tag = "admin", operation_id = "admin_list_coupons",
    params(PageParameters), security(("api_key" = ["coupons:read"])),
    responses(
        (status = 200, description = "A page of coupons", body = Page<CouponBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = crate::problem::Problem),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<Page<CouponBody>>, Error> {
    let after = parameters.cursor.as_deref().map(decode_cursor).transpose()?;
    let page = db.list_coupons(staff.store.id, after, parameters.limit.get()).await?;
    let items = page.coupons.into_iter().map(CouponBody::try_from).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(encode_cursor).transpose()? }))
}

/// Makes a coupon.
#[utoipa::path(post, path = "/api/v1/admin/coupons", tag = "admin", operation_id = "admin_create_coupon",
    request_body = CouponContent, security(("api_key" = ["coupons:write"])),
    responses(
        (status = 201, description = "The coupon", body = CouponBody,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its address"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 409, description = "`code_taken`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`, `config_refused` or `plugin_failed`",
            body = crate::problem::Problem)))]
pub async fn create(
    staff: Staff,
    State(db): State<Db>,
    State(host): State<Arc<Host>>,
    State(turns): State<Turns>,
    State(clock): State<Clock>,
    State(ids): State<Ids>,
    Json(content): Json<CouponContent>,
) -> Result<Response, Error> {
    let coupon = content.checked(&db, (&host, &turns), &staff.store, ids.next(clock.now())).await?;
    db.insert_coupon(staff.store.id, &coupon).await.map_err(|error| taken(error, &coupon))?;
    let location = format!("/api/v1/admin/coupons/{}", coupon.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer(coupon)?).into_response())
}

/// A coupon with its version as ETag.
pub fn answer(coupon: Coupon) -> Result<Response, Error> {
    let etag = format!("\"{}\"", coupon.version);
    Ok(([(header::ETAG, etag)], Json(CouponBody::try_from(coupon)?)).into_response())
}

/// What a refusal of the store means for a coupon.
pub fn taken(error: StoreError, coupon: &Coupon) -> Error {
    match error {
        StoreError::Conflict(Unique::CouponCode) => Error::CodeTaken { code: coupon.code.clone() },
        error => error.into(),
    }
}

impl CouponContent {
    /// The coupon that comes of it, at version 1, or every place where it is wrong. The plugin
    /// is asked last.
    pub async fn checked(
        self,
        db: &Db,
        (host, turns): (&Arc<Host>, &Turns),
        store: &Store,
        id: Id<Coupon>,
    ) -> Result<Coupon, Error> {
        let config = Value::Object(self.config.clone()).to_string();
        let mut wrong = Violations::default();
        wrong.expect(config.len() <= MAX_CONFIG, "/config", format!("must be at most {MAX_CONFIG} bytes"));
        let window = self.starts_at.zip(self.ends_at).is_none_or(|(start, end)| start < end);
        wrong.expect(window, "/ends_at", "must be after starts_at");
        for (pointer, limit) in
            [("/total_limit", self.total_limit), ("/per_customer_limit", self.per_customer_limit)]
        {
            let fits = limit.is_none_or(|limit| (1..=MAX_LIMIT).contains(&limit));
            wrong.expect(fits, pointer, format!("must be 1 to {MAX_LIMIT}"));
        }
        let installation = db.find_installation(store.id, self.installation).await?;
        let installation = installation.filter(|installation| installation.world == World::Coupon);
        let known = installation.is_some();
        wrong.expect(known, "/installation", "must be an installation of a coupon plugin in this store");
        wrong.finish()?;
        let classes = match installation {
            Some(installation) => {
                let component = plugins::component(db, host, installation.component).await?;
                let version = db.find_plugin_version(store.id, installation.component).await?;
                let gone = || Error::Internal("an installation's version is gone".to_owned());
                let schema = version.ok_or_else(gone)?.description.config_schema;
                plugins::check_config(turns, store.id, component, schema, config.clone()).await?
            }
            None => Vec::new(),
        };
        Ok(Coupon {
            id,
            code: self.code,
            installation: self.installation,
            config,
            classes,
            enabled: self.enabled,
            starts_at: self.starts_at.map(|time| time.0),
            ends_at: self.ends_at.map(|time| time.0),
            total_limit: self.total_limit,
            per_customer_limit: self.per_customer_limit,
            version: 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use martlet_domain::plugin::World;
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    const PATH: &str = "/api/v1/admin/coupons";

    #[tokio::test]
    async fn a_coupon_is_made_and_its_plugin_says_what_it_acts_on() {
        let app = TestApp::new().await;
        let installation = app.install(World::Coupon).await;
        let body = json!({
            "code": " summer10 ", "installation": installation.id, "config": {"percent": 10},
            "starts_at": "2026-03-01T09:00:00+09:00", "ends_at": "2026-04-01T00:00:00Z",
            "total_limit": 100, "per_customer_limit": 1,
        });
        let answer = app.admin_post(PATH, body).await.expect_status(201);
        let id = answer.body["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("{PATH}/{id}"));
        assert_eq!(answer.header("etag"), "\"1\"");
        let expected = json!({
            "id": id, "version": 1, "code": "SUMMER10", "installation": installation.id,
            "config": {"percent": 10}, "classes": ["order"], "enabled": true,
            "starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z",
            "total_limit": 100, "per_customer_limit": 1,
        });
        assert_eq!(answer.body, expected);
        assert_eq!(app.admin_get(&format!("{PATH}/{id}")).await.expect_status(200).body, expected);
    }

    #[tokio::test]
    async fn coupons_are_paged_those_made_last_first() {
        let app = TestApp::new().await;
        let installation = app.install(World::Coupon).await;
        for code in ["A", "B", "C"] {
            let body = json!({"code": code, "installation": installation.id, "config": {"percent": 1}});
            app.admin_post(PATH, body).await.expect_status(201);
        }
        let codes = |body: &Value| {
            let items = body["items"].as_array().unwrap().iter();
            items.map(|item| item["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let first = app.admin_get(&format!("{PATH}?limit=2")).await.expect_status(200).body;
        assert_eq!(codes(&first), ["C", "B"]);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = app.admin_get(&format!("{PATH}?limit=2&cursor={cursor}")).await.expect_status(200).body;
        assert_eq!((codes(&second), &second["next_cursor"]), (vec!["A".to_owned()], &Value::Null));
        app.admin_get(&format!("{PATH}?cursor=x")).await.expect_problem(400, "malformed_cursor");
    }

    #[tokio::test]
    async fn the_plugin_has_the_last_word_on_a_configuration() {
        let app = TestApp::new().await;
        let installation = app.install(World::Coupon).await;
        let with = async |config: Value| {
            app.admin_post(PATH, json!({"code": "A", "installation": installation.id, "config": config}))
                .await
        };
        let refused = with(json!({})).await.expect_problem(422, "config_refused");
        assert_eq!(refused.violation(), ("/config/percent", "is missing"));
        with(json!({"percent": "x".repeat(200)})).await.expect_problem(422, "plugin_failed");
        assert_eq!(app.admin_get(PATH).await.body["items"], json!([]));
    }

    #[tokio::test]
    async fn codes_are_unique_and_everything_is_bounded() {
        let app = TestApp::builder().body_limit(1 << 20).build().await;
        let installation = app.install(World::Coupon).await;
        let promotion = app.install(World::Promotion).await;
        let body = json!({"code": "a", "installation": installation.id, "config": {"percent": 1}});
        app.admin_post(PATH, body.clone()).await.expect_status(201);
        let taken = app.admin_post(PATH, body.clone()).await.expect_problem(409, "code_taken");
        assert_eq!(taken.body["coupon_code"], "A");
        let cases = [
            ("code", json!(" "), "/code"),
            ("installation", json!("00000000-0000-0000-0000-000000000000"), "/installation"),
            ("installation", json!(promotion.id), "/installation"),
            ("config", json!([]), "/config"),
            ("config", json!({"x": "x".repeat(64 << 10)}), "/config"),
            ("starts_at", json!("tomorrow"), "/starts_at"),
            ("ends_at", json!("2026-01-01T00:00:00Z"), "/ends_at"),
            ("total_limit", json!(0), "/total_limit"),
            ("per_customer_limit", json!(1_000_000_001), "/per_customer_limit"),
            ("discount", json!(5), "/discount"),
        ];
        for (member, value, pointer) in cases {
            let mut body = json!({"code": "b", "installation": installation.id, "config": {"percent": 1},
                "starts_at": "2026-02-01T00:00:00Z"});
            body[member] = value;
            let answer = app.admin_post(PATH, body).await.expect_problem(422, "invalid_body");
            assert_eq!(answer.violation().0, pointer);
        }
    }
}
