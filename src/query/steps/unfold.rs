use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_datafusion_err};

use super::columns::{List, Source};
use super::lists::{Chosen, below, first_of_equal, first_of_greatest, index, list_below, positions, ranges, ranges_of};
use super::routing::Routing;
use super::sessions::{DESTINATIONS, KEPT};

/// What is made of rows of `_sessions`.
#[derive(Debug)]
pub(super) struct Unfolding {
    /// The list of which each element becomes a row; none where rows stay as they are.
    pub(super) list: Option<List>,
    pub(super) schema: SchemaRef,
    /// What the columns of the schema are made of.
    pub(super) sources: Vec<Source>,
}

/// Where the rows that come out have their values from.
struct Places {
    /// Number of rows.
    len: usize,
    /// Rows that went in.
    rows: Chosen,
    destinations: Chosen,
    elements: Chosen,
    /// All elements of the lists, and where each list lies among them.
    values: Option<ArrayRef>,
    lists: Vec<Range<usize>>,
    positions: Vec<usize>,
}

impl Unfolding {
    /// Rows of the step for rows of `_sessions`.
    pub(super) fn of(&self, sessions: &RecordBatch) -> Result<RecordBatch> {
        let routing = sessions.column_by_name(DESTINATIONS).and_then(|column| column.as_list_opt());
        let kept = sessions.column_by_name(KEPT).map(AsArray::as_boolean);
        let is_kept = |row: usize| kept.is_none_or(|kept| kept.is_valid(row) && kept.value(row));
        let routing = routing.map(|lists| Routing::of(lists, sessions, is_kept));
        let places = self.places(sessions, routing.as_ref(), is_kept)?;
        let column = |at: usize| -> Result<ArrayRef> {
            let routing = || routing.as_ref().ok_or_else(|| internal_datafusion_err!("destinations were not read"));
            match self.sources[at] {
                Source::Session => places.rows.values(column_of(sessions, self.schema.field(at).name())?),
                Source::Contact(fact) => places.rows.values(&fact.values(routing()?)?),
                Source::Destination(fact) => places.destinations.values(&fact.values(routing()?)?),
                Source::Position => Ok(positions(places.positions.iter().copied())),
                Source::FirstOfEqual => places.elements.values(&first_of_equal(&places.lists, places.all()?)),
                Source::FirstOfGreatest => places.elements.values(&first_of_greatest(&places.lists, places.all()?)),
                Source::Element(path) => places.elements.values(&below(places.all()?, path)?),
            }
        };
        let columns = (0..self.sources.len()).map(column).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(places.len));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    fn places(
        &self,
        sessions: &RecordBatch,
        routing: Option<&Routing>,
        is_kept: impl Fn(usize) -> bool,
    ) -> Result<Places> {
        let routed = || routing.ok_or_else(|| internal_datafusion_err!("destinations were not read"));
        match self.list {
            None => Ok(Places::same((0..sessions.num_rows()).filter(|row| is_kept(*row)).map(index).collect())),
            Some(List::Session(column)) => {
                let lists = list_below(column_of(sessions, column)?, "")?;
                let ranges = ranges_of(&lists, is_kept);
                Ok(Places { values: Some(Arc::clone(lists.values())), ..Places::each(&ranges) }.among(ranges))
            }
            Some(List::Destinations) => {
                let places = Places::each(&routed()?.ranges);
                Ok(Places { destinations: places.elements.clone(), ..places })
            }
            Some(List::BelowDestination(path)) => {
                let routing = routed()?;
                let lists = list_below(&routing.elements, path)?;
                Ok(Places {
                    values: Some(Arc::clone(lists.values())),
                    ..Places::below(&routing.ranges, &ranges(&lists))
                })
            }
        }
    }
}

impl Places {
    fn same(rows: Vec<u32>) -> Self {
        let none = Chosen::Run(0..0);
        let (len, rows) = (rows.len(), Chosen::of(rows));
        Self { len, rows, destinations: none.clone(), elements: none, values: None, lists: vec![], positions: vec![] }
    }

    fn among(self, lists: Vec<Range<usize>>) -> Self {
        Self { lists, ..self }
    }

    /// Each element of each row's list.
    fn each(lists: &[Range<usize>]) -> Self {
        let mut rows = Vec::new();
        let mut elements = Vec::new();
        let mut positions = Vec::new();
        for (row, list) in lists.iter().enumerate() {
            rows.extend(list.clone().map(|_| index(row)));
            elements.extend(list.clone().map(index));
            positions.extend(0..list.len());
        }
        Self { elements: Chosen::of(elements), positions, rows: Chosen::of(rows), ..Self::same(vec![]) }.counted()
    }

    /// Each element of the list of each destination.
    fn below(destinations: &[Range<usize>], lists: &[Range<usize>]) -> Self {
        let (mut rows, mut of, mut elements, mut positions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, range) in destinations.iter().enumerate() {
            for destination in range.clone() {
                for (position, element) in lists[destination].clone().enumerate() {
                    rows.push(index(row));
                    of.push(index(destination));
                    elements.push(index(element));
                    positions.push(position);
                }
            }
        }
        let places = Self { elements: Chosen::of(elements), positions, rows: Chosen::of(rows), ..Self::same(vec![]) };
        Self { destinations: Chosen::of(of), ..places }.counted()
    }

    fn all(&self) -> Result<&ArrayRef> {
        self.values.as_ref().ok_or_else(|| internal_datafusion_err!("elements of no list"))
    }

    fn counted(self) -> Self {
        Self { len: self.positions.len(), ..self }
    }
}

fn column_of<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| internal_datafusion_err!("`{name}` was not read"))
}
