//! A folder with a lake in it that two simulated days were loaded into.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::program::Program;
use crate::service::Service;

/// The folder `lake`, loaded from a service that still runs.
pub struct Loaded {
    pub folder: TempDir,
    pub service: Service,
}

impl Loaded {
    pub fn new() -> Self {
        Self::by("")
    }

    /// Loaded with further arguments.
    pub fn by(arguments: &str) -> Self {
        let service = Service::small();
        let line = format!("{} {arguments}", service.load_line());
        Self::from(service, &line)
    }

    /// Loaded by a line of arguments.
    pub fn from(service: Service, line: &str) -> Self {
        let loaded = Self { folder: tempfile::tempdir().unwrap(), service };
        let ran = loaded.service.program(loaded.path(), line).run();
        assert_eq!(ran.code, 0, "{ran}");
        loaded
    }

    /// The same load again.
    pub fn load(&self, arguments: &str) -> Program {
        self.service.program(self.path(), &format!("{} {arguments}", self.service.load_line()))
    }

    /// The program, standing in the folder.
    pub fn program(&self, line: &str) -> Program {
        Program::new(self.path(), line)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn account_id(&self) -> String {
        self.service.running().simulator().settings().data.account_id.clone()
    }

    /// The folder of all days.
    pub fn days(&self) -> PathBuf {
        self.path().join("lake/conversations")
    }

    /// The object of a day.
    pub fn day(&self, date: &str) -> PathBuf {
        let account = self.account_id();
        self.path().join(format!("lake/conversations/account_id={account}/session_date={date}/conversations.parquet"))
    }

    /// The document that the ledger keeps of the account.
    pub fn ledger(&self) -> PathBuf {
        let account = self.account_id();
        self.path().join(format!("lake/_kore_lake/ledger/accounts/account_id={account}/head.json"))
    }

    /// Every row's key, as `query` gives them.
    pub fn keys(&self) -> String {
        let keys = "SELECT session_id, conversation_id, session_start_time FROM conversations ORDER BY 1, 2";
        self.program("query --format csv -c").arg(keys).run().output()
    }
}

/// Every file below a folder, with its bytes and when they were written.
pub struct Contents(BTreeMap<PathBuf, (SystemTime, Vec<u8>)>);

impl Contents {
    pub fn of(folder: &Path) -> Self {
        let mut found = BTreeMap::new();
        collect(folder, &mut found);
        Self(found)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.0.iter().map(|(path, (_, bytes))| (path.as_path(), bytes.as_slice()))
    }

    /// All bytes, as text.
    pub fn text(&self) -> String {
        self.0.values().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect()
    }

    /// Files that were not there, are gone, or were written.
    pub fn changed_since(&self, before: &Self) -> Vec<PathBuf> {
        let paths: BTreeSet<_> = self.0.keys().chain(before.0.keys()).collect();
        paths.into_iter().filter(|path| self.0.get(*path) != before.0.get(*path)).cloned().collect()
    }
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, (SystemTime, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            found.insert(path.clone(), (written, fs::read(&path).unwrap()));
        }
    }
}

/// Runs the program; nothing below `folder` changes, and nothing goes to stdout.
#[track_caller]
pub fn refused(folder: &Path, program: Program) -> crate::program::Ran {
    let before = Contents::of(folder);
    let ran = program.run();
    let changed = Contents::of(folder).changed_since(&before);
    assert!(changed.is_empty(), "{changed:?} changed\n{ran}");
    assert_eq!(ran.stdout, "", "{ran}");
    ran
}
