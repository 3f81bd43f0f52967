//! The command line: arguments in; results on stdout, everything else on stderr, and an exit code out.
//!
//! It sees the library as any other program does, and adds nothing to what the library can do.

mod args;
mod check;
mod completions;
mod demo;
mod exit;
mod load;
mod migrate;
mod output;
mod pager;
mod print;
mod progress;
mod prompt;
mod query;
mod range;
mod replay;
mod report;
mod report_text;
mod schema;
mod signals;
mod simulate;
mod status;
mod stop;
mod summary;
mod unlock;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ArgMatches;
use clap::error::ErrorKind;
use kore_lake::config::{Environment, LogFormat, Options, ProgressMode, Settings};
use kore_lake::error::{Error, Kind};
use kore_lake::pipeline::Stop;
use tracing_subscriber::EnvFilter;

use stop::Manner;

/// Deep query plans of an unoptimised build overflow the usual 2 MiB.
const STACK_BYTES: usize = 16 << 20;

/// Time for what a command left behind to be dropped.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// A command with its arguments and settings.
struct Invocation {
    /// The program as it was called, so that commands it prints can be run as they stand.
    program: String,
    matches: ArgMatches,
    options: Options,
    settings: Settings,
    quiet: bool,
    stop: Stop,
}

/// How a command ends that ran without an error.
enum End {
    Done,
    /// It did what it could; what that means for the caller.
    Short(Kind),
}

/// Runs the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let program = arguments.first().map_or("kore-lake".into(), |name| name.to_string_lossy().into_owned());
    let matches = match args::parse(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = error.print();
            return if asked_for { ExitCode::SUCCESS } else { exit::code(Kind::Usage) };
        }
    };
    match start(program, &matches) {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Short(kind)) => exit::code(kind),
        // Whoever reads the results has seen enough.
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            print::error(&error);
            exit::code(error.kind())
        }
    }
}

fn start(program: String, matches: &ArgMatches) -> Result<End, Error> {
    let Some((verb, matches)) = matches.subcommand().map(|(verb, matches)| (verb.to_owned(), matches.clone())) else {
        return Err(Error::Unexpected("clap let no command pass".to_owned()));
    };
    if let Some(shell) = matches.try_get_one("shell").ok().flatten() {
        return completions::run(*shell); // whatever the configuration
    }
    // Text that is no Unicode is no value that an option takes, and is refused there; it must not end the program here.
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let environment: Environment = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    let config_file = matches.get_one::<PathBuf>("config").cloned();
    let options = Options::layered(args::flags(&matches), environment, config_file.as_deref())?;
    let settings = Settings::resolve(&options)?;
    let quiet = matches.get_flag("quiet");
    log(settings.log_format, quiet, matches.get_count("verbose"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(|error| Error::Unexpected(format!("no runtime: {error}")))?;
    let prompts = verb == "query" && query::asks_a_person(&matches);
    let manner = if prompts { Manner::TakesSignals } else { Manner::of(&verb) };
    let command =
        |stop| async move { Invocation { program, matches, options, settings, quiet, stop }.run(&verb).await };
    let ended = runtime.block_on(stop::until_stopped(command, manner));
    // What is left where it stands is dropped, so that its temporary files go. A thread that hangs is not waited for.
    runtime.shutdown_timeout(SHUTDOWN);
    ended
}

impl Invocation {
    async fn run(self, verb: &str) -> Result<End, Error> {
        match verb {
            "demo" => demo::run(&self).await,
            "check" => check::run(self).await,
            "load" => load::run(&self).await,
            "replay" => replay::run(&self).await,
            "migrate" => migrate::run(&self).await,
            "plan" => load::plan(&self).await,
            "query" => query::run(&self).await,
            "report" => report::run(&self).await,
            "schema" => schema::run(&self).await,
            "simulate" => simulate::run(self).await,
            "status" => status::run(&self).await,
            "unlock" => unlock::run(&self).await,
            "verify" => verify::run(&self).await,
            other => Err(Error::Unexpected(format!("no command `{other}`"))),
        }
    }

    fn argument(&self, name: &str) -> Option<&String> {
        self.matches.get_one::<String>(name)
    }

    fn shows_progress(&self) -> bool {
        match self.settings.progress {
            ProgressMode::Always => true,
            ProgressMode::Never => false,
            ProgressMode::Auto => !self.quiet && print::stderr_is_terminal(),
        }
    }
}

/// A duration given to an argument that is no setting.
fn duration(flag: &str, text: &str) -> Result<Duration, Error> {
    let bad =
        |_| Error::Usage(format!("`{flag}`: expected a duration such as `90s`, `15m`, `26h`, `3d`, found `{text}`"));
    humantime::parse_duration(text).map_err(bad)
}

/// Log lines go to stderr: warnings, with `-v` what is done, with `-vv` everything of ours; with `-q` errors.
fn log(format: LogFormat, quiet: bool, verbose: u8) {
    let filter = match (quiet, verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "warn,kore_lake=info",
        (_, 2) => "info,kore_lake=debug",
        _ => "debug,kore_lake=trace",
    };
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_target(false).without_time().with_ansi(false).init(),
        LogFormat::Json => lines.json().init(),
    }
}
