//! `POST /api/v1/customers`: who wants to be a customer.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use martlet_domain::customer::{Customer, CustomerFacts};
use martlet_store::{Db, StoreError, Unique};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::text::{Violations, email_address},
    auth::{Auth, Password},
    clock::Clock,
    error::Error,
    extract::{CurrentStore, Json},
    ids::Ids,
    limits::Tally,
    problem::Problem,
    secret::Secret,
};

/// Whoever wants to be a customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// Their e-mail address.
    #[schema(example = "jo@example.com", max_length = 254)]
    email: String,
    /// What they will sign in with: any characters, not the e-mail address.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 200)]
    password: Secret,
}

/// What is answered to everybody who registers.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisteredBody {
    /// `accepted`, whether or not the address is new.
    status: &'static str,
}

/// Registers a customer, who signs in afterwards.
///
/// An address that is taken is answered like a new one, and nothing changes: the answer must not tell who
/// is a customer here.
#[utoipa::path(
    post, path = "/api/v1/customers", tag = "storefront", operation_id = "registerCustomer",
    request_body = RegisterRequest,
    responses(
        (status = 202, description = "Accepted, or there already: sign in", body = RegisteredBody),
        (status = 422, description = "`invalid_body`: not an e-mail address, or not a password", body = Problem),
        (status = 503, description = "`busy`", body = Problem),
    )
)]
pub async fn register(
    CurrentStore(store): CurrentStore,
    State(db): State<Db>,
    State(auth): State<Arc<Auth>>,
    State(clock): State<Clock>,
    State(ids): State<Ids>,
    tally: Tally,
    Json(request): Json<RegisterRequest>,
) -> Result<(StatusCode, Json<RegisteredBody>), Error> {
    let (email, password) = request.checked()?;
    tally.account(store.id, &email).await?;
    // Hashed whether or not the address is taken, so that both take as long.
    let hash = auth.passwords.hash(password, ids.bytes()).await?;
    let now = clock.now();
    let customer = Customer { id: ids.next(now), email, facts: CustomerFacts::default(), created_at: now };
    match db.register_customer(store.id, &customer, &hash).await {
        Ok(()) => tracing::info!(customer = %customer.id, "a customer registered"),
        Err(StoreError::Conflict(Unique::CustomerEmail)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok((StatusCode::ACCEPTED, Json(RegisteredBody { status: "accepted" })))
}

impl RegisterRequest {
    fn checked(self) -> Result<(String, Password), Error> {
        let mut wrong = Violations::default();
        let email = email_address(&self.email).unwrap_or_default();
        wrong.expect(!email.is_empty(), "/email", "must be an e-mail address");
        let password =
            Password::chosen(&self.password, &email).map_err(|detail| wrong.add("/password", detail));
        match (wrong.finish(), password) {
            (Ok(()), Ok(password)) => Ok((email, password)),
            (Err(error), _) => Err(error),
            // What is wrong with the password was noted.
            (Ok(()), Err(())) => Err(Error::invalid("/password", "must be a password")),
        }
    }
}

#[cfg(test)]
mod tests;
