//! A server of keys alone, under every reading of the documents, and a run against it without I/O.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use crate::clock::{TimeRange, UtcTime};
use crate::schema::ApiVersion;
use crate::source::{
    Density, Doubt, Habits, Learned, Next, PageFacts, PageRequest, Pages, Planned, Planner, Refusal, RefusalReason,
    RequestTemplate, Rhythm, RowFacts, SourceError, WindowReading, Work,
};

/// 2026-03-02T00:00:00Z, a Monday.
pub(super) const MONDAY: i64 = 1_772_409_600;
pub(super) const DAY: i64 = 86_400;

/// Requests of one window that may go out before their turn.
const AHEAD: usize = 11;

/// Weight of each hour of a day and of each day of a week.
const HOURS: [u64; 24] = [2, 1, 1, 1, 2, 6, 20, 45, 80, 100, 100, 92, 75, 82, 96, 90, 76, 58, 40, 28, 20, 13, 8, 4];
const DAYS: [u64; 7] = [110, 104, 100, 100, 92, 38, 24];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Shuffled,
    Reshuffled,
    TwoGroups,
    TwoGroupsEach,
}

/// One reading of everything that the documents leave open.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is one reading or the other")]
pub(super) struct Server {
    pub(super) records: bool,
    /// 0: the first page is 0; else it is 1, and offset 0 answers like 1, empty, or not at all.
    pub(super) first: u32,
    pub(super) max: Option<u32>,
    /// Past the maximum: refused, empty, the last page, clamped.
    pub(super) past_max: u32,
    pub(super) repeats_last: bool,
    pub(super) page: usize,
    pub(super) order: Order,
    pub(super) totals: bool,
    pub(super) inclusive: bool,
    pub(super) plain_words: bool,
}

impl Server {
    pub(super) fn plain() -> Self {
        Self {
            records: false,
            first: 0,
            max: Some(10),
            past_max: 0,
            repeats_last: false,
            page: 100,
            order: Order::TwoGroups,
            totals: true,
            inclusive: true,
            plain_words: true,
        }
    }

    pub(super) fn by_chance(dice: &mut Dice) -> Self {
        use Order::{Ascending, Reshuffled, Shuffled, TwoGroups, TwoGroupsEach};
        Self {
            records: dice.roll(2) == 0,
            first: dice.roll(4),
            max: [Some(9), Some(10), None][dice.index(3)],
            past_max: dice.roll(4),
            repeats_last: dice.roll(2) == 0,
            page: [100, 50, 37, 10][dice.index(4)],
            order: [Ascending, Shuffled, Reshuffled, TwoGroups, TwoGroupsEach][dice.index(5)],
            totals: dice.roll(2) == 0,
            inclusive: dice.roll(2) == 0,
            plain_words: dice.roll(2) == 0,
        }
    }

    /// The rows of a page and `numResults`; none where the offset is refused.
    fn answer(
        &self,
        rows: &[RowFacts],
        hidden: &HashSet<u128>,
        request: &PageRequest,
        dice: &mut Dice,
    ) -> Option<(Vec<RowFacts>, i64)> {
        let second = |text: &Option<String>| {
            let text = text.as_deref().unwrap().replace(' ', "T") + "Z";
            text.parse::<UtcTime>().unwrap().seconds()
        };
        let from = second(&request.body.start_date);
        let to = second(&request.body.end_date) + i64::from(self.inclusive);
        let at = |second: i64| rows.partition_point(|row| row.start.unwrap() < second);
        let mut window = rows[at(from)..at(to).max(at(from))].to_vec();
        if !hidden.is_empty() {
            window.retain(|row| !hidden.contains(&row.key));
        }
        let group = |bot_only: bool| window.iter().filter(|row| row.bot_only == bot_only).copied().collect::<Vec<_>>();
        let lists = match self.order {
            Order::Ascending => vec![window],
            Order::Shuffled => {
                window.sort_by_key(|row| row.key.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
                vec![window]
            }
            Order::Reshuffled => {
                for at in (1..window.len()).rev() {
                    window.swap(at, dice.index(u32::try_from(at + 1).unwrap()));
                }
                vec![window]
            }
            Order::TwoGroups => vec![[group(true), group(false).into_iter().rev().collect()].concat()],
            Order::TwoGroupsEach => vec![group(true), group(false)],
        };
        let total = lists.iter().map(Vec::len).sum::<usize>();
        let page: Vec<_> = self.page_of(&lists, request.offset.unwrap())?;
        let count = if self.totals { total } else { page.len() };
        Some((page, i64::try_from(count).unwrap()))
    }

    fn page_of(&self, lists: &[Vec<RowFacts>], offset: u32) -> Option<Vec<RowFacts>> {
        let mut offset = match (self.first, offset) {
            (0, offset) => offset,
            (1, offset) => offset.max(1) - 1,
            (2, 0) => return Some(Vec::new()),
            (3, 0) => return None,
            (_, offset) => offset - 1,
        };
        let max = self.max.map(|max| max - u32::from(self.first > 0));
        let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
        let step = if self.records { 1 } else { self.page };
        let last = (longest.saturating_sub(1) / self.page) * self.page;
        let mut skip = usize::try_from(offset).unwrap() * step;
        if let Some(max) = max.filter(|max| offset > *max) {
            match self.past_max {
                0 => return None,
                1 => return Some(Vec::new()),
                2 => skip = last,
                _ => {
                    offset = max;
                    skip = usize::try_from(offset).unwrap() * step;
                }
            }
        }
        if skip >= longest && self.repeats_last {
            skip = if self.records { longest.saturating_sub(1) } else { last };
        }
        Some(lists.iter().flat_map(|list| list.iter().skip(skip).take(self.page).copied()).collect())
    }
}

/// Chance that is the same everywhere (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn roll(&mut self, sides: u32) -> u32 {
        u32::try_from(self.next() % u64::from(sides)).unwrap()
    }

    pub(super) fn index(&mut self, sides: u32) -> usize {
        usize::try_from(self.roll(sides)).unwrap()
    }
}

/// Rows of some weeks with a daily and weekly rhythm, so many a day on average.
pub(super) fn traffic(days: i64, per_day: u64, dice: &mut Dice) -> Vec<RowFacts> {
    let (of_day, of_week): (u64, u64) = (HOURS.iter().sum(), DAYS.iter().sum());
    let mut rows = Vec::new();
    for day in 0..days {
        let swing = u64::from(dice.roll(21)) + 90;
        let share = per_day * 7 * DAYS[usize::try_from(day % 7).unwrap()] * swing;
        for _ in 0..share / (of_week * 100) {
            let mut weight = dice.next() % of_day;
            let hour = HOURS.iter().position(|hour| {
                let here = weight < *hour;
                weight = weight.saturating_sub(*hour);
                here
            });
            let start =
                MONDAY + day * DAY + i64::try_from(hour.unwrap()).unwrap() * 3_600 + i64::from(dice.roll(3_600));
            let end = Some(start + i64::from(dice.roll(900)));
            let key = (u128::from(dice.next()) << 64) | u128::from(dice.next());
            rows.push(RowFacts { key, bot_only: dice.roll(100) < 41, start: Some(start), end });
        }
    }
    rows.sort_by_key(|row| row.start);
    rows
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) requests: usize,
    /// How often one answer after the other had to be waited for.
    pub(super) rounds: usize,
    pub(super) keys: HashSet<u128>,
    pub(super) unreadable: BTreeSet<i64>,
    pub(super) cut: usize,
    pub(super) habits: Habits,
    pub(super) rhythm: Rhythm,
    pub(super) spread: f64,
}

/// What a run reads, and with which memory.
pub(super) struct Run<'a> {
    pub(super) rows: &'a [RowFacts],
    pub(super) range: (i64, i64),
    pub(super) known: bool,
    pub(super) quiet_before: i64,
    pub(super) habits: Habits,
    pub(super) rhythm: Rhythm,
    pub(super) spread: Option<f64>,
    pub(super) width: usize,
    /// Rows that come and go between requests.
    pub(super) restless: &'a [u128],
}

/// A window under way: what it has asked for, and what came.
struct UnderWay {
    planned: Planned,
    reading: WindowReading,
    rows: Vec<RowFacts>,
    /// With the number that each request drew, as all queue for one lane.
    asked: VecDeque<(usize, PageRequest)>,
    came: Vec<(PageRequest, Option<PageFacts>)>,
}

impl UnderWay {
    fn new(planned: Planned, template: RequestTemplate, learned: Learned) -> Self {
        let reading = WindowReading::new(planned.window, planned.pages, template, learned);
        Self { planned, reading, rows: Vec::new(), asked: VecDeque::new(), came: Vec::new() }
    }

    /// Asks for what is next and for what is sure to be, as `load` does.
    fn ask(&mut self, drawn: &mut usize) {
        let Next::Request(next) = self.reading.next() else { return };
        for request in [next].into_iter().chain(self.reading.ahead(AHEAD)) {
            let is_asked = self.asked.iter().any(|(_, asked)| *asked == request);
            if !is_asked && self.came.iter().all(|(came, _)| *came != request) {
                self.asked.push_back((*drawn, request));
                *drawn += 1;
            }
        }
    }

    /// Reports what came, as long as it is what is next.
    fn observe(&mut self, server: &Server, planner: &mut Planner) {
        while let Next::Request(next) = self.reading.next()
            && let Some(at) = self.came.iter().position(|(came, _)| *came == next)
        {
            match self.came.swap_remove(at).1 {
                Some(page) => {
                    self.rows.extend(&page.rows);
                    self.reading.observe(&page);
                }
                None => self.reading.refused(refusal(server.plain_words)).unwrap(),
            }
            if let Some(rows) = self.reading.counted() {
                planner.counted(self.planned.window, rows);
            }
        }
    }
}

impl Run<'_> {
    /// Windows side by side. In each round as many requests are answered as there are lanes, in the order of their numbers.
    pub(super) fn read(self, server: &Server, seed: u64) -> Outcome {
        let mut dice = Dice(seed);
        let range = TimeRange::new(UtcTime::from_seconds(self.range.0), UtcTime::from_seconds(self.range.1)).unwrap();
        let known = if self.known { self.rows.iter().filter_map(|row| row.start).collect() } else { Vec::new() };
        let quiet = UtcTime::from_seconds(self.quiet_before);
        let work = [Work { range, known: self.known }];
        let longest = Duration::from_hours(6 * 24);
        let density = Density::new(self.rhythm.clone(), self.spread);
        let mut planner = Planner::new(&work, known, density, quiet, longest);
        let learned = Learned::new(self.habits);
        let template = RequestTemplate::new(ApiVersion::V2, "acc".parse().unwrap(), "st-1".parse().unwrap());
        let mut hidden = HashSet::new();
        let mut under_way: Vec<UnderWay> = Vec::new();
        let mut drawn = 0;
        let mut outcome = Outcome {
            requests: 0,
            rounds: 0,
            keys: HashSet::new(),
            unreadable: BTreeSet::new(),
            cut: 0,
            habits: self.habits,
            rhythm: Rhythm::default(),
            spread: 0.0,
        };
        loop {
            while under_way.len() < planner.width(self.width)
                && let Some(next) = planner.next(&learned.habits(), None)
            {
                under_way.push(UnderWay::new(next, template.clone(), learned.clone()));
            }
            if under_way.is_empty() {
                break;
            }
            for window in &mut under_way {
                window.ask(&mut drawn);
            }
            outcome.requests += self.answer(&mut under_way, server, &mut hidden, &mut dice);
            outcome.rounds += 1;
            assert!(outcome.requests < 100_000, "{server:?}");
            let mut at = 0;
            while at < under_way.len() {
                let window = &mut under_way[at];
                window.observe(server, &mut planner);
                let planned = window.planned;
                match window.reading.next() {
                    Next::Request(_) => {
                        at += 1;
                        continue;
                    }
                    Next::Whole(_) => {
                        let mut keys = HashSet::new();
                        let once: Vec<_> = window.rows.iter().filter(|row| keys.insert(row.key)).collect();
                        planner.whole(planned.window, &once.iter().filter_map(|row| row.start).collect::<Vec<_>>());
                        outcome.keys.extend(keys);
                    }
                    Next::Doubt(doubt) => {
                        if planner.split(&planned, &doubt) {
                            outcome.cut += 1;
                        } else if planned.pages == Pages::One {
                            let planned = Planned { pages: Pages::Many, ..planned };
                            under_way[at] = UnderWay::new(planned, template.clone(), learned.clone());
                            at += 1;
                            continue;
                        } else {
                            assert!(!matches!(doubt, Doubt::RangeRefused));
                            outcome.unreadable.insert(planned.window.from().seconds());
                        }
                    }
                }
                under_way.remove(at);
            }
        }
        outcome.habits = learned.habits();
        outcome.spread = planner.density().spread();
        outcome.rhythm = planner.density().rhythm().clone();
        outcome
    }

    /// Answers what has been asked for longest, until all lanes are taken. Gives how many requests that were.
    fn answer(
        &self,
        under_way: &mut [UnderWay],
        server: &Server,
        hidden: &mut HashSet<u128>,
        dice: &mut Dice,
    ) -> usize {
        for answered in 0..self.width {
            let first = |window: &&mut UnderWay| window.asked.front().map_or(usize::MAX, |(number, _)| *number);
            let Some(window) = under_way.iter_mut().min_by_key(first) else { return answered };
            let Some((_, request)) = window.asked.pop_front() else { return answered };
            for _ in 0..self.restless.len().min(3) {
                let key = self.restless[dice.index(u32::try_from(self.restless.len()).unwrap())];
                if !hidden.insert(key) {
                    hidden.remove(&key);
                }
            }
            let page = server.answer(self.rows, hidden, &request, dice).map(|(rows, num_results)| {
                let records = rows.len();
                PageFacts { rows, records, num_results: Some(num_results) }
            });
            window.came.push((request, page));
        }
        self.width
    }
}

fn refusal(plain_words: bool) -> SourceError {
    let reason = if plain_words { RefusalReason::Offset } else { RefusalReason::Other };
    SourceError::Refused(Box::new(Refusal { url: "https://host/".into(), status: 400, message: None, reason }))
}
