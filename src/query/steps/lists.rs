use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, UInt32Array};
use arrow::compute::{nullif, take};
use datafusion::common::{DataFusionError, Result, internal_datafusion_err};

/// What stands at a path of names below structs; null where any of them is null.
pub(super) fn below(value: &ArrayRef, path: &str) -> Result<ArrayRef> {
    if path.is_empty() {
        return Ok(value.clone());
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let members = value.as_struct_opt().ok_or_else(|| internal_datafusion_err!("`{name}` of what is no struct"))?;
    let member = members.column_by_name(name).ok_or_else(|| internal_datafusion_err!("`{name}` was not read"))?;
    let Some(nulls) = members.nulls() else { return below(member, rest) };
    if member.nulls().is_some_and(|own| own.contains(nulls)) || nulls.null_count() == 0 {
        return below(member, rest);
    }
    below(&nullif(member, &BooleanArray::new(!nulls.inner(), None))?, rest)
}

/// The list at a path below structs.
pub(super) fn list_below(value: &ArrayRef, path: &str) -> Result<ListArray> {
    let list = below(value, path)?;
    list.as_list_opt().cloned().ok_or_else(|| internal_datafusion_err!("expected a list, found {}", list.data_type()))
}

/// The texts without empty ones.
pub(super) fn non_empty(texts: ArrayRef) -> Result<ArrayRef> {
    let views = texts.as_string_view_opt().ok_or_else(|| internal_datafusion_err!("expected texts as views"))?;
    // The length is in the lower half of a view.
    let is_empty = |view: &u128| view & u128::from(u32::MAX) == 0;
    if !views.views().iter().enumerate().any(|(at, view)| is_empty(view) && views.is_valid(at)) {
        return Ok(texts);
    }
    let empty: BooleanArray = views.views().iter().map(|view| Some(is_empty(view))).collect();
    Ok(nullif(&texts, &empty)?)
}

/// Where the elements of each list lie among all elements; nowhere for a null list.
pub(super) fn ranges(lists: &ListArray) -> Vec<Range<usize>> {
    ranges_of(lists, |_| true)
}

/// The same, with nowhere also for lists of rows that are not kept.
pub(super) fn ranges_of(lists: &ListArray, is_kept: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let offset = |at: i32| usize::try_from(at).expect("offsets of lists are not negative");
    let range = |(at, ends): (usize, &[i32])| {
        let start = offset(ends[0]);
        start..if lists.is_null(at) || !is_kept(at) { start } else { offset(ends[1]) }
    };
    lists.value_offsets().windows(2).enumerate().map(range).collect()
}

/// Indices into an array of at most that many values, as the engine takes them.
pub(super) fn index(at: usize) -> u32 {
    u32::try_from(at).expect("a batch has fewer than 2^32 values")
}

/// Values chosen of an array.
#[derive(Debug, Clone)]
pub(super) enum Chosen {
    /// A run of them: nothing is copied.
    Run(Range<usize>),
    At(UInt32Array),
}

impl Chosen {
    /// The values at indices that may be a run.
    pub(super) fn of(indices: Vec<u32>) -> Self {
        match (indices.first(), indices.last()) {
            (Some(&first), Some(&last)) if is_run(&indices) => Self::Run(first as usize..last as usize + 1),
            (None, _) => Self::Run(0..0),
            _ => Self::At(indices.into()),
        }
    }

    pub(super) fn values(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Self::Run(range) => Ok(array.slice(range.start, range.len())),
            Self::At(indices) => take(array, indices, None).map_err(DataFusionError::from),
        }
    }
}

fn is_run(indices: &[u32]) -> bool {
    indices.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// Places in a list, from 1.
pub(super) fn positions(indices: impl Iterator<Item = usize>) -> ArrayRef {
    let position = |at: usize| i32::try_from(at + 1).expect("a list has fewer than 2^31 elements");
    Arc::new(Int32Array::from_iter_values(indices.map(position)))
}

/// Whether each text is the first of those of its list that equal it. A null is not.
pub(super) fn first_of_equal(lists: &[Range<usize>], texts: &ArrayRef) -> ArrayRef {
    let texts = texts.as_string_view();
    let is_first = |list: &Range<usize>, at: usize| {
        texts.is_valid(at)
            && !(list.start..at).any(|other| texts.is_valid(other) && texts.value(other) == texts.value(at))
    };
    of_elements(texts.len(), lists, is_first)
}

/// Whether each text is the first of the greatest of its list.
pub(super) fn first_of_greatest(lists: &[Range<usize>], texts: &ArrayRef) -> ArrayRef {
    let texts = texts.as_string_view();
    let text = |at: usize| texts.is_valid(at).then(|| texts.value(at));
    let is_first = |list: &Range<usize>, at: usize| {
        texts.is_valid(at)
            && (list.start..at).all(|other| text(other) < text(at))
            && (at..list.end).all(|other| text(other) <= text(at))
    };
    of_elements(texts.len(), lists, is_first)
}

fn of_elements(len: usize, lists: &[Range<usize>], is_so: impl Fn(&Range<usize>, usize) -> bool) -> ArrayRef {
    let mut found = vec![false; len];
    for list in lists {
        list.clone().for_each(|at| found[at] = is_so(list, at));
    }
    Arc::new(BooleanArray::from(found))
}
