//! Kills and failures: run again and the lake is right.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::spoil::verify;
use super::support::*;
use crate::lake::{LakeErrorKind, RunState, Writer};

/// Lets so many writes through, then fails every one: what a kill leaves behind.
#[derive(Debug)]
pub(super) struct DyingStore {
    pub(super) inner: Arc<dyn ObjectStore>,
    pub(super) left: Arc<AtomicI64>,
}

impl DyingStore {
    fn spend(&self) -> Result<()> {
        if self.left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(());
        }
        Err(Error::Generic { store: "dying", source: "killed".into() })
    }
}

impl fmt::Display for DyingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dying")
    }
}

#[async_trait]
impl ObjectStore for DyingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.spend()?;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.spend()?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.spend() {
            Ok(()) => self.inner.delete_stream(locations),
            Err(error) => Box::pin(futures::stream::iter([Err(error)])),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

pub(super) fn first_read() -> Vec<crate::lake::StagedWindow> {
    let mut moving = row(7, "moving").without_time("zz");
    moving.start += DAY;
    vec![
        proven(&[row(1, "a"), row(2, "b").alone(), moving], 0, 60, 0),
        proven(&[row(60, "c"), row(DAY, "d")], 60, 2 * DAY, 5),
    ]
}

pub(super) fn second_read() -> Vec<crate::lake::StagedWindow> {
    let mut window = proven(&[row(1, "a").hash(2).fetched(90), row(2, "b").fetched(90)], 0, 60, 90);
    window.rejects.push(reject("{}", 7));
    let moved = row(7, "moving").without_time("zz").hash(3).fetched(90);
    vec![window, proven(&[row(61, "e").fetched(90), moved], 60, 120, 90)]
}

#[tokio::test]
async fn a_kill_at_any_write_and_another_run_end_in_the_same_lake() {
    let whole = TestLake::new();
    whole.run(first_read()).await;
    whole.run(second_read()).await;
    let mut survived = 0;
    for writes in 0.. {
        let lake = TestLake::new();
        lake.run(first_read()).await;
        let left = Arc::new(AtomicI64::new(writes));
        let dying = DyingStore { inner: Arc::clone(lake.lake.store()), left: Arc::clone(&left) };
        let doomed = TestLake { lake: lake.lake.clone().with_store(Arc::new(dying)), folder: lake.folder };
        let died = doomed.try_run(second_read()).await;
        let lake =
            TestLake { lake: crate::lake::Lake::in_folder(doomed.folder.path()).unwrap(), folder: doomed.folder };
        if left.load(Ordering::Relaxed) >= 0 {
            died.unwrap();
            break;
        }
        survived += 1;
        lake.run(second_read()).await;
        let without_run = |lake: &TestLake| {
            let mut rows = lake.rows();
            for row in &mut rows {
                row.as_object_mut().unwrap().remove("_run_id");
            }
            rows
        };
        assert_eq!(without_run(&lake), without_run(&whole), "killed at write {writes}");
        assert_eq!(lake.files("_kore_lake/staging"), Vec::<String>::new(), "killed at write {writes}");
        assert_eq!(lake.lines("_kore_lake/rejects").len(), 1, "killed at write {writes}");
        assert_eq!(verify(&lake).await.findings, [], "killed at write {writes}");
    }
    assert!(survived > 8, "{survived}");
}

#[tokio::test]
async fn a_kill_at_any_write_of_a_commit_leaves_its_rejects_to_be_told_of_once() {
    for writes in 0.. {
        let lake = TestLake::new();
        let mut window = proven(&[row(1, "a")], 0, 60, 0);
        window.rejects.push(reject("{}", 7));
        lake.writer().await.stage(window).await.unwrap();
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let dying = DyingStore { inner: Arc::clone(lake.lake.store()), left: Arc::clone(&left) };
        let doomed = lake.lake.clone().with_store(Arc::new(dying));
        let mut writer = Writer::open(&doomed, TestLake::settings()).await.unwrap();
        left.store(writes, Ordering::Relaxed);
        let died = writer.recover().await;
        drop(writer);
        let mut writer = lake.writer().await;
        let told = died.map_or(0, |summary| summary.rejects_new) + writer.recover().await.unwrap().rejects_new;
        assert_eq!(told, 1, "killed at write {writes}");
        assert_eq!(lake.files("_kore_lake/staging"), Vec::<String>::new(), "killed at write {writes}");
        if left.load(Ordering::Relaxed) > 0 {
            break;
        }
    }
}

#[tokio::test]
async fn what_a_killed_run_staged_is_committed_by_the_next_one_with_its_evidence() {
    let lake = TestLake::new();
    let writer = lake.writer().await;
    writer.stage(proven(&[row(1, "a")], 0, 60, 0)).await.unwrap();
    drop(writer);
    assert_eq!(lake.rows().len(), 0);
    let mut writer = lake.writer().await;
    let recovered = writer.recover().await.unwrap();
    assert_eq!((recovered.rows.new, recovered.windows), (1, 1));
    let covered = &writer.head().stream(Some(&stream())).unwrap().coverage;
    assert_eq!(covered.stretches()[0].range, seconds(0, 60));
    assert_eq!(covered.stretches()[0].evidence, "short_page");
    assert_eq!(lake.files("_kore_lake/staging"), Vec::<String>::new());
    assert_eq!(writer.recover().await.unwrap().rows, crate::lake::RowChange::default());
}

#[tokio::test]
async fn nothing_staged_is_visible_to_a_glob_of_parquet_files() {
    let lake = TestLake::new();
    lake.run(vec![proven(&[row(1, "a")], 0, 60, 0)]).await;
    let writer = lake.writer().await;
    writer.stage(proven(&[row(2, "b"), row(DAY, "c")], 0, 60, 9)).await.unwrap();
    let parquet: Vec<_> = lake.files("").into_iter().filter(|path| path.ends_with(".parquet")).collect();
    assert_eq!(parquet, ["conversations/account_id=acc-1/session_date=2026-03-02/conversations.parquet"]);
}

#[tokio::test]
async fn leftovers_of_this_account_are_swept_those_of_another_are_not() {
    let lake = TestLake::new();
    let leftover = |account: &str| {
        format!("conversations/account_id={account}/session_date=2026-03-02/_conversations.parquet.1-0.tmp")
    };
    lake.write(&leftover("acc-1"), b"half");
    lake.write(&leftover("acc-2"), b"half");
    lake.write("_kore_lake/staging/acc-1/run/_00000000.arrow.1-0.tmp", b"half");
    let writer = lake.writer().await;
    assert_eq!(lake.files("conversations"), [leftover("acc-2")]);
    assert_eq!(lake.files("_kore_lake/staging"), Vec::<String>::new());
    writer.finish(RunState::Complete, true).await.unwrap();
}

#[tokio::test]
async fn a_corrupt_partition_is_named_and_what_is_staged_stays() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "a")]).await;
    let path = lake.files("conversations").remove(0);
    let mut writer = lake.writer().await;
    writer.stage(replayed(&[row(2, "b")])).await.unwrap();
    lake.write(&path, b"PAR1 no parquet at all PAR1");
    let error = writer.commit().await.unwrap_err();
    assert_eq!(error.kind(), LakeErrorKind::Unavailable);
    assert_eq!(error.to_string(), format!("cannot read the partition `{path}`: the object is corrupt"));
    assert_eq!(lake.files("_kore_lake/staging").len(), 1);
    drop(writer);
    let error = Writer::open(&lake.lake, TestLake::settings()).await.unwrap_err();
    assert!(error.to_string().contains(&path), "{error}");
    std::fs::remove_file(lake.folder.path().join(&path)).unwrap();
    assert_eq!(lake.writer().await.recover().await.unwrap().rows.new, 1);
}

#[test]
fn a_commit_can_move_between_threads() {
    fn sendable(writer: &mut Writer) -> impl Send {
        writer.commit()
    }
    fn shareable<T: Send + Sync>() {}
    let _ = sendable;
    shareable::<Writer>();
}
