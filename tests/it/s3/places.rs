//! The three kinds of store that a lake can lie in, and rows made by hand.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use kore_lake::clock::UtcTime;
use kore_lake::decode::Decoder;
use kore_lake::lake::{CommitSummary, Lake, LakeError, RunState, StagedWindow, Writer, WriterSettings};
use kore_lake::schema::{AccountId, ApiVersion};
use kore_lake::source::{Page, PageRequest, RequestBody};
use object_store::memory::InMemory;
use serde_json::json;

use super::server::{S3Server, url};

/// An empty lake, and what it needs to be there.
pub struct Place {
    pub name: &'static str,
    pub lake: Lake,
    _held: Box<dyn Any + Send + Sync>,
}

impl Place {
    pub fn memory() -> Self {
        let lake = Lake::in_store("s3://memory/lake".parse().unwrap(), Arc::new(InMemory::new()));
        Self { name: "memory", lake, _held: Box::new(()) }
    }

    pub fn disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { name: "disk", lake: Lake::in_folder(folder.path()).unwrap(), _held: Box::new(folder) }
    }

    pub async fn s3() -> Self {
        let server = tokio::task::spawn_blocking(S3Server::start).await.unwrap();
        let lake = Lake::create(&url("some/lake"), &server.settings()).await.unwrap();
        Self { name: "s3", lake, _held: Box::new(server) }
    }

    pub async fn each() -> [Self; 3] {
        [Self::memory(), Self::disk(), Self::s3().await]
    }
}

pub fn account() -> AccountId {
    "acc-1".parse().unwrap()
}

/// A conversation of 2026-03-02 for each name, fetched at this second of the day after.
pub fn window(names: &[&str], fetched: i64) -> StagedWindow {
    let records: Vec<_> = names.iter().map(|name| record(name)).collect();
    let request = PageRequest {
        api: ApiVersion::V2,
        account_id: account(),
        stream_id: Some("st-1".parse().unwrap()),
        offset: None,
        limit: None,
        body: RequestBody::default(),
    };
    let fetched_at = UtcTime::from_seconds(1_772_524_800 + fetched);
    let page = Page { request, fetched_at, body: Bytes::from(json!({ "data": records }).to_string()) };
    let decoded = Decoder::new().decode(&page, &"run".parse().unwrap()).unwrap();
    assert_eq!(decoded.rejects, []);
    StagedWindow {
        pages: 1,
        requests: 1,
        api_rows: names.len() as u64,
        batches: vec![decoded.rows],
        session_dates: vec![decoded.session_dates],
        ..StagedWindow::default()
    }
}

fn record(name: &str) -> serde_json::Value {
    json!({
        "sessionId": format!("69a54880{:016x}", name.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))),
        "conversationId": name, "channel": "voice", "sessionStartTime": "2026-03-02T08:21:20",
    })
}

/// A writer with a run of its own.
pub async fn writer(lake: &Lake) -> Result<Writer, LakeError> {
    Writer::open(lake, WriterSettings::new(account())).await
}

/// One run that commits these conversations.
pub async fn run_of(lake: &Lake, names: &[&str], fetched: i64) -> Result<CommitSummary, LakeError> {
    let mut writer = writer(lake).await?;
    writer.recover().await?;
    writer.stage(window(names, fetched)).await?;
    let summary = writer.commit().await?;
    writer.finish(RunState::Complete, true).await?;
    Ok(summary)
}

/// The names of all conversations in the lake, in order; one that stands twice fails.
pub async fn names(lake: &Lake) -> Vec<String> {
    let rows = crate::contents::rows(lake).await;
    let mut names: Vec<_> = rows.iter().map(|row| row.text("conversation_id").to_owned()).collect();
    names.sort();
    names
}
