//! Where the API lives (F1).

use std::fmt;

use url::{Host, Url};

use super::{PageRequest, SourceError};
use crate::schema::ApiVersion;

/// Base address of the API: a host, perhaps with a port and a path that a gateway puts before the API's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a host name (then HTTPS) or a base URL. Plain HTTP is for loopback, elsewhere only where
    /// `allow_http` says so: tokens would travel in the open.
    ///
    /// # Errors
    /// [`SourceError::Setting`] for anything else, also for a URL with a user, password, query or fragment.
    pub fn parse(text: &str, allow_http: bool) -> Result<Self, SourceError> {
        let setting = |expected| SourceError::Setting { expected, found: without_secrets(text) };
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&with_scheme)
            .map_err(|_| setting("a host name (`platform.kore.ai`) or a base URL (`https://host/path`)"))?;
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return Err(setting("a host name (`platform.kore.ai`) or a base URL (`https://host/path`)"));
        }
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !anonymous || url.query().is_some() || url.fragment().is_some() {
            return Err(setting("a base URL without user, password, query and fragment"));
        }
        let base = Self(url);
        if base.is_http() && !base.is_loopback() && !allow_http {
            return Err(setting("`https://` (plain `http://` to another machine needs `--allow-http`)"));
        }
        Ok(base)
    }

    /// Whether the address is plain HTTP.
    pub fn is_http(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Whether the address is this machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The address that answers `request`, without the query.
    pub(super) fn endpoint(&self, request: &PageRequest) -> Url {
        let mut url = self.0.clone();
        let account = request.account_id.as_str();
        let last: &[&str] = match request.api {
            ApiVersion::V1 => &["calldetails"],
            ApiVersion::V2 => &["v2", "interactionDetails"],
        };
        let fixed = ["agentassist", "api", "public", "analytics", "account", account];
        url.path_segments_mut()
            .expect("http and https addresses have path segments")
            .pop_if_empty()
            .extend(fixed.iter().chain(last));
        url
    }
}

/// A refused address is printed, a password or a signature in it is not.
fn without_secrets(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let query = if end < text.len() { format!("{}[redacted]", &text[end..=end]) } else { String::new() };
    without_user(&text[..end]) + &query
}

fn without_user(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => format!("[redacted]@{host}"),
        Some((_, host)) => format!("{scheme}://[redacted]@{host}"),
        None => text.to_owned(),
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::RequestBody;

    fn refused(text: &str) -> String {
        BaseUrl::parse(text, false).unwrap_err().to_string()
    }

    #[test]
    fn a_host_name_means_https() {
        for (text, expected) in [
            ("platform.kore.ai", "https://platform.kore.ai"),
            ("localhost:8443", "https://localhost:8443"),
            ("https://host/gate/", "https://host/gate"),
            ("http://127.0.0.1:80/", "http://127.0.0.1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost:8080", "http://localhost:8080"),
        ] {
            assert_eq!(BaseUrl::parse(text, false).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn plain_http_to_another_machine_must_be_allowed() {
        assert_eq!(
            refused("http://platform.kore.ai"),
            "expected `https://` (plain `http://` to another machine needs `--allow-http`), found `http://platform.kore.ai`"
        );
        assert!(BaseUrl::parse("http://platform.kore.ai", true).is_ok());
    }

    #[test]
    fn what_is_no_address_is_named_without_its_password() {
        for text in ["", "ftp://host", "https://", "a b", "https://host:99999"] {
            assert!(refused(text).starts_with("expected a host name"), "{text}: {}", refused(text));
        }
        assert_eq!(
            refused("https://user:hunter2@host"),
            "expected a base URL without user, password, query and fragment, found `https://[redacted]@host`"
        );
        assert_eq!(
            refused("https://host/a?signature=hunter2#x"),
            "expected a base URL without user, password, query and fragment, found `https://host/a?[redacted]`"
        );
    }

    #[test]
    fn both_versions_have_their_endpoint() {
        let mut request = PageRequest {
            api: ApiVersion::V2,
            account_id: "acc".parse().unwrap(),
            stream_id: None,
            offset: None,
            limit: None,
            body: RequestBody::default(),
        };
        let base = BaseUrl::parse("https://host/gate/", false).unwrap();
        let v2 = "https://host/gate/agentassist/api/public/analytics/account/acc/v2/interactionDetails";
        assert_eq!(base.endpoint(&request).as_str(), v2);
        request.api = ApiVersion::V1;
        let v1 = "https://host/gate/agentassist/api/public/analytics/account/acc/calldetails";
        assert_eq!(base.endpoint(&request).as_str(), v1);
    }
}
