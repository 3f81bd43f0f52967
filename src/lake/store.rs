use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path;
use object_store::{Certificate, ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::LakeError;
use super::s3::S3Store;

/// How a lake in a bucket is reached. A lake in a folder needs none of it. `Debug` shows no secret.
#[derive(Clone)]
pub struct StoreSettings {
    /// Address of the service, for any that is not AWS's own.
    pub endpoint: Option<String>,
    /// Region; `us-east-1` where none is given.
    pub region: Option<String>,
    /// Whether the bucket stands in the path of a request (true) or in the host name; where none is given, in the path.
    pub path_style: Option<bool>,
    /// Whether an endpoint may be spoken to without TLS.
    pub allow_http: bool,
    /// Who asks; where none, what `variables` name, else what the machine's metadata service says.
    pub credentials: Option<StoreCredentials>,
    /// Further `AWS_…` variables: roles, web identities, encryption, proxies.
    pub variables: BTreeMap<String, String>,
    /// Further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// Time a connection may take to stand.
    pub connect_timeout: Duration,
    /// For how long a request is tried again, at most 20 seconds. With the half minute of its last try it has ended
    /// before the lock is taken over, a minute after the last heartbeat.
    pub retry_deadline: Duration,
    /// Taken for granted: nothing else writes the lake, and no put bears a condition. Without it a store that cannot
    /// keep two writers apart is refused.
    pub single_writer: bool,
}

/// Keys to a bucket. `Debug` shows none.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreCredentials {
    /// Id of the access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Token of a session, where the keys are temporary ones.
    pub session_token: Option<String>,
}

const LONGEST_RETRY: Duration = Duration::from_secs(20);
/// A whole request, the time to send a part of an object too.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            path_style: None,
            allow_http: false,
            credentials: None,
            variables: BTreeMap::new(),
            ca_file: None,
            connect_timeout: Duration::from_secs(10),
            retry_deadline: LONGEST_RETRY,
            single_writer: false,
        }
    }
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, region, path_style, allow_http, single_writer, .. } = self;
        let mut shown = f.debug_struct("StoreSettings");
        shown.field("endpoint", &endpoint.as_deref().map(super::url::harmless)).field("region", region);
        shown.field("path_style", path_style).field("allow_http", allow_http).field("single_writer", single_writer);
        shown.field("variables", &self.variables.keys()).finish_non_exhaustive()
    }
}

impl fmt::Debug for StoreCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreCredentials(…)")
    }
}

impl StoreSettings {
    /// The store of a bucket, its paths relative to `prefix`. Nothing is sent yet.
    pub(super) fn open(&self, bucket: &str, prefix: &Path) -> Result<Arc<dyn ObjectStore>, LakeError> {
        let setting = |source| LakeError::StoreSetting { source };
        let store = self.builder(bucket)?.build().map_err(setting)?;
        Ok(Arc::new(S3Store::new(store, prefix.clone(), self.single_writer)))
    }

    fn builder(&self, bucket: &str) -> Result<AmazonS3Builder, LakeError> {
        let mut builder = AmazonS3Builder::new().with_client_options(self.client()?).with_retry(self.retry());
        for (name, value) in &self.variables {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(self.endpoint_of(endpoint, bucket)?);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(path_style) = self.path_style {
            builder = builder.with_virtual_hosted_style_request(!path_style);
        }
        if let Some(StoreCredentials { access_key_id, secret_access_key, session_token }) = &self.credentials {
            builder = builder.with_access_key_id(access_key_id).with_secret_access_key(secret_access_key);
            builder = session_token.iter().fold(builder, AmazonS3Builder::with_token);
        }
        // The lock rests on it; a store that ignores it is found by a probe.
        Ok(builder.with_bucket_name(bucket).with_conditional_put(S3ConditionalPut::ETagMatch))
    }

    fn endpoint_of(&self, endpoint: &str, bucket: &str) -> Result<String, LakeError> {
        let bad = || LakeError::Endpoint { found: super::url::harmless(endpoint) };
        let mut url = Url::parse(endpoint).map_err(|_| bad())?;
        let plain = !["http", "https"].contains(&url.scheme()) || !url.username().is_empty() || url.query().is_some();
        let host = url.host_str().filter(|_| !plain).ok_or_else(bad)?.to_owned();
        if url.scheme() == "http" && !self.allow_http {
            return Err(LakeError::PlainHttp { endpoint: endpoint.to_owned() });
        }
        if self.path_style == Some(false) && !host.starts_with(&format!("{bucket}.")) {
            url.set_host(Some(&format!("{bucket}.{host}"))).map_err(|_| bad())?;
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }

    fn client(&self) -> Result<ClientOptions, LakeError> {
        let client = ClientOptions::new().with_allow_http(self.allow_http).with_connect_timeout(self.connect_timeout);
        let client = client.with_timeout(REQUEST_TIMEOUT);
        let Some(path) = &self.ca_file else { return Ok(client) };
        let pem = fs::read(path).map_err(|source| LakeError::Folder { path: path.clone(), source })?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|source| LakeError::StoreSetting { source })?;
        Ok(certificates.into_iter().fold(client, ClientOptions::with_root_certificate))
    }

    fn retry(&self) -> RetryConfig {
        RetryConfig { retry_timeout: self.retry_deadline.min(LONGEST_RETRY), ..RetryConfig::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(endpoint: &str) -> StoreSettings {
        let credentials = StoreCredentials {
            access_key_id: "hush-id".to_owned(),
            secret_access_key: "hush-key".to_owned(),
            session_token: Some("hush-token".to_owned()),
        };
        StoreSettings {
            endpoint: Some(endpoint.to_owned()),
            credentials: Some(credentials),
            ..StoreSettings::default()
        }
    }

    fn refused(settings: &StoreSettings) -> LakeError {
        settings.open("b", &Path::default()).unwrap_err()
    }

    #[test]
    fn plain_http_is_refused_unless_it_is_allowed_by_name() {
        for endpoint in ["http://127.0.0.1:9000", "http://store.example"] {
            assert!(matches!(refused(&at(endpoint)), LakeError::PlainHttp { .. }));
            let allowed = StoreSettings { allow_http: true, ..at(endpoint) };
            allowed.open("b", &Path::default()).unwrap();
        }
        at("https://store.example").open("b", &Path::default()).unwrap();
    }

    #[test]
    fn an_endpoint_that_is_none_is_refused_without_its_password() {
        for endpoint in ["store.example:9000", "ftp://store", "https://id:hush@store", "https://store?key=hush", ""] {
            let error = refused(&at(endpoint));
            assert!(matches!(error, LakeError::Endpoint { .. }), "{endpoint}");
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_bucket_in_the_host_name_is_put_there_once() {
        let hosted = StoreSettings { path_style: Some(false), ..at("https://store.example/") };
        assert_eq!(hosted.endpoint_of("https://store.example/", "b").unwrap(), "https://b.store.example");
        assert_eq!(hosted.endpoint_of("https://b.store.example", "b").unwrap(), "https://b.store.example");
        assert_eq!(at("").endpoint_of("https://store.example:1/", "b").unwrap(), "https://store.example:1");
    }

    #[test]
    fn no_debug_text_shows_a_secret() {
        let mut settings = at("https://id:hush@store");
        settings.variables.insert("AWS_CONTAINER_AUTHORIZATION_TOKEN".to_owned(), "hush".to_owned());
        let store = at("https://store").open("b", &Path::default()).unwrap();
        let shown = format!("{settings:?} {:?} {store:?} {store}", settings.credentials);
        assert!(!shown.contains("hush"), "{shown}");
    }
}
