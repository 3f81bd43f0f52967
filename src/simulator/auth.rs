//! Who asks: the check of the token (F6).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::Deserialize;
use serde_json::json;

use super::refusal::Refusal;
use super::settings::SimulatorSettings;

/// Seconds by which clocks may differ.
const LEEWAY_SECONDS: i64 = 60;
/// Longest life of a token that carries a `jti`.
const JTI_LIFE_SECONDS: i64 = 3_600;

/// Checks tokens and remembers those that may be used once only.
pub(super) struct Gate {
    key: DecodingKey,
    validation: Validation,
    client_id: String,
    require_jti: bool,
    /// Every `jti` seen, with the end of its token's life.
    used: Mutex<HashMap<String, i64>>,
}

impl SimulatorSettings {
    /// A token that passes and never ends, for trying by hand; refused where a `jti` is required.
    pub fn token(&self) -> String {
        let claims = json!({"sub": self.client_id, "appId": self.client_id});
        let key = EncodingKey::from_secret(self.client_secret.as_bytes());
        encode(&Header::new(Algorithm::HS256), &claims, &key).expect("claims of text can be signed with any secret")
    }
}

#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "appId")]
    app_id: Option<String>,
    exp: Option<i64>,
    iat: Option<i64>,
    jti: Option<String>,
}

impl Gate {
    pub(super) fn new(settings: &SimulatorSettings) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.algorithms = vec![Algorithm::HS256, Algorithm::HS512];
        validation.set_required_spec_claims::<&str>(&[]);
        // Times are compared below, against one clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self {
            key: DecodingKey::from_secret(settings.client_secret.as_bytes()),
            validation,
            client_id: settings.client_id.clone(),
            require_jti: settings.require_jti,
            used: Mutex::default(),
        }
    }

    /// Lets a token pass: the raw value of the header `auth`.
    pub(super) fn pass(&self, token: Option<&str>) -> Result<(), Refusal> {
        let now = Timestamp::now().as_second();
        let token = token.ok_or_else(Refusal::token)?;
        let claims = decode::<Claims>(token, &self.key, &self.validation).map_err(|_| Refusal::token())?.claims;
        let expired = claims.exp.is_some_and(|exp| exp + LEEWAY_SECONDS < now);
        let from_the_future = claims.iat.is_some_and(|iat| iat > now + LEEWAY_SECONDS);
        if expired || from_the_future {
            return Err(Refusal::token());
        }
        if claims.app_id.as_deref() != Some(self.client_id.as_str()) {
            return Err(Refusal::credentials());
        }
        if self.require_jti { self.use_up(claims, now) } else { Ok(()) }
    }

    fn use_up(&self, claims: Claims, now: i64) -> Result<(), Refusal> {
        let (jti, exp) = claims.jti.zip(claims.exp).ok_or_else(Refusal::token)?;
        if exp > now + JTI_LIFE_SECONDS + LEEWAY_SECONDS {
            return Err(Refusal::token());
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, end| *end + LEEWAY_SECONDS >= now);
        match used.insert(jti, exp) {
            None => Ok(()),
            Some(_) => Err(Refusal::token()),
        }
    }
}
