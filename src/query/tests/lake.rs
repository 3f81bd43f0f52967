//! A small lake made by hand: rows as JSON under the columns' names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Fields, Schema as ArrowSchema, SchemaRef};
use arrow::json::ReaderBuilder;
use datafusion::parquet::arrow::ArrowWriter;
use object_store::local::LocalFileSystem;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::query::{Format, LakeFiles, QueryError, Session, SessionSettings, render, report};
use crate::schema::Schema;

pub(super) struct Lake {
    folder: TempDir,
    days: BTreeMap<(String, String), Vec<Value>>,
}

impl Lake {
    pub(super) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), days: BTreeMap::new() }
    }

    /// A lake of one account and day.
    pub(super) fn of(rows: impl IntoIterator<Item = Value>) -> Self {
        let mut lake = Self::new();
        lake.day("acme", "2026-03-02", rows);
        lake
    }

    pub(super) fn day(&mut self, account: &str, date: &str, rows: impl IntoIterator<Item = Value>) {
        self.day_under(Schema::conversations_arrow(), account, date, rows);
    }

    /// A day whose object has other columns.
    pub(super) fn day_under(
        &mut self,
        schema: SchemaRef,
        account: &str,
        date: &str,
        rows: impl IntoIterator<Item = Value>,
    ) {
        let rows: Vec<Value> = rows.into_iter().collect();
        let path = self.object(account, date);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, parquet(&rows, schema)).unwrap();
        self.days.insert((account.to_owned(), date.to_owned()), rows);
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn object(&self, account: &str, date: &str) -> PathBuf {
        let day = format!("conversations/account_id={account}/session_date={date}/conversations.parquet");
        self.path().join(day)
    }

    pub(super) fn files(&self) -> LakeFiles {
        let store = LocalFileSystem::new_with_prefix(self.path()).unwrap();
        LakeFiles { store: Arc::new(store), root: object_store::path::Path::default() }
    }

    pub(super) async fn session(&self) -> Session {
        Session::open(self.files(), SessionSettings { parallelism: Some(2), ..Default::default() }).await.unwrap()
    }

    /// The answer to the text's last statement, as CSV.
    pub(super) async fn ask(&self, sql: &str) -> String {
        self.try_ask(sql).await.unwrap()
    }

    pub(super) async fn try_ask(&self, sql: &str) -> Result<String, QueryError> {
        let session = self.session().await;
        let mut text = String::new();
        for statement in session.parse(sql)? {
            let mut out = Vec::new();
            render(session.run(&statement).await?, Format::Csv, &mut out).await?;
            text = String::from_utf8(out).unwrap();
        }
        Ok(text)
    }

    /// A report's rows; of the columns only those named, in that order.
    pub(super) async fn report(&self, name: &str, params: &[(&str, &str)], columns: &[&str]) -> Vec<String> {
        let report = report(name).unwrap();
        let given = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let rows = self.session().await.report(report, &report.bind(&given).unwrap()).await.unwrap();
        let names: Vec<_> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, report.columns.iter().map(|column| column.name).collect::<Vec<_>>());
        let mut out = Vec::new();
        render(rows, Format::Ndjson, &mut out).await.unwrap();
        let row = |line: &str| -> String {
            let row: Value = serde_json::from_str(line).unwrap();
            columns.iter().map(|column| cell(&row[*column])).collect::<Vec<_>>().join(" ")
        };
        String::from_utf8(out).unwrap().lines().map(row).collect()
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The rows as a Parquet object.
pub(super) fn parquet(rows: &[Value], schema: SchemaRef) -> Vec<u8> {
    let mut decoder = ReaderBuilder::new(Arc::clone(&schema)).build_decoder().unwrap();
    decoder.serialize(rows).unwrap();
    let batch = decoder.flush().unwrap().unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&schema)));
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The declared schema without the columns at these paths: that of an older lake.
pub(super) fn schema_without(paths: &[&str]) -> SchemaRef {
    Arc::new(ArrowSchema::new(without("", Schema::conversations_arrow().fields(), paths)))
}

fn without(prefix: &str, fields: &Fields, paths: &[&str]) -> Fields {
    let stays = |field: &&FieldRef| !paths.contains(&format!("{prefix}{}", field.name()).as_str());
    let pruned = |field: &FieldRef| {
        let data_type = pruned(&format!("{prefix}{}.", field.name()), field.data_type(), paths);
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    fields.iter().filter(stays).map(pruned).collect()
}

fn pruned(prefix: &str, data_type: &DataType, paths: &[&str]) -> DataType {
    match data_type {
        DataType::Struct(fields) => DataType::Struct(without(prefix, fields, paths)),
        DataType::List(element) => {
            let data_type = pruned(prefix, element.data_type(), paths);
            DataType::List(Arc::new(element.as_ref().clone().with_data_type(data_type)))
        }
        other => other.clone(),
    }
}

/// `base` with the members of `more` in place of its own.
pub(super) fn with(mut base: Value, more: Value) -> Value {
    let (Value::Object(members), Value::Object(more)) = (&mut base, more) else { panic!("two objects") };
    members.extend(more);
    base
}

/// An inbound voice conversation of 2026-03-02, 08:00 to 08:10, closed, without destinations.
pub(super) fn conversation(id: &str) -> Value {
    json!({
        "session_id": format!("s-{id}"), "conversation_id": format!("c-{id}"), "channel": "Voice",
        "direction": "Inbound", "session_start_time": "2026-03-02T08:00:00Z",
        "session_end_time": "2026-03-02T08:10:00Z", "final_status": "CLOSED",
    })
}

/// An inbound bot-only session that the bot completed.
pub(super) fn bot_session(id: &str) -> Value {
    with(conversation(id), json!({"conversation_id": null, "final_status": "BotResolved"}))
}

/// A queue entry at 08:01:00 of queue `q1`, `Sales`, with no agent.
pub(super) fn entry() -> Value {
    json!({"destination_type": "QueueEntry", "queue_id": "q1", "queue_name": "Sales", "enter_time": "2026-03-02T08:01:00Z"})
}

/// A queue entry answered that many seconds after 08:01:00 by agent `a1`.
pub(super) fn answered(seconds: u32) -> Value {
    with(entry(), json!({"responding_agent": leg("a1", seconds)}))
}

/// An `AgentSegment` of an agent who accepted that many seconds after 08:01:00.
pub(super) fn segment(agent: &str, seconds: u32) -> Value {
    json!({"destination_type": "AgentSegment", "responding_agent": leg(agent, seconds)})
}

/// An agent leg accepted that many seconds after 08:01:00 and ended at 08:09:00.
pub(super) fn leg(agent: &str, seconds: u32) -> Value {
    let accepted = format!("2026-03-02T08:{:02}:{:02}Z", 1 + seconds / 60, seconds % 60);
    json!({
        "agent_id": agent, "name": format!("Agent {agent}"), "assigned_at": "2026-03-02T08:01:00Z",
        "accepted_time": accepted, "interaction_end_time": "2026-03-02T08:09:00Z",
    })
}
