use std::path::PathBuf;
use std::time::Duration;

use super::answer::AnswerFault;

/// Why no page came.
///
/// Each variant is one answer to "can a retry help": [`Setting`](Self::Setting), [`CaFile`](Self::CaFile) and
/// [`Setup`](Self::Setup) need another setting, [`Login`](Self::Login) other credentials,
/// [`Refused`](Self::Refused) another request; [`Unavailable`](Self::Unavailable) was retried already and may
/// pass later.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A setting cannot be used.
    #[error("expected {expected}, found `{found}`")]
    Setting {
        /// What the setting must be.
        expected: &'static str,
        /// What was given; never a secret.
        found: String,
    },
    /// The file of extra root certificates cannot be read.
    #[error("the certificate file `{path}` cannot be read")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client cannot be set up, for example because the machine has no root certificates.
    #[error("the HTTPS client cannot be set up")]
    Setup(#[source] reqwest::Error),
    /// The server takes neither the token nor, where one can be minted, a new one; or it denies the permission.
    #[error("login refused by `{url}` with status {status}{}", said(.message.as_deref()))]
    Login {
        /// Address asked, without query.
        url: String,
        /// 401 or 403.
        status: u16,
        /// What the server says, bounded and without secrets.
        message: Option<String>,
    },
    /// The server understands the request and does not take it; the same request will not pass later.
    #[error("request refused by `{}` with status {}{}", .0.url, .0.status, said(.0.message.as_deref()))]
    Refused(Box<Refusal>),
    /// Every attempt within the retry deadline failed.
    #[error("no usable answer to {method} `{url}` in {} over {:.1} s", tries(*.attempts), .elapsed.as_secs_f64())]
    Unavailable {
        /// HTTP method.
        method: &'static str,
        /// Address asked, with `limit` and `offset`.
        url: String,
        /// Requests sent or tried.
        attempts: u32,
        /// From the first attempt to the end of the last.
        elapsed: Duration,
        /// How the last attempt failed.
        #[source]
        source: Box<Fault>,
    },
}

/// A request that the server does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Address asked, without query.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// What the server says, bounded and without secrets.
    pub message: Option<String>,
    /// What it seems to mean.
    pub reason: RefusalReason,
}

/// What a refusal seems to mean. Texts of the API are undocumented, so this is read from the words that they
/// must use; what is not recognised is [`Other`](Self::Other), never a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalReason {
    /// The window is longer than the server takes (F4): halve it.
    Range,
    /// The offset lies past the server's maximum (F10, F12).
    Offset,
    /// A selected field is not known there; named as it was asked for (F3).
    Field(String),
    /// Nothing lives at this address: wrong host, account or API version.
    NotFound,
    /// Anything else.
    Other,
}

/// How one attempt failed, such that another may not.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No connection: no such host, refused, no TLS.
    #[error("no connection")]
    Connect(#[source] reqwest::Error),
    /// A time limit passed.
    #[error("no answer in time")]
    Timeout(#[source] reqwest::Error),
    /// The connection broke before the answer was whole.
    #[error("the connection broke")]
    Transport(#[source] reqwest::Error),
    /// The server reports a passing trouble (429, 5xx).
    #[error("status {status}{}", said(.message.as_deref()))]
    Status {
        /// HTTP status.
        status: u16,
        /// What the server says, bounded and without secrets.
        message: Option<String>,
    },
    /// Status 200, but not a page.
    #[error("the answer is no page of records")]
    Answer(#[source] AnswerFault),
}

fn said(message: Option<&str>) -> String {
    message.map(|message| format!(": `{message}`")).unwrap_or_default()
}

fn tries(attempts: u32) -> String {
    if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") }
}

impl RefusalReason {
    /// Reads the meaning from the status, the server's words and the fields that were asked for.
    pub fn read(status: u16, message: Option<&str>, asked_fields: &[String]) -> Self {
        match status {
            404 => Self::NotFound,
            400 | 412 | 422 => message.map_or(Self::Other, |message| Self::of_words(message, asked_fields)),
            _ => Self::Other,
        }
    }

    fn of_words(message: &str, asked_fields: &[String]) -> Self {
        let message = message.to_lowercase();
        let words: Vec<&str> = message.split(|c: char| !c.is_alphanumeric()).collect();
        let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
        if let Some(field) = asked_fields.iter().find(|field| words.contains(&field.to_lowercase().as_str())) {
            return Self::Field(field.clone());
        }
        if has(&["offset", "skip"]) {
            return Self::Offset;
        }
        let about_length = has(&["range", "days", "day", "week", "hours", "168", "difference", "interval", "duration"]);
        let about_format = has(&["format", "formatted", "timezoneoffset"]);
        if about_length && !about_format { Self::Range } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(status: u16, message: &str) -> RefusalReason {
        RefusalReason::read(status, Some(message), &["skills".into(), "campaigninfo".into()])
    }

    #[test]
    fn a_refusal_is_read_from_its_words() {
        for (message, expected) in [
            ("Date range should not exceed 7 days", RefusalReason::Range),
            ("difference between startDate and endDate must be at most 168 hours", RefusalReason::Range),
            ("offset must be less than or equal to 10", RefusalReason::Offset),
            ("offset out of range", RefusalReason::Offset),
            ("\"selectedFields[1]\" must not be campaignInfo", RefusalReason::Field("campaigninfo".into())),
            ("startDate must have the format yyyy-mm-dd (days with two digits)", RefusalReason::Other),
            ("limit must be a number", RefusalReason::Other),
        ] {
            assert_eq!(reason(400, message), expected, "{message}");
            assert_eq!(reason(412, message), expected, "{message}");
        }
    }

    #[test]
    fn only_validation_failures_are_read() {
        assert_eq!(reason(404, "date range"), RefusalReason::NotFound);
        assert_eq!(reason(405, "date range"), RefusalReason::Other);
        assert_eq!(RefusalReason::read(400, None, &[]), RefusalReason::Other);
    }
}
