//! `GET /api/v1/admin/orders`: the store's orders.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use martlet_domain::{
    Id,
    customer::Customer,
    order::{Order, OrderNumber, OrderStatus},
};
use martlet_store::{Db, OrderQuery};
use serde::{Deserialize, Deserializer};

use crate::{
    api::{
        order::{OrderBody, stepped},
        page::{Limit, Page, decode_cursor, encode_cursor},
    },
    error::Error,
    extract::{Json, Path, Query, Staff},
    idempotency,
    orders::Orders,
};

/// What names an order in a path: its id or its number.
#[derive(Debug, Clone)]
pub enum OrderName {
    /// Its id.
    Id(Id<Order>),
    /// Its number.
    Number(OrderNumber),
}

impl<'de> Deserialize<'de> for OrderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = text.parse().map(Self::Id).ok();
        id.or_else(|| text.parse().map(Self::Number).ok()).ok_or_else(|| {
            serde::de::Error::custom(
                "an order is named by its id, which is a UUID, or its number, such as 7K3M-9QXP",
            )
        })
    }
}

/// Which orders.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct OrderParameters {
    /// Only those in this status: `pending_payment`, `paid`, `partly_fulfilled`, `fulfilled`,
    /// `completed`, `partly_refunded`, `refunded` or `cancelled`.
    #[param(value_type = Option<String>)]
    pub status: Option<OrderStatus>,
    /// Only those of this customer.
    #[param(value_type = Option<Uuid>)]
    pub customer_id: Option<Id<Customer>>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Items on a page; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Limit,
}

/// All orders, those placed last first, page by page.
#[utoipa::path(get, path = "/api/v1/admin/orders", tag = "admin", operation_id = "admin_list_orders",
    params(OrderParameters), security(("api_key" = ["orders:read"])),
    responses(
        (status = 200, description = "A page of orders", body = Page<OrderBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = crate::problem::Problem),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    Query(parameters): Query<OrderParameters>,
) -> Result<Json<Page<OrderBody>>, Error> {
    let before = parameters.cursor.as_deref().map(decode_cursor).transpose()?;
    let query = OrderQuery { status: parameters.status, customer: parameters.customer_id, before };
    let page = db.list_orders(staff.store.id, &query, parameters.limit.get()).await?;
    let items = page.orders.iter().map(OrderBody::from).collect();
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(encode_cursor).transpose()? }))
}

/// An order.
#[utoipa::path(get, path = "/api/v1/admin/orders/{id}", tag = "admin", operation_id = "admin_get_order",
    params(("id" = String, Path, description = "Id of the order, or its number as people write it")),
    security(("api_key" = ["orders:read"])),
    responses(
        (status = 200, description = "The order", body = OrderBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(
    staff: Staff,
    State(orders): State<Arc<Orders>>,
    State(db): State<Db>,
    Path(name): Path<OrderName>,
) -> Result<Response, Error> {
    let order = match name {
        OrderName::Id(id) => orders.find(staff.store.id, id).await?,
        OrderName::Number(number) => {
            let found = db.find_order_by_number(staff.store.id, &number).await?;
            found.ok_or_else(Error::not_found::<Order>)?
        }
    };
    Ok(idempotency::respond(stepped(&order)))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use martlet_domain::customer::{Customer, CustomerFacts};
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    const PATH: &str = "/api/v1/admin/orders";

    /// Three orders, placed in this order: paid, declined, paid by a customer, whose id it is.
    async fn orders() -> (TestApp, Vec<String>, String) {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        app.variant(&product, "MUG", "S", 10).await;
        let customer = Customer {
            id: app.state.world.ids.next(app.clock.now()),
            email: "ann@example.com".to_owned(),
            facts: CustomerFacts::default(),
            created_at: app.clock.now(),
        };
        app.state.db.insert_customer(app.store.id, &customer).await.unwrap();
        let customer = customer.id.to_string();
        let mut numbers = Vec::new();
        for (token, buyer) in [("tok_approve", None), ("tok_decline", None), ("tok_approve", Some(&customer))]
        {
            let cart = app.cart(&[("MUG", 1)]).await;
            let total = app.total(&cart).await;
            if let Some(customer) = buyer {
                let path = format!("/api/v1/carts/{cart}/customer");
                let request = app.request(Method::PUT, &path).key(&app.key);
                request.json(&json!({"customer_id": customer})).send().await.expect_status(200);
            }
            let answer = app.checkout(&cart, "k", total, token).key(&app.key).send().await;
            let number = answer.body.get("number").or(answer.body.get("order_number")).unwrap();
            numbers.push(number.as_str().unwrap().to_owned());
        }
        (app, numbers, customer)
    }

    fn numbers(page: &Value) -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|order| order["number"].as_str().unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn orders_are_listed_those_placed_last_first() {
        let (app, placed, _) = orders().await;
        let [first, second, third] = &placed[..] else { panic!("three orders") };
        let page = app.admin_get(&format!("{PATH}?limit=2")).await.expect_status(200).body;
        assert_eq!(numbers(&page), [third.as_str(), second]);
        let cursor = page["next_cursor"].as_str().unwrap();
        let rest = app.admin_get(&format!("{PATH}?limit=2&cursor={cursor}")).await.expect_status(200).body;
        assert_eq!((numbers(&rest), &rest["next_cursor"]), (vec![first.clone()], &Value::Null));
        let (_, key) = app.add_store("other", &[]).await;
        let other = app.request(Method::GET, PATH).key(&key).header("martlet-store", "other").send().await;
        assert_eq!(other.expect_status(200).body, json!({"items": [], "next_cursor": null}));
    }

    #[tokio::test]
    async fn a_list_can_be_narrowed_and_says_what_it_does_not_know() {
        let (app, placed, customer) = orders().await;
        let found = async |query: &str| {
            numbers(&app.admin_get(&format!("{PATH}?{query}")).await.expect_status(200).body)
        };
        assert_eq!(found("status=cancelled").await, [placed[1].as_str()]);
        assert_eq!(found("status=paid&limit=1").await, [placed[2].as_str()]);
        assert_eq!(found("status=refunded").await, [""; 0]);
        assert_eq!(found(&format!("customer_id={customer}")).await, [placed[2].as_str()]);
        assert_eq!(found(&format!("customer_id={customer}&status=cancelled")).await, [""; 0]);
        for query in
            ["status=lost", "status=Paid", "status=", "customer_id=x", "limit=0", "limit=101", "sort=total"]
        {
            app.admin_get(&format!("{PATH}?{query}")).await.expect_problem(400, "malformed_query");
        }
        for cursor in ["x", "e30", "IjEi"] {
            let page = app.admin_get(&format!("{PATH}?cursor={cursor}")).await;
            page.expect_problem(400, "malformed_cursor");
        }
    }

    #[tokio::test]
    async fn an_order_is_found_by_its_id_and_by_its_number_as_people_write_it() {
        let (app, placed, customer) = orders().await;
        let number = &placed[2];
        let order = app.admin_get(&format!("{PATH}/{number}")).await.expect_status(200);
        assert_eq!((&order.body["number"], order.header("etag")), (&json!(number), "\"2\""));
        assert_eq!((&order.body["customer_id"], &order.body["email"]), (&json!(customer), &Value::Null));
        let id = order.body["id"].as_str().unwrap();
        for name in [id.to_owned(), number.replace('-', ""), number.to_lowercase()] {
            assert_eq!(app.admin_get(&format!("{PATH}/{name}")).await.expect_status(200).body, order.body);
        }
        for name in ["0000-0000", "00000000-0000-7000-8000-000000000000"] {
            app.admin_get(&format!("{PATH}/{name}")).await.expect_problem(404, "not_found");
        }
        for name in ["7K3M", "7K3M-9QXU", "order"] {
            app.admin_get(&format!("{PATH}/{name}")).await.expect_problem(400, "malformed_id");
        }
    }
}
