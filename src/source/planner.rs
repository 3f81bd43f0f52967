//! How ranges are cut into windows, one at a time, by what is known by then.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::density::{count_f64, hours, seconds_f64};
use super::{Density, Doubt, Habits, Pages, Window};
use crate::clock::{TimeRange, UtcTime};

/// First window where nothing is known of the traffic, and how much longer than the longest window read whole the
/// next may be as long as its hours are unknown.
const FIRST_SECONDS: i64 = 6 * 3_600;
const GROWTH: i64 = 4;

/// Spread of an estimate from which on it is no more than a guess, so that windows grow step by step.
const GUESS: f64 = 0.9;

/// Of the rows that a re-read window holds by the lake, so many in a hundred are left for new ones: in a stretch
/// where rows still change, and in a quiet one.
const LEFT_IN_FRESH: usize = 5;
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
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    from: i64,
    to: i64,
    pages: Pages,
    known: bool,
    /// Rows by those that the density tells, where a read showed it to be wrong.
    level: f64,
    /// Longest window to begin with, where a longer one could not be read.
    at_most: Option<i64>,
    splits: u32,
}

impl Planner {
    /// Plans `work`. What lies before `quiet_before` is taken as quiet: only there may a window take many pages.
    /// `known` are the seconds of the lake's rows, sorted; `longest` is the longest window.
    pub fn new(work: &[Work], known: Vec<i64>, density: Density, quiet_before: UtcTime, longest: Duration) -> Self {
        let longest = i64::try_from(longest.as_secs()).unwrap_or(i64::MAX).max(1);
        let mut todo: Vec<_> = work.iter().flat_map(|work| pieces(*work, quiet_before.seconds())).collect();
        todo.sort_by_key(|piece| piece.from);
        Self { todo: todo.into(), density, known: known.into(), longest, longest_read: 0 }
    }

    /// Adds work behind what there is.
    pub fn add(&mut self, work: &[Work], quiet_before: UtcTime) {
        self.todo.extend(work.iter().flat_map(|work| pieces(*work, quiet_before.seconds())));
    }

    /// Windows to read side by side: one at a time while the next can only be guessed.
    pub fn width(&self, most: usize) -> usize {
        if self.density.is_empty() { 1 } else { most }
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
        let to = if piece.known {
            self.cut_known(&piece, reach, habits.page_rows, most)
        } else {
            self.cut_expected(&piece, reach, habits, most)
        };
        let rows = self.rows(&piece, to);
        self.advance(to);
        let window = Window::of_seconds(piece.from, to);
        let requests = rows.map(|rows| (rows / count_f64(habits.page_rows)).floor() + 1.0);
        Some(Planned { window, pages: piece.pages, rows, requests })
    }

    /// Whether all was planned.
    pub fn is_done(&self) -> bool {
        self.todo.is_empty()
    }

    /// A window was read whole; `seconds` are the times of its rows by which windows filter.
    pub fn whole(&mut self, window: Window, seconds: &[i64]) {
        self.longest_read = self.longest_read.max(window.length_seconds());
        self.density.add(window.range(), seconds);
    }

    /// A window could not be read: shorter ones take its place. One of a single second has none.
    pub fn split(&mut self, planned: &Planned, doubt: &Doubt) -> bool {
        let window = planned.window;
        let length = window.length_seconds();
        if length < 2 {
            return false;
        }
        let (from, to) = (window.from().seconds(), window.to().seconds());
        let told = self.density.rows(from, to).filter(|told| *told >= 1.0);
        let splits = self.todo.front().map_or(0, |next| if next.from == to { next.splits } else { 0 }) + 1;
        let level = match (doubt, told, doubt.at_least()) {
            (Doubt::BeyondReach { .. } | Doubt::TotalAbove { .. }, Some(told), Some(rows)) => rows_f64(rows) / told,
            (_, Some(told), Some(rows)) => (1.25 * rows_f64(rows)).max(1.1 * planned.rows.unwrap_or(0.0)) / told,
            _ => 1.0,
        };
        let at_most = if doubt.at_least().is_some() { length - length.div_euclid(4).max(1) } else { length / 2 };
        let moved = matches!(doubt, Doubt::Repeats { .. } | Doubt::TotalAbove { .. } | Doubt::MoreFollow { .. });
        let pages = if moved { Pages::One } else { planned.pages };
        self.todo.push_front(Piece { from, to, pages, known: false, level, at_most: Some(at_most), splits });
        true
    }

    fn most_seconds(&self, piece: &Piece, habits: &Habits) -> i64 {
        let refused = habits.refused_seconds.and_then(|seconds| i64::try_from(seconds / 2).ok());
        let most = self.longest.min(piece.at_most.unwrap_or(i64::MAX)).min(refused.unwrap_or(i64::MAX));
        let guess = match self.density.at(piece.from) {
            None => FIRST_SECONDS,
            Some(expected) if expected.spread >= GUESS => (GROWTH * self.longest_read).max(FIRST_SECONDS),
            Some(_) => i64::MAX,
        };
        let guess = if piece.known { i64::MAX } else { guess };
        most.min(guess).clamp(1, (piece.to - piece.from).max(1))
    }

    /// So that at most `reach` rows of the lake lie in the window, both its ends included.
    fn cut_known(&self, piece: &Piece, reach: usize, page_rows: usize, most: i64) -> i64 {
        let pages = ((reach + 1) / page_rows).max(1);
        let full = reach.min(pages * page_rows - 1);
        let left = if piece.pages == Pages::One { LEFT_IN_FRESH } else { LEFT_IN_QUIET };
        let fill = (full - (page_rows.min(full) * left).div_ceil(100)).max(1);
        let first = self.known.partition_point(|second| *second < piece.from);
        let to = self.known.get(first + fill).map_or(i64::MAX, |second| second - 1);
        to.clamp(piece.from + 1, piece.from + most)
    }

    /// So that the requests a row are fewest, over all that may come.
    fn cut_expected(&self, piece: &Piece, reach: usize, habits: &Habits, most: i64) -> i64 {
        let end = piece.from + most;
        let waste = if habits.totals || reach < habits.page_rows { 1.0 } else { pages_f64(reach, habits.page_rows) };
        let (mut rows, mut spread) = (0.0, 0.0);
        for (from, to) in hours(piece.from, end) {
            let Some(expected) = self.density.at(from) else { return end };
            let rate = expected.rate * piece.level;
            let in_hour = rate * seconds_f64(to - from);
            spread += in_hour * expected.spread;
            let target = fill(reach, habits.page_rows, if rows + in_hour > 0.0 { spread / (rows + in_hour) } else { 0.0 }, waste);
            if rows + in_hour > target {
                let seconds = whole_seconds((target - rows).max(0.0) / rate);
                return (from + seconds).clamp(piece.from + 1, end);
            }
            rows += in_hour;
        }
        end
    }

    fn rows(&self, piece: &Piece, to: i64) -> Option<f64> {
        if piece.known {
            let from = self.known.partition_point(|second| *second < piece.from);
            let behind = self.known.partition_point(|second| *second < to);
            return Some(count_f64(behind - from));
        }
        self.density.rows(piece.from, to).map(|rows| rows * piece.level)
    }

    /// Takes the first piece's front away; what is left of a piece that was cut again joins its neighbour.
    fn advance(&mut self, to: i64) {
        let Some(mut piece) = self.todo.pop_front() else { return };
        (piece.from, piece.at_most) = (to, None);
        if piece.from >= piece.to {
            return;
        }
        match self.todo.front_mut() {
            Some(next) if piece.splits > 0 && next.from == piece.to && next.pages == piece.pages && !next.known => {
                next.from = piece.from;
            }
            _ => self.todo.push_front(piece),
        }
    }
}

fn pieces(work: Work, quiet_before: i64) -> impl Iterator<Item = Piece> {
    let window = Window::covering(work.range);
    let (from, to) = (window.from().seconds(), window.to().seconds());
    let edge = quiet_before.clamp(from, to);
    let piece = move |from, to, pages| Piece { from, to, pages, known: work.known, level: 1.0, at_most: None, splits: 0 };
    [piece(from, edge, Pages::Many), piece(edge, to, Pages::One)].into_iter().filter(|piece| piece.from < piece.to)
}

fn reach(piece: &Piece, habits: &Habits, pages_left: Option<u64>) -> usize {
    let one = habits.page_rows.saturating_sub(1).max(1);
    let many = if piece.pages == Pages::Many && habits.many_pages() { habits.reach() } else { one };
    let left = pages_left.and_then(|pages| usize::try_from(pages).ok()).unwrap_or(usize::MAX);
    many.min(left.saturating_mul(habits.page_rows).saturating_sub(1)).max(1)
}

/// The mean of rows to aim at, so that requests a row are fewest: below `reach` a window takes the pages it needs and
/// one that is not full; above, `waste` requests more, since it must be cut. `spread` is the share of the mean by
/// which it may be wrong, besides chance.
fn fill(reach: usize, page_rows: usize, spread: f64, waste: f64) -> f64 {
    const STEPS: usize = 50;
    let (reach, page_rows) = (count_f64(reach), count_f64(page_rows));
    let cost = |mean: f64| {
        let deviation = (mean + (spread * mean).powi(2)).sqrt();
        let requests = |chance: &f64| {
            let rows = (mean + chance * deviation).max(0.0);
            let pages = (rows / page_rows).floor() + 1.0;
            if rows <= reach { pages } else { pages + waste + 1.0 }
        };
        NORMAL.iter().map(requests).sum::<f64>() / mean
    };
    let candidates = (1..=STEPS).map(|step| reach * count_f64(step) / count_f64(STEPS));
    candidates.min_by(|one, other| cost(*one).total_cmp(&cost(*other))).unwrap_or(reach)
}

/// Middles of 24 equally likely parts of the normal distribution.
const NORMAL: [f64; 24] = [
    -2.037, -1.534, -1.258, -1.054, -0.887, -0.741, -0.610, -0.489, -0.374, -0.264, -0.157, -0.052, 0.052, 0.157, 0.264,
    0.374, 0.489, 0.610, 0.741, 0.887, 1.054, 1.258, 1.534, 2.037,
];

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
