//! When conversations begin: business hours are full, nights nearly empty, weekends low.

use jiff::civil::{Date, Weekday};

use super::dice::Dice;

/// Weight of each hour (UTC) of a day.
const HOURS: [u32; 24] = [2, 1, 1, 1, 2, 6, 20, 45, 80, 100, 100, 92, 75, 82, 96, 90, 76, 58, 40, 28, 20, 13, 8, 4];
const SECONDS_OF_DAY: u32 = 86_400;

/// Percent of a Monday's load.
fn weight(day: Weekday) -> u32 {
    match day {
        Weekday::Monday => 110,
        Weekday::Tuesday => 104,
        Weekday::Wednesday | Weekday::Thursday => 100,
        Weekday::Friday => 92,
        Weekday::Saturday => 38,
        Weekday::Sunday => 24,
    }
}

/// Sum of the weights of a week.
const WEEK: u32 = 110 + 104 + 100 + 100 + 92 + 38 + 24;

/// Seconds of the day at which its records begin, ascending; `per_day` is the mean over a week.
pub(super) fn starts(date: Date, per_day: u32, mut dice: Dice) -> Vec<u32> {
    let count = records(date, per_day, &mut dice);
    let mut starts: Vec<u32> = (0..count).map(|_| start(&mut dice)).collect();
    starts.sort_unstable();
    starts
}

fn records(date: Date, per_day: u32, dice: &mut Dice) -> u32 {
    let swing = dice.roll(21) + 90;
    let share = u64::from(per_day) * 7 * u64::from(weight(date.weekday())) * u64::from(swing);
    let whole = share / u64::from(WEEK * 100);
    let rest = u32::try_from(share % u64::from(WEEK * 100)).expect("a rest lies below its divisor");
    let rounded_up = dice.roll(WEEK * 100) < rest;
    u32::try_from(whole).unwrap_or(u32::MAX - 1) + u32::from(rounded_up)
}

fn start(dice: &mut Dice) -> u32 {
    let hour = u32::try_from(dice.weighted(HOURS)).expect("a day has 24 hours");
    let second = hour * 3_600 + dice.roll(3_600);
    debug_assert!(second < SECONDS_OF_DAY);
    second
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i8, per_day: u32) -> Vec<u32> {
        starts(Date::constant(2026, 3, day), per_day, Dice::new(5).fork(u64::from(day.unsigned_abs())))
    }

    #[test]
    fn a_week_holds_seven_times_the_mean() {
        let week: usize = (2..9).map(|date| day(date, 1_000).len()).sum();
        assert!((6_500..7_500).contains(&week), "{week}");
    }

    #[test]
    fn sundays_and_nights_are_low() {
        let (monday, sunday) = (day(2, 5_000), day(8, 5_000));
        assert!(sunday.len() * 3 < monday.len());
        let within =
            |from: u32, to: u32| monday.iter().filter(|second| (from * 3600..to * 3600).contains(second)).count();
        assert!(within(1, 4) * 20 < within(9, 12));
        assert!(monday.is_sorted() && monday.iter().all(|&second| second < SECONDS_OF_DAY));
    }
}
