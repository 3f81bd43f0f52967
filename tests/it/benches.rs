//! The driver of the benchmarks works, on little data and without what only benchmarks need.

use std::path::Path;
use std::process::Command;

use crate::binary::{readers_python, succeed};

#[test]
fn the_driver_of_the_benchmarks_works() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/run");
    let mut command = Command::new(program);
    command.args(["--check", "--binary", env!("CARGO_BIN_EXE_kore-lake")]).env("READERS_PYTHON", readers_python());
    let said = succeed(&mut command);
    assert!(said.ends_with("the driver works\n"), "{said}");
}
