use arrow::datatypes::{DataType, TimeUnit};

use super::contact::Contact;
use super::destination::Destination;
use super::sessions::DESTINATIONS;
use crate::query::leaves::type_at;

/// A table of rows made of lists.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) unfolds: Option<Unfolds>,
    /// Whether it has what is known of the contact as a whole.
    pub(super) has_contact: bool,
}

/// The list that a step has a row of each element of.
#[derive(Debug)]
pub(super) struct Unfolds {
    pub(super) list: List,
    /// An element, in the names of columns: `NAME_position`, `NAME_LEAF`.
    pub(super) element: &'static str,
    pub(super) leaves: &'static [&'static str],
}

/// Where a list stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum List {
    /// In a column of `_sessions`.
    Session(&'static str),
    Destinations,
    /// At a path below a destination.
    BelowDestination(&'static str),
}

/// What a column is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    /// The column of `_sessions` of that name.
    Session,
    Contact(Contact),
    Destination(Destination),
    /// Place of the element in its list, from 1.
    Position,
    /// Whether no element before it is equal; it is not null itself.
    FirstOfEqual,
    /// Whether it is the first of the greatest elements of its list.
    FirstOfGreatest,
    /// What stands at a path below the element; the element itself where it is empty.
    Element(&'static str),
}

const DISPOSITIONS: &str = "_dispositions";

pub(super) const STEPS: [Step; 10] = [
    Step { name: "_sessions", unfolds: None, has_contact: false },
    Step { name: "_contacts", unfolds: None, has_contact: true },
    step("_outcomes", List::Destinations, "destination", &[], false),
    step(
        "_offers",
        List::BelowDestination("non_responding_agents"),
        "offer",
        &["agent_id", "name", "email", "status", "assigned_at", "accepted_time", "non_response_event"],
        false,
    ),
    step(
        "_consultations",
        List::BelowDestination("responding_agent.consulting_agents"),
        "consulted",
        &["agent_id", "name", "email", "assigned_at", "accepted_time", "consulting_end_time", "is_merged"],
        false,
    ),
    step(DISPOSITIONS, List::Session("dispositions"), "code", &[""], true),
    step("_tones", List::Session("dialog_tone"), "tone", &["tone_name", "level", "count", "total_level"], true),
    step("_session_level_tags", List::Session("session_level_tags"), "tag", &["name", "value"], false),
    step("_user_level_tags", List::Session("user_level_tags"), "tag", &["name", "value"], false),
    step("_flags", List::Session("flags"), "flag", &[""], false),
];

const fn step(
    name: &'static str,
    list: List,
    element: &'static str,
    leaves: &'static [&'static str],
    has_contact: bool,
) -> Step {
    Step { name, unfolds: Some(Unfolds { list, element, leaves }), has_contact }
}

impl List {
    /// The column of `_sessions` that it stands in, and its path there.
    pub(super) fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Session(column) => (column, ""),
            Self::Destinations => (DESTINATIONS, ""),
            Self::BelowDestination(path) => (DESTINATIONS, path),
        }
    }

    fn is_routed(self) -> bool {
        matches!(self, Self::Destinations | Self::BelowDestination(_))
    }
}

impl Unfolds {
    /// The path of a leaf in the column of `_sessions`.
    pub(super) fn leaf_path(&self, leaf: &str) -> String {
        match (self.list.place().1, leaf) {
            ("", leaf) => leaf.to_owned(),
            (path, "") => path.to_owned(),
            (path, leaf) => format!("{path}.{leaf}"),
        }
    }
}

impl Step {
    /// Its columns beside those of `_sessions`: name, type, what each is made of.
    pub(super) fn columns(&self, type_of: impl Fn(&str) -> DataType) -> Vec<(String, DataType, Source)> {
        let mut columns = Vec::new();
        let destination = type_of(DESTINATIONS);
        if self.has_contact {
            let column = |(name, fact): &(&str, Contact)| {
                ((*name).to_owned(), fact.data_type(&destination), Source::Contact(*fact))
            };
            columns.extend(Contact::ALL.iter().map(column));
        }
        let Some(unfolds) = &self.unfolds else { return columns };
        if unfolds.list.is_routed() {
            let column = |(name, fact): &(&str, Destination)| {
                ((*name).to_owned(), fact.data_type(&destination), Source::Destination(*fact))
            };
            columns.extend(Destination::ALL.iter().map(column));
        }
        if unfolds.list != List::Destinations {
            columns.push((format!("{}_position", unfolds.element), DataType::Int32, Source::Position));
        }
        let (column, path) = unfolds.list.place();
        let list = type_of(column);
        if self.name == DISPOSITIONS {
            columns.push(("is_first_of_code".to_owned(), DataType::Boolean, Source::FirstOfEqual));
            columns.push(("is_one_of_contact".to_owned(), DataType::Boolean, Source::FirstOfGreatest));
        }
        let list = leaf_type(&list, path);
        let DataType::List(element) = list else { panic!("`{}` is an element of a list", unfolds.element) };
        columns.extend(unfolds.leaves.iter().map(|leaf| {
            (element_name(unfolds.element, leaf), leaf_type(element.data_type(), leaf), Source::Element(leaf))
        }));
        columns
    }
}

fn element_name(element: &str, leaf: &str) -> String {
    if leaf.is_empty() { element.to_owned() } else { format!("{element}_{leaf}") }
}

/// A moment in UTC.
pub(super) fn moment() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type of what stands at a path below the elements of a list.
pub(super) fn leaf_type(list: &DataType, path: &str) -> DataType {
    type_at(list, path).expect("the leaf is in the schema").clone()
}
