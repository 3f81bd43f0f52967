use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::{DataType, Fields};

use super::column::{ColumnDecoder, Taken, decoder};
use super::hash::ObjectHash;
use super::keys::{KeyTable, Right, Slot};
use super::scan::{Failed, Hashed, Scan, Value};
use super::text::Texts;
use super::validity::Validity;
use crate::clock::UtcTime;
use crate::schema::{Column, Kind};

/// Takes an object: members that a column takes go there, all others to `extra` as they came.
pub(super) struct ObjectDecoder {
    fields: Fields,
    keys: KeyTable,
    columns: Vec<Box<dyn ColumnDecoder>>,
    extra: Texts,
    valid: Validity,
    /// Members of the present object that are not settled in a column, in order.
    pub(super) left: Vec<Left>,
    /// Column whose value may yet have to give way: it is listed in `left` too.
    pub(super) held_column: Option<usize>,
}

/// A member that is not settled in a column.
pub(super) struct Left {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) why: Why,
}

/// Why a member is not settled in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// No column takes this key.
    Unknown,
    /// The value does not fit, or the key came before.
    Refused,
    /// One of several texts of which the object's end shows which one counts.
    Candidate(Slot),
    /// It is in a column or says nothing new; listed where that may yet change.
    Settled,
}

impl ObjectDecoder {
    /// A decoder of the columns that mirror the object: those with a key, and `extra` as the last.
    pub(super) fn new(columns: &[Column]) -> Self {
        let mirrored: Vec<&Column> =
            columns.iter().filter(|column| column.key.is_some() || column.is_extra()).collect();
        let keyed = &mirrored[..mirrored.len() - 1];
        debug_assert!(mirrored.last().is_some_and(|column| column.is_extra()));
        let DataType::Struct(fields) = Kind::Struct(mirrored.iter().copied().cloned().collect()).arrow() else {
            unreachable!("a struct's type is a struct")
        };
        Self {
            fields,
            keys: KeyTable::new(keyed),
            columns: keyed.iter().map(|column| decoder(&column.kind)).collect(),
            extra: Texts::default(),
            valid: Validity::default(),
            left: Vec::new(),
            held_column: None,
        }
    }

    pub(super) fn column(&mut self, column: usize) -> &mut dyn ColumnDecoder {
        self.columns[column].as_mut()
    }

    pub(super) fn text_of(&self, column: usize, row: usize) -> Option<&str> {
        self.columns[column].text(row)
    }

    pub(super) fn time_of(&self, column: usize, row: usize) -> Option<UtcTime> {
        self.columns[column].time(row)
    }

    /// Whether a member of the present object that was not null had this column's key.
    pub(super) fn has(&self, column: usize) -> bool {
        self.keys.has(column)
    }

    /// Whether a member is null under a key of this object's: as good as absent.
    pub(super) fn is_known_null(&mut self, left: &Left, scan: &Scan<'_>) -> Result<bool, Failed> {
        let known = self.keys.find(&scan.again(left.key.start).key()?.name).is_some();
        Ok(known && scan.text(left.value.clone()) == "null")
    }

    /// Takes all members of the object at `scan`; [`close`](Self::close) ends the row.
    pub(super) fn members(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<u64, Failed> {
        let mut hash = ObjectHash::default();
        self.begin();
        let mut more = scan.open(b'}')?;
        while more {
            self.member(row, scan, &mut hash)?;
            more = scan.goes_on(b'}')?;
        }
        Ok(hash.finish())
    }

    /// Takes those members of an object that `places` tells; all have been passed over before.
    pub(super) fn gather(&mut self, row: usize, scan: &Scan<'_>, places: &[Left]) -> Result<(), Failed> {
        self.begin();
        for Left { key, .. } in places {
            self.member(row, &mut scan.again(key.start), &mut ObjectHash::default())?;
        }
        self.close(row, scan)
    }

    /// Ends the row: what no column took goes to `extra`.
    pub(super) fn close(&mut self, row: usize, scan: &Scan<'_>) -> Result<(), Failed> {
        self.valid.set(row);
        if self.left.is_empty() { Ok(()) } else { self.close_left(row, scan) }
    }

    fn close_left(&mut self, row: usize, scan: &Scan<'_>) -> Result<(), Failed> {
        self.settle_candidates(row, scan)?;
        let mut separator = "{";
        for left in self.left.drain(..).filter(|left| left.why != Why::Settled) {
            for text in [separator, scan.text(left.key), ":", scan.text(left.value)] {
                self.extra.write(text);
            }
            separator = ",";
        }
        if separator == "," {
            self.extra.write("}");
            self.extra.close(row);
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.keys.begin();
        self.left.clear();
    }

    /// Takes the member at `scan`.
    #[inline(always)]
    fn member<'a>(&mut self, row: usize, scan: &mut Scan<'a>, hash: &mut ObjectHash<'a>) -> Result<(), Failed> {
        let start = scan.place();
        if let Some(slot) = self.keys.pass_likely(scan) {
            return self.known(row, slot, start..scan.place() - 1, scan, hash);
        }
        self.unlikely(row, scan, hash)
    }

    /// Takes a member whose key is not one of those that were likely.
    #[cold]
    fn unlikely<'a>(&mut self, row: usize, scan: &mut Scan<'a>, hash: &mut ObjectHash<'a>) -> Result<(), Failed> {
        let key = scan.key()?;
        if let Some(slot) = self.keys.find(&key.name) {
            return self.known(row, slot, key.place, scan, hash);
        }
        scan.peek();
        let start = scan.place();
        if let Some(member) = scan.skip()? {
            hash.add(key.name, member);
        }
        self.left.push(Left { key: key.place, value: start..scan.place(), why: Why::Unknown });
        Ok(())
    }

    /// Takes the value of a key that a column takes.
    #[inline(always)]
    fn known(
        &mut self,
        row: usize,
        slot: Slot,
        key: Range<usize>,
        scan: &mut Scan<'_>,
        hash: &mut ObjectHash<'_>,
    ) -> Result<(), Failed> {
        scan.peek();
        let start = scan.place();
        let (member, why) = match self.keys.right(slot) {
            Right::Column(column) => match self.columns[column].decode(row, scan)? {
                Taken::Null => return Ok(()),
                Taken::Fits(hash) => (hash, (self.held_column == Some(column)).then_some(Why::Settled)),
                Taken::Misfit(hash) => (hash, Some(Why::Refused)),
            },
            Right::Candidate => {
                let Hashed { value, hash } = scan.value()?;
                match value {
                    Value::Null => return Ok(()),
                    Value::String(..) => (hash, Some(Why::Candidate(slot))),
                    _ => (hash, Some(Why::Refused)),
                }
            }
            Right::None => {
                let Some(member) = scan.skip()? else { return Ok(()) };
                (member, Some(Why::Refused))
            }
        };
        if let Some(key) = self.keys.note(slot) {
            hash.add_first(key, member);
        }
        if let Some(why) = why {
            self.left.push(Left { key, value: start..scan.place(), why });
        }
        Ok(())
    }

    /// Of the texts for a column with several keys the first non-empty counts, in the order of the
    /// keys in the schema; equal and empty ones say nothing more, different ones are kept.
    fn settle_candidates(&mut self, row: usize, scan: &Scan<'_>) -> Result<(), Failed> {
        while let Some(column) = self.left.iter().find_map(|left| self.candidate(left)) {
            let mut candidates = self.candidates(column, scan)?;
            candidates.sort_unstable();
            let chosen = candidates.iter().find(|candidate| !candidate.text.is_empty()).unwrap_or(&candidates[0]);
            let place = self.left[chosen.index].value.start;
            self.columns[column].decode(row, &mut scan.again(place))?;
            for other in &candidates {
                let differs = !other.text.is_empty() && other.text != chosen.text;
                self.left[other.index].why = if differs { Why::Refused } else { Why::Settled };
            }
        }
        Ok(())
    }

    fn candidate(&self, left: &Left) -> Option<usize> {
        let Why::Candidate(slot) = left.why else { return None };
        Some(self.keys.column(slot))
    }

    fn candidates<'a>(&self, column: usize, scan: &Scan<'a>) -> Result<Vec<Candidate<'a>>, Failed> {
        let mut candidates = Vec::new();
        for (index, left) in self.left.iter().enumerate() {
            if let Why::Candidate(slot) = left.why
                && self.keys.column(slot) == column
            {
                candidates.push(Candidate { slot, index, text: scan.again(left.value.start).string_text()? });
            }
        }
        Ok(candidates)
    }
}

/// A text that may come to stand in a column with several keys; the first of the order counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate<'a> {
    slot: Slot,
    /// Where it stands in `left`.
    index: usize,
    text: Cow<'a, str>,
}

impl ColumnDecoder for ObjectDecoder {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, Failed> {
        if scan.peek() != b'{' {
            return Ok(scan.skip()?.map_or(Taken::Null, Taken::Misfit));
        }
        let hash = self.members(row, scan)?;
        self.close(row, scan)?;
        Ok(Taken::Fits(hash))
    }

    fn truncate(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
        self.extra.truncate(rows);
        self.valid.truncate(rows);
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        let mut columns: Vec<ArrayRef> = self.columns.iter_mut().map(|column| column.finish(rows)).collect();
        columns.push(self.extra.finish(rows));
        Arc::new(StructArray::new(self.fields.clone(), columns, self.valid.finish(rows)))
    }

    fn object(&mut self) -> Option<&mut ObjectDecoder> {
        Some(self)
    }
}
