use std::fmt;
use std::fs;

use super::layers::{Options, Origin, in_environment};
use super::options::file_twin;
use super::{ConfigError, Settings};

/// How to log in. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A ready JWT.
    Token(String),
    /// Tokens are minted with this client id and secret.
    Client {
        /// Client id, the claim `appId` (F6).
        id: String,
        /// Client secret, the signing key.
        secret: String,
    },
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(…)"),
            Self::Client { id, .. } => write!(f, "Client {{ id: {id:?}, secret: … }}"),
        }
    }
}

/// Where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// In this environment variable.
    Variable(String),
    /// In this file.
    File(String),
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "environment variable `{name}`"),
            Self::File(path) => write!(f, "file `{path}`"),
        }
    }
}

impl Settings {
    /// The login: a token counts before a client id and secret.
    ///
    /// # Errors
    /// [`ConfigError::Login`] if there is neither; [`ConfigError::Secret`] if a reference points nowhere.
    pub fn login(options: &Options) -> Result<Login, ConfigError> {
        if let Some(token) = secret(options, "token")? {
            return Ok(Login::Token(token));
        }
        let id = client_id(options)?;
        let secret = secret(options, "client_secret")?;
        match (id, secret) {
            (Some(id), Some(secret)) => Ok(Login::Client { id, secret }),
            (Some(_), None) => Err(ConfigError::Login { found: "only a client id" }),
            (None, Some(_)) => Err(ConfigError::Login { found: "only a client secret" }),
            (None, None) => Err(ConfigError::Login { found: "neither" }),
        }
    }
}

/// Keys to the bucket of a lake; `Debug` shows none.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketKeys {
    /// Id of the access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Token of a session, where there is one.
    pub session_token: Option<String>,
}

impl fmt::Debug for BucketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketKeys(…)")
    }
}

impl Settings {
    /// The keys to a bucket; none where none are set, and the machine's own role counts.
    ///
    /// # Errors
    /// [`ConfigError::BucketKeys`] if there is one without the other; [`ConfigError::Secret`] if a reference points
    /// nowhere.
    pub fn bucket_keys(options: &Options) -> Result<Option<BucketKeys>, ConfigError> {
        let id = secret(options, "store.access_key_id")?;
        let key = secret(options, "store.secret_access_key")?;
        match (id, key) {
            (Some(access_key_id), Some(secret_access_key)) => {
                let session_token = secret(options, "store.session_token")?;
                Ok(Some(BucketKeys { access_key_id, secret_access_key, session_token }))
            }
            (Some(_), None) => Err(ConfigError::BucketKeys { found: "only the id of a key" }),
            (None, Some(_)) => Err(ConfigError::BucketKeys { found: "only the secret of a key" }),
            (None, None) => Ok(None),
        }
    }
}

fn client_id(options: &Options) -> Result<Option<String>, ConfigError> {
    if let Some((_, id)) = options.get("client_id") {
        return Ok(Some(id));
    }
    from_environment(options, "client_id")
}

fn secret(options: &Options, key: &str) -> Result<Option<String>, ConfigError> {
    if let Some(found) = from_environment(options, key)? {
        return Ok(Some(found));
    }
    let Some((origin, value)) = options.raw(key) else { return Ok(None) };
    let plain = || ConfigError::PlainSecret { origin: origin.clone() };
    let table = value.as_table().filter(|table| table.len() == 1).ok_or_else(plain)?;
    let member = |name: &str| table.get(name).and_then(toml::Value::as_str).map(str::to_owned);
    let source = match (member("env"), member("file")) {
        (Some(name), None) => CredentialSource::Variable(name),
        (None, Some(path)) => CredentialSource::File(path),
        _ => return Err(plain()),
    };
    read(options, origin, &source).map(Some)
}

/// The variable of `key` itself, or the file that its `_FILE` twin names.
fn from_environment(options: &Options, key: &str) -> Result<Option<String>, ConfigError> {
    let given = |name: &str| options.environment().get(name).filter(|text| !text.is_empty()).cloned();
    if let Some((_, text)) = in_environment(options.environment(), key) {
        return Ok(Some(text));
    }
    let twin = file_twin(key).and_then(|twin| given(&twin).map(|path| (twin, path)));
    match twin {
        Some((twin, path)) => read(options, &Origin::Variable(twin), &CredentialSource::File(path)).map(Some),
        None => Ok(None),
    }
}

fn read(options: &Options, origin: &Origin, source: &CredentialSource) -> Result<String, ConfigError> {
    let missing = |found: String| ConfigError::Secret { origin: origin.clone(), place: source.to_string(), found };
    let text = match source {
        CredentialSource::Variable(name) => {
            options.environment().get(name).cloned().ok_or_else(|| missing("no such variable".to_owned()))?
        }
        CredentialSource::File(path) => fs::read_to_string(path).map_err(|error| missing(error.to_string()))?,
    };
    let text = text.trim();
    if text.is_empty() { Err(missing("nothing".to_owned())) } else { Ok(text.to_owned()) }
}
