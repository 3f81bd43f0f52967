//! Numbers of JSON as integers and floats, exactly.

/// The integer that a JSON number is, where it is integral and fits: `4`, `4.0`, `40e-1`.
pub(super) fn integral(number: &str) -> Option<i64> {
    number.parse().ok().or_else(|| integral_decimal(number))
}

/// The integer of a number with a fraction or exponent; no float on the way, so nothing is rounded.
fn integral_decimal(number: &str) -> Option<i64> {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_end_matches('0');
    let leading = significant.trim_start_matches('0');
    if leading.is_empty() {
        return Some(0);
    }
    let exponent: i64 = exponent.parse().ok()?;
    let dropped = digits.len() - significant.len();
    let zeros = exponent.checked_add(i64::try_from(dropped).ok()?)?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let zeros = usize::try_from(zeros).ok().filter(|&zeros| zeros < 20)?;
    format!("{sign}{leading}{}", "0".repeat(zeros)).parse().ok()
}

/// The integer that a string spells: `-?(0|[1-9][0-9]*)`.
pub(super) fn integer_text(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let canonical = digits == "0" || !digits.starts_with('0');
    (plain && canonical).then(|| text.parse().ok()).flatten()
}

/// The finite float nearest to a JSON number.
pub(super) fn float(number: &str) -> Option<f64> {
    number.parse().ok().filter(|float: &f64| float.is_finite())
}

/// The finite float that a string spells, in the grammar of a JSON number.
pub(super) fn float_text(text: &str) -> Option<f64> {
    if is_number(text) { float(text) } else { None }
}

fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'))
}
