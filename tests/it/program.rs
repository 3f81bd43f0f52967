//! Runs the binary as a user does: no environment but what a test gives, a folder of its own to stand in.

use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use regex::Regex;

/// Longer than any run of these tests takes; one that stands still ends its test, not the whole suite.
const PATIENCE: Duration = Duration::from_mins(10);

/// A run to come.
pub struct Program {
    command: Command,
    folder: PathBuf,
    stdin: Vec<u8>,
}

impl Program {
    /// The program in `folder`, with the arguments of `line`, split at spaces.
    pub fn new(folder: &Path, line: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kore-lake"));
        command.current_dir(folder).env_clear().args(line.split_whitespace());
        for name in ["PATH", "TMPDIR"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        Self { command, folder: folder.to_owned(), stdin: Vec::new() }
    }

    /// One more argument, as it is.
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn stdin(mut self, text: &str) -> Self {
        text.as_bytes().clone_into(&mut self.stdin);
        self
    }

    /// Runs the program to its end.
    pub fn run(self) -> Ran {
        self.start().ended()
    }

    /// Lets the program run.
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A program that does not read its input closes it.
        let _ = stdin.write_all(&self.stdin);
        drop(stdin);
        let stdout = reader(child.stdout.take().expect("a pipe"));
        let stderr = reader(child.stderr.take().expect("a pipe"));
        Running { child, stdout, stderr, folder: self.folder }
    }
}

fn reader(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// A run under way.
pub struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    folder: PathBuf,
}

impl Running {
    /// Sends a signal: `INT`, `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("`kill` runs").success(), "no process {} to send {name}", self.child.id());
    }

    /// Whether the program still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// Waits until the program handles the signals that ask it to stop: before that they end it.
    #[cfg(target_os = "linux")]
    pub fn wait_for_handlers(&self) {
        const INT_AND_TERM: u64 = 1 << (2 - 1) | 1 << (15 - 1);
        let path = format!("/proc/{}/status", self.child.id());
        crate::service::wait_until("signals are handled", || {
            let status = std::fs::read_to_string(&path).expect("the program runs");
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
            u64::from_str_radix(caught.trim(), 16).expect("a mask") & INT_AND_TERM == INT_AND_TERM
        });
    }

    /// The most memory that the program has held so far; none when it has ended.
    #[cfg(target_os = "linux")]
    pub fn peak_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
        kib.parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// Kills the program, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child has an end");
        for reader in [self.stdout, self.stderr] {
            reader.join().expect("the reader ends");
        }
    }

    /// Waits for the end.
    pub fn ended(mut self) -> Ran {
        let deadline = Instant::now() + PATIENCE;
        while self.is_alive() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(5)); // between two looks at the child
        }
        let status = self.child.wait().expect("a child has an end");
        let text = |handle: JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&handle.join().expect("the reader ends")).into_owned()
        };
        let (stdout, stderr) = (text(self.stdout), text(self.stderr));
        let code = status.code().unwrap_or_else(|| panic!("the program was killed: {status}\n{stderr}"));
        Ran { code, stdout, stderr, folder: self.folder }
    }
}

/// A run that has ended. Shows itself as exit code, stdout and stderr, without what differs from run to run.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    folder: PathBuf,
}

impl Ran {
    /// stdout of a run that ended well and had nothing to complain of.
    #[track_caller]
    pub fn output(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "stdout: {}", self.stdout);
        self.stdout
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{}", steady(text, &self.folder))?;
            }
        }
        Ok(())
    }
}

/// What differs from run to run and from machine to machine, and what stands for it.
static FILTERS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let filters = [
        (r"_\d{16}\.json", "_[time].json"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[run]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "[time]"),
        (r"process \d+ on `[^`]*`", "process [pid] on `[host]`"),
        (r"\b\d+ attempts? over \d+\.\d s", "[n] attempts over [s] s"),
        (r"EOF while parsing \w+ \w+ at line \d+ column \d+", "EOF at [place]"),
        (r"\(os error \d+\)", "(os error [n])"),
        (r"in \d+\.\d s", "in [s] s"),
        (r"\b\d+(\.\d)? [kMG]?B\b", "[size]"),
    ];
    filters.map(|(pattern, stands_for)| (Regex::new(pattern).expect("a pattern"), stands_for)).into()
});

fn steady(text: &str, folder: &Path) -> String {
    let folders = [folder.canonicalize().unwrap_or_default(), folder.to_owned()];
    let text = folders.iter().fold(text.to_owned(), |text, folder| {
        let folder = folder.display().to_string();
        if folder.is_empty() { text } else { text.replace(&folder, "[folder]") }
    });
    FILTERS.iter().fold(text, |text, (pattern, stands_for)| pattern.replace_all(&text, *stands_for).into_owned())
}
