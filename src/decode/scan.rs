use std::borrow::Cow;
use std::ops::Range;

use super::error::{DecodeError, Found};
use super::hash::{self, ListHash, ObjectHash};
use super::string;
use super::token::Token;
use crate::clock::{UtcTime, parse_api_time};

/// Levels of nesting that are taken, those of the page included: recursion is bounded by it.
pub(super) const DEPTH_LIMIT: u32 = 128;

/// A strict reader of JSON that stands at one place of a text and hands out values with their hash.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    /// Minutes that a naive time lacks to UTC (F13).
    offset_minutes: i32,
    /// The opening quote and the decoded bytes of a string that has escapes.
    unescaped: Vec<u8>,
    /// Why the text is no page.
    failure: Option<DecodeError>,
}

/// The text is no page: the scan knows why, so that results stay small enough for registers.
#[derive(Debug)]
pub(super) struct Failed;

/// A value with its content hash.
pub(super) struct Hashed<'s> {
    pub(super) value: Value<'s>,
    pub(super) hash: u64,
}

/// A value as far as a column can take it.
pub(super) enum Value<'s> {
    Null,
    Bool(bool),
    /// As written.
    Number(&'s str),
    /// Decoded, with the time that it spells.
    String(&'s str, Option<UtcTime>),
    /// A string that is not valid Unicode once decoded.
    LoneSurrogate,
    /// An object or array, passed over.
    Nested,
}

/// Key of a member.
pub(super) struct Key<'a> {
    /// Decoded; WTF-8 where it holds a lone surrogate.
    pub(super) name: Cow<'a, [u8]>,
    /// Where it stands, quotes included.
    pub(super) place: Range<usize>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str, offset_minutes: i32) -> Self {
        Self { text, at: 0, depth: 0, offset_minutes, unescaped: Vec::new(), failure: None }
    }

    /// Another reader of the same text, at `place`.
    pub(super) fn again(&self, place: usize) -> Scan<'a> {
        Scan { at: place, unescaped: Vec::new(), failure: None, ..*self }
    }

    /// Nothing more can be read, for this reason.
    #[cold]
    pub(super) fn fail(&mut self, error: DecodeError) -> Failed {
        self.failure = Some(error);
        Failed
    }

    /// Why the scan failed.
    pub(super) fn error(self, _: Failed) -> DecodeError {
        self.failure.expect("a scan that failed knows why, and what was passed over once cannot fail again")
    }

    pub(super) fn text(&self, place: Range<usize>) -> &'a str {
        &self.text[place]
    }

    /// Where the reader stands.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// The next byte that is no white space, not taken; 0 at the end, which no JSON has there.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => byte,
            _ => self.peek_behind_space(),
        }
    }

    /// Apart from [`peek`](Self::peek), since pages as the API sends them have no white space between tokens.
    #[cold]
    fn peek_behind_space(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// What kind of value stands next, for messages.
    pub(super) fn peek_kind(&mut self) -> &'static str {
        match self.peek() {
            b'{' => "an object",
            b'[' => "an array",
            b'"' => "a string",
            b'n' => "null",
            b't' | b'f' => "a boolean",
            _ => "a number",
        }
    }

    /// Refuses anything but white space up to the end.
    pub(super) fn end(&mut self) -> Result<(), Failed> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { Err(self.broken("the end")) }
    }

    /// The value that stands next, passed over.
    pub(super) fn value(&mut self) -> Result<Hashed<'_>, Failed> {
        match self.peek() {
            b'"' => self.string(),
            b'{' => self.object().map(Hashed::nested),
            b'[' => self.array().map(Hashed::nested),
            b'n' => self.word("null", Value::Null, hash::of_null()),
            b't' => self.word("true", Value::Bool(true), hash::of_bool(true)),
            b'f' => self.word("false", Value::Bool(false), hash::of_bool(false)),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(self.broken("a value")),
        }
    }

    /// The string that stands next and is valid Unicode, decoded.
    pub(super) fn string_text(&mut self) -> Result<Cow<'a, str>, Failed> {
        let start = self.at;
        if self.pass_string()? {
            return Ok(Cow::Owned(String::from_utf8_lossy(&self.unescaped[1..]).into_owned()));
        }
        Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]))
    }

    /// The hash of the value that stands next, none where it is null.
    pub(super) fn skip(&mut self) -> Result<Option<u64>, Failed> {
        let Hashed { value, hash } = self.value()?;
        Ok((!matches!(value, Value::Null)).then_some(hash))
    }

    /// Takes the bracket that opens an object or array; whether an item comes before `close`.
    #[inline]
    pub(super) fn open(&mut self, close: u8) -> Result<bool, Failed> {
        if self.depth == DEPTH_LIMIT {
            return Err(self.fail(DecodeError::TooDeep { limit: DEPTH_LIMIT, position: self.at }));
        }
        self.depth += 1;
        self.at += 1;
        Ok(self.peek() != close || self.close())
    }

    /// Behind an item of an object or array: whether another one comes before `close`.
    #[inline]
    pub(super) fn goes_on(&mut self, close: u8) -> Result<bool, Failed> {
        match self.peek() {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            byte if byte == close => Ok(self.close()),
            _ => Err(self.broken(if close == b'}' { "`,` or `}`" } else { "`,` or `]`" })),
        }
    }

    /// Takes the closing bracket: no item comes.
    fn close(&mut self) -> bool {
        self.at += 1;
        self.depth -= 1;
        false
    }

    /// Passes over `token` if it is seen here.
    #[inline]
    pub(super) fn pass(&mut self, token: &Token) -> bool {
        let seen = token.is_seen_in(&self.text.as_bytes()[self.at..]);
        if seen {
            self.at += token.len();
        }
        seen
    }

    /// The key that stands next, with its colon.
    pub(super) fn key(&mut self) -> Result<Key<'a>, Failed> {
        if self.peek() != b'"' {
            return Err(self.broken("a key"));
        }
        let start = self.at;
        let escaped = self.pass_string()?;
        let place = start..self.at;
        let name = if escaped {
            Cow::Owned(self.unescaped[1..].to_vec())
        } else {
            Cow::Borrowed(&self.text.as_bytes()[start + 1..self.at - 1])
        };
        if self.peek() != b':' {
            return Err(self.broken("`:`"));
        }
        self.at += 1;
        Ok(Key { name, place })
    }

    fn string(&mut self) -> Result<Hashed<'_>, Failed> {
        match self.plain_text() {
            Some((text, time, hash)) => Ok(Hashed { value: Value::String(text, time), hash }),
            None => self.escaped_text(),
        }
    }

    /// The text that stands next with its time and hash, where it has no escapes: what most values are.
    #[inline(always)]
    pub(super) fn plain_text(&mut self) -> Option<(&'a str, Option<UtcTime>, u64)> {
        if self.peek() != b'"' {
            return None;
        }
        let start = self.at;
        let end = string::plain_end(self.text.as_bytes(), start + 1);
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        let quoted = &self.text[start..end];
        self.at = end + 1;
        let (text, time, hash) = taken(quoted, self.offset_minutes);
        Some((text, time, hash))
    }

    /// A text that may have escapes.
    #[cold]
    fn escaped_text(&mut self) -> Result<Hashed<'_>, Failed> {
        self.pass_string()?;
        let Ok(quoted) = std::str::from_utf8(&self.unescaped) else {
            return Ok(Hashed { value: Value::LoneSurrogate, hash: hash::of_quoted(&self.unescaped) });
        };
        let (text, time, hash) = taken(quoted, self.offset_minutes);
        Ok(Hashed { value: Value::String(text, time), hash })
    }

    /// Passes over a string; whether it has escapes, which are then decoded into `unescaped`.
    fn pass_string(&mut self) -> Result<bool, Failed> {
        let outcome = string::pass(self.text, self.at + 1, &mut self.unescaped);
        let passed = outcome.map_err(|fault| self.broken_at(fault.position, fault.expected))?;
        self.at = passed.after;
        Ok(passed.escaped)
    }

    fn number(&mut self) -> Result<Hashed<'_>, Failed> {
        let start = self.at;
        self.at += usize::from(self.byte() == b'-');
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        Ok(Hashed { value: Value::Number(text), hash: hash::of_number(text) })
    }

    fn digits(&mut self) -> Result<(), Failed> {
        if !self.byte().is_ascii_digit() {
            return Err(self.broken("a digit"));
        }
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn word<'s>(&mut self, word: &'static str, value: Value<'s>, hash: u64) -> Result<Hashed<'s>, Failed> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.broken("a value"));
        }
        self.at += word.len();
        Ok(Hashed { value, hash })
    }

    fn object(&mut self) -> Result<u64, Failed> {
        let mut hash = ObjectHash::default();
        let mut more = self.open(b'}')?;
        while more {
            let key = self.key()?;
            if let Some(member) = self.skip()? {
                hash.add(key.name, member);
            }
            more = self.goes_on(b'}')?;
        }
        Ok(hash.finish())
    }

    fn array(&mut self) -> Result<u64, Failed> {
        let mut hash = ListHash::new();
        let mut more = self.open(b']')?;
        while more {
            hash.add(self.value()?.hash);
            more = self.goes_on(b']')?;
        }
        Ok(hash.finish())
    }

    #[cold]
    fn broken(&mut self, expected: &'static str) -> Failed {
        self.broken_at(self.at, expected)
    }

    #[cold]
    fn broken_at(&mut self, position: usize, expected: &'static str) -> Failed {
        let found = self.text.get(position..).and_then(|rest| rest.chars().next());
        let found = found.map_or(Found::End, Found::Character);
        self.fail(DecodeError::NotJson { position, expected, found })
    }
}

/// A text, given behind its opening quote, with the time that it spells and its hash.
#[inline]
fn taken(quoted: &str, offset_minutes: i32) -> (&str, Option<UtcTime>, u64) {
    let text = &quoted[1..];
    let time = parse_api_time(text, offset_minutes);
    let hash = time.map_or_else(|| hash::of_quoted(quoted.as_bytes()), hash::of_time);
    (text, time, hash)
}

impl Hashed<'_> {
    fn nested(hash: u64) -> Self {
        Self { value: Value::Nested, hash }
    }
}
