use std::fmt;

/// A page that cannot be read. It is an error as a whole: none of its records counts as seen.
///
/// The API is known to answer so when something went wrong on its side (F7) and when an answer is
/// cut: asking again can help. For a saved page it cannot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is longer than any answer can be.
    #[error("expected a page of at most {limit_bytes} bytes, found {found_bytes}")]
    TooLarge {
        /// Bytes that are taken.
        limit_bytes: usize,
        /// Bytes of the body.
        found_bytes: usize,
    },
    /// The body is not text.
    #[error("expected UTF-8, found an invalid sequence at byte {position}")]
    NotUtf8 {
        /// Offset of the first invalid byte.
        position: usize,
    },
    /// The body is not JSON.
    #[error("expected {expected} at byte {position}, found {found}")]
    NotJson {
        /// Offset of the byte that does not fit.
        position: usize,
        /// What JSON has there.
        expected: &'static str,
        /// What stands there.
        found: Found,
    },
    /// Values are nested deeper than is taken.
    #[error("expected values nested at most {limit} deep, found more at byte {position}")]
    TooDeep {
        /// Levels that are taken.
        limit: u32,
        /// Offset of the bracket that goes too deep.
        position: usize,
    },
    /// The body is JSON, but no object.
    #[error("expected an object with a `data` array, found {found}")]
    NotAnObject {
        /// Kind of value found.
        found: &'static str,
    },
    /// The object has no `data`: an error, never "no more rows" (F7).
    #[error("expected an object with a `data` array, found none among its keys: {keys}")]
    NoData {
        /// Keys of the object, shortened.
        keys: String,
    },
    /// `data` is no array.
    #[error("expected `data` to be an array, found {found}")]
    DataNotArray {
        /// Kind of value found.
        found: &'static str,
    },
    /// `data` occurs twice: which one is meant cannot be known.
    #[error("expected one `data`, found another at byte {position}")]
    DataRepeated {
        /// Offset of the second one's value.
        position: usize,
    },
    /// The server reports errors (F7), beside data or without.
    #[error("expected no `errors`, found `{errors}`")]
    Errors {
        /// The value of `errors`, shortened.
        errors: String,
    },
}

/// What stands at a position of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A character.
    Character(char),
    /// Nothing: the body ends there.
    End,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(character) if character.is_control() => write!(f, "U+{:04X}", u32::from(*character)),
            Self::Character(character) => write!(f, "`{character}`"),
            Self::End => f.write_str("the end"),
        }
    }
}
