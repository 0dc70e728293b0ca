//! Requests to an engine.

use serde_json::Value;
use ureq::{
    Agent, Body,
    http::{Response, StatusCode},
};

use crate::Engine;

/// What the engine answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body; a string where it isn't JSON.
    pub body: Value,
    /// The body as it came.
    pub raw: String,
}

/// A client for each thread, which keeps its connection as browsers do.
fn agent() -> Agent {
    thread_local! {
        static AGENT: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
    }
    AGENT.with(Agent::clone)
}

impl Engine {
    /// The answer to a GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    /// The answer to a POST of JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(&body.to_string()))
    }

    /// The answer to any request; a body is declared as JSON unless the headers say otherwise.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let answer = self.ask(method, path, headers, body);
        answer.unwrap_or_else(|error| panic!("{method} {path} has no answer: {error}"))
    }

    /// The same; nothing where the engine ended before it answered.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Option<Answer> {
        self.ask(method, path, headers, body).ok()
    }

    /// The answer to the upload of a component.
    #[track_caller]
    pub fn upload(&self, key: &str, bytes: &[u8]) -> Answer {
        let request = ureq::http::Request::builder()
            .method("POST")
            .uri(format!("{}/api/v1/admin/plugins", self.base))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/wasm");
        let answered = agent().run(request.body(bytes.to_vec()).expect("a request"));
        Answer::read(answered.expect("an answer")).expect("a whole answer")
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = match body {
            Some(body) => agent().run(request.body(body.to_owned()).expect("a request")),
            None => agent().run(request.body(()).expect("a request")),
        };
        Answer::read(answered?)
    }
}

impl Answer {
    fn read(mut response: Response<Body>) -> Result<Self, ureq::Error> {
        let text = response.body_mut().read_to_string()?;
        let headers = response.headers().iter();
        Ok(Self {
            status: StatusCode::as_u16(&response.status()),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                .collect(),
            body: serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone())),
            raw: text,
        })
    }

    /// A header's value; empty where it isn't there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Itself, if the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// Itself, if it is a whole problem of this status and code, and tells nothing of the inside.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:#?}");
        assert_eq!(answer.body["code"], code, "{answer:#?}");
        assert_eq!(answer.body["type"], format!("https://martlet.dev/problems/{}", code.replace('_', "-")));
        let text = answer.body.to_string();
        for inside in ["sqlx", "SELECT", "panicked", ".rs", "::"] {
            assert!(!text.contains(inside), "{text} tells of the inside: {inside}");
        }
        answer
    }

    /// A text of the body.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no text at {pointer}: {self:#?}"))
    }
}
