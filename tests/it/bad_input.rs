//! Bad input gives one clear message and the exit code of README.md, and nothing is lost.

use crate::program::Program;

#[test]
fn an_unknown_flag_is_named() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(Program::new(folder.path(), "load --rat 3").run(), @"
    exit 2
    --- stderr
    error: unexpected argument '--rat' found

      tip: a similar argument exists: '--rate'

    Usage: kore-lake load --from <TIME> --rate <N>

    For more information, try '--help'.
    ");
}
