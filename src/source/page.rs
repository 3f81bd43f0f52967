use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::UtcTime;
use crate::schema::{AccountId, ApiVersion, StreamId};

/// One whole answer of the API, as it came.
#[derive(Debug, Clone)]
pub struct Page {
    /// What was asked.
    pub request: PageRequest,
    /// When the answer was complete.
    pub fetched_at: UtcTime,
    /// The answer's bytes: a JSON object with a `data` array.
    pub body: Bytes,
}

/// What a page was asked with. Serialised as `request` of a saved page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Version of the API (F1).
    pub api: ApiVersion,
    /// Account asked (F2).
    pub account_id: AccountId,
    /// App or stream asked, the header `iId` (F2); none where a replayed file names none.
    pub stream_id: Option<StreamId>,
    /// `offset` of the query; whether it counts pages or records is unknown (F8).
    pub offset: Option<u32>,
    /// `limit` of the query, records a page (F1).
    pub limit: Option<u32>,
    /// The request's body (F3).
    pub body: RequestBody,
}

/// Body of a request (F3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestBody {
    /// Start of the window, `yyyy-mm-dd HH:MM:SS` in the zone of `time_zone_offset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// End of the window, likewise; whether its second is included is unknown (F17).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// Minutes to add to a naive time for UTC (JavaScript sign: India −330).
    #[serde(default)]
    pub time_zone_offset: i32,
    /// Fields that the API leaves out unless they are asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selected_fields: Vec<String>,
    /// Whatever else was asked: filters such as `isAutomation`, `channels`, `queues`, `bots`, `direction`.
    #[serde(flatten)]
    pub filters: serde_json::Map<String, serde_json::Value>,
}
