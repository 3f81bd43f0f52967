//! Strings of JSON: one scan for the end, a slow path only where there is a backslash.

/// A string that was passed over.
pub(super) struct Passed {
    /// Place behind the closing quote.
    pub(super) after: usize,
    /// Whether it had escapes and so was decoded.
    pub(super) escaped: bool,
}

/// What makes a string no JSON.
pub(super) struct Fault {
    pub(super) position: usize,
    pub(super) expected: &'static str,
}

/// Passes over the string whose first character is at `start`.
///
/// Where it has escapes, `unescaped` is set to a quote followed by the decoded bytes, which are UTF-8
/// but for lone surrogates (WTF-8).
pub(super) fn pass(text: &str, start: usize, unescaped: &mut Vec<u8>) -> Result<Passed, Fault> {
    let bytes = text.as_bytes();
    let end = plain_end(bytes, start)?;
    if bytes[end] == b'"' {
        return Ok(Passed { after: end + 1, escaped: false });
    }
    unescaped.clear();
    unescaped.push(b'"');
    let (mut at, mut end) = (start, end);
    loop {
        unescaped.extend_from_slice(&bytes[at..end]);
        if bytes[end] == b'"' {
            return Ok(Passed { after: end + 1, escaped: true });
        }
        at = escape(bytes, end, unescaped)?;
        end = plain_end(bytes, at)?;
    }
}

/// Place of the next quote or backslash; control characters before it are no JSON.
fn plain_end(bytes: &[u8], start: usize) -> Result<usize, Fault> {
    let (words, rest) = bytes[start..].as_chunks();
    let in_words =
        words.iter().map(|word| specials(u64::from_le_bytes(*word))).enumerate().find(|(_, marks)| *marks != 0);
    let length = match in_words {
        Some((word, marks)) => Some(8 * word + marks.trailing_zeros() as usize / 8),
        None => rest.iter().position(|&byte| is_special(byte)).map(|place| 8 * words.len() + place),
    };
    match length.map(|length| start + length) {
        Some(end) if bytes[end] < b' ' => {
            Err(Fault { position: end, expected: "no bare control character in a string" })
        }
        Some(end) => Ok(end),
        None => Err(Fault { position: bytes.len(), expected: "the end of a string" }),
    }
}

/// Whether a string cannot go on as it is.
fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Eight bytes at a time: the lowest mark, a byte's high bit, is at the first special byte (those above may be wrong).
fn specials(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(EACH * limit) & !bytes;
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & (EACH << 7)
}

/// Decodes the escape whose backslash is at `at`; the place behind it.
fn escape(bytes: &[u8], at: usize, unescaped: &mut Vec<u8>) -> Result<usize, Fault> {
    let character = match bytes.get(at + 1) {
        Some(&plain @ (b'"' | b'\\' | b'/')) => plain,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0C,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => return unicode(bytes, at, unescaped),
        _ => return Err(Fault { position: at + 1, expected: "an escape" }),
    };
    unescaped.push(character);
    Ok(at + 2)
}

fn unicode(bytes: &[u8], at: usize, unescaped: &mut Vec<u8>) -> Result<usize, Fault> {
    let first = code_unit(bytes, at).ok_or(Fault { position: at, expected: "`\\u` and four hex digits" })?;
    if (0xD800..0xDC00).contains(&first)
        && let Some(second @ 0xDC00..=0xDFFF) = code_unit(bytes, at + 6)
    {
        push(unescaped, 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00));
        return Ok(at + 12);
    }
    push(unescaped, first);
    Ok(at + 6)
}

/// The code unit that the `\u` and four digits at `at` spell.
fn code_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?;
    escape[2..].iter().try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))
}

/// Appends a code point as UTF-8, a lone surrogate by the same scheme.
fn push(bytes: &mut Vec<u8>, code: u32) {
    if let Some(character) = char::from_u32(code) {
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        return;
    }
    let [.., high, low] = code.to_be_bytes();
    bytes.extend_from_slice(&[0xE0 | high >> 4, 0x80 | (high & 0x0F) << 2 | low >> 6, 0x80 | low & 0x3F]);
}
