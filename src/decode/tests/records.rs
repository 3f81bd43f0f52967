use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray, StringViewArray, TimestampNanosecondArray};
use arrow::record_batch::RecordBatch;

use super::fixture::{SESSION, row};
use crate::decode::{DecodedPage, RecordError, write_record};

fn written(batch: &RecordBatch) -> Result<String, RecordError> {
    let mut out = Vec::new();
    write_record(batch, 0, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn back(members: &str) -> String {
    let page: DecodedPage = row(members);
    let record = written(&page.rows).unwrap();
    record.strip_prefix(&format!("{{{SESSION},")).unwrap().strip_suffix('}').unwrap().to_owned()
}

#[test]
fn records_come_back_with_their_extra_in_place() {
    for members in [
        r#""channel":"a\"b","new":[1.50,{"x":null}]"#,
        r#""csatScore":"x","csatScore":5"#,
        r#""botId":"a","botId":"b""#,
        r#""metaInfo":{"customData":{"a":[1, 2]},"zz":1}"#,
        r#""dispositions":[null,"a"],"metaInfo":{},"destinations":[]"#,
        r#""reason":"a","Reason":5"#,
        r#""Reason":"a","reason":5"#,
        r#""customerInfo":{"Direction":"x"},"customerinfo":{"Direction":"y"}"#,
        r#""destinations":[{"destinationType":"AgentSegment","agentId":"a","new":1}]"#,
        r#""destinations":[{"destinationType":"AgentSegment","respondingAgent":{}}]"#,
        r#""destinations":[{"destinationType":"AgentSegment","agentId":"a","respondingAgent":{"agentId":"b"}}]"#,
        r#""destinations":[{"destinationType":"AgentSegment","respondingAgent":{"agentId":"a","queueId":"q"}}]"#,
        r#""destinations":[{"destinationType":"AgentSegment","respondingAgent":{"agentId":"a","destinationType":"AgentSegment"}}]"#,
        r#""destinations":[{"destinationType":"QueueEntry","respondingAgent":{"agentId":"a"},"agentId":"b"}]"#,
    ] {
        assert_eq!(back(members), members);
    }
}

#[test]
fn values_come_back_in_their_one_spelling() {
    for (members, expected) in [
        (r#""sessionEndTime":"2025/10/01 7:40:36.500""#, r#""sessionEndTime":"2025-10-01T07:40:36.5""#),
        (r#""sessionEndTime":"2025-10-01T07:40:36+05:30""#, r#""sessionEndTime":"2025-10-01T02:10:36""#),
        (
            r#""destinations":[{"CallbackOptedTime":"2025-10-01T02:10:57.000Z","userCallbackAcceptTime":"2025-10-01 02:10:57"}]"#,
            r#""destinations":[{"CallbackOptedTime":"2025-10-01T02:10:57Z","userCallbackAcceptTime":"2025-10-01T02:10:57Z"}]"#,
        ),
        (
            r#""campaigninfo":{"campaignRunDate":"2025-10-01T02:10:57Z"}"#,
            r#""campaigninfo":{"campaignRunDate":"2025-10-01T02:10:57Z"}"#,
        ),
        (r#""csatScore":"4","npsScore":4.0"#, r#""csatScore":4,"npsScore":4"#),
        (r#""isVoicemail":"NO""#, r#""isVoicemail":false"#),
        (r#""customerInfo":{}"#, r#""customerinfo":{}"#),
        (r#""statusDetail":"a","reason":"""#, r#""reason":"a""#),
        (
            r#""destinations":[{"destinationType":"AgentSegment","respondingAgent":{"agentId":"a"}}]"#,
            r#""destinations":[{"destinationType":"AgentSegment","agentId":"a"}]"#,
        ),
        ("\"new\":[1,\r\n2]", "\"new\":[1,  2]"),
    ] {
        assert_eq!(back(members), expected);
    }
}

#[test]
fn columns_may_be_absent_and_of_kindred_types() {
    let batch = RecordBatch::try_from_iter([
        ("session_id", Arc::new(StringViewArray::from(vec!["s"])) as ArrayRef),
        ("session_start_time", Arc::new(TimestampNanosecondArray::from(vec![1_000]).with_timezone("UTC"))),
        ("other", Arc::new(Int32Array::from(vec![1]))),
    ])
    .unwrap();
    assert_eq!(written(&batch).unwrap(), r#"{"sessionId":"s","sessionStartTime":"1970-01-01T00:00:00.000001"}"#);
    let none = RecordBatch::try_from_iter([("other", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]).unwrap();
    assert_eq!(written(&none).unwrap(), "{}");
}

#[test]
fn what_is_no_row_of_ours_is_named() {
    let wrong = RecordBatch::try_from_iter([("channel", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]).unwrap();
    let expected = "expected column `channel` to be Utf8, found Int32";
    assert_eq!(written(&wrong).unwrap_err().to_string(), expected);
    for text in ["[]", "{\"a\":1", "{\"a\":1}}", ""] {
        let damaged =
            RecordBatch::try_from_iter([("extra", Arc::new(StringArray::from(vec![text])) as ArrayRef)]).unwrap();
        let expected = "expected column `extra` to hold a JSON object in row 0, found other text";
        assert_eq!(written(&damaged).unwrap_err().to_string(), expected);
    }
}
