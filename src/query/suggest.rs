/// Names that are worth a guess.
const MOST: usize = 3;

/// Up to three of `names` that are near to `name`, nearest first: what is far behind the nearest is no help.
pub(super) fn near<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    scored.retain(|(score, _)| *score >= best - 0.05);
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(MOST).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// ``; did you mean `a` or `b`?``, or nothing; of more names than are a guess: ``; expected one of `a`, `b` …``.
pub(super) fn did_you_mean(near: &[String]) -> String {
    match near.len() {
        0 => String::new(),
        1..=MOST => format!("; did you mean {}?", quoted(near, " or ")),
        _ => format!("; expected one of {}", quoted(near, ", ")),
    }
}

/// The names in backticks, joined.
pub(super) fn quoted<S: AsRef<str>>(names: &[S], separator: &str) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(separator)
}
