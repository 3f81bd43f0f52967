use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::UtcTime;
use crate::schema::{AccountId, ApiVersion, StreamId};

use super::ConfigError;
use super::layers::Options;
use super::options::OPTIONS;

/// Every option, typed and range-checked.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that a user sets by itself")]
#[derive(Debug, Clone)]
pub struct Settings {
    /// Lake, a folder or URL as given.
    pub lake: String,
    /// API host, a name or base URL as given.
    pub host: Option<String>,
    /// Account to read.
    pub account_id: Option<AccountId>,
    /// App or stream to read.
    pub stream_id: Option<StreamId>,
    /// API version.
    pub api: ApiVersion,
    /// Start of what is to be in the lake, where it was set.
    pub since: Option<UtcTime>,
    /// Requests a minute; 0 is no limit.
    pub rate: u32,
    /// Windows read side by side, at least 1.
    pub concurrency: usize,
    /// Longest window, at least a second and below 7 days.
    pub window: Duration,
    /// How far back a load without a range reads again; at most 366 days.
    pub lookback: Duration,
    /// Requests after which a run ends, at least 1.
    pub max_requests: Option<u64>,
    /// Time after which a run ends, at least a second.
    pub max_duration: Option<Duration>,
    /// Folder that keeps every page read.
    pub save_pages: Option<PathBuf>,
    /// How long one request is tried again.
    pub retry_deadline: Duration,
    /// Time a connection may take to stand.
    pub connect_timeout: Duration,
    /// Time an answer may stand still.
    pub idle_timeout: Duration,
    /// Time a whole answer may take.
    pub request_timeout: Duration,
    /// Largest answer that is taken, unpacked.
    pub max_page_bytes: usize,
    /// Memory for sorting and queries.
    pub memory_limit_bytes: usize,
    /// Folder that queries spill to.
    pub spill_dir: Option<PathBuf>,
    /// How long to wait for another writer of the account.
    pub wait_lock: Duration,
    /// The present, where it was set.
    pub now: Option<UtcTime>,
    /// Nothing else writes the lake.
    pub single_writer: bool,
    /// S3: address of the service, where it is not AWS's own.
    pub store_endpoint: Option<String>,
    /// S3: region.
    pub store_region: Option<String>,
    /// S3: whether the bucket stands in the path; where not set, as the client would.
    pub store_path_style: Option<bool>,
    /// S3: talk plain HTTP to the endpoint.
    pub store_allow_http: bool,
    /// Fail on what was reported before.
    pub strict: bool,
    /// Take an API version or field set that lacks columns of the lake.
    pub allow_downgrade: bool,
    /// Talk plain HTTP to other machines.
    pub allow_http: bool,
    /// Further certificate authority.
    pub ca_file: Option<PathBuf>,
    /// Algorithm of minted tokens.
    pub jwt_algorithm: JwtAlgorithm,
    /// Subject of minted tokens; the client id where none.
    pub jwt_subject: Option<String>,
    /// Mint a token with a fresh `jti` for every request.
    pub jwt_jti: bool,
    /// Format of the summary and of lists.
    pub output: OutputFormat,
    /// File for the summary.
    pub summary: Option<PathBuf>,
    /// Format of log lines.
    pub log_format: LogFormat,
    /// When to show progress.
    pub progress: ProgressMode,
}

/// An option that takes one of a few words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $($(#[$word_doc:meta])* $variant:ident = $word:literal),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$word_doc])* $variant),+ }

        impl $name {
            const EXPECTED: &'static str = $expected;
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(()),
                }
            }
        }
    };
}

words!(
    /// Algorithm of minted tokens (F6).
    JwtAlgorithm, "`HS256` or `HS512`",
    /// HMAC with SHA-256.
    Hs256 = "HS256",
    /// HMAC with SHA-512.
    Hs512 = "HS512"
);
words!(
    /// Format of the summary and of lists.
    OutputFormat, "`text` or `json`",
    /// For reading.
    Text = "text",
    /// For programs.
    Json = "json"
);
words!(
    /// Format of log lines.
    LogFormat, "`text` or `json`",
    /// For reading.
    Text = "text",
    /// One JSON object a line.
    Json = "json"
);
words!(
    /// When to show progress.
    ProgressMode, "`auto`, `always` or `never`",
    /// On a terminal.
    Auto = "auto",
    /// Always.
    Always = "always",
    /// Never.
    Never = "never"
);

const WEEK: Duration = Duration::from_hours(7 * 24);

/// Longer than anything is known to change (F19: 30 days), and short enough that the present less it is a date.
const LONGEST_LOOKBACK: Duration = Duration::from_hours(366 * 24);

impl Settings {
    /// Reads every option from `options`.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for the first value that does not fit, with its origin.
    pub fn resolve(options: &Options) -> Result<Self, ConfigError> {
        let read = Reader { options };
        Ok(Self {
            lake: read.text("lake").unwrap_or_default(),
            host: read.text("host"),
            account_id: read.optional("account_id", "an id of letters, digits, `.`, `_`, `-`", |t| t.parse().ok())?,
            stream_id: read.optional("stream_id", "an id of letters, digits, `.`, `_`, `-`", |t| t.parse().ok())?,
            api: read.required("api", "`v1` or `v2`", |t| t.parse().ok())?,
            since: read.optional("since", TIME, |t| t.parse().ok())?,
            rate: read.required("rate", "requests a minute, 0 to 1000000", |t| number(t, &(0..=1_000_000)))?,
            concurrency: read.required("concurrency", "a number of windows, 1 to 256", |t| number(t, &(1..=256)))?,
            window: read.required("window", "a duration of at least 1s and below 7d", |t| {
                duration(t).filter(|d| (Duration::from_secs(1)..WEEK).contains(d))
            })?,
            lookback: read.required("lookback", "a duration of at most 366d, such as `3d`", |t| {
                duration(t).filter(|d| *d <= LONGEST_LOOKBACK)
            })?,
            max_requests: read
                .optional("max_requests", "a number of requests, at least 1", |t| number(t, &(1..=u64::MAX)))?,
            max_duration: read.optional("max_duration", DURATION, at_least_a_second)?,
            save_pages: read.text("save_pages").map(PathBuf::from),
            retry_deadline: read.duration("retry_deadline")?,
            connect_timeout: read.duration("connect_timeout")?,
            idle_timeout: read.duration("idle_timeout")?,
            request_timeout: read.duration("request_timeout")?,
            max_page_bytes: read.required("max_page_bytes", "a size of at least 1KiB, such as `64MiB`", |t| {
                size(t).filter(|bytes| *bytes >= LEAST_PAGE)
            })?,
            memory_limit_bytes: read
                .optional("memory_limit", "a size of at least 32MiB, such as `512MiB` or `2GiB`", |t| {
                    size(t).filter(|bytes| *bytes >= LEAST_MEMORY)
                })?
                .unwrap_or_else(memory_limit_of_machine),
            spill_dir: read.text("spill_dir").map(PathBuf::from),
            wait_lock: read.required("wait_lock", DURATION, duration)?,
            now: read.optional("now", TIME, |t| t.parse().ok())?,
            single_writer: read.switch("single_writer")?,
            store_endpoint: read.text("store.endpoint"),
            store_region: read.text("store.region"),
            store_path_style: read.optional("store.path_style", "`true` or `false`", |t| t.parse().ok())?,
            store_allow_http: read.switch("store.allow_http")?,
            strict: read.switch("strict")?,
            allow_downgrade: read.switch("allow_downgrade")?,
            allow_http: read.switch("allow_http")?,
            ca_file: read.text("ca_file").map(PathBuf::from),
            jwt_algorithm: read.word("jwt_algorithm", JwtAlgorithm::EXPECTED)?,
            jwt_subject: read.text("jwt_subject"),
            jwt_jti: read.switch("jwt_jti")?,
            output: read.word("output", OutputFormat::EXPECTED)?,
            summary: read.text("summary").map(PathBuf::from),
            log_format: read.word("log_format", LogFormat::EXPECTED)?,
            progress: read.word("progress", ProgressMode::EXPECTED)?,
        })
    }

    /// `value`, which this command cannot do without.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] if there is none.
    ///
    /// # Panics
    /// If `key` is no option.
    pub fn needed<T>(key: &str, value: Option<T>) -> Result<T, ConfigError> {
        let option = OPTIONS.iter().find(|option| option.key == key).expect("a key of the list of options");
        value.ok_or_else(|| ConfigError::Missing { flag: option.flag(), variable: option.variable(), key: option.key })
    }
}

const DURATION: &str = "a duration such as `90s`, `15m`, `26h`, `3d`";
const TIME: &str = "a date or an RFC 3339 time";

struct Reader<'a> {
    options: &'a Options,
}

impl Reader<'_> {
    fn text(&self, key: &str) -> Option<String> {
        self.options.get(key).map(|(_, text)| text)
    }

    fn optional<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((origin, text)) = self.options.get(key) else { return Ok(None) };
        let bad = || ConfigError::Value { origin: origin.clone(), expected: expected.to_owned(), found: text.clone() };
        parse(&text).map(Some).ok_or_else(bad)
    }

    fn required<T>(&self, key: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, ConfigError> {
        self.optional(key, expected, parse).map(|value| value.expect("default.toml sets the key, a test says so"))
    }

    fn word<T: FromStr>(&self, key: &str, expected: &str) -> Result<T, ConfigError> {
        self.required(key, expected, |text| text.parse().ok())
    }

    fn switch(&self, key: &str) -> Result<bool, ConfigError> {
        self.required(key, "`true` or `false`", |text| text.parse().ok())
    }

    /// A duration of at least a second.
    fn duration(&self, key: &str) -> Result<Duration, ConfigError> {
        self.required(key, DURATION, at_least_a_second)
    }
}

fn number<T: FromStr + PartialOrd>(text: &str, range: &RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|number| range.contains(number))
}

fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

fn at_least_a_second(text: &str) -> Option<Duration> {
    duration(text).filter(|duration| *duration >= Duration::from_secs(1))
}

/// Below it a sort cannot even spill.
const LEAST_MEMORY: usize = 32 << 20;

/// Room for a page without records.
const LEAST_PAGE: usize = 1 << 10;

/// `512MiB`, `2GiB` or a bare number of bytes.
fn size(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].trim() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<usize>().ok()?.checked_mul(unit)
}

/// A quarter of what the machine or the cgroup grants, at most 512 MiB.
fn memory_limit_of_machine() -> usize {
    const MOST: usize = 512 << 20;
    let cgroup = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
    });
    let granted = [cgroup, machine].into_iter().flatten().min().unwrap_or(4 * MOST);
    (granted / 4).clamp(64 << 20, MOST)
}
