use serde_json::json;

use super::lake::{Lake, conversation, with};

async fn value(expression: &str) -> String {
    let answer = Lake::new().ask(&format!("SELECT {expression} AS x")).await;
    answer.strip_prefix("x\n").unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn local_time_honours_daylight_saving() {
    for (time, local) in [
        ("2026-03-08T06:59:59Z", "2026-03-08T01:59:59"),
        ("2026-03-08T07:00:00Z", "2026-03-08T03:00:00"),
        ("2026-11-01T05:30:00Z", "2026-11-01T01:30:00"),
        ("2026-11-01T06:30:00Z", "2026-11-01T01:30:00"),
    ] {
        assert_eq!(value(&format!("local_time(TIMESTAMP '{time}', 'America/New_York')")).await, local);
    }
    assert_eq!(value("local_time(TIMESTAMP '2026-01-01T00:00:00Z', 'Asia/Kolkata')").await, "2026-01-01T05:30:00");
    assert_eq!(value("local_time(NULL, 'UTC') IS NULL").await, "true");
}

#[tokio::test]
async fn local_time_takes_every_time_there_is() {
    for (time, local) in [
        ("9999-12-31T23:59:59Z", "+10000-01-01T05:29:59"),
        ("9999-12-30T00:00:00Z", "9999-12-30T05:30:00"),
        ("0000-01-01T00:00:00Z", "0000-01-01T05:53:28"),
    ] {
        let time = format!("arrow_cast('{time}', 'Timestamp(Microsecond, Some(\"UTC\"))')");
        assert_eq!(value(&format!("local_time({time}, 'Asia/Kolkata')")).await, local);
    }
    let edge = |micros: i64| format!("arrow_cast(arrow_cast('{micros}', 'Int64'), 'Timestamp(Microsecond, None)')");
    assert_eq!(value(&format!("local_time({}, 'Asia/Kolkata') IS NULL", edge(i64::MAX))).await, "true");
    assert_eq!(value(&format!("bucket({}, 60) IS NULL", edge(i64::MIN))).await, "true");
}

#[tokio::test]
async fn an_unknown_zone_names_the_near_ones() {
    let error = Lake::of([conversation("1")])
        .try_ask("SELECT local_time(session_start_time, 'America/NewYork') FROM contacts")
        .await;
    insta::assert_snapshot!(error.unwrap_err(), @"statement 1: expected an IANA time zone, as `America/New_York`, found `America/NewYork`; did you mean `America/New_York`?");
}

#[tokio::test]
async fn seconds_keep_their_fraction_and_sign() {
    assert_eq!(
        value("seconds_between(TIMESTAMP '2026-01-01T00:00:00Z', TIMESTAMP '2026-01-01T00:00:01.5Z')").await,
        "1.5"
    );
    assert_eq!(value("seconds_between(DATE '2026-01-02', DATE '2026-01-01')").await, "-86400.0");
    assert_eq!(value("seconds_between(NULL, DATE '2026-01-01') IS NULL").await, "true");
}

#[tokio::test]
async fn weekdays_are_iso_before_1970_too() {
    assert_eq!(value("iso_weekday(DATE '2026-03-02')").await, "1");
    assert_eq!(value("iso_weekday(DATE '2026-03-08')").await, "7");
    assert_eq!(value("iso_weekday(TIMESTAMP '1969-12-31T23:59:59Z')").await, "3");
}

#[tokio::test]
async fn buckets_count_from_midnight() {
    assert_eq!(value("bucket(TIMESTAMP '2026-03-02T08:47:12Z', 15)").await, "2026-03-02T08:45:00");
    assert_eq!(value("bucket(TIMESTAMP '2026-03-02T08:47:12Z', 7)").await, "2026-03-02T08:45:00");
    assert_eq!(value("bucket(TIMESTAMP '1969-12-31T23:59:00', 60)").await, "1969-12-31T23:00:00");
    assert!(Lake::new().try_ask("SELECT bucket(TIMESTAMP '2026-03-02T08:47:12Z', 0)").await.is_err());
}

#[tokio::test]
async fn json_values_are_reached_by_path() {
    let extra = r#"{"b": {"x y": [1, "two", null]}, "a": 1.0, "t": true, "é": "\u00fc"}"#;
    let lake = Lake::of([with(conversation("1"), json!({"extra": extra}))]);
    for (path, expected) in [
        ("$.a", "1.0"),
        ("$.t", "true"),
        ("$.b['x y'][1]", "two"),
        ("$.b['x y'][2]", "\"\""),
        ("$.b['x y'][9]", "\"\""),
        ("$.none", "\"\""),
        ("$.é", "ü"),
        ("$.b['x y']", "\"[1, \"\"two\"\", null]\""),
    ] {
        let sql = format!("SELECT json_value(extra, '{}') AS x FROM conversations", path.replace('\'', "''"));
        assert_eq!(lake.ask(&sql).await, format!("x\n{expected}\n"), "{path}");
    }
    assert_eq!(
        lake.ask("SELECT json_keys(extra) AS x FROM conversations").await,
        "x\n\"[\"\"b\"\",\"\"a\"\",\"\"t\"\",\"\"é\"\"]\"\n"
    );
    assert_eq!(
        lake.ask("SELECT extra->>'a' AS x, extra->'a' AS y, json_get(extra, 't') AS z FROM conversations").await,
        "x,y,z\n1.0,1.0,true\n"
    );
    assert!(lake.try_ask("SELECT json_value(extra, 'a') FROM conversations").await.is_err());
}

#[tokio::test]
async fn what_is_no_object_has_no_keys() {
    assert_eq!(value("json_keys('[1]') IS NULL").await, "true");
    assert_eq!(value("json_keys('{') IS NULL").await, "true");
    assert_eq!(value("json_keys('{}')").await, "[]");
}
