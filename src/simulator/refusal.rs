//! Answers that are no page: status, message and code in the API's shape (F7).

use axum::http::StatusCode;
use serde_json::json;

/// Why a request is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) code: u16,
    /// Seconds after which to ask again.
    pub(super) retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, code: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code, retry_after: None }
    }

    /// The token is missing, malformed, expired, used up or signed with another secret.
    pub(super) fn token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 4002, "Invalid JWT token")
    }

    /// The token names another client.
    pub(super) fn credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 4002, "Invalid SDK credentials")
    }

    /// The client may not read this stream.
    pub(super) fn scope() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 4002, "Permission denied. Scope is incorrect!")
    }

    /// The client may not read this account.
    pub(super) fn account() -> Self {
        Self::new(StatusCode::FORBIDDEN, 4003, "Permission denied. Account is not accessible")
    }

    /// A header, parameter or member of the body is missing or cannot be read.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 400, message)
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, 404, "Not found")
    }

    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, 405, "Method not allowed")
    }

    pub(super) fn too_many(retry_after: u64) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, 429, "Too many requests");
        Self { retry_after: Some(retry_after), ..refusal }
    }

    pub(super) fn body(&self) -> Vec<u8> {
        json!({"errors": [{"msg": self.message, "code": self.code}]}).to_string().into_bytes()
    }
}
