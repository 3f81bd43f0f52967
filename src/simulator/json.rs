//! JSON text, straight into a buffer: no tree of values stands between a row and its page.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::dice::Dice;

/// Milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Millis(pub(super) i64);

impl Millis {
    pub(super) fn of_second(second: i64) -> Self {
        Self(second * 1_000)
    }
}

/// Writes members and elements, with commas where they belong and naive times in one zone (F13).
pub(super) struct Json<'a> {
    out: &'a mut Vec<u8>,
    /// Seconds to take from UTC for a naive time.
    zone_seconds: i64,
}

impl<'a> Json<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, time_zone_offset: i32) -> Self {
        Self { out, zone_seconds: i64::from(time_zone_offset) * 60 }
    }

    pub(super) fn object(&mut self, body: impl FnOnce(&mut Self)) {
        self.nested(b'{', b'}', body);
    }

    pub(super) fn object_at(&mut self, key: &str, body: impl FnOnce(&mut Self)) {
        self.key(key);
        self.object(body);
    }

    pub(super) fn list_at(&mut self, key: &str, body: impl FnOnce(&mut Self)) {
        self.key(key);
        self.nested(b'[', b']', body);
    }

    pub(super) fn texts_at<'t>(&mut self, key: &str, texts: impl IntoIterator<Item = &'t str>) {
        self.list_at(key, |json| texts.into_iter().for_each(|text| json.text(text)));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.separate();
        self.quoted(text);
    }

    pub(super) fn text_at(&mut self, key: &str, text: &str) {
        self.key(key);
        self.quoted(text);
    }

    pub(super) fn flag_at(&mut self, key: &str, flag: bool) {
        self.raw_at(key, if flag { "true" } else { "false" });
    }

    pub(super) fn number_at(&mut self, key: &str, number: i64) {
        self.raw_at(key, &number.to_string());
    }

    /// `raw` is JSON already.
    pub(super) fn raw_at(&mut self, key: &str, raw: &str) {
        self.key(key);
        self.out.extend_from_slice(raw.as_bytes());
    }

    /// `prefix` and a GUID whose first group has `head` digits, then `suffix`.
    pub(super) fn guid_at(&mut self, key: &str, prefix: &str, dice: Dice, head: usize) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(prefix.as_bytes());
        push_guid(self.out, dice, head);
        self.out.push(b'"');
    }

    /// A naive time in the zone of the request (F13).
    pub(super) fn time_at(&mut self, key: &str, utc: i64) {
        self.key(key);
        self.out.push(b'"');
        push_time(self.out, utc - self.zone_seconds);
        self.out.push(b'"');
    }

    /// A naive time that the zone was taken from twice (F16).
    pub(super) fn shifted_time_at(&mut self, key: &str, utc: i64) {
        self.time_at(key, utc - self.zone_seconds);
    }

    /// An absolute time with milliseconds and `Z` (F14).
    pub(super) fn zulu_at(&mut self, key: &str, time: Millis) {
        self.key(key);
        self.out.push(b'"');
        push_time(self.out, time.0.div_euclid(1000));
        self.out.push(b'.');
        push_digits(self.out, time.0.rem_euclid(1000), 3);
        self.out.extend_from_slice(b"Z\"");
    }

    fn nested(&mut self, open: u8, close: u8, body: impl FnOnce(&mut Self)) {
        self.separate();
        self.out.push(open);
        body(self);
        self.out.push(close);
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.quoted(key);
        self.out.push(b':');
    }

    fn quoted(&mut self, text: &str) {
        serde_json::to_writer(&mut *self.out, text).expect("text can be written to memory");
    }

    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':' | b',')) {
            self.out.push(b',');
        }
    }
}

/// `yyyy-mm-ddTHH:MM:SS` of seconds since 1970.
fn push_time(out: &mut Vec<u8>, seconds: i64) {
    let time = Timestamp::from_second(seconds).expect("the generator's days lie in the years 2015 to 2100");
    let time = Offset::UTC.to_datetime(time);
    push_digits(out, i64::from(time.year()), 4);
    for (mark, number) in
        [(b'-', time.month()), (b'-', time.day()), (b'T', time.hour()), (b':', time.minute()), (b':', time.second())]
    {
        out.push(mark);
        push_digits(out, i64::from(number), 2);
    }
}

fn push_digits(out: &mut Vec<u8>, number: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).expect("the rest of a division by ten is a digit"));
    }
}

/// The last `digits` hexadecimal digits of `number`.
pub(super) fn push_hex(out: &mut Vec<u8>, number: u64, digits: usize) {
    for place in (0..digits).rev() {
        let nibble = usize::try_from((number >> (4 * place)) & 0xf).expect("four bits are an index");
        out.push(b"0123456789abcdef"[nibble]);
    }
}

/// A GUID; the API's own ids often have seven digits in the first group instead of eight.
pub(super) fn push_guid(out: &mut Vec<u8>, mut dice: Dice, head: usize) {
    let (high, low) = (dice.next(), dice.next());
    push_hex(out, high >> 32, head);
    for (number, digits) in [(high >> 16, 4), (0x4000 | (high & 0xfff), 4), (0x8000 | (low >> 50), 4), (low, 12)] {
        out.push(b'-');
        push_hex(out, number, digits);
    }
}

/// A GUID as text, for what is made once.
pub(super) fn guid(prefix: &str, dice: Dice, head: usize) -> String {
    let mut out = prefix.as_bytes().to_vec();
    push_guid(&mut out, dice, head);
    String::from_utf8(out).expect("hexadecimal digits are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(time_zone_offset: i32, body: impl FnOnce(&mut Json<'_>)) -> String {
        let mut out = Vec::new();
        Json::new(&mut out, time_zone_offset).object(body);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn commas_stand_between_members_and_elements_only() {
        let text = written(0, |json| {
            json.list_at("empty", |_| {});
            json.object_at("one", |json| json.number_at("n", -3));
            json.texts_at("two", ["[", ","]);
            json.list_at("objects", |json| {
                json.object(|json| json.flag_at("a", true));
                json.object(|_| {});
            });
        });
        assert_eq!(text, r#"{"empty":[],"one":{"n":-3},"two":["[",","],"objects":[{"a":true},{}]}"#);
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(written(0, |json| json.text_at("k", "\"\\\n\u{1}é")), r#"{"k":"\"\\\n\u0001é"}"#);
    }

    #[test]
    fn naive_times_are_local_and_absolute_ones_are_not() {
        // The callback of a sample of the documents (F13).
        let text = written(-330, |json| {
            json.time_at("EnterTime", 1_759_284_636);
            json.zulu_at("CallbackOptedTime", Millis(1_759_284_657_780));
        });
        assert_eq!(text, r#"{"EnterTime":"2025-10-01T07:40:36","CallbackOptedTime":"2025-10-01T02:10:57.780Z"}"#);
        let shifted = written(-330, |json| json.shifted_time_at("end", 1_727_356_754));
        assert_eq!(shifted, r#"{"end":"2024-09-27T00:19:14"}"#);
    }

    #[test]
    fn guids_have_the_digits_asked_for() {
        let groups = guid("c-", Dice::new(1), 7);
        let lengths: Vec<usize> = groups.split('-').map(str::len).collect();
        assert_eq!(lengths, [1, 7, 4, 4, 4, 12]);
    }
}
