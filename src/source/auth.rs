//! Tokens (F6): given ready, or minted from a client id and its secret.

use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use super::{Secret, SourceError};
use crate::clock::UtcTime;

/// Life of a minted token: some apps refuse more than an hour (F6); less, for a server whose clock is ahead.
const LIFETIME: Duration = Duration::from_mins(55);

/// A token with less than this left is not used any more, so that none expires on its way.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// How the client logs in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A ready JWT, sent as it is.
    Token(Secret),
    /// Tokens are minted.
    Key(Key),
}

/// What tokens are minted from (F6).
#[derive(Debug, Clone)]
pub struct Key {
    /// The claim `appId`, `cs-…`.
    pub client_id: String,
    /// Signs the tokens.
    pub client_secret: Secret,
    /// How it signs.
    pub algorithm: JwtAlgorithm,
    /// The claim `sub`; the client id where there is none.
    pub subject: Option<String>,
    /// Whether every request carries a token of its own with a `jti`, as some apps enforce.
    pub jti: bool,
}

/// Signature of minted tokens (F6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    Hs256,
    /// HMAC with SHA-512.
    Hs512,
}

impl FromStr for JwtAlgorithm {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text {
            "HS256" => Ok(Self::Hs256),
            "HS512" => Ok(Self::Hs512),
            _ => Err(SourceError::Setting { expected: "a JWT algorithm, `HS256` or `HS512`", found: text.to_owned() }),
        }
    }
}

impl From<JwtAlgorithm> for Algorithm {
    fn from(algorithm: JwtAlgorithm) -> Self {
        match algorithm {
            JwtAlgorithm::Hs256 => Self::HS256,
            JwtAlgorithm::Hs512 => Self::HS512,
        }
    }
}

impl Credentials {
    /// A token goes into a header: it must be visible ASCII. What was given is not repeated.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        let fits = |token: &Secret| !token.expose().is_empty() && token.expose().bytes().all(|b| b.is_ascii_graphic());
        match self {
            Self::Token(token) if !fits(token) => {
                Err(SourceError::Setting { expected: "a token of visible ASCII characters", found: token.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// The secret behind the tokens; errors repeat no text that holds it.
    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::Token(token) => token,
            Self::Key(key) => &key.client_secret,
        }
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    #[serde(rename = "appId")]
    app_id: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

impl Key {
    fn mint(&self, now: UtcTime) -> Secret {
        let claims = Claims {
            sub: self.subject.as_deref().unwrap_or(&self.client_id),
            app_id: &self.client_id,
            iat: now.seconds(),
            exp: now.plus(LIFETIME).seconds(),
            jti: self.jti.then(|| uuid::Uuid::now_v7().to_string()),
        };
        let key = EncodingKey::from_secret(self.client_secret.expose().as_bytes());
        let token = jsonwebtoken::encode(&Header::new(self.algorithm.into()), &claims, &key);
        Secret::new(token.expect("HMAC signs any text with any key"))
    }
}

/// The tokens of one client; one is shared by its requests until it is near its end.
#[derive(Debug)]
pub(super) struct Tokens {
    credentials: Credentials,
    current: Mutex<Current>,
}

#[derive(Debug, Default)]
struct Current {
    /// Shared by all requests, and the time at which it is renewed.
    token: Option<(Arc<Token>, UtcTime)>,
    /// Newest and oldest second that a token was issued at: two of one second would be one token, refused again.
    issued: Option<(i64, i64)>,
}

/// A token as requests share it.
#[derive(Debug)]
pub(super) struct Token {
    text: Secret,
    has_worked: AtomicBool,
}

impl Token {
    fn new(text: Secret) -> Arc<Self> {
        Arc::new(Self { text, has_worked: AtomicBool::new(false) })
    }

    pub(super) fn text(&self) -> &Secret {
        &self.text
    }

    /// Takes note that the server gave a page for it.
    pub(super) fn works(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
    }

    /// Whether the server ever gave a page for it: one that did and is refused has run out.
    pub(super) fn has_worked(&self) -> bool {
        self.has_worked.load(Ordering::Relaxed)
    }
}

impl Tokens {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self { credentials, current: Mutex::default() }
    }

    /// The token for one request that is sent now.
    pub(super) fn token(&self, now: UtcTime) -> Arc<Token> {
        let key = match &self.credentials {
            Credentials::Token(token) => return Token::new(token.clone()),
            Credentials::Key(key) if key.jti => return Token::new(key.mint(now)),
            Credentials::Key(key) => key,
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &current.token {
            Some((token, renew_at)) if now < *renew_at => Arc::clone(token),
            _ => {
                let token = Token::new(current.mint(key, now));
                let renew_at = now.plus(LIFETIME).minus(RENEW_BEFORE);
                current.token = Some((Arc::clone(&token), renew_at));
                token
            }
        }
    }

    /// Takes note that the server refused `token`; `true` where a new one can be minted. Of several requests
    /// that learn it of one token, the first makes room for the next token and the others leave that in place.
    pub(super) fn refused(&self, token: &Arc<Token>) -> bool {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.token.as_ref().is_some_and(|(shared, _)| Arc::ptr_eq(shared, token)) {
            current.token = None;
        }
        matches!(self.credentials, Credentials::Key(_))
    }

    pub(super) fn secret(&self) -> &Secret {
        self.credentials.secret()
    }
}

impl Current {
    /// A token that none was before, though minted within the same second: then it is issued a second before all others.
    fn mint(&mut self, key: &Key, now: UtcTime) -> Secret {
        let (newest, oldest) = self.issued.unwrap_or((i64::MIN, now.seconds()));
        let second = if now.seconds() > newest { now.seconds() } else { oldest - 1 };
        self.issued = Some((newest.max(second), oldest.min(second)));
        key.mint(UtcTime::from_seconds(second))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    fn key(jti: bool, algorithm: JwtAlgorithm) -> Key {
        let client_secret = Secret::new("hunter2");
        Key { client_id: "cs-1".into(), client_secret, algorithm, subject: None, jti }
    }

    fn claims(token: &Secret, algorithm: Algorithm) -> Value {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        let key = DecodingKey::from_secret(b"hunter2");
        jsonwebtoken::decode(token.expose(), &key, &validation).unwrap().claims
    }

    const NOW: UtcTime = UtcTime::from_seconds(1_800_000_000);

    #[test]
    fn a_minted_token_carries_the_claims_of_f6() {
        for (ours, theirs) in [(JwtAlgorithm::Hs256, Algorithm::HS256), (JwtAlgorithm::Hs512, Algorithm::HS512)] {
            let claims = claims(Tokens::new(Credentials::Key(key(false, ours))).token(NOW).text(), theirs);
            let expected =
                serde_json::json!({"sub": "cs-1", "appId": "cs-1", "iat": 1_800_000_000, "exp": 1_800_003_300});
            assert_eq!(claims, expected);
        }
    }

    #[test]
    fn a_subject_replaces_the_client_id_in_sub_alone() {
        let key = Key { subject: Some("someone".into()), ..key(false, JwtAlgorithm::Hs256) };
        let claims = claims(Tokens::new(Credentials::Key(key)).token(NOW).text(), Algorithm::HS256);
        assert_eq!((&claims["sub"], &claims["appId"]), (&"someone".into(), &"cs-1".into()));
    }

    #[test]
    fn with_jti_every_request_has_a_token_of_its_own() {
        let tokens = Tokens::new(Credentials::Key(key(true, JwtAlgorithm::Hs256)));
        let [one, two] = [tokens.token(NOW), tokens.token(NOW)].map(|token| claims(token.text(), Algorithm::HS256));
        assert!(one["jti"].is_string());
        assert_ne!(one["jti"], two["jti"]);
    }

    #[test]
    fn a_token_is_shared_and_renewed_before_it_expires() {
        let tokens = Tokens::new(Credentials::Key(key(false, JwtAlgorithm::Hs256)));
        let first = tokens.token(NOW);
        assert!(Arc::ptr_eq(&tokens.token(NOW.plus(Duration::from_mins(49))), &first));
        assert_ne!(tokens.token(NOW.plus(Duration::from_mins(50))).text(), first.text());
    }

    #[test]
    fn a_refused_token_is_replaced_once_for_all_who_used_it() {
        let tokens = Tokens::new(Credentials::Key(key(false, JwtAlgorithm::Hs256)));
        let first = tokens.token(NOW);
        assert!(tokens.refused(&first));
        let second = tokens.token(NOW);
        assert_ne!(second.text(), first.text());
        assert!(tokens.refused(&first));
        assert!(Arc::ptr_eq(&tokens.token(NOW.plus(Duration::from_secs(2))), &second));
        let mut seen = vec![first.text().clone(), second.text().clone()];
        for _ in 0..5 {
            assert!(tokens.refused(&tokens.token(NOW)));
            let next = tokens.token(NOW).text().clone();
            assert!(!seen.contains(&next));
            seen.push(next);
        }
        let given = Tokens::new(Credentials::Token(Secret::new("x")));
        assert!(!given.refused(&given.token(NOW)));
    }
}
