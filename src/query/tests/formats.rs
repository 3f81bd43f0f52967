use std::io;

use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use serde_json::{Value, json};

use super::lake::{Lake, conversation, with};
use crate::query::{Format, QueryError, render, render_with};

fn lake() -> Lake {
    Lake::of([
        with(
            conversation("1"),
            json!({
                "reason": "a|b\n\"c\"\t\u{1b}[31m", "csat_score": 5,
                "customer_info": {"customer_first_name": "Zoë"}, "dispositions": ["x", null],
                "session_start_time": "2026-03-02T08:00:00.5Z",
            }),
        ),
        with(conversation("2"), json!({"customer_info": null})),
    ])
}

const SQL: &str = "SELECT session_id, session_start_time, session_date, reason, csat_score, customer_info, dispositions FROM conversations ORDER BY session_id";

async fn bytes(lake: &Lake, sql: &str, format: Format) -> Vec<u8> {
    let session = lake.session().await;
    let statement = session.parse(sql).unwrap().remove(0);
    let mut out = Vec::new();
    render(session.run(&statement).await.unwrap(), format, &mut out).await.unwrap();
    out
}

async fn text(sql: &str, format: Format) -> String {
    String::from_utf8(bytes(&lake(), sql, format).await).unwrap()
}

#[tokio::test]
async fn csv_quotes_and_leaves_nulls_empty() {
    insta::assert_snapshot!(text(SQL, Format::Csv).await.replace('\u{1b}', "<ESC>"), @r#"
    session_id,session_start_time,session_date,reason,csat_score,customer_info,dispositions
    s-1,2026-03-02T08:00:00.500Z,2026-03-02,"a|b
    ""c""	<ESC>[31m",5,"{""customer_first_name"":""Zoë""}","[""x"",null]"
    s-2,2026-03-02T08:00:00Z,2026-03-02,,,,
    "#);
}

#[tokio::test]
async fn tsv_is_csv_with_tabs() {
    assert_eq!(text("SELECT 1 AS a, 'x\ty' AS b", Format::Tsv).await, "a\tb\n1\t\"x\ty\"\n");
}

#[tokio::test]
async fn json_writes_nulls_and_keeps_nesting() {
    insta::assert_snapshot!(text(SQL, Format::Ndjson).await, @r#"
    {"session_id":"s-1","session_start_time":"2026-03-02T08:00:00.500Z","session_date":"2026-03-02","reason":"a|b\n\"c\"\t\u001b[31m","csat_score":5,"customer_info":{"customer_phone":null,"center_phone":null,"customer_first_name":"Zoë","customer_last_name":null,"customer_email":null,"direction":null,"extra":null},"dispositions":["x",null]}
    {"session_id":"s-2","session_start_time":"2026-03-02T08:00:00Z","session_date":"2026-03-02","reason":null,"csat_score":null,"customer_info":null,"dispositions":null}
    "#);
    let array: Value = serde_json::from_str(&text(SQL, Format::Json).await).unwrap();
    assert_eq!(array.as_array().unwrap().len(), 2);
    assert_eq!(array[1]["customer_info"], Value::Null);
}

#[tokio::test]
async fn a_table_is_aligned_and_escapes_control_characters() {
    insta::assert_snapshot!(text(SQL, Format::Table).await, @r#"
    ┌────────────┬──────────────────────────┬──────────────┬──────────────────────┬────────────┬───────────────────────────────┬──────────────┐
    │ session_id ┆ session_start_time       ┆ session_date ┆ reason               ┆ csat_score ┆ customer_info                 ┆ dispositions │
    ╞════════════╪══════════════════════════╪══════════════╪══════════════════════╪════════════╪═══════════════════════════════╪══════════════╡
    │ s-1        ┆ 2026-03-02T08:00:00.500Z ┆ 2026-03-02   ┆ a|b\n"c"\t\u{1b}[31m ┆          5 ┆ {"customer_first_name":"Zoë"} ┆ ["x",null]   │
    │ s-2        ┆ 2026-03-02T08:00:00Z     ┆ 2026-03-02   ┆                      ┆            ┆                               ┆              │
    └────────────┴──────────────────────────┴──────────────┴──────────────────────┴────────────┴───────────────────────────────┴──────────────┘
    "#);
}

#[tokio::test]
async fn markdown_escapes_bars_backslashes_and_tags() {
    insta::assert_snapshot!(text(SQL, Format::Markdown).await, @r#"
    | session_id | session_start_time | session_date | reason | csat_score | customer_info | dispositions |
    | --- | --- | --- | --- | ---: | --- | --- |
    | s-1 | 2026-03-02T08:00:00.500Z | 2026-03-02 | a\|b\\n"c"\\t\\u{1b}[31m | 5 | {"customer_first_name":"Zoë"} | ["x",null] |
    | s-2 | 2026-03-02T08:00:00Z | 2026-03-02 |  |  |  |  |
    "#);
}

#[tokio::test]
async fn a_backslash_before_a_bar_ends_no_markdown_cell() {
    let answer = text(r"SELECT 'a\|b<script>' AS x", Format::Markdown).await;
    assert_eq!(answer, "| x |\n| --- |\n| a\\\\\\|b\\<script> |\n");
}

#[tokio::test]
async fn without_rows_the_names_still_stand() {
    let sql = "SELECT session_id, csat_score FROM conversations WHERE false";
    assert_eq!(text(sql, Format::Csv).await, "session_id,csat_score\n");
    assert_eq!(text(sql, Format::Json).await, "[]\n");
    assert_eq!(text(sql, Format::Ndjson).await, "");
    assert_eq!(text(sql, Format::Markdown).await, "| session_id | csat_score |\n| --- | ---: |\n");
    assert!(text(sql, Format::Table).await.contains("session_id"));
}

#[tokio::test]
async fn a_long_table_repeats_its_names_every_thousand_rows() {
    let table = text("SELECT * FROM generate_series(1, 2500) AS t(n)", Format::Table).await;
    assert_eq!(table.matches("│    n │").count(), 3, "{table}");
    assert!(table.contains("2500"));
}

#[tokio::test]
async fn parquet_is_read_back() {
    let lake = lake();
    let file = bytes(&lake, SQL, Format::Parquet).await;
    let reader = ParquetRecordBatchReader::try_new(bytes::Bytes::from(file), 10);
    let rows: usize = reader.unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn an_own_writer_sees_every_batch() {
    let session = lake().session().await;
    let statement = session.parse("SELECT 1 AS one").unwrap().remove(0);
    let mut out = Vec::new();
    let write = |batch: &arrow::array::RecordBatch, out: &mut dyn io::Write| writeln!(out, "{} rows", batch.num_rows());
    let count = render_with(session.run(&statement).await.unwrap(), &mut out, write).await.unwrap();
    assert_eq!((count, out.as_slice()), (1, b"1 rows\n".as_slice()));
}

#[test]
fn an_unknown_format_lists_the_formats() {
    insta::assert_snapshot!("xml".parse::<Format>().unwrap_err(), @"expected a format, one of `table`, `csv`, `tsv`, `json`, `ndjson`, `markdown`, `parquet`, found `xml`");
}

/// A pipe whose reader has gone.
struct Closed;

impl io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[tokio::test]
async fn every_format_tells_that_the_pipe_was_closed() {
    let session = lake().session().await;
    for format in Format::ALL {
        let statement = session.parse("SELECT 1 AS a").unwrap().remove(0);
        let rows = session.run(&statement).await.unwrap();
        let error = render(rows, format, &mut Closed).await.unwrap_err();
        let closed = matches!(&error, QueryError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe);
        assert!(closed, "{format}: {error:?}");
    }
}
