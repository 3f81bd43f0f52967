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
    let end = checked_end(bytes, start)?;
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
        end = checked_end(bytes, at)?;
    }
}

/// Place of the next quote or backslash; control characters before it are no JSON.
fn checked_end(bytes: &[u8], start: usize) -> Result<usize, Fault> {
    let end = plain_end(bytes, start);
    match bytes.get(end) {
        Some(b'"' | b'\\') => Ok(end),
        Some(_) => Err(Fault { position: end, expected: "no bare control character in a string" }),
        None => Err(Fault { position: end, expected: "the end of a string" }),
    }
}

/// Place of the next byte with which a string cannot go on as it is: a quote, a backslash, a control character; the end
/// of the text where there is none.
#[inline]
pub(super) fn plain_end(bytes: &[u8], start: usize) -> usize {
    // Words in pairs: half the turns, and the compiler makes one operation of two.
    let (pairs, _) = bytes[start..].as_chunks::<8>().0.as_chunks::<2>();
    let mut at = start;
    for pair in pairs {
        let [low, high] = pair.map(|word| specials(u64::from_le_bytes(word)));
        if low | high != 0 {
            let marks = u128::from(low) | u128::from(high) << 64;
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 16;
    }
    plain_end_of_text(bytes, at)
}

/// Apart, since it is the end of the text.
#[cold]
fn plain_end_of_text(bytes: &[u8], at: usize) -> usize {
    let special = |byte: &u8| matches!(byte, ..b' ' | b'"' | b'\\');
    bytes[at..].iter().position(special).map_or(bytes.len(), |place| at + place)
}

/// Eight bytes at a time: the lowest mark, a byte's high bit, is at the first special byte (those above may be wrong).
///
/// A byte of ASCII that is below a limit has its high bit set once that is subtracted. With the lowest but one bit
/// flipped the quote comes to stand right behind the control characters, so that one limit is for both.
#[inline]
fn specials(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    let below = |bytes: u64, limit: u8| bytes.wrapping_sub(EACH * u64::from(limit));
    let quote_or_control = below(word ^ (EACH * u64::from(b'"' - b' ')), b' ' + 1);
    let backslash = below(word ^ (EACH * u64::from(b'\\')), 1);
    (quote_or_control | backslash) & !word & (EACH << 7)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain_end;

    fn byte_by_byte(bytes: &[u8], start: usize) -> usize {
        let end = bytes[start..].iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\'));
        end.map_or(bytes.len(), |end| start + end)
    }

    #[test]
    fn every_byte_at_every_place_is_told_from_the_special_ones() {
        for place in 0..40 {
            for byte in 0..=u8::MAX {
                let mut bytes = [b'a'; 48];
                bytes[place] = byte;
                assert_eq!(plain_end(&bytes, 0), byte_by_byte(&bytes, 0), "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn words_find_the_end_that_bytes_find(bytes in prop::collection::vec(any::<u8>(), 0..80), start: prop::sample::Index) {
            let start = start.index(bytes.len() + 1);
            prop_assert_eq!(plain_end(&bytes, start), byte_by_byte(&bytes, start));
        }

        #[test]
        fn words_find_the_end_among_bytes_that_are_nearly_special(
            bytes in prop::collection::vec(prop::sample::select(b"\x1f !\"#[\\]\x7f\x80\xa0\xa1\xdc\xff".as_slice()), 0..80),
        ) {
            for start in 0..=bytes.len() {
                prop_assert_eq!(plain_end(&bytes, start), byte_by_byte(&bytes, start));
            }
        }
    }
}
