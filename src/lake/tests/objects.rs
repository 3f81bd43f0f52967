//! What a partition object looks like from outside.

use std::collections::BTreeMap;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, LogicalType};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::support::*;
use crate::lake::Writer;
use crate::lake::WriterSettings;
use crate::schema::Schema;

async fn one_day() -> (TestLake, ParquetMetaData) {
    let lake = TestLake::new();
    lake.replay(&[row(2, "b"), row(1, "a"), row(3, "c").alone()]).await;
    let path = lake.files("conversations").remove(0);
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    let meta = reader.parse_and_finish(&lake.open(&path)).unwrap();
    (lake, meta)
}

#[tokio::test]
async fn parquet_alone_gives_back_the_fixed_schema() {
    let (lake, meta) = one_day().await;
    let file = lake.open(&lake.files("conversations")[0]);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(builder.schema().fields(), Schema::conversations_arrow().fields());
    let leaves = meta.file_metadata().schema_descr();
    assert!(leaves.columns().iter().any(|leaf| leaf.path().string() == "destinations.list.element.queue_id"));
    let extra = leaves.columns().iter().find(|leaf| leaf.path().string() == "extra").unwrap();
    assert_eq!(extra.logical_type_ref(), Some(&LogicalType::Json));
}

#[tokio::test]
async fn the_footer_names_versions_run_and_order() {
    let (_lake, meta) = one_day().await;
    let pairs = meta.file_metadata().key_value_metadata().unwrap();
    let footer: BTreeMap<_, _> = pairs.iter().map(|pair| (pair.key.as_str(), pair.value.clone().unwrap())).collect();
    assert_eq!(footer["kore_lake.schema_version"], "1");
    assert_eq!(footer["kore_lake.content_hash_version"], "1");
    assert!(footer["kore_lake.writer"].starts_with("kore-lake "));
    assert!(footer.contains_key("kore_lake.run_id"));
    let leaves = meta.file_metadata().schema_descr();
    let sorted = meta.row_group(0).sorting_columns().unwrap();
    let names: Vec<_> =
        sorted.iter().map(|s| leaves.column(s.column_idx.try_into().unwrap()).path().string()).collect();
    assert_eq!(names, ["session_start_time", "session_id", "conversation_id"]);
    assert!(sorted.iter().all(|column| column.nulls_first && !column.descending));
}

#[tokio::test]
async fn encodings_fit_the_columns() {
    let (_lake, meta) = one_day().await;
    let group = meta.row_group(0);
    let column = |name: &str| group.columns().iter().find(|column| column.column_path().string() == name).unwrap();
    let has = |name: &str, encoding| column(name).encodings().any(|found| found == encoding);
    assert!(has("session_id", Encoding::DELTA_LENGTH_BYTE_ARRAY));
    assert!(has("destinations.list.element.extra", Encoding::DELTA_LENGTH_BYTE_ARRAY));
    assert!(has("session_start_time", Encoding::DELTA_BINARY_PACKED));
    assert!(has("destinations.list.element.responding_agent.accepted_time", Encoding::DELTA_BINARY_PACKED));
    for repeated in ["channel", "user_id", "destinations.list.element.responding_agent.interaction_duration"] {
        assert!(has(repeated, Encoding::RLE_DICTIONARY), "{repeated}");
    }
    assert!(group.columns().iter().all(|column| matches!(column.compression(), Compression::ZSTD(_))));
    assert!(column("destinations.list.element.queue_id").statistics().is_some());
    assert!(column("session_start_time").column_index_offset().is_some());
    assert!(column("destinations.list.element.queue_id").column_index_offset().is_none());
    assert!(column("destinations.list.element.queue_id").offset_index_offset().is_some());
}

#[tokio::test]
async fn rows_are_in_order_and_the_same_rows_give_the_same_bytes() {
    let objects = async |rows: &[Row]| {
        let lake = TestLake::new();
        let settings = WriterSettings { run_id: "run-1".parse().unwrap(), ..TestLake::settings() };
        let mut writer = Writer::open(&lake.lake, settings).await.unwrap();
        for row in rows {
            writer.stage(replayed(std::slice::from_ref(row))).await.unwrap();
        }
        writer.commit().await.unwrap();
        let starts: Vec<_> = lake.rows().iter().map(|row| row["conversation_id"].clone()).collect();
        (starts, lake.objects().into_values().map(|(bytes, _)| bytes).collect::<Vec<_>>())
    };
    let rows = [row(1, "a"), row(1, "b"), row(2, "a"), row(3, "z").alone()];
    let mut turned = rows.clone();
    turned.reverse();
    let (order, bytes) = objects(&rows).await;
    assert_eq!(order.iter().map(|id| id.as_str()).collect::<Vec<_>>(), [Some("a"), Some("b"), Some("a"), None]);
    assert_eq!(objects(&turned).await, (order, bytes));
}

#[tokio::test]
async fn a_day_larger_than_the_memory_is_spilled_and_merged() {
    let lake = TestLake::new();
    let rows: Vec<_> = (0..6_000).map(|n| row(n * 7 % 50_000, &format!("c{n}"))).collect();
    let spill = tempfile::tempdir().unwrap();
    let settings = WriterSettings {
        memory_limit_bytes: 12 << 20,
        spill_folder: Some(spill.path().to_owned()),
        ..TestLake::settings()
    };
    let mut writer = Writer::open(&lake.lake, settings).await.unwrap();
    for part in rows.chunks(1_000) {
        writer.stage(replayed(part)).await.unwrap();
    }
    assert_eq!(writer.commit().await.unwrap().rows.new, 6_000);
    let starts: Vec<_> = lake.rows().iter().map(|row| row["session_start_time"].as_str().unwrap().to_owned()).collect();
    assert!(starts.is_sorted());
}

#[tokio::test]
async fn staged_objects_of_other_times_follow_each_other_and_those_that_overlap_are_sorted_together() {
    // Three a second, in the order of their ids.
    let rows: Vec<_> = (0..9_000).map(|n| row(n / 3 * 27, &format!("c{n:04}"))).collect();
    let (apart, overlapping) = rows.split_at(6_000);
    let every_other = |first| overlapping.iter().skip(first).step_by(2).cloned().collect::<Vec<_>>();
    // The second of the rows 3,000 to 3,002 is the edge of two windows: two of them are in both.
    let windows = [every_other(1), apart[3_001..].to_vec(), every_other(0), apart[..3_003].to_vec()];
    // All of the overlapping rows fit the one memory and not the other.
    for memory_limit_bytes in [256 << 20, 12 << 20] {
        let lake = TestLake::new();
        let settings = WriterSettings { memory_limit_bytes, ..TestLake::settings() };
        let mut writer = Writer::open(&lake.lake, settings).await.unwrap();
        for window in &windows {
            writer.stage(replayed(window)).await.unwrap();
        }
        assert_eq!(writer.commit().await.unwrap().rows.new, 9_000);
        let found: Vec<_> = lake.rows().iter().map(|row| row["conversation_id"].as_str().unwrap().to_owned()).collect();
        assert!(found.iter().map(String::as_str).eq(rows.iter().map(|row| row.conversation.as_deref().unwrap())));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_ours_is_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (lake, _) = one_day().await;
    for path in lake.files("_kore_lake") {
        let mode = std::fs::metadata(lake.folder.path().join(&path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}");
    }
}
