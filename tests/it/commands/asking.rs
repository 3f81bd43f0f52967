//! `query`, `report`, `schema` and the help.

use std::fs;

use serde_json::Value;

use crate::loaded::Loaded;
use crate::program::Program;

#[test]
fn every_command_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["", "demo", "load", "replay", "query", "report", "schema", "simulate"] {
        let help = Program::new(folder.path(), &format!("{command} --help")).run().output();
        assert!(help.contains(&format!("Usage: kore-lake {command}")) && help.contains("--config"), "{help}");
    }
    let version = Program::new(folder.path(), "--version").run().output();
    assert_eq!(version, format!("kore-lake {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_help_of_load_names_every_option() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(Program::new(folder.path(), "load --help").run(), @"
    exit 0
    --- stdout
    Copies conversations from the API into the lake: a range, or what is new and may have changed

    Usage: kore-lake load [OPTIONS]

    Options:
          --from <TIME>       Start of a range: a date (UTC) or an RFC 3339 time. Without it: on from
                              what was read, less --lookback
          --to <TIME>         End of the range, not in it; the present unless given
          --accept <FROM/TO>  Take a window that could not be read whole as it is, and ask for it no
                              more
      -h, --help              Print help

    API settings:
          --host <HOST>                 API host name or base URL
          --since <TIME>                Nothing before this is missed: a date or an RFC 3339 time
          --rate <N>                    Requests a minute, 0 for no limit [default: 50]
          --concurrency <N>             Windows read side by side [default: 4]
          --window <DURATION>           Longest window, below 7 days [default: 6d]
          --lookback <DURATION>         How far back to read again what may still change [default: 3d]
          --max-requests <N>            End the run after so many requests; the next one goes on
          --max-duration <DURATION>     End the run after so long; the next one goes on
          --save-pages <DIR>            Keep every page read as a file in this folder
          --retry-deadline <DURATION>   How long one request is tried again [default: 5m]
          --connect-timeout <DURATION>  Time a connection may take to stand [default: 10s]
          --idle-timeout <DURATION>     Time an answer may stand still [default: 60s]
          --request-timeout <DURATION>  Time a whole answer may take [default: 120s]
          --max-page-bytes <SIZE>       Largest answer that is taken, unpacked [default: 64MiB]
          --now <TIME>                  Take this for the present: range end, lookback, what counts as
                                        final
          --allow-http                  Talk plain HTTP to a host that is not this machine
          --client-id <ID>              Client id to mint tokens for
          --jwt-algorithm <NAME>        HS256 or HS512 [default: HS256]
          --jwt-subject <TEXT>          Subject of minted tokens; the client id unless given
          --jwt-jti                     Mint a token with a fresh jti for every request

    Lake settings:
          --lake <URL>            Lake: a folder, a file:// URL or s3://bucket/prefix [default: ./lake]
          --account-id <ID>       Account to read
          --stream-id <ID>        App or stream to read (header iId)
          --api <VERSION>         API version: v1 or v2 [default: v2]
          --memory-limit <SIZE>   Memory for sorting and queries, such as 512MiB
          --wait-lock <DURATION>  How long to wait for another writer of the account [default: 0s]
          --single-writer         Take a store that cannot keep two writers apart: nothing else writes
                                  this lake
          --strict                Fail on what was reported before
          --allow-downgrade       Take an API version or field set that lacks columns of the lake
          --output <FORMAT>       Summary and lists as text or json [default: text]
          --summary <FILE>        Write the summary as JSON to this file, on failure too

    Lake on S3:
          --store-endpoint <URL>           S3: address of a service that is not AWS's own
          --store-region <NAME>            S3: region, us-east-1 unless given
          --store-path-style <true|false>  S3: bucket in the path (true) or in the host name (false)
          --store-allow-http               S3: talk plain HTTP to the endpoint
          --ca-file <FILE>                 Further certificate authority, PEM

    Common options:
          --config <FILE>        Configuration file, TOML
      -q, --quiet                Only results and errors
      -v, --verbose...           More log lines; twice for more still
          --log-format <FORMAT>  Log lines as text or json [default: text]
          --progress <WHEN>      Progress bar: auto, always or never [default: auto]

    Settings, --log-format and --progress can also stand in the environment (KORE_LAKE_RATE for --rate)
    or in the file that --config names (rate = 50).

    The login never stands on the command line: KORE_LAKE_TOKEN, or KORE_LAKE_CLIENT_ID and
    KORE_LAKE_CLIENT_SECRET, in the environment; or files that their twins with _FILE name.
    ");
}

#[test]
fn the_schema_is_printed_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let schema = |format: &str| Program::new(folder.path(), &format!("schema {format}")).run().output();
    assert_eq!(schema(""), schema("--format tree"));
    assert!(schema("").contains("session_id"));
    let json: Value = serde_json::from_str(&schema("--format json")).unwrap();
    assert!(json.is_object());
    assert!(schema("--format markdown").starts_with('#'));
    assert!(schema("--format spark --lake /data/lake").contains("/data/lake"));
    assert!(schema("--format duckdb --lake /data/lake").contains("/data/lake"));
}

#[test]
fn reports_are_listed_as_text_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let text = Program::new(folder.path(), "report list").run().output();
    assert_eq!(Program::new(folder.path(), "report list --help").run().output(), text);
    let json = Program::new(folder.path(), "report list --output json").run().output();
    let json: Vec<Value> = serde_json::from_str(&json).unwrap();
    let names: Vec<_> = json.iter().map(|report| report["name"].as_str().unwrap()).collect();
    insta::assert_snapshot!(names.join(" "), @"volume containment service_level queue_wait abandonment agent_performance missed_offers transfers callbacks satisfaction dispositions intents tones repeat_contacts changes data_quality");
    for report in &json {
        assert!(text.contains(&format!(
            "{}\n  {}\n",
            report["name"].as_str().unwrap(),
            report["purpose"].as_str().unwrap()
        )));
        assert!(!report["columns"].as_array().unwrap().is_empty());
    }
}

#[test]
fn several_reports_share_their_parameters() {
    let loaded = Loaded::new();
    let line = "report volume containment --param time_zone=Asia/Kolkata --param interval=day --format csv";
    let both = loaded.program(line).run().output();
    let one = |line: &str| loaded.program(&format!("report {line} --param time_zone=Asia/Kolkata --format csv")).run();
    assert_eq!(both, one("volume --param interval=day").output() + &one("containment").output());
    let tables = loaded.program("report volume containment --format table").run().output();
    assert!(tables.starts_with("## volume: ") && tables.contains("\n\n## containment: "), "{tables}");
}

#[test]
fn several_reports_as_json_are_an_array_a_line() {
    let answer = Loaded::new().program("report volume containment --format json").run().output();
    assert!(
        answer.lines().count() == 2 && answer.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{answer}"
    );
}

#[test]
fn sql_for_a_lake_that_is_not_there_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let ran = Program::new(folder.path(), "report volume --sql --lake nowhere").run();
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, "note: `nowhere` has nothing yet: its tables are declared empty\n")
    );
}

#[test]
fn a_report_explains_itself_and_all_of_them_go_into_a_folder() {
    let loaded = Loaded::new();
    let help = loaded.program("report volume --help").run().output();
    for said in [
        "How many contacts began",
        "one of `15m`, `30m`, `60m`, `day`, `weekday_hour`; default `day`",
        "\n  contacts ",
        "`kore-lake report volume --sql --engine duckdb` (or `spark`)",
    ] {
        assert!(help.contains(said), "{said}: {help}");
    }
    assert_eq!(loaded.program("report --all -o all --format parquet").run().output(), "");
    let json: Vec<Value> = serde_json::from_str(&loaded.program("report list --output json").run().output()).unwrap();
    for report in &json {
        let file = loaded.path().join("all").join(format!("{}.parquet", report["name"].as_str().unwrap()));
        assert!(fs::read(file).unwrap().starts_with(b"PAR1"));
    }
    assert_eq!(fs::read_dir(loaded.path().join("all")).unwrap().count(), json.len());
    assert_eq!(loaded.program("report volume containment -o two/ --format markdown").run().output(), "");
    let volume = fs::read_to_string(loaded.path().join("two/volume.md")).unwrap();
    assert!(volume.starts_with("| interval_start "), "{volume}");
}

const SQL: &str = "SELECT 1 AS n, 'a,b' AS text UNION ALL SELECT 2, NULL ORDER BY n";

#[test]
fn rows_are_printed_in_every_format() {
    let loaded = Loaded::new();
    let query = |format: &str| loaded.program(&format!("query --format {format} -c")).arg(SQL).run().output();
    insta::assert_snapshot!(query("table"), @"
    ┌───┬──────┐
    │ n ┆ text │
    ╞═══╪══════╡
    │ 1 ┆ a,b  │
    │ 2 ┆      │
    └───┴──────┘
    ");
    insta::assert_snapshot!(query("csv"), @r#"
    n,text
    1,"a,b"
    2,
    "#);
    insta::assert_snapshot!(query("tsv"), @"
    n	text
    1	a,b
    2
    ");
    insta::assert_snapshot!(query("json"), @r#"[{"n":1,"text":"a,b"},{"n":2,"text":null}]"#);
    insta::assert_snapshot!(query("ndjson"), @r#"
    {"n":1,"text":"a,b"}
    {"n":2,"text":null}
    "#);
    insta::assert_snapshot!(query("markdown"), @"
    | n | text |
    | ---: | --- |
    | 1 | a,b |
    | 2 |  |
    ");
    let csv = loaded.program("query -c").arg(SQL).run().output();
    assert_eq!(csv, query("csv"), "CSV where stdout is no terminal");
    let parquet = loaded.program("query --format parquet -o rows.parquet -c").arg(SQL).run();
    assert_eq!(parquet.output(), "");
    let bytes = fs::read(loaded.path().join("rows.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn a_script_comes_from_the_line_a_file_or_stdin() {
    let loaded = Loaded::new();
    let script = "CREATE VIEW two AS SELECT 2 AS n;\nSELECT 1 AS n;\nSELECT n FROM two;\n";
    fs::write(loaded.path().join("script.sql"), script).unwrap();
    let answer = "n\n1\nn\n2\n";
    assert_eq!(loaded.program("query -c").arg(script).run().output(), answer);
    assert_eq!(loaded.program("query -f script.sql").run().output(), answer);
    assert_eq!(loaded.program("query -f -").stdin(script).run().output(), answer);
    assert_eq!(loaded.program("query -f script.sql -o out.csv").run().output(), "");
    assert_eq!(fs::read_to_string(loaded.path().join("out.csv")).unwrap(), answer);
}

#[test]
fn rows_are_given_back_as_the_records_that_the_api_sent() {
    let loaded = Loaded::new();
    let line = "query --format ndjson --as-api -c";
    let records = loaded.program(line).arg("SELECT * FROM conversations").run().output();
    let generator = loaded.service.running().generator();
    assert_eq!(records.lines().count(), generator.rows());
    for record in records.lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        assert!(record["sessionId"].is_string() && record.get("_run_id").is_none(), "{record}");
    }
}
