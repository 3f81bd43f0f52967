use crate::config::{self, ConfigError, Login, Options, Settings};
use crate::error::Error;
use crate::source::{
    BaseUrl, Client, ClientSettings, Credentials, JwtAlgorithm, Key, RateLimiter, RetryPolicy, Secret, SourceError,
};

/// The client that the settings describe. Nothing is sent yet.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage): a setting is missing or cannot be used.
pub fn client(settings: &Settings, options: &Options) -> Result<Client, Error> {
    let host = Settings::needed("host", settings.host.as_ref())?;
    let base_url = BaseUrl::parse(host, settings.allow_http).map_err(|error| at_host(options, error))?;
    let credentials = credentials(settings, Settings::login(options)?);
    let client = ClientSettings {
        connect_timeout: settings.connect_timeout,
        idle_timeout: settings.idle_timeout,
        request_timeout: settings.request_timeout,
        retry: RetryPolicy {
            deadline: settings.retry_deadline,
            unreachable_deadline: RetryPolicy::default().unreachable_deadline.min(settings.retry_deadline),
            ..RetryPolicy::default()
        },
        ca_file: settings.ca_file.clone(),
        max_body_bytes: settings.max_page_bytes,
        ..ClientSettings::new(base_url, credentials)
    };
    Ok(Client::new(client, RateLimiter::per_minute(settings.rate))?)
}

/// The refusal of a host, with the place where the host was given.
fn at_host(options: &Options, error: SourceError) -> Error {
    match (error, options.get("host")) {
        (SourceError::Setting { expected, found }, Some((origin, _))) => {
            ConfigError::Value { origin: origin.clone(), expected: expected.to_owned(), found }.into()
        }
        (error, _) => error.into(),
    }
}

fn credentials(settings: &Settings, login: Login) -> Credentials {
    match login {
        Login::Token(token) => Credentials::Token(Secret::new(token)),
        Login::Client { id, secret } => Credentials::Key(Key {
            client_id: id,
            client_secret: Secret::new(secret),
            algorithm: match settings.jwt_algorithm {
                config::JwtAlgorithm::Hs256 => JwtAlgorithm::Hs256,
                config::JwtAlgorithm::Hs512 => JwtAlgorithm::Hs512,
            },
            subject: settings.jwt_subject.clone(),
            jti: settings.jwt_jti,
        }),
    }
}
