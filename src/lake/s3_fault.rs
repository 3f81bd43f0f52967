use std::error::Error as StdError;
use std::fmt;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

/// Why S3 did not do what it was asked, on one line and without what only a program reads.
#[derive(Debug)]
pub(super) struct S3Fault {
    /// Status of the answer; none where there was none.
    status: Option<u16>,
    /// S3's own word for it, such as `NoSuchBucket`.
    code: Option<String>,
    text: String,
}

impl fmt::Display for S3Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for S3Fault {}

impl S3Fault {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let text = error.to_string();
        let status = behind(&text, "status code: ").and_then(|rest| rest.get(..3)?.parse().ok());
        let code = between(&text, "<Code>", "</Code>").map(str::to_owned);
        let said = between(&text, "<Message>", "</Message>").map(|said| format!(": {}", one_line(said)));
        let text = match (status, &code) {
            (Some(status), Some(code)) => format!("S3 answered {status} `{code}`{}", said.unwrap_or_default()),
            (Some(status), None) => format!("S3 answered {status}"),
            (None, _) => unanswered(error, &text),
        };
        Self { status, code, text }
    }

    /// What the user can do about it, where that is one thing.
    pub(super) fn hint(error: &Error) -> Option<&'static str> {
        let fault = chain(error).find_map(|link| link.downcast_ref::<Self>())?;
        let code = fault.code.as_deref().unwrap_or_default();
        match (fault.status, code) {
            (_, "NoSuchBucket") => Some("check --lake: a lake makes its prefix, never its bucket"),
            (
                _,
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken" | "RequestExpired",
            ) => Some("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, and the machine's clock"),
            (Some(301 | 307), _) | (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") => {
                Some("the bucket lies in another region: check AWS_REGION or --store-region, and --store-endpoint")
            }
            (Some(401 | 403), _) => {
                Some("the credentials must be allowed to list the bucket, and to read, write and delete below the lake")
            }
            (Some(500..), _) => Some("run again later: what was read is kept"),
            (None, _) if fault.text.contains("certificate") => {
                Some("--ca-file adds the authority that signs the store's certificate")
            }
            (None, _) => Some("check --store-endpoint and the network, or run again later: what was read is kept"),
            _ => None,
        }
    }
}

/// The same error with its cause on one line. A bucket that is not there is no absent object.
pub(super) fn tidied(error: Error) -> Error {
    let fault = |source: &Cause| Box::new(S3Fault::of(source.as_ref()));
    match error {
        Error::Generic { store, source } => Error::Generic { store, source: fault(&source) },
        Error::NotFound { path, source } => {
            let source = fault(&source);
            if source.code.as_deref() == Some("NoSuchBucket") {
                return Error::Generic { store: "S3", source };
            }
            Error::NotFound { path, source }
        }
        Error::AlreadyExists { path, source } => Error::AlreadyExists { path, source: fault(&source) },
        Error::Precondition { path, source } => Error::Precondition { path, source: fault(&source) },
        Error::NotModified { path, source } => Error::NotModified { path, source: fault(&source) },
        Error::PermissionDenied { path, source } => Error::PermissionDenied { path, source: fault(&source) },
        Error::Unauthenticated { path, source } => Error::Unauthenticated { path, source: fault(&source) },
        other => other,
    }
}

type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// What happened where no answer came: the last cause says it best.
fn unanswered(error: &(dyn StdError + 'static), text: &str) -> String {
    let Some(http) = chain(error).find_map(|link| link.downcast_ref::<HttpError>()) else {
        return if text.contains("redirect without LOCATION") {
            "S3 sends elsewhere without saying where".to_owned()
        } else {
            one_line(text)
        };
    };
    let last = chain(error).last().map(|last| one_line(&last.to_string())).unwrap_or_default();
    let host = address(text).unwrap_or_else(|| "S3".to_owned());
    match http.kind() {
        HttpErrorKind::Connect => format!("no connection to {host}: {last}"),
        HttpErrorKind::Timeout => format!("no answer from {host} in time"),
        _ => format!("the connection to {host} failed: {last}"),
    }
}

/// Scheme and host of the request that the text tells of.
fn address(text: &str) -> Option<String> {
    let (before, rest) = text.split_once("://")?;
    let scheme = before.rsplit(' ').next()?;
    let host = rest.split(['/', '?', ' ']).next()?;
    Some(format!("`{scheme}://{host}`"))
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

fn behind<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    behind(text, from)?.split_once(to).map(|(inside, _)| inside)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(answer: &str) -> Error {
        let text = format!(
            "Error performing GET http://h/b?list-type=2 in 1ms - Server returned non-2xx status code: {answer}"
        );
        Error::NotFound { path: "p".to_owned(), source: text.into() }
    }

    #[test]
    fn an_answer_is_told_by_its_status_its_code_and_what_it_says() {
        let body = "404 Not Found: <?xml?>\n<Error><Code>NoSuchKey</Code><Message>It is\n not there.</Message></Error>";
        let error = tidied(answered(body));
        assert!(matches!(error, Error::NotFound { .. }));
        assert!(error.to_string().ends_with("S3 answered 404 `NoSuchKey`: It is not there"), "{error}");
        assert!(tidied(answered("404 Not Found: ")).to_string().ends_with("S3 answered 404"));
    }

    #[test]
    fn an_absent_bucket_is_no_absent_object() {
        let error = tidied(answered("404 Not Found: <Error><Code>NoSuchBucket</Code></Error>"));
        assert!(matches!(error, Error::Generic { .. }));
        assert!(S3Fault::hint(&error).unwrap().contains("never its bucket"));
    }

    #[test]
    fn each_refusal_has_its_hint() {
        for (answer, word) in [
            ("403 Forbidden: <Code>AccessDenied</Code>", "allowed"),
            ("403 Forbidden: ", "allowed"),
            ("403 Forbidden: <Code>SignatureDoesNotMatch</Code>", "AWS_SECRET_ACCESS_KEY"),
            ("400 Bad Request: <Code>AuthorizationHeaderMalformed</Code>", "region"),
            ("503 Slow Down: <Code>SlowDown</Code>", "later"),
        ] {
            let error = tidied(answered(answer));
            assert!(S3Fault::hint(&error).unwrap().contains(word), "{answer}");
        }
    }
}
