//! A lake as a program of an older schema version would have left it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::support::*;
use crate::clock::UtcTime;
use crate::decode::{Decoder, older};
use crate::lake::StagedWindow;
use crate::schema::{ApiVersion, Column};
use crate::source::{Page, PageRequest, RequestBody};

pub const HEAD: &str = "_kore_lake/ledger/accounts/account_id=acc-1/head.json";

/// Columns that the older schema lacked: of the root, of a struct, of structs in lists, two lists down too.
pub const LACKING: [&str; 6] = [
    "csat_score",
    "meta_info.caller",
    "destinations.queue_name",
    "destinations.responding_agent.hold_duration",
    "destinations.non_responding_agents.status",
    "disposition_remarks",
];

/// A part of a replay: the pages' records as the present program reads them.
pub fn read(records: &[Value]) -> StagedWindow {
    let request = PageRequest {
        api: ApiVersion::V2,
        account_id: account(),
        stream_id: Some(stream()),
        offset: None,
        limit: None,
        body: RequestBody::default(),
    };
    let body = Bytes::from(json!({ "data": records }).to_string());
    let page = Page { request, fetched_at: UtcTime::from_seconds(MORNING + DAY), body };
    let decoded = Decoder::new().decode(&page, &"run".parse().unwrap()).unwrap();
    assert_eq!(decoded.rejects, []);
    StagedWindow { session_dates: vec![decoded.session_dates], batches: vec![decoded.rows], ..replayed(&[]) }
}

/// A conversation of that day and minute with something in every column of [`LACKING`].
pub fn record(day: i64, minute: i64) -> Value {
    let start = MORNING + day * DAY + minute * 60;
    let time = UtcTime::from_seconds(start).to_string();
    json!({
        "sessionId": format!("{start:08x}4afb07c72ac50000"), "conversationId": format!("c-{day}-{minute}"),
        "sessionStartTime": time, "finalStatus": "CLOSED", "csatScore": 4, "dispositionRemarks": ["fine"],
        "metaInfo": {"caller": "+1", "later": [1]}, "unknown": {"a": 1},
        "destinations": [
            {"destinationType": "QueueEntry", "queueName": "Sales", "respondingAgent": {"agentId": "a", "holdDuration": 5, "new": 1},
                "nonRespondingAgents": [{"agentId": "b", "status": "Missed"}]},
            {"destinationType": "AgentSegment", "agentId": "b", "holdDuration": 6, "queueName": "Care"},
        ],
    })
}

impl TestLake {
    /// Rewrites the account as if it had been written without these columns.
    pub async fn age(&self, lacking: &[&str]) {
        let columns = older::columns_without(lacking);
        for path in self.files("conversations") {
            self.age_partition(&path, &columns);
        }
        self.age_all_staged(lacking);
        self.age_head().await;
    }

    pub fn age_all_staged(&self, lacking: &[&str]) {
        for path in self.files("_kore_lake/staging") {
            self.age_staged(&path, &older::columns_without(lacking));
        }
    }

    pub fn age_partition(&self, path: &str, columns: &[Column]) {
        let rows = older::aged(&self.stored(path), columns);
        fs::write(self.path(path), parquet(&rows, 0)).unwrap();
    }

    /// A lake with the same objects.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        for path in self.files("") {
            copy.write(&path, &fs::read(self.path(&path)).unwrap());
        }
        copy
    }

    /// All rows of one object.
    pub fn stored(&self, path: &str) -> RecordBatch {
        let builder = ParquetRecordBatchReaderBuilder::try_new(self.open(path)).unwrap();
        let schema = builder.schema().clone();
        let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
        concat_batches(&schema, &batches).unwrap()
    }

    fn age_staged(&self, path: &str, columns: &[Column]) {
        let reader = FileReader::try_new(self.open(path), None).unwrap();
        let metadata = reader.custom_metadata().clone();
        let batches: Vec<_> = reader.map(|batch| older::aged(&batch.unwrap(), columns)).collect();
        let file = File::create(self.path(path)).unwrap();
        let mut writer = FileWriter::try_new(file, &batches[0].schema()).unwrap();
        for batch in &batches {
            writer.write(batch).unwrap();
        }
        for (key, value) in metadata {
            writer.write_metadata(key, value);
        }
        writer.finish().unwrap();
    }

    async fn age_head(&self) {
        let mut head = self.head_json();
        head["schema_version"] = json!(0);
        for path in self.files("conversations") {
            let meta = self.lake.store().head(&Path::from(path.as_str())).await.unwrap();
            let date = path.split('/').rev().nth(1).unwrap().trim_start_matches("session_date=");
            head["days"][date]["etag"] = json!(meta.e_tag);
            head["days"][date]["bytes"] = json!(meta.size);
        }
        self.write(HEAD, head.to_string().as_bytes());
    }

    pub fn head_json(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(HEAD)).unwrap()).unwrap()
    }

    /// Schema version in the footer of each object.
    pub fn versions(&self) -> Vec<String> {
        let version = |path: &String| {
            let builder = ParquetRecordBatchReaderBuilder::try_new(self.open(path)).unwrap();
            let pairs = builder.metadata().file_metadata().key_value_metadata().unwrap().clone();
            let pairs: BTreeMap<_, _> = pairs.into_iter().map(|pair| (pair.key, pair.value.unwrap())).collect();
            pairs["kore_lake.schema_version"].clone()
        };
        self.files("conversations").iter().map(version).collect()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
}

/// The rows as an object of that schema version.
pub fn parquet(rows: &RecordBatch, version: u32) -> Vec<u8> {
    let footer = [
        ("kore_lake.schema_version", version.to_string()),
        ("kore_lake.content_hash_version", "1".to_owned()),
        ("kore_lake.run_id", "older-run".to_owned()),
        ("kore_lake.writer", "kore-lake 0.0.1".to_owned()),
    ];
    let pairs = footer.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec();
    let properties = WriterProperties::builder().set_key_value_metadata(Some(pairs)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap()
}
