use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, TimestampMicrosecondArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ScalarUDF;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::scalar::{Prelude, Takes};
use crate::query::suggest::{did_you_mean, near};

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROS;

pub(super) fn functions() -> Vec<ScalarUDF> {
    use Takes::{Integer, Text, Time};
    vec![
        Prelude::udf_keeping_constants("local_time", &[Time, Text], |_| naive(), local_time),
        Prelude::udf("seconds_between", &[Time, Time], |_| DataType::Float64, seconds_between),
        Prelude::udf("iso_weekday", &[Time], |_| DataType::Int32, iso_weekday),
        Prelude::udf_keeping_constants("bucket", &[Time, Integer], |found| found[0].clone(), bucket),
    ]
}

fn naive() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

fn times(array: &ArrayRef) -> &TimestampMicrosecondArray {
    array.as_primitive::<TimestampMicrosecondType>()
}

fn local_time(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (times, zones) = (times(&args[0]), args[1].as_string::<i32>());
    if zones.len() == 1 && zones.is_valid(0) {
        let mut zone = Zone::named(zones.value(0))?;
        return Ok(Arc::new(times.iter().map(|time| zone.local(time?)).collect::<TimestampMicrosecondArray>()));
    }
    let mut zone: Option<(&str, Zone)> = None;
    let mut local = TimestampMicrosecondArray::builder(times.len());
    for (at, time) in times.iter().enumerate() {
        let name = at % zones.len();
        let (Some(time), true) = (time, zones.is_valid(name)) else {
            local.append_null();
            continue;
        };
        let name = zones.value(name);
        // A column of zone names is nearly always one name.
        let known = match zone.take().filter(|(known, _)| *known == name) {
            Some(known) => zone.insert(known),
            None => zone.insert((name, Zone::named(name)?)),
        };
        local.append_option(known.1.local(time));
    }
    Ok(Arc::new(local.finish()))
}

/// A zone, with the offset last found in it and the moments for which that holds: times in one column lie close together.
struct Zone {
    rules: TimeZone,
    /// In µs.
    known: Range<i64>,
    offset: i64,
}

impl Zone {
    fn named(name: &str) -> Result<Self> {
        Ok(Self { rules: time_zone(name)?, known: 0..0, offset: 0 })
    }

    /// What a clock shows, as µs; none beyond what can be written.
    fn local(&mut self, time: i64) -> Option<i64> {
        if !self.known.contains(&time) {
            self.look_up(time);
        }
        time.checked_add(self.offset)
    }

    /// Beyond the years that the database reaches, the last offset it knows: `9999-12-31` often stands for "never", and one
    /// such value must not fail a report.
    fn look_up(&mut self, time: i64) {
        let edge = if time < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let moment = Timestamp::from_microsecond(time).unwrap_or(edge);
        let next = self.rules.following(moment).next();
        let end = next.map_or(i64::MAX, |next| next.timestamp().as_microsecond());
        self.offset = i64::from(self.rules.to_offset(moment).seconds()) * MICROS;
        self.known = time..end.max(time.saturating_add(1));
    }
}

/// A zone by its IANA name, from the bundled database only: every machine gives the same answer.
pub(in crate::query) fn time_zone(name: &str) -> Result<TimeZone> {
    let database = jiff::tz::TimeZoneDatabase::bundled();
    let Ok(zone) = database.get(name) else {
        let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
        let hint = did_you_mean(&near(name, names.iter().map(String::as_str)));
        return exec_err!("expected an IANA time zone, as `America/New_York`, found `{name}`{hint}");
    };
    Ok(zone)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions of the prelude")]
fn seconds_between(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (from, to) = (times(&args[0]), times(&args[1]));
    let pairs = || from.values().iter().zip(to.values().iter());
    // Hardly ever too far apart, so the usual case needs no look at each row.
    if pairs().all(|(from, to)| to.checked_sub(*from).is_some()) {
        let seconds = pairs().map(|(from, to)| micros_as_seconds(to - from)).collect::<Vec<_>>();
        let nulls = NullBuffer::union(from.nulls(), to.nulls());
        return Ok(Arc::new(Float64Array::new(seconds.into(), nulls)));
    }
    let found: Float64Array = from.iter().zip(to).map(|(from, to)| seconds(from?, to?)).collect();
    Ok(Arc::new(found))
}

/// Seconds from one moment to another, both in µs; none where they lie too far apart.
pub(in crate::query) fn seconds(from: i64, to: i64) -> Option<f64> {
    to.checked_sub(from).map(micros_as_seconds)
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 µs, 285 years, as in every other engine")]
fn micros_as_seconds(micros: i64) -> f64 {
    micros as f64 / 1_000_000.0
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions of the prelude")]
fn iso_weekday(args: &[ArrayRef]) -> Result<ArrayRef> {
    // 1970-01-01 was a Thursday, day 4.
    let weekday = |time: i64| (time.div_euclid(DAY) + 3).rem_euclid(7) + 1;
    let weekday = |time| i32::try_from(weekday(time)).expect("1 to 7");
    let weekdays: Int32Array = times(&args[0]).iter().map(|time| time.map(weekday)).collect();
    Ok(Arc::new(weekdays))
}

fn bucket(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (times, minutes) = (times(&args[0]), args[1].as_primitive::<Int64Type>());
    let cut = |time: i64, minutes: i64| time.checked_sub(time.rem_euclid(DAY) % (minutes * 60 * MICROS));
    if let Some(wrong) = minutes.iter().flatten().find(|minutes| !(1..=1440).contains(minutes)) {
        return exec_err!("`bucket` takes 1 to 1440 minutes, found {wrong}");
    }
    let zone: Option<Arc<str>> = times.timezone().map(Into::into);
    let buckets: TimestampMicrosecondArray = match minutes.len() {
        1 if minutes.is_null(0) => TimestampMicrosecondArray::new_null(times.len()),
        1 => times.unary_opt(|time| cut(time, minutes.value(0))),
        _ => times.iter().zip(minutes).map(|(time, minutes)| cut(time?, minutes?)).collect(),
    };
    Ok(Arc::new(buckets.with_timezone_opt(zone)))
}
