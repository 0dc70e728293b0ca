//! Which store a request means.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderName, header, request::Parts},
};
use martlet_domain::{catalog::Handle, settings::Store};

use crate::{error::Error, state::RequestRules, stores::Stores};

/// Names the store where the host name doesn't.
const STORE_HEADER: HeaderName = HeaderName::from_static("martlet-store");
/// Longest host name (RFC 1035).
const MAX_HOST: usize = 255;

/// The store that a request means: that of its host name, else that of its `Martlet-Store`
/// header, else the default store. A host name and a header that disagree are refused.
#[derive(Debug, Clone)]
pub struct CurrentStore(pub Store);

impl<S> FromRequestParts<S> for CurrentStore
where
    S: Send + Sync,
    Arc<Stores>: FromRef<S>,
    Arc<RequestRules>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let stores = Arc::<Stores>::from_ref(state);
        let header = named(&parts.headers)?;
        let hosted = match host(parts) {
            Some(host) => stores.by_host(&host).await?,
            None => None,
        };
        match (hosted, header) {
            (Some(store), Some(named)) if store.handle != named => Err(Error::StoreConflict),
            (Some(store), _) => Ok(Self(store)),
            (None, Some(named)) => find(&stores, &named).await,
            (None, None) => find(&stores, &Arc::<RequestRules>::from_ref(state).default_store).await,
        }
    }
}

async fn find(stores: &Stores, handle: &Handle) -> Result<CurrentStore, Error> {
    let store = stores.by_handle(handle).await?;
    store.map(CurrentStore).ok_or_else(|| Error::StoreNotFound { handle: handle.to_string() })
}

fn named(headers: &HeaderMap) -> Result<Option<Handle>, Error> {
    let malformed =
        || Error::MalformedHeader { header: "Martlet-Store", problem: "is the handle of one store" };
    let mut values = headers.get_all(STORE_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed());
    }
    let text = value.to_str().map_err(|_| malformed())?;
    text.trim().parse().map(Some).map_err(|_| malformed())
}

/// The host name without its port, in lower case; HTTP/2 has it in the URI.
fn host(parts: &Parts) -> Option<String> {
    let sent = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(|authority| authority.as_str()).or(sent)?;
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    (1..=MAX_HOST).contains(&name.len()).then_some(name)
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use crate::testing::{Answer, TestApp};

    /// Three stores with one product each, named like the store.
    async fn mall() -> TestApp {
        let app = TestApp::new().await;
        for (handle, hosts) in [("one", &["one.example", "ONE.example.org"]), ("two", &["two.example", "x"])]
        {
            let (_, key) = app.add_store(handle, hosts).await;
            let body = serde_json::json!({"handle": handle, "title": handle, "published": true});
            let request = app.request(Method::POST, "/api/v1/admin/products").key(&key);
            request.header("martlet-store", handle).json(&body).send().await.expect_status(201);
        }
        let body = serde_json::json!({"handle": "default", "title": "default", "published": true});
        app.admin_post("/api/v1/admin/products", body).await.expect_status(201);
        app
    }

    async fn ask(app: &TestApp, headers: &[(&'static str, &str)]) -> Answer {
        let request = app.request(Method::GET, "/api/v1/products");
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
    }

    #[tokio::test]
    async fn the_host_wins_then_the_header_then_the_default_store() {
        let app = mall().await;
        let cases: [(&[(&str, &str)], &str); 9] = [
            (&[], "default"),
            (&[("host", "localhost:8080")], "default"),
            (&[("host", "one.example")], "one"),
            (&[("host", "One.Example:443")], "one"),
            (&[("host", "one.example.org.")], "one"),
            (&[("host", "two.example"), ("martlet-store", "two")], "two"),
            (&[("host", "elsewhere"), ("martlet-store", "two")], "two"),
            (&[("host", "[::1]:80"), ("martlet-store", " one ")], "one"),
            (&[("martlet-store", "default")], "default"),
        ];
        for (headers, expected) in cases {
            let answer = ask(&app, headers).await.expect_status(200);
            assert_eq!(answer.body["items"][0]["handle"], expected, "{headers:?}");
            assert_eq!(answer.body["items"].as_array().unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn contradictions_and_unknown_stores_are_problems() {
        let app = mall().await;
        let conflict = ask(&app, &[("host", "one.example"), ("martlet-store", "two")]).await;
        conflict.expect_problem(400, "store_conflict");
        // Even where there is no store of that name.
        ask(&app, &[("host", "one.example"), ("martlet-store", "nowhere")])
            .await
            .expect_problem(400, "store_conflict");
        let unknown = ask(&app, &[("martlet-store", "nowhere")]).await.expect_problem(404, "store_not_found");
        assert_eq!(unknown.body["store"], "nowhere");
        for value in ["", "A B", "one,two", "\u{e9}"] {
            ask(&app, &[("martlet-store", value)]).await.expect_problem(400, "malformed_header");
        }
        let twice = ask(&app, &[("martlet-store", "one"), ("martlet-store", "one")]).await;
        twice.expect_problem(400, "malformed_header");
    }
}
