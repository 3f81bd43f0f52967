//! Commands of the prompt: what is typed that is no SQL.

use kore_lake::error::Error;

use super::report::Given;

pub const HELP: &str = "\
A statement goes on over lines until its `;`. Tab completes names, arrows go through what was typed before, Ctrl-R looks \
for it. Ctrl-C stops a statement or drops what is typed, Ctrl-D leaves.

  \\d                          tables and views
  \\d NAME                     columns of a table or view, with their types
  \\reports                    the bundled reports
  \\report NAME [k=v ...]      run a report, with parameters
  \\timing [on|off]            say how long each statement took
  \\x [on|off]                 a block for each row instead of a table
  \\?                          this help
  \\q                          leave
";

/// The names, as they are typed.
pub const NAMES: [&str; 7] = ["\\?", "\\d", "\\q", "\\report", "\\reports", "\\timing", "\\x"];

#[derive(Debug, PartialEq)]
pub enum Command {
    Tables,
    Describe(String),
    Reports,
    Report {
        name: String,
        given: Given,
    },
    /// None: the other way.
    Timing(Option<bool>),
    /// A block for each row. None: the other way.
    Records(Option<bool>),
    Help,
    Quit,
}

impl Command {
    /// The command that a text is; none where it is SQL.
    pub fn of(text: &str) -> Option<Result<Self, Error>> {
        let text = text.trim();
        match text.trim_end_matches(';').to_ascii_lowercase().as_str() {
            "help" => return Some(Ok(Self::Help)),
            "quit" | "exit" => return Some(Ok(Self::Quit)),
            _ => {}
        }
        let words = shell_words::split(text.strip_prefix('\\')?.trim_end_matches(';'));
        Some(match words {
            Ok(words) => Self::of_words(&words),
            Err(_) => Err(Error::Usage("expected quotes in pairs".to_owned())),
        })
    }

    fn of_words(words: &[String]) -> Result<Self, Error> {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["d"] => Ok(Self::Tables),
            ["d", name] => Ok(Self::Describe((*name).to_owned())),
            ["reports"] => Ok(Self::Reports),
            ["report", name, given @ ..] => Ok(Self::Report { name: (*name).to_owned(), given: pairs(given)? }),
            ["timing"] => Ok(Self::Timing(None)),
            ["timing", word] => on(word).map(|on| Self::Timing(Some(on))),
            ["x"] => Ok(Self::Records(None)),
            ["x", word] => on(word).map(|on| Self::Records(Some(on))),
            ["?" | "h" | "help"] => Ok(Self::Help),
            ["q" | "quit"] => Ok(Self::Quit),
            ["report"] => Err(Error::Usage("expected `\\report NAME [k=v ...]`; \\reports lists them".to_owned())),
            _ => Err(Error::Usage(format!("unknown command `\\{}`; \\? lists them", words.join(" ")))),
        }
    }
}

fn on(word: &str) -> Result<bool, Error> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Error::Usage(format!("expected `on` or `off`, found `{word}`"))),
    }
}

fn pairs(words: &[&str]) -> Result<Given, Error> {
    let pair = |word: &&str| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Error::Usage(format!("expected `parameter=value`, found `{word}`"))),
    };
    words.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Command {
        Command::of(text).expect("a command").expect("a right one")
    }

    #[test]
    fn what_begins_with_a_backslash_is_a_command_and_the_rest_is_sql() {
        assert_eq!(parsed("\\d"), Command::Tables);
        assert_eq!(parsed(" \\d contacts; "), Command::Describe("contacts".to_owned()));
        assert_eq!(parsed("\\timing on"), Command::Timing(Some(true)));
        assert_eq!(parsed("exit;"), Command::Quit);
        let given = Given::from([("queue".to_owned(), "Billing & more".to_owned())]);
        assert_eq!(parsed("\\report volume queue='Billing & more'"), Command::Report { name: "volume".into(), given });
        assert!(Command::of("SELECT 1;").is_none());
    }

    #[test]
    fn a_command_that_is_none_says_where_to_look() {
        let error = |text| Command::of(text).expect("a command").expect_err("a wrong one").to_string();
        assert_eq!(error("\\dt"), "unknown command `\\dt`; \\? lists them");
        assert_eq!(error("\\x maybe"), "expected `on` or `off`, found `maybe`");
        assert_eq!(error("\\report volume day"), "expected `parameter=value`, found `day`");
        assert_eq!(error("\\d 'contacts"), "expected quotes in pairs");
    }
}
