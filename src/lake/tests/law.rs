//! One read, cut into any pages and windows, in any order, gives the same lake.

use proptest::prelude::*;
use serde_json::Value;

use super::support::*;

fn any_row() -> impl Strategy<Value = Row> {
    let ids = (0..3_i64, prop::option::of(0..3_usize), prop::bool::weighted(0.2));
    (ids, 0..3_i64, 0..4_i64, prop::bool::ANY).prop_map(|((second, conversation, odd), after, hash, open)| {
        let conversation = conversation.map(|n| ["", "c1", "c2"][n].to_owned());
        let row = Row { conversation, ..row(second * DAY / 2, "") }.fetched(after).hash(hash * 3 + after);
        let row = if open { row.status("ACTIVE") } else { row };
        // A key without an id time changes its day with its content.
        let start = row.start + row.hash % 2 * DAY;
        if odd { Row { start, ..row.without_time("zz") } } else { row }
    })
}

fn distinct(rows: &[Row]) -> Vec<Row> {
    // Two rows of one key with one hash are one record.
    let mut kept: Vec<Row> = Vec::new();
    for row in rows {
        let same = |other: &Row| {
            let none = |row: &Row| row.conversation.clone().filter(|id| !id.is_empty());
            row.session == other.session && none(row) == none(other) && row.hash == other.hash
        };
        let first = kept.iter().find(|other| same(other)).cloned();
        kept.push(first.map_or(row.clone(), |first| Row { fetched: row.fetched, ..first }));
    }
    kept
}

fn lake_of(windows: &[Vec<Row>], commits: &[bool]) -> (Vec<Value>, u64, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let lake = TestLake::new();
        let mut writer = lake.writer().await;
        let mut total = 0;
        let mut superseded = 0;
        for (window, commit) in windows.iter().zip(commits.iter().chain(std::iter::repeat(&false))) {
            writer.stage(replayed(window)).await.unwrap();
            if *commit {
                total += writer.commit().await.unwrap().rows.new;
            }
        }
        let last = writer.commit().await.unwrap();
        total += last.rows.new;
        superseded += last.rows.superseded;
        let mut rows = lake.rows();
        for row in &mut rows {
            let row = row.as_object_mut().unwrap();
            row.remove("_fetched_at");
            row.remove("_run_id");
        }
        (rows, total, superseded)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_and_order_of_one_read_gives_the_same_lake(
        rows in prop::collection::vec(any_row(), 1..24),
        cuts in prop::collection::vec(1..6_usize, 24),
        commits in prop::collection::vec(any::<bool>(), 24),
        order in any::<prop::sample::Index>(),
    ) {
        let rows = distinct(&rows);
        let (once, new, superseded) = lake_of(std::slice::from_ref(&rows), &[]);
        let keys: std::collections::BTreeSet<_> =
            rows.iter().map(|row| (row.session.clone(), row.conversation.clone().filter(|id| !id.is_empty()))).collect();
        prop_assert_eq!(once.len() as u64, new);
        prop_assert_eq!(once.len() as u64 + superseded, keys.len() as u64);

        let mut turned = rows.clone();
        turned.rotate_left(order.index(rows.len()));
        if order.index(2) == 1 { turned.reverse(); }
        let mut rest = turned.as_slice();
        let mut windows = Vec::new();
        for cut in cuts {
            let (window, behind) = rest.split_at(cut.min(rest.len()));
            windows.push(window.to_vec());
            rest = behind;
        }
        windows.push(rest.to_vec());
        prop_assert_eq!(lake_of(&windows, &commits).0, once);
    }
}

#[tokio::test]
async fn the_same_read_twice_changes_no_object() {
    let lake = TestLake::new();
    let rows: Vec<_> = (0..300).map(|n| row(n * 700, &format!("c{n}"))).collect();
    lake.run(vec![proven(&rows, 0, 3 * DAY, 0)]).await;
    let before = lake.objects();
    assert_eq!(before.len(), 3);
    let again: Vec<_> = rows.into_iter().map(|row| row.fetched(5_000)).collect();
    let summary = lake.run(vec![proven(&again, 0, 3 * DAY, 5_000)]).await;
    assert_eq!((summary.days_written, summary.rows.unchanged), (0, 300));
    assert_eq!(lake.objects(), before);
}
