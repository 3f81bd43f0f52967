use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use serde_json::{Value, json};

use super::lake::{Lake, conversation, parquet, schema_without, with};
use crate::query::{LakeFiles, QueryError, QueryErrorKind, Session, SessionSettings, reports};
use crate::schema::Schema;

type Action = Box<dyn Fn(usize) + Send + Sync>;

/// A store that does something before each GET, which it counts.
struct Meddling {
    inner: Arc<dyn ObjectStore>,
    gets: AtomicUsize,
    before_get: Action,
    lists: bool,
}

impl std::fmt::Debug for Meddling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddling")
    }
}

impl std::fmt::Display for Meddling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddling")
    }
}

#[async_trait]
impl ObjectStore for Meddling {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        (self.before_get)(self.gets.fetch_add(1, Ordering::SeqCst));
        self.inner.get_opts(location, options).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if !self.lists {
            let error = Error::Generic { store: "test", source: "no answer".into() };
            return stream::iter([Err(error)]).boxed();
        }
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        panic!("a query never writes")
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        panic!("a query never writes")
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        panic!("a query never writes")
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        panic!("a query never writes")
    }
}

async fn session(lake: &Lake, before_get: impl Fn(usize) + Send + Sync + 'static) -> Session {
    let files = lake.files();
    let store =
        Meddling { inner: files.store, gets: AtomicUsize::new(0), before_get: Box::new(before_get), lists: true };
    let files = LakeFiles { store: Arc::new(store), root: files.root };
    Session::open(files, SessionSettings { parallelism: Some(1), ..Default::default() }).await.unwrap()
}

fn rows(mark: &str, count: usize) -> Vec<Value> {
    (0..count).map(|at| with(conversation(&format!("{at:06}")), json!({"reason": mark, "user_id": mark}))).collect()
}

/// Replaces the day by a rename, as the lake does, with an object of the same length.
fn replacer(lake: &Lake, versions: &[&str], count: usize) -> impl Fn(usize) + Send + Sync + 'static {
    let target = lake.object("acme", "2026-03-02");
    let objects: Vec<_> =
        versions.iter().map(|mark| parquet(&rows(mark, count), Schema::conversations_arrow())).collect();
    move |version| {
        let staged = target.with_file_name("_staged");
        fs::write(&staged, &objects[version % objects.len()]).unwrap();
        fs::rename(staged, &target).unwrap();
    }
}

const MARKS: &str = "SELECT min(reason) AS low, max(reason) AS high, min(user_id) AS low_user, max(user_id) AS high_user FROM conversations";

async fn marks(session: &Session) -> std::result::Result<String, QueryError> {
    let statement = session.parse(MARKS)?.remove(0);
    let batches = session.run(&statement).await?.collect().await?;
    Ok(arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_replaced_during_a_statement_is_read_again_and_never_mixed() {
    let lake = Lake::of(rows("old", 5_000));
    let replace = replacer(&lake, &["new"], 5_000);
    // The first GET reads the footer of the old object; then the day changes, once.
    let session = session(&lake, move |get| {
        if get == 1 {
            replace(0);
        }
    })
    .await;
    let answer = marks(&session).await.unwrap();
    assert!(answer.contains("new") && !answer.contains("old"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_replaced_at_every_read_is_an_error_of_the_lake() {
    let lake = Lake::of(rows("old", 100));
    let replace = replacer(&lake, &["new", "old"], 100);
    let error = marks(&session(&lake, replace).await).await.unwrap_err();
    assert_eq!(error.kind(), QueryErrorKind::Lake);
    insta::assert_snapshot!(error, @"the day was replaced while it was read; run again: `conversations/account_id=acme/session_date=2026-03-02/conversations.parquet`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_replaced_after_rows_were_handed_out_is_an_error() {
    let mut lake = Lake::of(rows("old", 20_000));
    lake.day("acme", "2026-03-03", rows("old", 20_000));
    let session = session(&lake, |_| ()).await;
    let statement = session.parse("SELECT reason FROM conversations").unwrap().remove(0);
    let mut answer = session.run(&statement).await.unwrap();
    assert!(answer.next().await.unwrap().is_some());
    lake.day("acme", "2026-03-02", rows("new", 20_000));
    lake.day("acme", "2026-03-03", rows("new", 20_000));
    let error = loop {
        match answer.next().await {
            Ok(Some(batch)) => assert!(!format!("{:?}", batch.column(0)).contains("new")),
            Ok(None) => panic!("the second day was read as if nothing had happened"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, QueryError::Replaced { .. }), "{error}");
}

#[tokio::test]
async fn the_next_statement_sees_the_present_lake_through_earlier_views_too() {
    let mut lake = Lake::of(rows("old", 3));
    let session = lake.session().await;
    let statements = session
        .parse("CREATE VIEW mine AS SELECT reason FROM conversations; SELECT DISTINCT reason FROM mine")
        .unwrap();
    session.run(&statements[0]).await.unwrap();
    for mark in ["old", "new"] {
        lake.day("acme", "2026-03-02", rows(mark, 3));
        let batches = session.run(&statements[1]).await.unwrap().collect().await.unwrap();
        let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
        assert!(text.contains(mark), "{text}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_an_error_of_the_lake() {
    let lake = Lake::new();
    let inner = lake.files().store;
    let store = Meddling { inner, gets: AtomicUsize::new(0), before_get: Box::new(|_| ()), lists: false };
    let files = LakeFiles { store: Arc::new(store), root: Path::default() };
    let session = Session::open(files, SessionSettings::default()).await.unwrap();
    let statements = session.parse("SELECT 1; SELECT count(*) FROM contacts").unwrap();
    assert!(session.run(&statements[0]).await.is_ok(), "a statement that reads nothing lists nothing");
    let error = session.run(&statements[1]).await.unwrap_err();
    assert_eq!(error.kind(), QueryErrorKind::Lake);
    insta::assert_snapshot!(error, @"cannot list the lake's objects");
}

#[tokio::test]
async fn a_statement_that_needs_more_memory_than_it_may_have_says_so() {
    let lake = Lake::of(rows("old", 20_000));
    let folder = tempfile::TempDir::new().unwrap();
    let settings = |memory_limit_bytes| SessionSettings {
        memory_limit_bytes: Some(memory_limit_bytes),
        spill_folder: Some(folder.path().to_owned()),
        parallelism: Some(1),
    };
    for (bytes, fits) in [(40 << 20, true), (1 << 10, false)] {
        let session = Session::open(lake.files(), settings(bytes)).await.unwrap();
        let statement =
            session.parse("SELECT * FROM conversations ORDER BY reason, session_id DESC").unwrap().remove(0);
        let answer = match session.run(&statement).await {
            Ok(rows) => rows.collect().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(batches) => assert!(fits && batches.iter().map(RecordBatch::num_rows).sum::<usize>() == 20_000),
            Err(error) => assert!(!fits && matches!(error, QueryError::Memory { .. }), "{bytes}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn only_the_objects_of_days_count() {
    let lake = Lake::of([conversation("1")]);
    let bytes = fs::read(lake.object("acme", "2026-03-02")).unwrap();
    for stray in [
        "conversations/account_id=acme/session_date=2026-03-02/_conversations.parquet.1",
        "conversations/account_id=acme/session_date=2026-03-02/other.parquet",
        "conversations/account_id=acme/session_date=__HIVE_DEFAULT_PARTITION__/conversations.parquet",
        "conversations/_old/session_date=2026-03-02/conversations.parquet",
        "conversations/conversations.parquet",
        "_kore_lake/staging/conversations.parquet",
    ] {
        let path = lake.path().join(stray);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &bytes).unwrap();
    }
    assert_eq!(lake.ask("SELECT count(*) AS n FROM conversations").await, "n\n1\n");
}

#[tokio::test]
async fn a_report_reads_the_days_asked_for_and_one_more_on_either_side() {
    let lake = Lake::of([conversation("1")]);
    for (account, date) in [("acme", "2026-02-28"), ("acme", "2026-03-05"), ("other", "2026-03-02")] {
        let path = lake.object(account, date);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "whoever reads this fails").unwrap();
    }
    let session = lake.session().await;
    // The others go by days of the lake, or read on for repeats.
    let others = ["changes", "data_quality", "repeat_contacts"];
    for report in reports().iter().filter(|report| !others.contains(&report.name)) {
        let read = async |params: &[(&str, &str)]| {
            let given = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            session.report(report, &report.bind(&given).unwrap()).await.map(|_| ()).map_err(|error| error.kind())
        };
        let name = report.name;
        let (from, to, account) = (("from", "2026-03-02"), ("to", "2026-03-03"), ("account", "acme"));
        assert_eq!(read(&[account, from, to]).await, Ok(()), "{name}");
        assert_eq!(read(&[account, ("from", "2026-03-01"), to]).await, Err(QueryErrorKind::Lake), "{name}");
        assert_eq!(read(&[account, from, ("to", "2026-03-04")]).await, Err(QueryErrorKind::Lake), "{name}");
        assert_eq!(read(&[from, to]).await, Err(QueryErrorKind::Lake), "{name}");
    }
}

#[tokio::test]
async fn an_empty_lake_has_no_rows() {
    let lake = Lake::new();
    for table in ["conversations", "contacts", "queue_entries", "agent_segments", "missed_offers"] {
        assert_eq!(lake.ask(&format!("SELECT count(*) AS n FROM {table}")).await, "n\n0\n", "{table}");
    }
}

#[tokio::test]
async fn columns_that_an_older_object_lacks_are_null() {
    let lake = Lake::of([conversation("1")]);
    let older = schema_without(&["final_status", "destinations", "_content_hash"]);
    let row = json!({"session_id": "s-old", "session_start_time": "2026-03-03T08:00:00Z"});
    let path = lake.object("acme", "2026-03-03");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, parquet(&[row], older)).unwrap();
    let answer = lake.ask("SELECT session_id, final_status, cardinality(destinations) AS n, _content_hash FROM conversations ORDER BY 1").await;
    assert_eq!(answer, "session_id,final_status,n,_content_hash\ns-1,CLOSED,,\ns-old,,,\n");
}

#[tokio::test]
async fn a_corrupt_object_is_named() {
    let lake = Lake::of([conversation("1")]);
    let path = lake.object("acme", "2026-03-02");
    let whole = fs::read(&path).unwrap();
    for bytes in [b"".as_slice(), b"PAR1", b"PAR1 this is no parquet at all PAR1", &whole[..whole.len() / 2]] {
        fs::write(&path, bytes).unwrap();
        let error = lake.try_ask("SELECT count(*) FROM conversations").await.unwrap_err();
        assert_eq!(error.kind(), QueryErrorKind::Lake, "{error:?}");
        let begins = "expected a readable Parquet object, found `conversations/account_id=acme/session_date=2026-03-02/conversations.parquet`";
        assert!(error.to_string().starts_with(begins), "{error}");
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_decoded_names_the_only_object_read() {
    let lake = Lake::of(rows("a mark that is long enough to be found", 2_000));
    let path = lake.object("acme", "2026-03-02");
    let mut bytes = fs::read(&path).unwrap();
    bytes[4..60].fill(0xff);
    fs::write(path, bytes).unwrap();
    let error = lake.try_ask("SELECT max(session_id) FROM conversations").await.unwrap_err();
    assert!(matches!(error, QueryError::Corrupt { ref object, .. } if object.contains("acme")), "{error:?}");
}

#[tokio::test]
async fn a_lake_below_a_root_of_the_store_is_found() {
    let lake = Lake::of([conversation("1")]);
    let parent = lake.path().parent().unwrap();
    let store = object_store::local::LocalFileSystem::new_with_prefix(parent).unwrap();
    let root = Path::from(lake.path().file_name().unwrap().to_str().unwrap());
    let session = Session::open(LakeFiles { store: Arc::new(store), root }, SessionSettings::default()).await.unwrap();
    let statement = session.parse("SELECT session_id FROM contacts").unwrap().remove(0);
    assert_eq!(session.run(&statement).await.unwrap().collect().await.unwrap()[0].num_rows(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_rewrites_mix_nothing_and_fail_nothing_before_its_first_row() {
    let lake = Lake::of(rows("old", 50));
    let replace = replacer(&lake, &["new", "old"], 50);
    let rewrites = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&rewrites);
    // Seven shares no factor with the reads of a statement: the day changes before each of them in turn.
    let session = session(&lake, move |get| {
        if get % 7 == 0 {
            replace(counted.fetch_add(1, Ordering::SeqCst));
        }
    })
    .await;
    while rewrites.load(Ordering::SeqCst) < 200 {
        let answer = marks(&session).await.unwrap();
        assert!(answer.contains("new") != answer.contains("old"), "{answer}");
    }
}
