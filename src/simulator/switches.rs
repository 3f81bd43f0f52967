//! The switches of [`Behaviour`] by name, for a command line and for tables of tests.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::behaviour::{Behaviour, Churn, Crowd};
use super::error::SimulatorError;
use super::readings::{
    FilterCodes, FilteredTime, FirstPage, NumResults, OffsetUnit, Order, PastEnd, PastMaximum, RangeLimit,
};

/// One switch of [`Behaviour`].
#[derive(Debug, Clone, Copy)]
pub struct Switch {
    /// What it is called.
    pub name: &'static str,
    /// What it can be set to; a word in capitals stands for a value: `N` for a number, `TIME` for one
    /// of RFC 3339.
    pub words: &'static [&'static str],
    /// What it decides.
    pub about: &'static str,
    set: fn(&mut Behaviour, &str) -> Option<()>,
    get: fn(&Behaviour) -> String,
}

impl Switch {
    /// What the switch is set to.
    pub fn value(&self, behaviour: &Behaviour) -> String {
        (self.get)(behaviour)
    }
}

impl Behaviour {
    /// Every switch.
    pub fn switches() -> &'static [Switch] {
        SWITCHES
    }

    /// Sets one switch by name to the reading that `value` calls.
    ///
    /// # Errors
    /// There is no such switch, or it has no such value; the text lists those that there are.
    pub fn set(&mut self, switch: &str, value: &str) -> Result<(), SimulatorError> {
        let known = SWITCHES.iter().find(|known| known.name == switch).ok_or_else(|| SimulatorError::Switch {
            known: SWITCHES.iter().map(|known| known.name).collect::<Vec<_>>().join("`, `"),
            found: switch.to_owned(),
        })?;
        (known.set)(self, value).ok_or_else(|| SimulatorError::SwitchValue {
            switch: known.name,
            words: known.words.join("`, `"),
            found: value.to_owned(),
        })
    }
}

/// What differs from the default, as `switch=value` with spaces between; `default` if nothing does.
impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = Self::default();
        let changed = SWITCHES.iter().filter(|switch| switch.value(self) != switch.value(&plain));
        let texts: Vec<_> = changed.map(|switch| format!("{}={}", switch.name, switch.value(self))).collect();
        f.write_str(if texts.is_empty() { "default".to_owned() } else { texts.join(" ") }.as_str())
    }
}

/// What `Display` writes: `switch=value`, with spaces between, or `default`.
impl FromStr for Behaviour {
    type Err = SimulatorError;

    fn from_str(text: &str) -> Result<Self, SimulatorError> {
        let mut behaviour = Self::default();
        for part in text.split_whitespace().filter(|part| *part != "default") {
            let (switch, value) = part.split_once('=').unwrap_or((part, ""));
            behaviour.set(switch, value)?;
        }
        Ok(behaviour)
    }
}

/// A switch over the readings of one unknown.
macro_rules! reading {
    ($name:literal, $field:ident, $reading:ident, $about:literal) => {
        Switch {
            name: $name,
            words: $reading::WORDS,
            about: $about,
            set: |behaviour, word| $reading::named(word).map(|reading| behaviour.$field = reading),
            get: |behaviour| behaviour.$field.word().to_owned(),
        }
    };
}

/// A switch between two words, the first for `true`.
macro_rules! either {
    ($name:literal, $field:ident, $on:literal, $off:literal, $about:literal) => {
        Switch {
            name: $name,
            words: &[$on, $off],
            about: $about,
            set: |behaviour, word| match word {
                $on => Some(behaviour.$field = true),
                $off => Some(behaviour.$field = false),
                _ => None,
            },
            get: |behaviour| if behaviour.$field { $on } else { $off }.to_owned(),
        }
    };
}

/// A switch of a rate of [`Churn`].
macro_rules! rate {
    ($name:literal, $field:ident, $about:literal) => {
        Switch {
            name: $name,
            words: &["N"],
            about: $about,
            set: |behaviour, text| number(text, 0, 100_000).map(|rate| behaviour.churn.$field = rate),
            get: |behaviour| behaviour.churn.$field.to_string(),
        }
    };
}

const SWITCHES: &[Switch] = &[
    reading!("offset", offset, OffsetUnit, "what offset counts"),
    reading!("first-page", first_page, FirstPage, "offset of the first page, and what 0 answers if that is 1"),
    Switch {
        name: "max-offset",
        words: &["N", "none"],
        about: "largest offset that is served",
        set: |behaviour, text| optional(&mut behaviour.max_offset, "none", text, |text| number(text, 1, u32::MAX)),
        get: |behaviour| behaviour.max_offset.map_or_else(none, |max| max.to_string()),
    },
    reading!("past-maximum", past_maximum, PastMaximum, "what a larger offset answers with"),
    reading!("past-end", past_end, PastEnd, "what an offset past the last row answers with"),
    Switch {
        name: "page-rows",
        words: &["N"],
        about: "rows of a page, from 1 to 100, however large the limit",
        set: |behaviour, text| number(text, 1, 100).map(|rows| behaviour.page_rows = rows),
        get: |behaviour| behaviour.page_rows.to_string(),
    },
    reading!("order", order, Order, "order of the rows of a window"),
    reading!("num-results", num_results, NumResults, "whether numResults is the window's total or the page's"),
    reading!("range", range, RangeLimit, "longest range of a request"),
    either!("last-second", last_second_included, "included", "excluded", "whether endDate itself is in the window"),
    either!("milliseconds", hidden_milliseconds, "hidden", "none", "whether times hide a fraction of a second"),
    reading!("filtered", filtered, FilteredTime, "time of a session that the range is about"),
    reading!("codes", codes, FilterCodes, "whether filters take codes that differ from the values in rows"),
    either!("is-automation", is_automation_honoured, "honoured", "ignored", "whether isAutomation filters"),
    rate!("churn-appearing", appearing, "rows that appear, in 100 requests"),
    rate!("churn-changing", changing, "rows that change their content, in 100 requests"),
    rate!("churn-moving", moving, "bot-only sessions that become conversations, in 100 requests"),
    rate!("churn-vanishing", vanishing, "rows that disappear, in 100 requests"),
    Switch {
        name: "churn-stretch",
        words: &["TIME/TIME", "all"],
        about: "starts of the rows that may appear, change, move or disappear",
        set: |behaviour, text| optional(&mut behaviour.churn.stretch, "all", text, stretch),
        get: |Behaviour { churn: Churn { stretch, .. }, .. }| {
            stretch.map_or_else(|| "all".to_owned(), |(from, to)| format!("{from}/{to}"))
        },
    },
    Switch {
        name: "crowd",
        words: &["N@TIME", "none"],
        about: "extra rows that start in one second",
        set: |behaviour, text| optional(&mut behaviour.crowd, "none", text, crowd),
        get: |behaviour| behaviour.crowd.map_or_else(none, |crowd| format!("{}@{}", crowd.rows, crowd.at)),
    },
];

fn none() -> String {
    "none".to_owned()
}

/// Sets a value that may be left out, by a word of its own; none if the text is neither that nor a value.
fn optional<T>(value: &mut Option<T>, absent: &str, text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<()> {
    *value = if text == absent { None } else { Some(read(text)?) };
    Some(())
}

fn number(text: &str, least: u32, most: u32) -> Option<u32> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

fn stretch(text: &str) -> Option<(Timestamp, Timestamp)> {
    let (from, to) = text.split_once('/')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

fn crowd(text: &str) -> Option<Crowd> {
    let (rows, at) = text.split_once('@')?;
    Some(Crowd { at: at.parse().ok()?, rows: number(rows, 1, 1_000_000)? })
}
