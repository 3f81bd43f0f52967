/// One option: a key of the configuration file (`store.region`: the key `region` of the table `[store]`), with `-` for
/// `_` and `.` a flag, with `KORE_LAKE_` before it, `_` for `.` and in upper case an environment variable.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// Key, `snake_case`, behind its table's name and a `.` where it stands in one.
    pub key: &'static str,
    /// What the option takes.
    pub value: Value,
    /// One line for `--help`.
    pub help: &'static str,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A value, shown in `--help` under this name.
    Named(&'static str),
    /// Nothing: given means true. In a file and the environment `true` or `false`.
    Switch,
}

impl OptionSpec {
    /// `--save-pages` of `save_pages`.
    pub fn flag(&self) -> String {
        flag(self.key)
    }

    /// The default, as one would write it; none where there is none, and of a switch, which is off.
    pub fn default_text(&self) -> Option<String> {
        let defaults = flat(embedded_defaults());
        let (_, default) = defaults.into_iter().find(|(key, _)| key == self.key && self.value != Value::Switch)?;
        Some(default.as_str().map_or_else(|| default.to_string(), str::to_owned))
    }

    /// `KORE_LAKE_SAVE_PAGES` of `save_pages`.
    pub fn variable(&self) -> String {
        variable(self.key)
    }
}

/// The flag of a key.
pub(super) fn flag(key: &str) -> String {
    format!("--{}", key.replace(['_', '.'], "-"))
}

/// The environment variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("KORE_LAKE_{}", key.replace('.', "_").to_uppercase())
}

/// Variables that every tool for S3 reads; ours counts before them, and of them the first.
pub(super) fn usual_variables(key: &str) -> &'static [&'static str] {
    match key {
        "store.endpoint" => &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"],
        "store.region" => &["AWS_REGION", "AWS_DEFAULT_REGION"],
        "store.allow_http" => &["AWS_ALLOW_HTTP"],
        "store.access_key_id" => &["AWS_ACCESS_KEY_ID"],
        "store.secret_access_key" => &["AWS_SECRET_ACCESS_KEY"],
        "store.session_token" => &["AWS_SESSION_TOKEN"],
        _ => &[],
    }
}

/// The entries of a file, those of a table under its name, a `.` and theirs.
pub(super) fn flat(table: toml::Table) -> Vec<(String, toml::Value)> {
    let of_table = |(key, value): (String, toml::Value)| match value {
        toml::Value::Table(inner) if TABLES.contains(&key.as_str()) => {
            inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)).collect()
        }
        value => vec![(key, value)],
    };
    table.into_iter().flat_map(of_table).collect()
}

/// Tables of a file that hold options.
const TABLES: &[&str] = &["store"];

const fn named(key: &'static str, value: &'static str, help: &'static str) -> OptionSpec {
    OptionSpec { key, value: Value::Named(value), help }
}

const fn switch(key: &'static str, help: &'static str) -> OptionSpec {
    OptionSpec { key, value: Value::Switch, help }
}

/// The variable that names the file in which `key` stands; none for a key that stands in no file of its own.
pub(super) fn file_twin(key: &str) -> Option<String> {
    (SECRETS.contains(&key) || key == "client_id").then(|| format!("{}_FILE", variable(key)))
}

/// Every option, in the order of `--help`.
pub const OPTIONS: &[OptionSpec] = &[
    named("lake", "URL", "Lake: a folder, a file:// URL or s3://bucket/prefix"),
    named("host", "HOST", "API host name or base URL"),
    named("account_id", "ID", "Account to read"),
    named("stream_id", "ID", "App or stream to read (header iId)"),
    named("api", "VERSION", "API version: v1 or v2"),
    named("since", "TIME", "Nothing before this is missed: a date or an RFC 3339 time"),
    named("rate", "N", "Requests a minute, 0 for no limit"),
    named("concurrency", "N", "Windows read side by side"),
    named("window", "DURATION", "Longest window, below 7 days"),
    named("lookback", "DURATION", "How far back to read again what may still change"),
    named("max_requests", "N", "End the run after so many requests; the next one goes on"),
    named("max_duration", "DURATION", "End the run after so long; the next one goes on"),
    named("save_pages", "DIR", "Keep every page read as a file in this folder"),
    named("retry_deadline", "DURATION", "How long one request is tried again"),
    named("connect_timeout", "DURATION", "Time a connection may take to stand"),
    named("idle_timeout", "DURATION", "Time an answer may stand still"),
    named("request_timeout", "DURATION", "Time a whole answer may take"),
    named("max_page_bytes", "SIZE", "Largest answer that is taken, unpacked"),
    named("memory_limit", "SIZE", "Memory for sorting and queries, such as 512MiB"),
    named("spill_dir", "DIR", "Folder for what a query cannot hold in memory; the system's temporary one unless given"),
    named("wait_lock", "DURATION", "How long to wait for another writer of the account"),
    named("now", "TIME", "Take this for the present: range end, lookback, what counts as final"),
    switch("single_writer", "Take a store that cannot keep two writers apart: nothing else writes this lake"),
    named("store.endpoint", "URL", "S3: address of a service that is not AWS's own"),
    named("store.region", "NAME", "S3: region, us-east-1 unless given"),
    named("store.path_style", "true|false", "S3: bucket in the path (true) or in the host name (false)"),
    switch("store.allow_http", "S3: talk plain HTTP to the endpoint"),
    switch("strict", "Fail on what was reported before"),
    switch("allow_downgrade", "Take an API version or field set that lacks columns of the lake"),
    switch("allow_http", "Talk plain HTTP to a host that is not this machine"),
    named("ca_file", "FILE", "Further certificate authority, PEM"),
    named("client_id", "ID", "Client id to mint tokens for"),
    named("jwt_algorithm", "NAME", "HS256 or HS512"),
    named("jwt_subject", "TEXT", "Subject of minted tokens; the client id unless given"),
    switch("jwt_jti", "Mint a token with a fresh jti for every request"),
    named("output", "FORMAT", "Summary and lists as text or json"),
    named("summary", "FILE", "Write the summary as JSON to this file, on failure too"),
    named("log_format", "FORMAT", "Log lines as text or json"),
    named("progress", "WHEN", "Progress bar: auto, always or never"),
];

/// Secrets: never on a command line, by reference in a file.
pub(super) const SECRETS: &[&str] =
    &["token", "client_secret", "store.access_key_id", "store.secret_access_key", "store.session_token"];

/// The reference of the options, which is also their lowest layer.
pub(super) const DEFAULTS: &str = include_str!("default.toml");

pub(super) fn embedded_defaults() -> toml::Table {
    DEFAULTS.parse().expect("default.toml is TOML, a test reads it")
}
