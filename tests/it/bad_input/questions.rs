//! SQL and reports that cannot be answered.

use std::fs;

use crate::loaded::{Loaded, refused};
use crate::program::Ran;

#[track_caller]
fn query(loaded: &Loaded, sql: &str) -> Ran {
    refused(loaded.path(), loaded.program("query -c").arg(sql))
}

#[test]
fn a_statement_that_would_write_is_refused() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(query(&loaded, "INSERT INTO conversations SELECT * FROM conversations"), @"
    exit 2
    --- stderr
    error: statement 1: expected a statement that reads (`SELECT`, `WITH`, `VALUES`, `EXPLAIN`, `SHOW`, `DESCRIBE`) or `CREATE VIEW`, found `INSERT INTO`
    ");
    insta::assert_snapshot!(query(&loaded, "COPY conversations TO 'out.parquet'"), @"
    exit 2
    --- stderr
    error: statement 1: expected a statement that reads (`SELECT`, `WITH`, `VALUES`, `EXPLAIN`, `SHOW`, `DESCRIBE`) or `CREATE VIEW`, found `COPY CONVERSATIONS`
    ");
    insta::assert_snapshot!(query(&loaded, "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'"), @"
    exit 2
    --- stderr
    error: statement 1: expected a statement that reads (`SELECT`, `WITH`, `VALUES`, `EXPLAIN`, `SHOW`, `DESCRIBE`) or `CREATE VIEW`, found `CREATE EXTERNAL`
    ");
    insta::assert_snapshot!(query(&loaded, "SET datafusion.execution.batch_size = 1"), @"
    exit 2
    --- stderr
    error: statement 1: expected a statement that reads (`SELECT`, `WITH`, `VALUES`, `EXPLAIN`, `SHOW`, `DESCRIBE`) or `CREATE VIEW`, found `SET DATAFUSION.EXECUTION.BATCH_SIZE`
    ");
}

#[test]
fn a_statement_that_cannot_be_understood_is_explained() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(query(&loaded, "SELEC 1"), @"
    exit 2
    --- stderr
    error: cannot parse the SQL: expected an SQL statement, found SELEC at line 1, column 1
      SELEC 1
      ^
    ");
    insta::assert_snapshot!(query(&loaded, "SELECT count(* FROM conversations"), @"
    exit 2
    --- stderr
    error: cannot parse the SQL: expected ), found FROM at line 1, column 16
      SELECT count(* FROM conversations
                     ^
    ");
    insta::assert_snapshot!(query(&loaded, "SELECT 1 FROM conversation"), @"
    exit 2
    --- stderr
    error: statement 1: unknown table `conversation`; did you mean `conversations`?
    ");
    insta::assert_snapshot!(query(&loaded, "SELECT sesion_id FROM conversations"), @"
    exit 2
    --- stderr
    error: statement 1: unknown column `sesion_id`; did you mean `session_id`?
    ");
}

#[test]
fn an_error_says_where_the_right_name_is() {
    let loaded = Loaded::new();
    let stderr = |sql: &str| query(&loaded, sql).stderr;
    insta::assert_snapshot!(stderr("SELECT missed.queue_name FROM missed_offers AS m"), @"error: statement 1: unknown table `missed`; did you mean `m`?");
    let elsewhere = stderr("SELECT enter_time FROM contacts");
    assert!(elsewhere.contains("hint: `enter_time` is a column of `queue_entries`"), "{elsewhere}");
    insta::assert_snapshot!(stderr("SELECT lenght(channel) FROM contacts"), @"error: statement 1: unknown function `lenght`; did you mean `length`?");
    insta::assert_snapshot!(stderr("SELECT abs(channel, 2) FROM contacts"), @"error: statement 1: expected `abs(Numeric(1))`, found `abs(Utf8, Int64)`");
    insta::assert_snapshot!(stderr("SELECT destinations[1]['queue_nam'] FROM conversations"), @"error: statement 1: unknown column `queue_nam`; did you mean `queue_name`?");
    insta::assert_snapshot!(stderr("SELECT 1 +"), @"
    error: cannot parse the SQL: expected an expression, found the end
      SELECT 1 +
                ^
    ");
}

#[test]
fn a_failing_statement_ends_the_script_and_what_came_before_it_is_printed() {
    let loaded = Loaded::new();
    let sql = "SELECT 1 AS one; SELECT nothing FROM conversations; SELECT 3 AS three";
    insta::assert_snapshot!(loaded.program("query --format csv -c").arg(sql).run(), @"
    exit 2
    --- stdout
    one
    1
    --- stderr
    error: statement 2: unknown column `nothing`
    hint: `DESCRIBE contacts` lists the columns of a table or view, `SHOW TABLES` what there is
    ");
    let to_file = loaded.program("query --format csv -o out.csv -c").arg(sql);
    assert_eq!(refused(loaded.path(), to_file).code, 2, "and a file of half the results is none");
}

#[test]
fn one_file_of_parquet_holds_one_answer() {
    let loaded = Loaded::new();
    let program = loaded.program("query --format parquet -o out.parquet -c").arg("SELECT 1 AS n; SELECT 2 AS n");
    insta::assert_snapshot!(refused(loaded.path(), program), @"
    exit 2
    --- stderr
    error: expected one answer with `--format parquet`, found a second
    ");
}

#[test]
fn a_script_that_cannot_be_read_is_named() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(refused(loaded.path(), loaded.program("query -f nowhere.sql")), @"
    exit 2
    --- stderr
    error: cannot read `nowhere.sql`: No such file or directory (os error [n])
    ");
}

#[test]
fn a_report_or_parameter_that_is_none_is_named() {
    let loaded = Loaded::new();
    let report = |line: &str| refused(loaded.path(), loaded.program(&format!("report {line}")));
    insta::assert_snapshot!(report("volum"), @"
    exit 2
    --- stderr
    error: unknown report `volum`; did you mean `volume`?
    hint: `kore-lake report list` says what each report tells
    ");
    insta::assert_snapshot!(report("volume --param zone=UTC"), @"
    exit 2
    --- stderr
    error: report `volume` has no parameter `zone`; expected one of `from`, `to`, `time_zone`, `account`, `channel`, `interval`
    hint: `kore-lake report volume --help` explains its parameters
    ");
    insta::assert_snapshot!(report("volume --param interval=soon"), @"
    exit 2
    --- stderr
    error: parameter `interval` of report `volume`: expected one of `15m`, `30m`, `60m`, `day`, `weekday_hour` (default `day`), found `soon`
    hint: `kore-lake report volume --help` explains its parameters
    ");
    insta::assert_snapshot!(report("volume --param interval"), @"
    exit 2
    --- stderr
    error: expected `--param NAME=VALUE`, found `interval`
    ");
    insta::assert_snapshot!(report("volume containment --format parquet"), @"
    exit 2
    --- stderr
    error: expected one report with `--format parquet`, found 2
    ");
    insta::assert_snapshot!(report("volume --format xml"), @"
    exit 2
    --- stderr
    error: invalid value 'xml' for '--format <FORMAT>'
      [possible values: table, csv, tsv, json, ndjson, markdown, parquet]
    ");
}

#[test]
fn results_go_only_where_they_can_be_written() {
    let loaded = Loaded::new();
    fs::write(loaded.path().join("file"), "text").unwrap();
    let query = |out: &str| refused(loaded.path(), loaded.program(&format!("query -o {out} -c VALUES(1)")));
    insta::assert_snapshot!(query("nowhere/out.csv"), @"
    exit 2
    --- stderr
    error: cannot write `nowhere/out.csv`: No such file or directory (os error [n])
    ");
    insta::assert_snapshot!(query("file/out.csv"), @"
    exit 2
    --- stderr
    error: cannot write `file/out.csv`: Not a directory (os error [n])
    ");
    insta::assert_snapshot!(query("lake"), @"
    exit 2
    --- stderr
    error: cannot write `lake`: is a directory
    ");
    insta::assert_snapshot!(query("/proc/out.csv"), @"
    exit 2
    --- stderr
    error: cannot write `/proc/out.csv`: No such file or directory (os error [n])
    ");
}

#[test]
fn records_as_the_api_sent_them_need_their_format() {
    let loaded = Loaded::new();
    let line = "query --as-api --format csv -c VALUES(1)";
    insta::assert_snapshot!(refused(loaded.path(), loaded.program(line)), @"
    exit 2
    --- stderr
    error: expected `--format ndjson` with `--as-api`, found `csv`
    ");
    let line = "query --as-api --format ndjson -c VALUES(1)";
    insta::assert_snapshot!(refused(loaded.path(), loaded.program(line)), @"
    exit 2
    --- stderr
    error: expected columns of `conversations` with `--as-api`, found `column1`
    ");
}
