//! Rows that appear, change, move or disappear while pages are read.

use std::collections::HashMap;

use super::behaviour::Churn;
use super::dice::Dice;
use super::generator::Generator;
use super::story::Kind;
use super::timeline::{Row, Seconds};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) there: bool,
    pub(super) moved: bool,
    pub(super) edits: u32,
    /// Number of the event since which the row is there under its present key.
    pub(super) since: u64,
}

impl Fate {
    const PLAIN: Self = Self { there: true, moved: false, edits: 0, since: 0 };
}

/// One row in so many of the stretch is held back to appear later.
const HELD_BACK: usize = 8;
/// Rows that are looked at for one to which an event can happen.
const TRIES: usize = 32;

/// What happened so far. The default: nothing, and nothing will.
#[derive(Debug, Default)]
pub(super) struct Changes {
    fates: HashMap<u32, Fate>,
    /// Rows that have not appeared yet.
    held_back: Vec<Row>,
    events: u64,
    /// Requests that rows may have changed before.
    steps: u64,
}

impl Changes {
    pub(super) fn new(generator: &Generator, churn: &Churn) -> Self {
        let mut changes = Self::default();
        if churn.appearing > 0 {
            changes.held_back = held_back(generator, churn);
            let hidden = Fate { there: false, ..Fate::PLAIN };
            changes.fates = changes.held_back.iter().map(|row| (row.serial, hidden)).collect();
        }
        changes
    }

    pub(super) fn of(&self, row: Row) -> Fate {
        self.fates.get(&row.serial).copied().unwrap_or(Fate::PLAIN)
    }

    /// Events so far.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// What happens between two requests.
    pub(super) fn step(&mut self, generator: &Generator, churn: &Churn) {
        if churn.is_quiet() {
            return;
        }
        self.steps += 1;
        let mut dice = generator.churn_dice(self.steps);
        for _ in 0..times(churn.appearing, &mut dice) {
            self.appear(&mut dice);
        }
        for _ in 0..times(churn.changing, &mut dice) {
            self.happen(generator, churn, &mut dice, Event::Change);
        }
        for _ in 0..times(churn.moving, &mut dice) {
            self.happen(generator, churn, &mut dice, Event::Move);
        }
        for _ in 0..times(churn.vanishing, &mut dice) {
            self.happen(generator, churn, &mut dice, Event::Vanish);
        }
    }

    fn appear(&mut self, dice: &mut Dice) {
        if self.held_back.is_empty() {
            return;
        }
        let row = self.held_back.swap_remove(dice.index(self.held_back.len()));
        self.events += 1;
        self.fates.insert(row.serial, Fate { since: self.events, ..Fate::PLAIN });
    }

    /// To a row of the stretch that is looked for by chance; to none if the first ones do not fit.
    fn happen(&mut self, generator: &Generator, churn: &Churn, dice: &mut Dice, event: Event) {
        let rows: Vec<&[Row]> = stretch(generator, churn, event);
        let count = rows.iter().map(|rows| rows.len()).sum();
        let fits = |fate: Fate| fate.there && !(event == Event::Move && fate.moved);
        let chosen = (0..TRIES.min(count)).find_map(|_| {
            let row = nth(&rows, dice.index(count));
            let movable = event != Event::Move || generator.kind(row) == Kind::Session;
            (movable && fits(self.of(row))).then_some(row)
        });
        let Some(row) = chosen else { return };
        self.events += 1;
        let fate = self.of(row);
        let fate = match event {
            Event::Change => Fate { edits: fate.edits + 1, ..fate },
            Event::Move => Fate { moved: true, since: self.events, ..fate },
            Event::Vanish => Fate { there: false, ..fate },
        };
        self.fates.insert(row.serial, fate);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Change,
    Move,
    Vanish,
}

/// `rate` in a hundred.
fn times(rate: u32, dice: &mut Dice) -> u32 {
    rate / 100 + u32::from(dice.chance(rate % 100))
}

/// The rows to which an event can happen, as slices: only sessions move.
fn stretch<'a>(generator: &'a Generator, churn: &Churn, event: Event) -> Vec<&'a [Row]> {
    let seconds = seconds(churn);
    let streams = generator.all_within(&seconds);
    streams
        .flat_map(|(sessions, conversations)| {
            let others = if event == Event::Move { &[][..] } else { conversations };
            [sessions, others]
        })
        .collect()
}

fn seconds(churn: &Churn) -> Seconds {
    churn.stretch.map_or(i64::MIN..i64::MAX, |(from, to)| from.as_second()..to.as_second())
}

fn held_back(generator: &Generator, churn: &Churn) -> Vec<Row> {
    let rows = stretch(generator, churn, Event::Change).into_iter().flatten();
    let late = |row: &&Row| generator.churn_dice(0).fork(u64::from(row.serial)).index(HELD_BACK) == 0;
    rows.filter(late).copied().collect()
}

fn nth(rows: &[&[Row]], mut number: usize) -> Row {
    for rows in rows {
        match rows.get(number) {
            Some(row) => return *row,
            None => number -= rows.len(),
        }
    }
    unreachable!("the number lies below the sum of the lengths")
}
