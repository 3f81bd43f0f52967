//! The prompt of `query`, through a terminal of its own.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rexpect::process::{Signal, WaitStatus};
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};

use crate::loaded::Loaded;
use crate::service::wait_until;

const READY: &str = "kore-lake> ";
const ENDLESS: &str = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT 1 AS i FROM n) SELECT count(*) FROM n;";

/// Keys, as a terminal sends them.
const ENTER: &str = "\r";
const TAB: &str = "\t";
const UP: &str = "\x1b[A";

/// A person at the prompt. What the prompt writes is compared without the terminal's control sequences.
struct Person {
    terminal: PtySession,
    /// The first process on the terminal.
    process: String,
}

impl Person {
    /// Sits down in a folder, which is the person's home too, and wants no pager.
    fn at(folder: &Path, line: &str) -> Self {
        Self::with(folder, line, "PAGER=; export PAGER; ")
    }

    /// With words for a shell to run before.
    fn with(folder: &Path, line: &str, before: &str) -> Self {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("echo \"process $$.\"; {before}exec \"$0\" {line}"))
            .arg(env!("CARGO_BIN_EXE_kore-lake"));
        command.current_dir(folder).env_clear().env("TERM", "xterm").env("HOME", folder);
        command.env("PATH", std::env::var_os("PATH").unwrap());
        let options = Options::new().timeout_ms(Some(60_000)).strip_ansi_escape_codes(true);
        let mut terminal = spawn_with_options(command, options).unwrap();
        terminal.exp_string("process ").unwrap();
        let process = terminal.exp_string(".").unwrap();
        let mut person = Self { terminal, process };
        person.sees(READY);
        person
    }

    fn types(&mut self, keys: &str) {
        self.terminal.send(keys).unwrap();
        self.terminal.flush().unwrap();
    }

    /// Waits for a text, and gives what came before it.
    #[track_caller]
    fn sees(&mut self, text: &str) -> String {
        let before = self.terminal.exp_string(text).unwrap_or_else(|error| panic!("no `{text}`: {error}"));
        // Bytes come as characters.
        String::from_utf8_lossy(&before.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<_>>()).into()
    }

    /// Types a line, and gives what stands before the next prompt.
    #[track_caller]
    fn asks(&mut self, line: &str) -> String {
        self.types(&format!("{line}{ENTER}"));
        // The line itself is written again and again while it is typed; it ends where the answer begins.
        let answer = self.sees(&format!("\n\r{READY}"));
        answer.replace('\r', "")
    }

    /// Waits until the program listens to signals of the terminal: the editor takes its keys as they are.
    fn waits_for_the_statement(&self) {
        let terminal = format!("/proc/{}/fd/0", self.process);
        wait_until("the editor is left", || {
            let told = Command::new("stty").args(["-a", "-F", &terminal]).output().unwrap();
            String::from_utf8_lossy(&told.stdout).split_whitespace().any(|word| word == "isig")
        });
    }

    /// The exit code.
    fn leaves(mut self) -> i32 {
        self.terminal.exp_eof().unwrap();
        match self.terminal.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn statements_go_on_over_lines_and_are_answered_until_the_end_of_input() {
    let loaded = Loaded::new();
    let mut person = Person::at(loaded.path(), "query");
    person.types(&format!("SELECT 40{ENTER}"));
    let answer = person.asks("  + 2 AS answer;");
    assert!(answer.contains("│     42 │") && answer.contains("(1 row)"), "{answer}");
    let answers = person.asks("CREATE VIEW mine AS SELECT 1 AS n; SELECT n FROM mine; SELECT ';' AS text;");
    assert_eq!(answers.matches("(1 row)").count(), 2, "{answers}");
    let error = person.asks("SELECT chanel FROM contacts;");
    assert!(error.contains("error: statement 1: unknown column `chanel`; did you mean `channel`?"), "{error}");
    let error = person.asks("SELECT count(* FROM contacts;");
    assert!(error.contains("  SELECT count(* FROM contacts;\n                 ^"), "{error}");
    assert!(person.asks("SELECT 6 * 7 AS lives;").contains("│    42 │"));
    person.types("\x04");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn statements_are_remembered_for_their_owner_alone() {
    let loaded = Loaded::new();
    let mut person = Person::at(loaded.path(), "query");
    person.asks("SELECT 1234 + 4321 AS remembered;");
    person.asks(" SELECT 'not this one' AS forgotten;");
    // No way to leave is needed for it.
    person.terminal.process_mut().kill(Signal::SIGKILL).unwrap();
    drop(person);

    let folder = loaded.path().join(".local/state/kore-lake");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("history"))), (0o700, 0o600));
    let history = fs::read_to_string(folder.join("history")).unwrap();
    assert!(history.contains("remembered") && !history.contains("forgotten"), "{history}");

    let mut person = Person::at(loaded.path(), "query");
    let again = person.asks(UP);
    assert!(again.contains("│       5555 │"), "{again}");
    person.asks("SELECT 1 AS one;");
    assert!(person.asks(&format!("{UP}{UP}")).contains("5555"));
    person.types(&format!("\\q{ENTER}"));
    assert_eq!(person.leaves(), 0);
}

#[test]
fn tab_completes_columns_tables_and_reports() {
    let loaded = Loaded::new();
    let mut person = Person::at(loaded.path(), "query");
    let counted = person.asks(&format!("SELECT count(first_queue_na{TAB}) AS n FROM conta{TAB};"));
    assert!(counted.contains("(first_queue_name) AS n FROM contacts;") && counted.contains("(1 row)"), "{counted}");
    let described = person.asks(&format!("\\d queue_e{TAB}"));
    assert!(described.contains("│ wait_seconds"), "{described}");
    let reported = person.asks(&format!("\\report vol{TAB} interval=weekday_h{TAB}"));
    assert!(reported.contains("weekday ┆ hour") && reported.contains(" rows)"), "{reported}");
    person.types("\x04");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn commands_show_what_there_is() {
    let loaded = Loaded::new();
    let mut person = Person::at(loaded.path(), "query");
    let tables = person.asks("\\d");
    assert!(
        tables.contains("│ contacts") && tables.contains("┆ view") && tables.contains("│ conversations"),
        "{tables}"
    );
    let unknown = person.asks("\\d contact");
    assert!(unknown.contains("error: unknown table `contact`; did you mean `contacts`?"), "{unknown}");
    assert!(person.asks("\\reports").contains("service_level"));
    let refused = person.asks("\\report volume interval=soon");
    assert!(refused.contains("(default `day`), found `soon`"), "{refused}");
    assert!(person.asks("\\timing").contains("Timing is on."));
    let timed = person.asks("SELECT 1 AS n;");
    assert!(regex::Regex::new(r"\(1 row, \d+\.\d ms\)").unwrap().is_match(&timed), "{timed}");
    assert!(person.asks("\\x").contains("A block for each row is on."));
    let block = person.asks("SELECT 1 AS n, 'two' AS text;");
    assert!(block.contains("── row 1 ──\nn    │ 1\ntext │ two\n"), "{block}");
    assert!(person.asks("\\?").contains("\\report NAME [k=v ...]"));
    assert!(person.asks("\\dt").contains("error: unknown command `\\dt`; \\? lists them"));
    assert!(person.asks("EXPLAIN SELECT 1;").contains("logical plan:\n  Projection"));
    person.types(&format!("exit{ENTER}"));
    assert_eq!(person.leaves(), 0);
}

#[test]
fn an_interrupt_ends_the_statement_or_the_line_and_the_prompt_lives_on() {
    let loaded = Loaded::new();
    let mut person = Person::at(loaded.path(), "query");
    for _ in 0..2 {
        person.types(&format!("{ENDLESS}{ENTER}"));
        person.waits_for_the_statement();
        person.types("\x03");
        person.sees("error: stopped by an interrupt");
        person.sees(READY);
    }
    person.types("SELECT what was never sent\x03");
    person.sees(READY);
    assert!(person.asks("SELECT 6 * 7 AS lives;").contains("│    42 │"));
    person.types("\x04");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn a_termination_ends_the_prompt_and_gives_the_terminal_back() {
    let loaded = Loaded::new();
    for statement in ["", ENDLESS] {
        // The shell stays, to tell how it finds the terminal.
        let before = "stty sane; \"$0\" query; echo \"code $?\"; stty -a; exit; ";
        let mut person = Person::with(loaded.path(), "", before);
        if !statement.is_empty() {
            person.types(&format!("{statement}{ENTER}"));
            person.waits_for_the_statement();
        }
        let shell = &person.process;
        let prompt = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        assert!(Command::new("kill").args(["-TERM", prompt.trim()]).status().unwrap().success());
        person.sees("error: stopped by a termination signal");
        person.sees("code 143");
        let state = person.terminal.exp_eof().unwrap();
        assert!(state.contains(" icanon") && state.contains(" echo "), "{state}");
    }
}

#[test]
fn what_does_not_fit_the_terminal_goes_through_the_pager() {
    let loaded = Loaded::new();
    let small = "stty rows 10 cols 60; PAGER='cat >> paged'; export PAGER; ";
    let mut person = Person::with(loaded.path(), "query", small);
    let paged = || fs::read_to_string(loaded.path().join("paged")).unwrap_or_default();
    let short = person.asks("SELECT 1 AS n;");
    assert!(short.contains("│ 1 │") && paged().is_empty(), "{short}");
    let long = person.asks("SELECT unnest(range(0, 20)) AS n;");
    assert!(long.contains("(20 rows)") && !long.contains("│ 19 │"), "{long}");
    assert!(paged().contains("│ 19 │"));
    // A nested value is cut to what fits.
    let cut = person.asks("SELECT session_id, destinations FROM conversations WHERE destinations IS NOT NULL LIMIT 1;");
    let row = cut.lines().find(|line| line.contains("destination_type")).expect("a row");
    assert!(row.contains('…') && row.trim_start_matches('\u{1b}').chars().count() <= 60, "{cut}");
    let before = paged().len();
    person.asks("SELECT * FROM contacts LIMIT 1;");
    assert!(paged()[before..].contains("session_id"), "what no cut makes fit is for the pager");
    person.types("\x04");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn results_of_the_prompt_can_go_to_a_file() {
    let loaded = Loaded::new();
    let mut person = Person::at(loaded.path(), "query -o out.csv --format csv");
    assert!(person.asks("SELECT 1 AS n;").contains("(1 row)"));
    person.asks("SELECT 'a,b' AS text;");
    person.types("\x04");
    assert_eq!(person.leaves(), 0);
    assert_eq!(fs::read_to_string(loaded.path().join("out.csv")).unwrap(), "n\n1\ntext\n\"a,b\"\n");
}

#[test]
fn statements_of_a_pipe_need_no_prompt() {
    let loaded = Loaded::new();
    let piped = loaded.program("query").stdin("SELECT 1 AS n;\nSELECT 2 AS n;\n").run();
    assert_eq!(piped.output(), "n\n1\nn\n2\n");
    let both = loaded.program("query -c").arg("CREATE VIEW two AS SELECT 2 AS n").arg("-c").arg("SELECT n FROM two");
    assert_eq!(both.run().output(), "n\n2\n");
}
