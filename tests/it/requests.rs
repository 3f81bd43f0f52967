//! What a load costs: requests by the ⌈rows ÷ 100⌉ that a source without windows would need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kore_lake::clock::TimeRange;
use kore_lake::pipeline::{LoadRequest, Stop, Summary, Unwatched, load};
use kore_lake::simulator::{Behaviour, GeneratorSettings, OffsetUnit, SimulatorSettings};
use kore_lake::source::{Page, PageRequest, PageSource, SourceError, Traffic};
use tokio::time::Instant;

use crate::centre::{lake_in, run, whole};
use crate::contents::records_of;
use crate::wire::Wire;

fn wire(data: GeneratorSettings, offset: OffsetUnit) -> Arc<Wire> {
    let behaviour = Behaviour { offset, ..Behaviour::default() };
    Wire::of(SimulatorSettings { data, behaviour, ..SimulatorSettings::default() }, true)
}

fn ratio(summary: &Summary) -> f64 {
    summary.request_ratio.unwrap()
}

#[test]
fn an_hour_of_five_thousand_rows_loads_whole() {
    run(async {
        let data = GeneratorSettings { days: 1, conversations_per_day: 50_000, ..GeneratorSettings::default() };
        let wire = wire(data, OffsetUnit::Pages);
        let hour = TimeRange::new("2026-03-02T09:00:00Z".parse().unwrap(), "2026-03-02T10:00:00Z".parse().unwrap());
        let hour = hour.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_in(folder.path());
        let request = wire.request(hour);
        let summary = whole(load(&lake, wire.clone(), &request, &Unwatched, Stop::never()).await);
        let truth = wire.truth(request.api, hour).len();
        assert!(truth >= 5_000, "{truth}");
        // The second that ends the hour is included too, where the server includes it.
        assert!(records_of(&lake).await.len() >= truth, "{summary:?}");
        assert!(summary.rows.new >= u64::try_from(truth).unwrap());
    });
}

/// Eight weeks of 200 rows a day; the weeks behind them then are of a rhythm that the ledger knows.
fn eight_weeks(offset: OffsetUnit) -> [f64; 3] {
    let (sender, receiver) = std::sync::mpsc::channel();
    run(async move {
        let data = GeneratorSettings { days: 112, conversations_per_day: 200, ..GeneratorSettings::default() };
        let wire = wire(data, offset);
        let (all, folder) = (wire.range(), tempfile::tempdir().unwrap());
        let lake = lake_in(folder.path());
        let middle = all.from().plus(Duration::from_hours(24 * 56));
        let halves = [TimeRange::new(all.from(), middle).unwrap(), TimeRange::new(middle, all.to()).unwrap()];
        let mut ratios = Vec::new();
        for range in [halves[0], halves[1], halves[0]] {
            // One after the other: where a window begins depends on what those that had ended by then told.
            let request = LoadRequest { range: Some(range), concurrency: 1, ..wire.request(all) };
            let summary = whole(load(&lake, wire.clone(), &request, &Unwatched, Stop::never()).await);
            ratios.push(ratio(&summary));
        }
        sender.send(ratios).unwrap();
    });
    receiver.recv().unwrap().try_into().unwrap()
}

#[test]
fn where_offset_counts_pages_a_load_costs_little_more_than_its_rows() {
    let [first, known, again] = eight_weeks(OffsetUnit::Pages);
    assert!(first <= 1.15 && known <= 1.07 && again <= 1.10, "{first} {known} {again}");
}

#[test]
fn where_offset_counts_records_a_second_read_costs_little_more_than_its_rows() {
    let [first, known, again] = eight_weeks(OffsetUnit::Records);
    assert!(again <= 1.10, "{first} {known} {again}");
}

/// Takes a second of the runtime's clock for each answer, and counts the requests under way.
struct Paced {
    wire: Arc<Wire>,
    began: Instant,
    under_way: AtomicUsize,
    most: AtomicUsize,
    /// Second at which the last answer came.
    seconds: AtomicUsize,
}

#[async_trait]
impl PageSource for Paced {
    async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(under_way, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        self.seconds.store(usize::try_from(self.began.elapsed().as_secs()).unwrap(), Ordering::Relaxed);
        self.wire.fetch(request).await
    }

    fn traffic(&self) -> Traffic {
        self.wire.traffic()
    }
}

/// The clock goes on only when nothing else is left to do, so seconds count how often an answer had to be waited for.
#[test]
fn all_connections_are_busy_but_never_more() {
    let test = async {
        let data = GeneratorSettings { days: 14, conversations_per_day: 1_500, ..GeneratorSettings::default() };
        let wire = wire(data, OffsetUnit::Pages);
        let (under_way, most, seconds) = Default::default();
        let source = Arc::new(Paced { wire: Arc::clone(&wire), began: Instant::now(), under_way, most, seconds });
        let folder = tempfile::tempdir().unwrap();
        let request = LoadRequest { concurrency: 4, ..wire.request(wire.range()) };
        let lake = lake_in(folder.path());
        let summary = whole(load(&lake, source.clone(), &request, &Unwatched, Stop::never()).await);
        let (most, seconds) = (source.most.load(Ordering::Relaxed), source.seconds.load(Ordering::Relaxed));
        let answers = usize::try_from(summary.requests).unwrap();
        assert_eq!(most, 4);
        assert!(answers * 100 >= 4 * seconds * 85, "{answers} answers in {seconds} s");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(move || runtime.block_on(test)).unwrap();
    thread.join().unwrap();
}
