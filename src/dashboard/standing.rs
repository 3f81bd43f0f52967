use serde_json::{Value, json};

use crate::clock::{TimeRange, UtcTime};
use crate::lake::{AccountStatus, StreamStatus};

/// What may be said of a day, the worst first: it counts where it holds of any stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Some of it could not be read whole.
    Owed,
    /// Some of it was never read.
    Missing,
    /// It was read, and may still change.
    Provisional,
    /// It was read and will not be read again.
    Final,
}

impl Standing {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Missing => "missing",
            Self::Provisional => "provisional",
            Self::Final => "final",
        }
    }
}

/// How a day stands in the streams that loads read; none where there are none, as in a lake of replayed pages.
pub(super) fn standing(day: TimeRange, accounts: &[&AccountStatus]) -> Option<Standing> {
    streams(accounts).map(|(_, stream)| of_stream(day, stream)).min()
}

fn of_stream(day: TimeRange, stream: &StreamStatus) -> Standing {
    let touches = |range: &TimeRange| range.from() < day.to() && day.from() < range.to();
    let reaches = |up_to: Option<UtcTime>| up_to.is_some_and(|up_to| up_to >= day.to());
    if stream.owed.iter().any(|owed| touches(&owed.range)) {
        Standing::Owed
    } else if stream.gaps.iter().any(touches) || stream.provisional_up_to.is_none_or(|up_to| up_to <= day.from()) {
        Standing::Missing
    } else if reaches(stream.final_up_to) {
        Standing::Final
    } else {
        Standing::Provisional
    }
}

/// A row a stream: up to where it was read and is final, and when that was.
pub(super) fn freshness(accounts: &[&AccountStatus]) -> Vec<Value> {
    let row = |(account, stream): (&AccountStatus, &StreamStatus)| {
        let run = stream.last_run.as_ref().map(|run| run.finished_at.unwrap_or(run.started_at));
        json!([account.account_id, stream.stream_id, stream.provisional_up_to, stream.final_up_to, run])
    };
    streams(accounts).map(row).collect()
}

/// Streams that loads read: replayed pages that name none have no reach.
fn streams<'a>(accounts: &'a [&AccountStatus]) -> impl Iterator<Item = (&'a AccountStatus, &'a StreamStatus)> {
    let all = accounts.iter().flat_map(|account| account.streams.iter().map(move |stream| (*account, stream)));
    all.filter(|(_, stream)| stream.stream_id.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::OpenRows;

    fn day(number: i64) -> TimeRange {
        let midnight = |day: i64| UtcTime::from_seconds(day * 86_400);
        TimeRange::new(midnight(number), midnight(number + 1)).unwrap()
    }

    fn stream() -> StreamStatus {
        StreamStatus {
            stream_id: Some("st-1".parse().unwrap()),
            provisional_up_to: Some(UtcTime::from_seconds(20 * 86_400 + 3_600)),
            final_up_to: Some(day(17).to()),
            lookback_seconds: None,
            gaps: vec![day(12)],
            owed: Vec::new(),
            open_rows: OpenRows::default(),
            last_run: None,
            intent: None,
            unfinished: Vec::new(),
            planning: None,
        }
    }

    #[test]
    fn a_day_stands_as_its_stream_was_read() {
        let found = [11, 12, 17, 18, 20, 21].map(|number| of_stream(day(number), &stream()).name());
        assert_eq!(found, ["final", "missing", "final", "provisional", "provisional", "missing"]);
    }
}
