//! The program and its neighbours, run as a user runs them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, in `folder` and with an empty environment, so that nothing of this machine decides a test.
pub fn kore_lake(folder: &Path, arguments: &[&str]) -> String {
    succeed(Command::new(env!("CARGO_BIN_EXE_kore-lake")).args(arguments).current_dir(folder).env_clear())
}

/// An example's file: `cargo test` builds them beside the tests.
pub fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let example = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(example.exists(), "`{}` is not built: run the tests by `tests/run`", example.display());
    example
}

/// The Python that has DuckDB, pyarrow and PySpark.
pub fn readers_python() -> PathBuf {
    let python = std::env::var_os("READERS_PYTHON");
    python.expect("READERS_PYTHON names a Python with DuckDB, pyarrow and PySpark: `tests/run` sets it up").into()
}

/// Runs a Python script of the crate.
pub fn python(script: &str, arguments: &[impl AsRef<OsStr>]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    succeed(Command::new(readers_python()).arg(script).args(arguments))
}

/// What a command prints that succeeds.
pub fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8_lossy(&stderr).into_owned());
    assert!(status.success(), "{command:?}: {status}\n{stderr}\n{stdout}");
    stdout
}
