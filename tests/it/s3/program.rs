//! Every command with a lake on S3.

use super::server::{BUCKET, S3Server};
use crate::program::Program;
use crate::service::Service;

/// A bucket, and a centre to load from.
pub struct OnS3 {
    pub server: S3Server,
    pub service: Service,
    pub folder: tempfile::TempDir,
    pub lake: String,
}

impl OnS3 {
    pub fn new(prefix: &str) -> Self {
        let lake = format!("s3://{BUCKET}/{prefix}");
        Self { server: S3Server::start(), service: Service::small(), folder: tempfile::tempdir().unwrap(), lake }
    }

    /// The program, with the lake and a login to both.
    pub fn program(&self, line: &str) -> Program {
        let line = format!("{line} --lake {}", self.lake);
        self.server.program(self.service.program(self.folder.path(), &line))
    }

    pub fn load(&self, arguments: &str) -> Program {
        self.program(&format!("{} {arguments}", self.service.load_line()))
    }

    /// A load that succeeds.
    pub fn loaded(prefix: &str) -> Self {
        let on_s3 = Self::new(prefix);
        let ran = on_s3.load("").run();
        assert_eq!(ran.code, 0, "{ran}");
        on_s3
    }

    /// Files that the program left in the folder it stood in.
    pub fn left_behind(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }
}

const COUNT: &str = "SELECT count(*) AS rows FROM conversations";

#[test]
fn a_lake_on_s3_is_loaded_asked_and_proven() {
    let on_s3 = OnS3::loaded("team/lake");
    let rows = on_s3.program("query --format csv").arg("-c").arg(COUNT).run().output();
    assert!(rows.lines().nth(1).unwrap().parse::<usize>().unwrap() > 50, "{rows}");
    let again = on_s3.load("--output json").run();
    assert_eq!(again.code, 0, "{again}");
    let summary: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(summary["days"]["written"], 0, "{again}");
    let data = &on_s3.service.running().simulator().settings().data;
    let of_account = format!("--account-id {} --stream-id {}", data.account_id, data.stream_ids[0]);
    let host = on_s3.service.running().base_url();
    for line in [
        "status".to_owned(),
        "verify".to_owned(),
        "migrate".to_owned(),
        "report volume service_level".to_owned(),
        format!("plan {of_account} --from 2026-03-02 --to 2026-03-04"),
        format!("check {of_account} --host {host}"),
        format!("unlock --account-id {}", data.account_id),
    ] {
        let ran = on_s3.program(&line).run();
        assert_eq!(ran.code, 0, "{line}\n{ran}");
    }
    assert!(on_s3.server.keys("").iter().all(|key| key.starts_with("team/lake/")), "{:?}", on_s3.server.keys(""));
    let parquet = on_s3.server.keys("team/lake/_kore_lake").into_iter().filter(|key| key.ends_with(".parquet"));
    assert_eq!(parquet.count(), 0);
    let left: Vec<_> = on_s3.server.keys("team/lake/_kore_lake").into_iter().filter(|key| is_left(key)).collect();
    assert_eq!((left, on_s3.left_behind()), (Vec::<String>::new(), 0));
}

/// Of staging, locks and probes nothing stays.
fn is_left(key: &str) -> bool {
    ["/staging/", "/locks/", "_probe"].iter().any(|word| key.contains(word))
}

#[test]
fn a_lake_may_be_the_whole_bucket() {
    let on_s3 = OnS3::loaded("");
    assert!(on_s3.server.keys("conversations/account_id=").len() == 2);
    assert_eq!(on_s3.program("verify").run().code, 0);
}

#[test]
fn pages_are_replayed_into_a_lake_on_s3_and_a_demo_runs_there() {
    let on_s3 = OnS3::new("a");
    let ran = on_s3.load("--save-pages pages").run();
    assert_eq!(ran.code, 0, "{ran}");
    let rows = on_s3.program("query --format csv").arg("-c").arg(COUNT).run().output();
    let other = OnS3 { lake: format!("s3://{BUCKET}/b"), ..on_s3 };
    let ran = other.program("replay pages").run();
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(other.program("query --format csv").arg("-c").arg(COUNT).run().output(), rows);
    let demo = other.program("demo").run();
    assert_eq!(demo.code, 0, "{demo}");
}
