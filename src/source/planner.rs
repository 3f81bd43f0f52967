//! How ranges are cut into windows, one at a time, by what is known by then.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::density::{count_f64, day_of, hours, seconds_f64};
use super::{Density, Doubt, Habits, Pages, Window};
use crate::clock::{TimeRange, UtcTime};

/// First window where nothing is known of the traffic, and how much longer than the longest window read whole the
/// next may be as long as its hours are unknown.
const FIRST_SECONDS: i64 = 6 * 3_600;
const GROWTH: i64 = 4;

/// Spread of an estimate from which on it is no more than a guess, so that windows grow step by step.
const GUESS: f64 = 0.9;

/// Pages that a window mostly has whose rows can only be guessed: so many requests keep busy while it is waited for how
/// many rows the next one has.
const PAGES_OF_A_GUESS: usize = 4;

/// Pages that must be to come for a full one to be worth a request of its own.
const WORTH_A_PAGE: usize = 8;

/// Pages of rows in the window that is to show a full one: so many that the first page may well hold one group
/// alone (F11: bot-only sessions come first), and with that the largest group too.
const FULL_PAGE_OF: usize = 3;

/// Of the rows that a re-read window holds by the lake, so many in a hundred are left for new ones: in a stretch
/// where rows still change, and in a quiet one.
const LEFT_IN_FRESH: usize = 4;
const LEFT_IN_QUIET: usize = 1;

/// What to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// The range.
    pub range: TimeRange,
    /// Whether its rows lie in the lake, so that their times tell how to cut it.
    pub known: bool,
}

/// A window to be read now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// The window.
    pub window: Window,
    /// How many pages it may take.
    pub pages: Pages,
    /// Rows to expect; none where nothing is known.
    pub rows: Option<f64>,
    /// Requests to expect, likewise.
    pub requests: Option<f64>,
}

/// Cuts ranges into windows, oldest first, and cuts again what could not be read.
#[derive(Debug, Clone)]
pub struct Planner {
    todo: VecDeque<Piece>,
    density: Density,
    /// Seconds of the rows in the lake, in order.
    known: Arc<[i64]>,
    longest: i64,
    longest_read: i64,
    under_way: Vec<UnderWay>,
    /// Whether the window planned last is to be read before the next is planned, since it shows how the server pages.
    alone: bool,
    /// Whether anything was told of any window.
    told: bool,
}

/// A window of more than a second that was planned and of which nothing was told yet.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    window: Window,
    /// Rows to expect.
    rows: Option<f64>,
    known: bool,
    /// Whether nothing was known of its hours.
    guess: bool,
    /// Whether the server has told how many rows it has.
    counted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    from: i64,
    to: i64,
    pages: Pages,
    known: bool,
    /// How many rows it has, where a read that proved nothing told about it; the density tells how they lie.
    rows: Option<f64>,
    /// Longest window to begin with, where a longer one could not be read.
    at_most: Option<i64>,
    /// Whether it is what was left to read by a window that proved nothing.
    cut: bool,
}

impl Planner {
    /// Plans `work`. What lies before `quiet_before` is taken as quiet: only there may a window take many pages.
    /// `known` are the seconds of the lake's rows, sorted; `longest` is the longest window.
    pub fn new(work: &[Work], known: Vec<i64>, density: Density, quiet_before: UtcTime, longest: Duration) -> Self {
        let longest = i64::try_from(longest.as_secs()).unwrap_or(i64::MAX).max(1);
        let mut todo: Vec<_> = work.iter().flat_map(|work| pieces(*work, quiet_before.seconds())).collect();
        todo.sort_by_key(|piece| piece.from);
        Self {
            todo: todo.into(),
            density,
            known: known.into(),
            longest,
            longest_read: 0,
            under_way: Vec::new(),
            alone: false,
            told: false,
        }
    }

    /// Adds work behind what there is.
    pub fn add(&mut self, work: &[Work], quiet_before: UtcTime) {
        self.todo.extend(work.iter().flat_map(|work| pieces(*work, quiet_before.seconds())));
    }

    /// Windows to read side by side, of so many at most: one at a time where the next waits for what another one shows.
    /// One that can only be guessed waits until it is known how many rows those before it have, but for a few, and so do
    /// those behind it.
    pub fn width(&self, most: usize) -> usize {
        let guessed = self.under_way.iter().filter(|window| window.guess && !window.counted).count();
        let abreast = (most / PAGES_OF_A_GUESS).max(1);
        if self.alone || guessed >= abreast {
            return 1;
        }
        let guess = self.todo.front().is_some_and(|piece| self.is_guess(piece));
        let counted = self.under_way.iter().filter(|window| window.counted).count();
        if guess { most.min(abreast + counted) } else { most }
    }

    /// Traffic as far as it is known.
    pub fn density(&self) -> &Density {
        &self.density
    }

    /// The next window, oldest first; none when all was planned. `pages_left` bounds its pages.
    pub fn next(&mut self, habits: &Habits, pages_left: Option<u64>) -> Option<Planned> {
        let piece = *self.todo.front()?;
        let reach = reach(&piece, habits, pages_left);
        let most = self.most_seconds(&piece, habits);
        let trial = self.is_worth_a_full_page(&piece, reach, habits);
        let to = match (piece.known, trial) {
            (true, true) => self.cut_known(&piece, FULL_PAGE_OF * habits.page_rows, most),
            (true, false) => self.cut_known(&piece, fill_known(&piece, reach, habits.page_rows), most),
            (false, true) => self.cut_at(&piece, most, |_| count_f64(FULL_PAGE_OF * habits.page_rows)),
            (false, false) => self.cut_at(&piece, most, fill(reach, habits)),
        };
        let rows = self.rows(&piece, to);
        // What the first window shows of the server, or the first that may have too many pages, spares the others a
        // request each.
        let may_pass = piece.pages == Pages::Many && rows.is_some_and(|rows| habits.may_pass_the_last(rows));
        let guess = self.is_guess(&piece);
        self.alone = trial || !self.told || may_pass;
        self.advance(to);
        let window = Window::of_seconds(piece.from, to);
        if window.length_seconds() > 1 {
            self.under_way.push(UnderWay { window, rows, known: piece.known, guess, counted: false });
        }
        let requests = rows.map(|rows| (rows / count_f64(habits.page_rows)).floor() + 1.0);
        Some(Planned { window, pages: piece.pages, rows, requests })
    }

    /// Whether all was planned.
    pub fn is_done(&self) -> bool {
        self.todo.is_empty()
    }

    /// The server has told how many rows a window has that is being read.
    pub fn counted(&mut self, window: Window, rows: u64) {
        let Some(planned) = self.under_way.iter_mut().find(|planned| planned.window == window) else { return };
        if !std::mem::replace(&mut planned.counted, true) {
            self.longest_read = self.longest_read.max(window.length_seconds());
            self.density.counted(window.range(), rows_f64(rows));
        }
    }

    /// A window was read whole; `seconds` are the times of its rows by which windows filter.
    pub fn whole(&mut self, window: Window, seconds: &[i64]) {
        (self.alone, self.told) = (false, true);
        self.longest_read = self.longest_read.max(window.length_seconds());
        let planned = self.take_under_way(window).filter(|planned| !planned.known);
        self.density.add(window.range(), seconds, planned.and_then(|planned| planned.rows));
    }

    /// A window could not be read: shorter ones take its place. One of a single second has none.
    pub fn split(&mut self, planned: &Planned, doubt: &Doubt) -> bool {
        (self.alone, self.told) = (false, true);
        let window = planned.window;
        let length = window.length_seconds();
        let Some(UnderWay { rows: expected, known, .. }) = self.take_under_way(window) else { return false };
        let rows = rows_told(doubt, expected);
        if let Some(rows) = rows.filter(|rows| !known && expected.is_some_and(|expected| *rows > expected)) {
            self.density.compare(window.range(), rows, expected);
        }
        let at_most = if rows.is_some() { length - length.div_euclid(4).max(1) } else { length / 2 };
        let moved = matches!(doubt, Doubt::Repeats { .. } | Doubt::TotalAbove { .. } | Doubt::MoreFollow { .. });
        let pages = if moved { Pages::One } else { planned.pages };
        let (from, to) = (window.from().seconds(), window.to().seconds());
        self.todo.push_front(Piece { from, to, pages, known, rows, at_most: Some(at_most), cut: true });
        true
    }

    fn take_under_way(&mut self, window: Window) -> Option<UnderWay> {
        let at = self.under_way.iter().position(|planned| planned.window == window)?;
        Some(self.under_way.swap_remove(at))
    }

    /// Until a full page was seen no page is known to be short, and a window of one page takes a second request to
    /// prove. So the first one is given more than a page; not where little is to be read, nor where windows have many
    /// pages anyhow.
    fn is_worth_a_full_page(&self, piece: &Piece, reach: usize, habits: &Habits) -> bool {
        let worth = |rows: f64| rows >= count_f64(WORTH_A_PAGE * habits.page_rows);
        let many = || self.rows(piece, piece.to).is_some_and(worth);
        !habits.page_seen && !piece.cut && reach < 2 * habits.page_rows && many()
    }

    /// Whether nothing is known of the hour in which the piece begins, nor of such an hour on another day.
    fn is_guess(&self, piece: &Piece) -> bool {
        !piece.known && self.density.at(piece.from).is_none_or(|expected| expected.spread >= GUESS)
    }

    fn most_seconds(&self, piece: &Piece, habits: &Habits) -> i64 {
        let refused = habits.refused_seconds.and_then(|seconds| i64::try_from(seconds / 2).ok());
        let most = self.longest.min(piece.at_most.unwrap_or(i64::MAX)).min(refused.unwrap_or(i64::MAX));
        let guess = match self.density.at(piece.from) {
            _ if !self.is_guess(piece) => i64::MAX,
            None => FIRST_SECONDS,
            Some(_) => (GROWTH * self.longest_read).max(FIRST_SECONDS),
        };
        most.min(guess).clamp(1, (piece.to - piece.from).max(1))
    }

    /// So that at most `fill` rows of the lake lie in the window, both its ends included; fewer where the lake was
    /// seen to lack some.
    fn cut_known(&self, piece: &Piece, fill: usize, most: i64) -> i64 {
        let first = self.known.partition_point(|second| *second < piece.from);
        let lacking = piece.rows.map_or(1.0, |rows| rows / count_f64(self.in_lake(piece.from, piece.to).max(1)));
        let fill = (1..=fill).rev().find(|rows| count_f64(*rows) * lacking <= count_f64(fill)).unwrap_or(1);
        let to = self.known.get(first + fill).map_or(i64::MAX, |second| second - 1);
        to.clamp(piece.from + 1, piece.from + most)
    }

    fn in_lake(&self, from: i64, to: i64) -> usize {
        let at = |time: i64| self.known.partition_point(|second| *second < time);
        at(to) - at(from)
    }

    /// So that as many rows are expected as `target` makes of their spread.
    fn cut_at(&self, piece: &Piece, most: i64, target: impl Fn(f64) -> f64) -> i64 {
        let end = piece.from + most;
        let scale = self.scale(piece);
        let (mut rows, mut of_day, mut day, mut square) = (0.0, 0.0, day_of(piece.from), 0.0_f64);
        for (from, to) in hours(piece.from, end) {
            let Some(expected) = self.density.at(from) else { return end };
            let rate = expected.rate * scale;
            let in_hour = rate * seconds_f64(to - from);
            // Days are off each by itself, the hours of a day together.
            if day_of(from) != day {
                square += f64::powi(of_day, 2);
                (of_day, day) = (0.0, day_of(from));
            }
            of_day += in_hour * expected.spread;
            let spread = (square + of_day.powi(2)).sqrt() / (rows + in_hour).max(1.0);
            let target = target(spread);
            if rows + in_hour > target {
                let seconds = whole_seconds((target - rows).max(0.0) / rate);
                return (from + seconds).clamp(piece.from + 1, end);
            }
            rows += in_hour;
        }
        end
    }

    /// Rows of the piece by those that the density tells.
    fn scale(&self, piece: &Piece) -> f64 {
        let told = self.density.rows(piece.from, piece.to).filter(|told| *told >= 1.0);
        piece.rows.zip(told).map_or(1.0, |(rows, told)| rows / told)
    }

    fn rows(&self, piece: &Piece, to: i64) -> Option<f64> {
        if piece.known {
            return Some(count_f64(self.in_lake(piece.from, to)));
        }
        self.density.rows(piece.from, to).map(|rows| rows * self.scale(piece))
    }

    /// Takes the first piece's front away; what is left of a piece that was cut again joins its neighbour.
    fn advance(&mut self, to: i64) {
        let Some(mut piece) = self.todo.pop_front() else { return };
        let taken = self.rows(&piece, to);
        piece.rows = piece.rows.zip(taken).map(|(rows, taken)| (rows - taken).max(0.0));
        (piece.from, piece.at_most) = (to, None);
        if piece.from >= piece.to {
            return;
        }
        match self.todo.front_mut() {
            Some(next) if piece.cut && piece.joins(next) => {
                next.from = piece.from;
                next.rows = piece.rows.zip(next.rows).map(|(rows, more)| rows + more);
            }
            _ => self.todo.push_front(piece),
        }
    }
}

impl Piece {
    fn joins(&self, next: &Self) -> bool {
        (self.to, self.pages, self.known) == (next.from, next.pages, next.known)
    }
}

/// How many rows a window has by a total, or by what it showed before it was given up: the more they were than
/// expected, the more may be to come.
fn rows_told(doubt: &Doubt, expected: Option<f64>) -> Option<f64> {
    let rows = rows_f64(doubt.at_least()?);
    if matches!(doubt, Doubt::BeyondReach { .. } | Doubt::TotalAbove { .. }) {
        return Some(rows);
    }
    let expected = expected.unwrap_or(0.0);
    let more = (rows / expected.max(1.0)).sqrt().clamp(1.05, 2.0);
    Some((rows * more).max(expected))
}

fn pieces(work: Work, quiet_before: i64) -> impl Iterator<Item = Piece> {
    let window = Window::covering(work.range);
    let (from, to) = (window.from().seconds(), window.to().seconds());
    let edge = quiet_before.clamp(from, to);
    let piece =
        move |from, to, pages| Piece { from, to, pages, known: work.known, rows: None, at_most: None, cut: false };
    [piece(from, edge, Pages::Many), piece(edge, to, Pages::One)].into_iter().filter(|piece| piece.from < piece.to)
}

fn reach(piece: &Piece, habits: &Habits, pages_left: Option<u64>) -> usize {
    let one = habits.page_rows.saturating_sub(1).max(1);
    let many = if piece.pages == Pages::Many && habits.many_pages() { habits.reach() } else { one };
    let left = pages_left.and_then(|pages| usize::try_from(pages).ok()).unwrap_or(usize::MAX);
    many.min(left.saturating_mul(habits.page_rows).saturating_sub(1)).max(1)
}

/// Rows of the lake that a window may hold: full pages but for the last, and room for new rows.
fn fill_known(piece: &Piece, reach: usize, page_rows: usize) -> usize {
    let pages = ((reach + 1) / page_rows).max(1);
    let full = reach.min(pages * page_rows - 1);
    let left = if piece.pages == Pages::One { LEFT_IN_FRESH } else { LEFT_IN_QUIET };
    (full - (page_rows.min(full) * left).div_ceil(100)).max(1)
}

/// Tells, for the share of the mean by which it may be wrong besides chance, the mean of rows to aim at so that
/// requests a row are fewest: up to `reach` a window takes the pages it needs and one that is not full; above, what
/// was read of it is lost, since it must be cut.
fn fill(reach: usize, habits: &Habits) -> impl Fn(f64) -> f64 {
    const STEPS: usize = 50;
    let lost = if habits.totals || reach < habits.page_rows { 1.0 } else { pages_f64(reach, habits.page_rows) };
    let (reach, page_rows) = (count_f64(reach), count_f64(habits.page_rows));
    let cost = move |mean: f64, spread: f64| {
        let deviation = (mean + (spread * mean).powi(2)).sqrt();
        let requests = |(chance, weight): &(f64, f64)| {
            let rows = (mean + chance * deviation).max(0.0);
            let pages = (rows / page_rows).floor() + 1.0;
            weight * if rows <= reach { pages } else { pages + lost + 1.0 }
        };
        normal().iter().map(requests).sum::<f64>() / mean
    };
    move |spread| {
        let candidates = (STEPS / 5..=STEPS).map(|step| reach * count_f64(step) / count_f64(STEPS));
        let costs = candidates.map(|mean| (mean, cost(mean, spread)));
        costs.min_by(|one, other| one.1.total_cmp(&other.1)).map_or(reach, |best| best.0)
    }
}

/// The normal distribution, in deviations and their weights.
fn normal() -> &'static [(f64, f64)] {
    static NORMAL: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
        let steps = (-14..=14).map(|step| f64::from(step) / 4.0).map(|chance| (chance, (-chance * chance / 2.0).exp()));
        let all: f64 = steps.clone().map(|step| step.1).sum();
        steps.map(|(chance, weight)| (chance, weight / all)).collect()
    });
    &NORMAL
}

fn pages_f64(reach: usize, page_rows: usize) -> f64 {
    count_f64((reach + 1).div_ceil(page_rows))
}

#[expect(clippy::cast_possible_truncation, reason = "bounded by the length of a window, which `clamp` cuts")]
fn whole_seconds(seconds: f64) -> i64 {
    seconds.min(1e12) as i64
}

#[expect(clippy::cast_precision_loss, reason = "a window has far fewer than 2^53 rows")]
fn rows_f64(rows: u64) -> f64 {
    rows as f64
}

#[cfg(test)]
mod tests;
