mod upkeep;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use kore_lake::config::{OPTIONS, OptionSpec, Value};
use kore_lake::simulator::{Behaviour, Fault, Switch};

/// Headings of the options, in which those of a command itself come first.
const LAKE_SETTINGS: &str = "Lake settings";
const API_SETTINGS: &str = "API settings";
const STORE_SETTINGS: &str = "Lake on S3";
const COMMON: &str = "Common options";

/// Said below the options of every command.
const LAYERS: &str = "Settings, --log-format and --progress can also stand in the environment (KORE_LAKE_RATE for --rate) \
or in the file that --config names (rate = 50).";

/// Said below the options of a command that logs in.
const SECRETS: &str = "The login never stands on the command line: KORE_LAKE_TOKEN, or KORE_LAKE_CLIENT_ID and \
KORE_LAKE_CLIENT_SECRET, in the environment; or files that their twins with _FILE name.";

/// Options of every command.
const EVERYWHERE: &[&str] = &["log_format", "progress"];
/// Options of every command that has to do with a lake.
const STORE: &[&str] = &["store.endpoint", "store.region", "store.path_style", "store.allow_http", "ca_file"];
/// Options of commands that read a lake.
const READING: &[&str] = &["lake", "memory_limit", "spill_dir"];
/// Options of commands that write a lake.
const WRITING: &[&str] = &[
    "lake",
    "account_id",
    "stream_id",
    "api",
    "memory_limit",
    "wait_lock",
    "single_writer",
    "allow_downgrade",
    "strict",
    "output",
    "summary",
];
/// Options of commands that talk to the API.
const FETCHING: &[&str] = &[
    "host",
    "since",
    "rate",
    "concurrency",
    "window",
    "lookback",
    "max_requests",
    "max_duration",
    "save_pages",
    "retry_deadline",
    "connect_timeout",
    "idle_timeout",
    "request_timeout",
    "max_page_bytes",
    "now",
    "allow_http",
    "client_id",
    "jwt_algorithm",
    "jwt_subject",
    "jwt_jti",
];

/// The whole command line, as clap sees it.
pub fn command() -> Command {
    Command::new("kore-lake")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Copies every conversation of a Kore.ai contact centre into a Parquet data lake and answers questions about them")
        .after_help("Exit codes, configuration and the layout of the lake: README.md\n\n`kore-lake COMMAND --help` lists the options of a command.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(common().map(|arg| arg.global(true).help_heading(COMMON)))
        .subcommands([demo(), load(), upkeep::plan(), upkeep::check(), replay(), query(), report()])
        .subcommands([upkeep::status(), upkeep::verify(), upkeep::migrate(), upkeep::unlock()])
        .subcommands([schema(), simulate(), upkeep::completions()])
}

fn common() -> impl Iterator<Item = Arg> {
    let config = Arg::new("config").long("config").value_name("FILE").value_parser(value_parser!(PathBuf));
    let quiet = Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue);
    let verbose = Arg::new("verbose").short('v').long("verbose").action(ArgAction::Count);
    [
        config.help("Configuration file, TOML"),
        quiet.help("Only results and errors"),
        verbose.help("More log lines; twice for more still"),
    ]
    .into_iter()
    .chain(settings(EVERYWHERE, COMMON))
}

fn verb(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).after_help(LAYERS)
}

fn demo() -> Command {
    verb("demo", "Loads a week from the bundled simulator and runs reports: no network, no configuration")
        .args(settings(&["lake"], LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

fn load() -> Command {
    verb("load", "Copies conversations from the API into the lake: a range, or what is new and may have changed")
        .args(range())
        .arg(
            Arg::new("accept")
                .long("accept")
                .value_name("FROM/TO")
                .help("Take a window that could not be read whole as it is, and ask for it no more"),
        )
        .after_help(format!("{LAYERS}\n\n{SECRETS}"))
        .args(settings(FETCHING, API_SETTINGS))
        .args(settings(WRITING, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

fn range() -> [Arg; 2] {
    let from = "Start of a range: a date (UTC) or an RFC 3339 time. Without it: on from what was read, less --lookback";
    let to = "End of the range, not in it; the present unless given";
    [("from", from), ("to", to)].map(|(name, help)| Arg::new(name).long(name).value_name("TIME").help(help))
}

fn replay() -> Command {
    verb("replay", "Loads saved pages into the lake, without network")
        .arg(
            Arg::new("paths")
                .value_name("PATH")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("Files, or folders of *.json files"),
        )
        .arg(
            Arg::new("time_zone_offset")
                .long("time-zone-offset")
                .value_name("MINUTES")
                .allow_negative_numbers(true)
                .default_value("0")
                .value_parser(value_parser!(i32).range(-14 * 60..=14 * 60))
                .help("timeZoneOffset that a bare answer was asked with (India -330)"),
        )
        .args(settings(WRITING, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

fn query() -> Command {
    let sql = Arg::new("sql").short('c').long("command").value_name("SQL").action(ArgAction::Append);
    verb("query", "Runs SQL over the lake; without -c and -f a prompt, or what comes on standard input")
        .arg(sql.help("Statements to run; may be repeated"))
        .arg(
            Arg::new("file")
                .short('f')
                .long("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("File of statements to run, - for standard input"),
        )
        .group(ArgGroup::new("script").args(["sql", "file"]))
        .arg(
            Arg::new("explain")
                .long("explain")
                .value_name("HOW")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("plan")
                .value_parser(["plan", "analyze"])
                .conflicts_with("as_api")
                .help("Print how the statements would be run; with =analyze run them, and print how that went"),
        )
        .arg(
            Arg::new("as_api")
                .long("as-api")
                .action(ArgAction::SetTrue)
                .help("With --format ndjson: rows of conversations as the API's own records"),
        )
        .args(result_arguments())
        .args(settings(READING, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

fn report() -> Command {
    verb("report", "Lists the bundled reports, or runs some")
        .arg(Arg::new("names").value_name("NAME").num_args(1..).help("`list`, or names of reports"))
        .arg(
            Arg::new("all")
                .long("all")
                .action(ArgAction::SetTrue)
                .conflicts_with("names")
                .help("Every report; with --out DIR each in a file of its own"),
        )
        .arg(
            Arg::new("html")
                .long("html")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with_all(["names", "all", "sql", "format", "out"])
                .help("The dashboard, as one page that opens offline: the last seven days unless from or to are given"),
        )
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::SetTrue)
                .help("Print help; behind a NAME what that report tells, takes and gives"),
        )
        .arg(
            Arg::new("params")
                .long("param")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("A parameter of the reports; may be repeated"),
        )
        .arg(
            Arg::new("sql")
                .long("sql")
                .action(ArgAction::SetTrue)
                .help("Prints all that an engine needs to run the reports over the lake, instead of running them"),
        )
        .arg(
            Arg::new("engine")
                .long("engine")
                .value_name("ENGINE")
                .requires("sql")
                .default_value("duckdb")
                .value_parser(["duckdb", "spark", "datafusion"])
                .help("With --sql: the engine it is for; datafusion is `kore-lake query -f`"),
        )
        .args(result_arguments())
        .args(settings(READING, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
        .args(settings(&["output"], LAKE_SETTINGS))
}

fn schema() -> Command {
    verb("schema", "Prints the fixed schema of the table `conversations`, or SQL that gives another engine tables, functions and views over a lake")
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .default_value("tree")
                .value_parser(["tree", "json", "markdown", "spark", "duckdb"])
                .help("What to print"),
        )
        .args(settings(&["lake"], LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

fn simulate() -> Command {
    let number = |name: &'static str, value: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).default_value(default).help(help)
    };
    verb("simulate", "Serves simulated conversations through the API's own interface, for trying and testing")
        .arg(number("bind", "ADDRESS", "127.0.0.1:8787", "Address to listen on; port 0 takes a free one"))
        .arg(
            number("seed", "N", "1", "Seed of the generator: the same seed gives the same conversations")
                .value_parser(value_parser!(u64)),
        )
        .arg(number("start", "DATE", "2026-03-02", "First day"))
        .arg(number("days", "N", "7", "Number of days").value_parser(value_parser!(u32).range(1..=3660)))
        .arg(
            number("per-day", "N", "300", "Conversations on a working day")
                .value_parser(value_parser!(u32).range(1..=10_000_000)),
        )
        .arg(
            Arg::new("rate-limit")
                .long("rate-limit")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .help("Refuse more requests a minute than this"),
        )
        .arg(Arg::new("latency").long("latency").value_name("DURATION").help("Wait this long before each answer"))
        .arg(
            Arg::new("require-jti")
                .long("require-jti")
                .action(ArgAction::SetTrue)
                .help("Refuse tokens without jti, and a jti seen before"),
        )
        .arg(Arg::new("clock").long("now").value_name("TIME").help(
            "Time of the simulated clock at the start, a date (UTC) or an RFC 3339 time; it goes on as the real one \
             does. Conversations then begin, end and change as it goes. Without it there is no clock: all of them are \
             there and stay as they are",
        ))
        .arg(
            Arg::new("switches")
                .long("switch")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("Answer differently in one thing, see below; may be repeated"),
        )
        .arg(
            Arg::new("faults")
                .long("fault")
                .value_name("NAME=RATE|NAME@N")
                .action(ArgAction::Append)
                .help("Have RATE of a hundred requests go wrong, or the Nth one, see below; may be repeated"),
        )
        .after_help(format!("{}\n\n{}\n\n{LAYERS}", switches(), faults()))
}

/// What `--switch` takes.
fn switches() -> String {
    let plain = Behaviour::default();
    let line = |switch: &Switch| {
        let (words, default) = (switch.words.join("|"), switch.value(&plain));
        format!("\n  {}={words}\n          {} [default: {default}]", switch.name, switch.about)
    };
    let lines: String = Behaviour::switches().iter().map(line).collect();
    format!("Switches, one for each thing that the API's documents leave open:{lines}")
}

/// What `--fault` takes.
fn faults() -> String {
    let line = |fault: &Fault| format!("\n  {fault}\n          {}", fault.about());
    let lines: String = Fault::ALL.iter().map(line).collect();
    format!("Faults, which request has which is seeded:{lines}")
}

fn result_arguments() -> [Arg; 2] {
    [
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .value_parser(["table", "csv", "tsv", "json", "ndjson", "markdown", "parquet"])
            .help("Format of the results; table on a terminal, csv elsewhere"),
        Arg::new("out")
            .short('o')
            .long("out")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("File for the results, instead of standard output"),
    ]
}

fn settings(keys: &'static [&'static str], heading: &'static str) -> impl Iterator<Item = Arg> {
    OPTIONS.iter().filter(|option| keys.contains(&option.key)).map(move |option| argument(option).help_heading(heading))
}

/// Values stay text: they are read with those of the other layers, so that one message serves all.
fn argument(option: &OptionSpec) -> Arg {
    let default = option.default_text().map(|default| format!(" [default: {default}]"));
    let help = format!("{}{}", option.help, default.unwrap_or_default());
    let arg = Arg::new(option.key).long(option.flag().trim_start_matches('-').to_owned()).help(help);
    match option.value {
        Value::Named(name) => arg.value_name(name).allow_hyphen_values(true),
        Value::Switch => arg.action(ArgAction::SetTrue),
    }
}

/// What `--help` prints of a command that has a `--help` of its own.
pub fn help_of(verb: &str) -> String {
    let mut command = command();
    command.build();
    command.find_subcommand_mut(verb).map(|command| command.render_help().to_string()).unwrap_or_default()
}

/// The options given on the command line, by key.
pub fn flags(matches: &ArgMatches) -> BTreeMap<String, String> {
    let given = |option: &OptionSpec| {
        let from_line = matches.try_contains_id(option.key).unwrap_or(false)
            && matches.value_source(option.key) == Some(clap::parser::ValueSource::CommandLine);
        let text = match option.value {
            _ if !from_line => return None,
            Value::Switch => "true".to_owned(),
            Value::Named(_) => matches.get_one::<String>(option.key)?.clone(),
        };
        Some((option.key.to_owned(), text))
    };
    OPTIONS.iter().filter_map(given).collect()
}

/// Reads the command line; clap's own errors say what was expected.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, clap::Error> {
    command().try_get_matches_from(arguments)
}
