use serde::Serialize;

use super::load::{stream_of, what_to_read};
use super::memory::Memory;
use super::scope;
use super::{LoadRequest, scope::Scope};
use crate::clock::TimeRange;
use crate::error::Error;
use crate::lake::Lake;
use crate::source::{Density, Habits, Pages, Planner};

/// What a load would do, as far as the ledger tells. The load itself goes by what it sees on the way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Ranges that would be read: that asked for, or what follows from the ledger.
    pub ranges: Vec<TimeRange>,
    /// Ranges that an earlier run had set out to read and did not.
    pub resumed: Vec<TimeRange>,
    /// The windows, oldest first; only the first one where nothing is known of the traffic.
    pub windows: Vec<PlannedWindow>,
    /// Rows to expect; none where nothing is known.
    pub rows: Option<u64>,
    /// Requests to expect, likewise.
    pub requests: Option<u64>,
    /// Seconds to expect under the rate limit, likewise; none also without a limit.
    pub seconds: Option<u64>,
}

/// A window of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlannedWindow {
    /// The window.
    pub range: TimeRange,
    /// Whether it is to be answered by one page, since its rows may still change.
    pub one_page: bool,
    /// Rows to expect; none where nothing is known.
    pub rows: Option<u64>,
    /// Requests to expect, likewise.
    pub requests: Option<u64>,
}

/// What [`load`](super::load) would do under a limit of `rate` requests a minute (0: none). Reads the ledger, if there
/// is a lake, and the start times of rows to be read again; writes and asks for nothing.
///
/// # Errors
/// As a load before its first request: [`Kind::Usage`](crate::error::Kind::Usage) without a range to begin with,
/// [`Kind::Lake`](crate::error::Kind::Lake).
pub async fn plan(lake: Option<&Lake>, request: &LoadRequest, rate: u32) -> Result<Plan, Error> {
    let head = match lake {
        Some(lake) => lake.head(&request.account_id).await?,
        None => None,
    };
    let stream = stream_of(head.as_ref(), request);
    let scope = match (lake, &head) {
        (Some(lake), Some(head)) => what_to_read(lake, request, head).await?,
        _ => Scope::of(request, None)?,
    };
    let memory = Memory::of(stream);
    let (mut work, known) = match lake {
        Some(lake) => scope::work(lake, request, stream, &scope.all(), memory.habits.filtered).await?,
        None => (scope::unknown(&scope.all()), Vec::new()),
    };
    work.extend(scope::unknown(&scope.unasked));
    let quiet_before = request.now.minus(request.lookback);
    let planner = Planner::new(&work, known, Density::new(memory.rhythm, memory.spread), quiet_before, request.window);
    let windows = windows(planner, memory.habits);
    let sum = |count: fn(&PlannedWindow) -> Option<u64>| windows.iter().map(count).sum::<Option<u64>>();
    let requests = sum(|window| window.requests);
    let seconds = requests.filter(|_| rate > 0).map(|requests| (requests * 60).div_ceil(u64::from(rate)));
    let rows = sum(|window| window.rows);
    Ok(Plan { ranges: scope.own, resumed: scope.resumed, windows, rows, requests, seconds })
}

fn windows(mut planner: Planner, habits: Habits) -> Vec<PlannedWindow> {
    let mut windows = Vec::new();
    while let Some(next) = planner.next(&habits, None) {
        let rounded = |number: f64| number.round().max(0.0);
        windows.push(PlannedWindow {
            range: next.window.range(),
            one_page: next.pages == Pages::One,
            rows: next.rows.map(rounded).map(whole),
            requests: next.requests.map(rounded).map(whole),
        });
        if next.rows.is_none() {
            break;
        }
    }
    windows
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded count of rows, not negative")]
fn whole(number: f64) -> u64 {
    number as u64
}
