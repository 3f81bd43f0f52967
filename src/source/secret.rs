use std::borrow::Cow;
use std::fmt;

/// A text that never reaches logs, errors or files: its `Debug` and `Display` are `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// Longest message of a server that an error repeats, in characters.
const MESSAGE_LENGTH: usize = 300;

impl Secret {
    /// Takes `text` as a secret, as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. What is made from it is the caller's to protect.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// A server's text as an error may repeat it: one line, bounded, without the secrets and without
/// anything shaped like a token (a server may echo what it was sent).
pub(super) fn repeatable(text: &str, secrets: &[&Secret]) -> String {
    let known = secrets.iter().filter(|secret| !secret.0.is_empty());
    let text = known.fold(text.to_owned(), |text, secret| text.replace(&secret.0, REDACTED));
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let words: Vec<_> = words.into_iter().map(without_signature).collect();
    shorten(&words.join(" "))
}

/// A word without what may open a door: a token, or the query of an address, which may be signed.
fn without_signature(word: &str) -> Cow<'_, str> {
    if has_token(word) {
        return REDACTED.into();
    }
    match word.split_once("://").and_then(|(_, address)| address.split_once('?')) {
        Some((_, query)) => format!("{}{REDACTED}", &word[..word.len() - query.len()]).into(),
        None => word.into(),
    }
}

/// Every JWT begins with `eyJ`: base64 of `{"`.
fn has_token(word: &str) -> bool {
    word.find("eyJ").is_some_and(|at| word.len() - at > 20)
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MESSAGE_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_nothing_of_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    }

    #[test]
    fn an_echoed_secret_or_token_is_taken_out() {
        let secret = Secret::new("hunter2");
        let text = "bad key hunter2,\n token='eyJhbGciOiJIUzI1NiJ9.e30.c2ln' refused";
        assert_eq!(repeatable(text, &[&secret]), "bad key [redacted], [redacted] refused");
    }

    #[test]
    fn the_query_of_an_address_is_taken_out() {
        let text = "moved to https://host/page?X-Signature=hunter2&x=1 for good, why?";
        assert_eq!(repeatable(text, &[]), "moved to https://host/page?[redacted] for good, why?");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let text = repeatable(&"ä".repeat(400), &[]);
        assert_eq!(text.chars().count(), 301);
        assert!(text.ends_with('…'));
    }
}
