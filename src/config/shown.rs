use serde::Serialize;

use super::layers::{Options, Origin, in_environment};
use super::options::{OPTIONS, SECRETS, file_twin};

/// What stands for a secret, or for a part of a value that may hold one.
const REDACTED: &str = "[redacted]";

/// A key as it may be shown: no secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The key.
    pub key: &'static str,
    /// Its value, `[redacted]` for a secret; none where it is not set.
    pub value: Option<String>,
    /// The layer that the value comes from; none where it is not set.
    pub layer: Option<&'static str>,
    /// Where in that layer: the flag, the variable, the file's key.
    pub origin: Option<String>,
}

impl Options {
    /// Every key with its value and where that comes from, in the order of `--help`, secrets last.
    pub fn shown(&self) -> Vec<Shown> {
        let options = OPTIONS.iter().map(|option| self.shown_option(option.key));
        options.chain(SECRETS.iter().map(|key| self.shown_secret(key))).collect()
    }

    fn shown_option(&self, key: &'static str) -> Shown {
        match self.get(key) {
            Some((origin, value)) => Shown::of(key, harmless(key, value), origin),
            // A client id may stand where secrets do.
            None => self.named_by_twin(key).unwrap_or_else(|| Shown::unset(key)),
        }
    }

    fn shown_secret(&self, key: &'static str) -> Shown {
        if let Some((name, _)) = in_environment(self.environment(), key) {
            return Shown::of(key, REDACTED.to_owned(), &Origin::Variable(name));
        }
        let of_file = || self.raw(key).map(|(origin, _)| Shown::of(key, REDACTED.to_owned(), origin));
        self.named_by_twin(key).or_else(of_file).unwrap_or_else(|| Shown::unset(key))
    }

    fn named_by_twin(&self, key: &'static str) -> Option<Shown> {
        let twin = file_twin(key).filter(|twin| self.is_in_environment(twin))?;
        Some(Shown::of(key, REDACTED.to_owned(), &Origin::Variable(twin)))
    }

    fn is_in_environment(&self, name: &str) -> bool {
        self.environment().get(name).is_some_and(|text| !text.is_empty())
    }
}

impl Shown {
    fn of(key: &'static str, value: String, origin: &Origin) -> Self {
        Self { key, value: Some(value), layer: Some(origin.layer()), origin: Some(origin.to_string()) }
    }

    fn unset(key: &'static str) -> Self {
        Self { key, value: None, layer: None, origin: None }
    }
}

/// An address may hold a password or, in its query, a token: neither belongs there, and both are refused later.
fn harmless(key: &str, value: String) -> String {
    if !matches!(key, "host" | "lake" | "store.endpoint") {
        return value;
    }
    let (scheme, rest) = value.split_once("://").map_or((None, value.as_str()), |(scheme, rest)| (Some(scheme), rest));
    let is_address = scheme.is_some_and(|scheme| scheme != "file") || key != "lake";
    if !is_address {
        return value;
    }
    let rest = match rest.rsplit_once('@') {
        Some((_, host)) => format!("{REDACTED}@{host}"),
        None => rest.to_owned(),
    };
    let rest = match rest.find(['?', '#']) {
        Some(at) => format!("{}{REDACTED}", &rest[..=at]),
        None => rest,
    };
    scheme.map_or_else(|| rest.clone(), |scheme| format!("{scheme}://{rest}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn shown(flags: &[(&str, &str)], environment: &[(&str, &str)], key: &str) -> Shown {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let options = Options::layered(map(flags), map(environment), None).unwrap();
        let all = options.shown();
        assert!(!format!("{all:?}").contains("hush"), "{all:?}");
        all.into_iter().find(|shown| shown.key == key).unwrap()
    }

    #[test]
    fn a_secret_is_shown_by_its_place_alone() {
        let token = shown(&[], &[("KORE_LAKE_TOKEN", "hush")], "token");
        assert_eq!(token.value.as_deref(), Some("[redacted]"));
        assert_eq!(token.origin.as_deref(), Some("environment variable `KORE_LAKE_TOKEN`"));
        let secret = shown(&[], &[("KORE_LAKE_CLIENT_SECRET_FILE", "/run/secret")], "client_secret");
        assert_eq!(secret.origin.as_deref(), Some("environment variable `KORE_LAKE_CLIENT_SECRET_FILE`"));
        assert_eq!(shown(&[], &[], "token"), Shown::unset("token"));
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        for (address, expected) in [
            ("platform.kore.ai", "platform.kore.ai"),
            ("https://me:hush@host/gate", "https://[redacted]@host/gate"),
            ("https://me:hu@sh@host", "https://[redacted]@host"),
            ("me:hush@host", "[redacted]@host"),
            ("https://host/?token=hush", "https://host/?[redacted]"),
        ] {
            assert_eq!(shown(&[("host", address)], &[], "host").value.as_deref(), Some(expected));
        }
        assert_eq!(shown(&[("lake", "./a@b?c")], &[], "lake").value.as_deref(), Some("./a@b?c"));
        assert_eq!(
            shown(&[("lake", "s3://id:hush@bucket")], &[], "lake").value.as_deref(),
            Some("s3://[redacted]@bucket")
        );
    }

    #[test]
    fn every_key_is_shown_with_its_layer() {
        let window = shown(&[("window", "2d")], &[], "window");
        assert_eq!((window.layer, window.origin.as_deref()), (Some("command line"), Some("`--window`")));
        assert_eq!(shown(&[], &[], "window").layer, Some("default"));
        assert_eq!(shown(&[], &[("KORE_LAKE_RATE", "7")], "rate").value.as_deref(), Some("7"));
    }
}
