//! What was served, by key: for tests that compare a lake with what a client could have seen.

use std::collections::{BTreeMap, HashMap};

use super::view::Api;

/// What tells one record from another (F20).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// `sessionId`.
    pub session_id: String,
    /// `conversationId`; none for a bot-only session.
    pub conversation_id: Option<String>,
}

/// A record as it was, or would be, served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Version of the API that it was served by.
    pub api: Api,
    /// The record, as it stands in the page.
    pub json: String,
}

/// Every version of every record that was served.
#[derive(Debug, Default)]
pub(super) struct Served {
    records: HashMap<Key, Versions>,
}

#[derive(Debug)]
struct Versions {
    all: Vec<Version>,
    /// Position of the one that was served last.
    last: usize,
}

impl Served {
    pub(super) fn note(&mut self, key: Key, api: Api, json: &str) {
        let versions = self.records.entry(key).or_insert_with(|| Versions { all: Vec::new(), last: 0 });
        let known = versions.all.iter().position(|version| version.api == api && version.json == json);
        versions.last = known.unwrap_or_else(|| {
            versions.all.push(Version { api, json: json.to_owned() });
            versions.all.len() - 1
        });
    }

    pub(super) fn last(&self) -> BTreeMap<Key, Version> {
        self.records.iter().map(|(key, versions)| (key.clone(), versions.all[versions.last].clone())).collect()
    }

    pub(super) fn versions(&self, key: &Key) -> Vec<Version> {
        self.records.get(key).map_or_else(Vec::new, |versions| versions.all.clone())
    }
}
