use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, TimestampMicrosecondArray};
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
        Prelude::udf("local_time", &[Time, Text], |_| naive(), local_time),
        Prelude::udf("seconds_between", &[Time, Time], |_| DataType::Float64, seconds_between),
        Prelude::udf("iso_weekday", &[Time], |_| DataType::Int32, iso_weekday),
        Prelude::udf("bucket", &[Time, Integer], |found| found[0].clone(), bucket),
    ]
}

fn naive() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

fn times(array: &ArrayRef) -> &TimestampMicrosecondArray {
    array.as_primitive::<TimestampMicrosecondType>()
}

fn local_time(args: &[ArrayRef]) -> Result<ArrayRef> {
    let zones = args[1].as_string::<i32>();
    let mut zone = Zone::default();
    let mut local = TimestampMicrosecondArray::builder(args[0].len());
    for (time, name) in times(&args[0]).iter().zip(zones) {
        match (time, name) {
            (Some(time), Some(name)) => local.append_option(time.checked_add(zone.offset_micros(name, time)?)),
            _ => local.append_null(),
        }
    }
    Ok(Arc::new(local.finish()))
}

/// The zone last asked for: a column of zone names is nearly always one name.
#[derive(Default)]
struct Zone {
    name: String,
    zone: Option<TimeZone>,
}

impl Zone {
    fn offset_micros(&mut self, name: &str, time: i64) -> Result<i64> {
        if self.zone.is_none() || self.name != name {
            self.zone = Some(time_zone(name)?);
            name.clone_into(&mut self.name);
        }
        let zone = self.zone.as_ref().expect("it was set above");
        // Beyond the years that the database reaches, the last offset it knows: `9999-12-31` often stands for "never",
        // and one such value must not fail a report.
        let edge = if time < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let time = Timestamp::from_microsecond(time).unwrap_or(edge);
        Ok(i64::from(zone.to_offset(time).seconds()) * MICROS)
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
    let pairs = times(&args[0]).iter().zip(times(&args[1]));
    let found: Float64Array = pairs.map(|(from, to)| seconds(from?, to?)).collect();
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
    let zone = times(&args[0]).timezone().map(Into::into);
    let mut buckets = TimestampMicrosecondArray::builder(args[0].len()).with_timezone_opt::<Arc<str>>(zone);
    for (time, minutes) in times(&args[0]).iter().zip(args[1].as_primitive::<Int64Type>()) {
        match (time, minutes) {
            (Some(time), Some(minutes)) if (1..=1440).contains(&minutes) => {
                buckets.append_option(time.checked_sub(time.rem_euclid(DAY) % (minutes * 60 * MICROS)));
            }
            (_, Some(minutes)) if !(1..=1440).contains(&minutes) => {
                return exec_err!("`bucket` takes 1 to 1440 minutes, found {minutes}");
            }
            _ => buckets.append_null(),
        }
    }
    Ok(Arc::new(buckets.finish()))
}
