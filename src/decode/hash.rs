//! The content hash, version 1: 64 bits of a record as it came, whatever the order of its members,
//! the spelling of its times and the columns that the schema happens to have.
//!
//! `H(value)` is, with `xxh3` = XXH3-64 (seed 0 unless named) and integers as 8 bytes, little-endian:
//!
//! | value | hash |
//! | --- | --- |
//! | null | `xxh3("n")` (counts only as an element of a list) |
//! | true, false | `xxh3("t")`, `xxh3("f")` |
//! | number | `xxh3("#" + the number's text as written)` |
//! | string with the grammar of a time | `xxh3("@" + its µs since 1970 UTC)`; naive times by the offset asked with |
//! | other string | `xxh3("\"" + the string decoded, UTF-8; a lone surrogate as its three bytes of WTF-8)` |
//! | list | `h = xxh3("[")`, then for each element in order `h = xxh3(H(element), seed h)` |
//! | object | `xxh3(s)`, s the wrapping sum of `xxh3(key decoded, seed H(member))` over the members that are not null; of a repeated key only the first such |
//!
//! Nothing else enters: not kore-lake's own columns, and no key is special. Test vectors stand in
//! `schemas/content_hash.json`; the version is `content_hash_version` of `schemas/conversations.json`.

use std::borrow::Cow;
use std::collections::HashSet;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::clock::UtcTime;

pub(super) fn of_null() -> u64 {
    xxh3_64(b"n")
}

pub(super) fn of_bool(value: bool) -> u64 {
    xxh3_64(if value { b"t" } else { b"f" })
}

pub(super) fn of_number(text: &str) -> u64 {
    let mut short = [0; 32];
    short[0] = b'#';
    match short.get_mut(1..=text.len()) {
        Some(space) => {
            space.copy_from_slice(text.as_bytes());
            xxh3_64(&short[..=text.len()])
        }
        None => xxh3_64(&[b"#", text.as_bytes()].concat()),
    }
}

pub(super) fn of_time(time: UtcTime) -> u64 {
    let mut bytes = [b'@'; 9];
    bytes[1..].copy_from_slice(&time.micros().to_le_bytes());
    xxh3_64(&bytes)
}

/// Hash of a string that is given behind an opening quote: the kind byte of strings is the one
/// byte that always stands before them, so that nothing is copied.
pub(super) fn of_quoted(quote_and_text: &[u8]) -> u64 {
    debug_assert_eq!(quote_and_text.first(), Some(&b'"'));
    xxh3_64(quote_and_text)
}

/// Hash of a list while its elements pass by.
pub(super) struct ListHash(u64);

impl ListHash {
    pub(super) fn new() -> Self {
        Self(xxh3_64(b"["))
    }

    pub(super) fn add(&mut self, element: u64) {
        self.0 = xxh3_64_with_seed(&element.to_le_bytes(), self.0);
    }

    pub(super) fn finish(self) -> u64 {
        self.0
    }
}

/// Hash of an object while its members pass by, null ones left out.
#[derive(Default)]
pub(super) struct ObjectHash<'a> {
    sum: u64,
    keys: KeySet<'a>,
}

impl<'a> ObjectHash<'a> {
    /// Adds a member whose key is known not to have been added.
    #[inline]
    pub(super) fn add_first(&mut self, key: &[u8], member: u64) {
        self.sum = self.sum.wrapping_add(xxh3_64_with_seed(key, member));
    }

    /// Adds a member unless its key has been added by this function before.
    pub(super) fn add(&mut self, key: Cow<'a, [u8]>, member: u64) {
        let hash = xxh3_64_with_seed(&key, member);
        if self.keys.insert(key) {
            self.sum = self.sum.wrapping_add(hash);
        }
    }

    pub(super) fn finish(self) -> u64 {
        xxh3_64(&self.sum.to_le_bytes())
    }
}

/// Keys of one object: a list while they are few, which is nearly always.
#[derive(Default)]
struct KeySet<'a> {
    few: Vec<Cow<'a, [u8]>>,
    many: Option<HashSet<Cow<'a, [u8]>>>,
}

impl<'a> KeySet<'a> {
    const FEW: usize = 64;

    /// Whether `key` was new.
    fn insert(&mut self, key: Cow<'a, [u8]>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < Self::FEW {
            self.few.push(key);
            return true;
        }
        self.many.get_or_insert_default().insert(key)
    }
}
