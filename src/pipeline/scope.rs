//! What a run is to read: its own range, what earlier runs left, and rows that may still change.

use std::time::Duration;

use super::LoadRequest;
use crate::clock::{TimeRange, UtcTime};
use crate::error::Error;
use crate::lake::{Lake, LakeError, OpenRow, SessionTime, StreamState};
use crate::source::{FilteredTime, Work};

const DAY: Duration = Duration::from_hours(24);

/// Open rows are looked at so long after their start (F19: e-mail conversations stay open up to 30 days), and where
/// windows filter the end of a session, rows of a range can end so long after it.
pub(super) const LONGEST_SESSION: Duration = Duration::from_hours(30 * 24);

/// What a run is to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// What it sets out for, without what an open intent that it goes on with has read of it.
    pub(super) own: Vec<TimeRange>,
    /// What a run before it had set out for and did not read.
    pub(super) resumed: Vec<TimeRange>,
    /// Ranges that must be whole for every session that starts in them: the run's own, and those of the runs before it
    /// that did not end.
    pub(super) asked: Vec<TimeRange>,
    /// Owed windows behind ranges asked for: to be tried again, though their days do not count as read by it.
    pub(super) unasked: Vec<TimeRange>,
    /// What is read already of what it sets out for.
    finished: Vec<TimeRange>,
    /// When the intent was begun that it goes on with.
    pub(super) begun_at: Option<UtcTime>,
}

impl Scope {
    /// What `request` asks for, given what the ledger knows of the stream.
    ///
    /// # Errors
    /// [`Error::Usage`] where no range is given and the ledger knows none either.
    pub(super) fn of(request: &LoadRequest, stream: Option<&StreamState>) -> Result<Self, Error> {
        let mut own = match request.range {
            Some(range) => vec![range],
            None => since_the_last_run(request, stream)?,
        };
        own = joined(own);
        let intent = stream.and_then(|stream| stream.intent.as_ref());
        let unfinished = stream.map(StreamState::unfinished).unwrap_or_default();
        let resumed = joined(unfinished.iter().flat_map(|range| range.without(&own)).collect());
        let asked = joined(own.iter().chain(intent.iter().flat_map(|open| &open.asked)).copied().collect());
        let alike = intent.filter(|open| open.api_version == Some(request.api));
        let finished = alike.and(stream).map(|stream| stream.finished(request.now, request.lookback));
        let left: Vec<_> =
            own.iter().flat_map(|range| range.without(finished.as_deref().unwrap_or_default())).collect();
        let finished: Vec<_> = own.iter().flat_map(|range| range.without(&left)).collect();
        let begun_at = alike.filter(|_| !finished.is_empty()).map(|open| open.started_at);
        let behind = stream.filter(|_| request.range.is_none());
        let behind = behind.iter().flat_map(|stream| &stream.owed).filter(|owed| !owed.covers);
        let unasked = joined(behind.flat_map(|owed| owed.range.without(&own)).collect());
        Ok(Self { own: left, resumed, asked, unasked, finished, begun_at })
    }

    /// What stands in the ledger until all of it is read.
    pub(super) fn intent(&self) -> Vec<TimeRange> {
        joined(self.own.iter().chain(&self.resumed).chain(&self.finished).copied().collect())
    }

    /// All that is to be read, no second twice.
    pub(super) fn all(&self) -> Vec<TimeRange> {
        joined(self.own.iter().chain(&self.resumed).copied().collect())
    }

    /// Where windows filter the end of a session: what must be read beyond `read`, so that sessions that start in the
    /// ranges asked for and end later are found too (F17).
    pub(super) fn beyond(&self, read: &[TimeRange], now: UtcTime) -> Vec<TimeRange> {
        let later = self.asked.iter().filter_map(|asked| {
            let last = asked.to().plus(LONGEST_SESSION).min(now);
            TimeRange::new(asked.to(), last).ok()
        });
        joined(later.collect()).into_iter().flat_map(|range| range.without(read)).collect()
    }
}

/// From *provisional up to* minus the lookback to the present, and what was left behind before.
fn since_the_last_run(request: &LoadRequest, stream: Option<&StreamState>) -> Result<Vec<TimeRange>, Error> {
    let up_to = stream.and_then(StreamState::provisional_up_to);
    let from = match (up_to, request.since) {
        (Some(up_to), since) => up_to.minus(request.lookback).max(since.unwrap_or(UtcTime::from_micros(i64::MIN))),
        (None, Some(since)) => since,
        (None, None) => {
            return Err(Error::Usage(format!(
                "expected a range to begin with, found neither `--from`, nor `--since`, nor an earlier load of stream \
                 `{}` of account `{}` in the lake",
                request.stream_id, request.account_id
            )));
        }
    };
    let mut ranges: Vec<_> = TimeRange::new(from, request.now).into_iter().collect();
    if let Some(stream) = stream {
        ranges.extend(stream.owed.iter().filter(|owed| owed.covers).map(|owed| owed.range));
        ranges.extend(request.since.map(|since| stream.gaps(Some(since))).unwrap_or_default());
    }
    Ok(ranges)
}

/// The seconds of rows of the stream that may still change though no window of `ranges` reads them again, each at most
/// once a day, neighbours joined: open rows, and those that ended after more than a day and were last read less than the
/// lookback later (F19).
pub(super) async fn open_seconds(
    lake: &Lake,
    request: &LoadRequest,
    stream: Option<&StreamState>,
    ranges: &[TimeRange],
) -> Result<Vec<TimeRange>, Error> {
    let oldest = request.now.minus(LONGEST_SESSION);
    let rows = lake.long_rows(&request.account_id, Some(&request.stream_id), oldest, DAY).await?;
    let is_due = |row: &OpenRow| {
        let last = stream.and_then(|stream| stream.coverage.last_present(row.start));
        let settled = last.zip(row.end).is_some_and(|(last, end)| end.plus(request.lookback) <= last);
        row.start < request.now && !settled && last.is_none_or(|last| last.plus(DAY) <= request.now)
    };
    let due = rows.iter().filter(|row| is_due(row)).map(|row| row.start);
    let second = |start: UtcTime| TimeRange::new(start, start.plus(Duration::from_secs(1))).ok();
    Ok(joined(due.filter_map(second).flat_map(|second| second.without(ranges)).collect()))
}

/// Cuts ranges into what the ledger says lies in the lake and what does not, and gives the seconds of the lake's rows.
pub(super) async fn work(
    lake: &Lake,
    request: &LoadRequest,
    stream: Option<&StreamState>,
    ranges: &[TimeRange],
    filtered: Option<FilteredTime>,
) -> Result<(Vec<Work>, Vec<i64>), Error> {
    let by = match filtered {
        Some(FilteredTime::End) => SessionTime::End,
        Some(FilteredTime::Start) | None => SessionTime::Start,
    };
    let mut work = Vec::new();
    for range in ranges {
        let new = stream.map_or_else(|| vec![*range], |stream| stream.coverage.gaps(*range));
        work.extend(range.without(&new).into_iter().map(|range| Work { range, known: true }));
        work.extend(new.into_iter().map(|range| Work { range, known: false }));
    }
    let mut seconds = Vec::new();
    for near in neighbours(work.iter().filter(|work| work.known).map(|work| work.range)) {
        match lake.session_seconds(&request.account_id, &request.stream_id, near, by).await {
            Ok(found) => seconds.extend(found),
            // Where windows end is no reason to read nothing: the commit of the day fails, what was read stays staged.
            Err(error @ LakeError::CorruptPartition { .. }) => {
                tracing::warn!(%error, "windows are cut without the lake's own times");
                work.iter_mut().filter(|work| near.contains(work.range.from())).for_each(|work| work.known = false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((work, seconds))
}

/// Takes the first `length` away from ranges in order; all of the first one where it is shorter.
pub(super) fn take_first(ranges: &mut Vec<TimeRange>, length: Duration) -> TimeRange {
    let first = ranges.remove(0);
    let middle = first.from().plus(length);
    match (TimeRange::new(first.from(), middle), TimeRange::new(middle, first.to())) {
        (Ok(taken), Ok(rest)) => {
            ranges.insert(0, rest);
            taken
        }
        _ => first,
    }
}

/// Ranges of which nothing lies in a lake.
pub(super) fn unknown(ranges: &[TimeRange]) -> Vec<Work> {
    ranges.iter().map(|range| Work { range: *range, known: false }).collect()
}

/// Ranges, in order, that lie days apart: those nearer to one another as one, so that no day is looked at often.
fn neighbours(ranges: impl Iterator<Item = TimeRange>) -> Vec<TimeRange> {
    let mut near: Vec<TimeRange> = Vec::new();
    for range in ranges {
        match near.last_mut() {
            Some(last) if range.from() <= last.to().plus(2 * DAY) => {
                *last = TimeRange::new(last.from(), last.to().max(range.to())).unwrap_or(*last);
            }
            _ => near.push(range),
        }
    }
    near
}

/// The union of ranges, in order.
fn joined(mut ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    ranges.sort_unstable();
    let mut joined: Vec<TimeRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.from() <= last.to() => {
                *last = TimeRange::new(last.from(), last.to().max(range.to())).unwrap_or(*last);
            }
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lake::{Intent, Owed};
    use crate::schema::{ApiVersion, RunId};

    const NOON: i64 = 43_200;

    fn hours(from: i64, to: i64) -> TimeRange {
        let hour = |hour| UtcTime::from_seconds(NOON + 3_600 * hour);
        TimeRange::new(hour(from), hour(to)).unwrap()
    }

    fn request(range: Option<TimeRange>) -> LoadRequest {
        let (account, stream) = ("acc-1".parse().unwrap(), "st-1".parse().unwrap());
        let lookback = Duration::from_hours(1);
        LoadRequest { range, now: hours(0, 100).to(), lookback, ..LoadRequest::new(account, stream, ApiVersion::V2) }
    }

    fn owed(range: TimeRange, covers: bool) -> Owed {
        let (read_at, run_id, evidence) = (range.to(), RunId::generate(), json!({}));
        Owed { range, read_at, as_of: read_at, run_id, covers, evidence }
    }

    fn intent(ranges: Vec<TimeRange>, asked: Vec<TimeRange>) -> Intent {
        let (run_id, started_at) = (RunId::generate(), hours(0, 1).from());
        let (api_version, fields, command) = (Some(ApiVersion::V2), [].into(), "load".to_owned());
        Intent { run_id, ranges, asked, started_at, api_version, fields, command }
    }

    #[test]
    fn what_was_asked_for_stays_asked_for_until_a_run_has_read_all_of_it() {
        let open = intent(vec![hours(4, 5)], vec![hours(0, 5)]);
        let stream = StreamState { intent: Some(open), ..StreamState::default() };
        let scope = Scope::of(&request(Some(hours(8, 9))), Some(&stream)).unwrap();
        assert_eq!((scope.own.as_slice(), scope.resumed.as_slice()), (&[hours(8, 9)][..], &[hours(4, 5)][..]));
        assert_eq!(scope.asked, [hours(0, 5), hours(8, 9)]);
        assert_eq!(scope.beyond(&scope.all(), hours(0, 7).to()), [hours(5, 7)]);
    }

    #[test]
    fn what_is_owed_behind_a_range_is_no_range_asked_for() {
        let owed = vec![owed(hours(1, 2), true), owed(hours(50, 51), false), owed(hours(99, 101), false)];
        let stream = StreamState { owed, ..StreamState::default() };
        let since = LoadRequest { since: Some(hours(98, 99).from()), ..request(None) };
        let scope = Scope::of(&since, Some(&stream)).unwrap();
        assert_eq!(scope.unasked, [hours(50, 51), hours(100, 101)]);
        assert!(scope.own.contains(&hours(1, 2)) && !scope.own.contains(&hours(50, 51)), "{:?}", scope.own);
        assert_eq!(scope.intent(), scope.own);
        let ranged = Scope::of(&request(Some(hours(0, 1))), Some(&stream)).unwrap();
        assert_eq!(ranged.unasked, []);
    }
}
