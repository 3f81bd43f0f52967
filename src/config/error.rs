use std::io;
use std::path::PathBuf;

use super::Origin;

/// A configuration that cannot be taken. Another try does not help before it is mended.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration file `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("expected TOML in the configuration file `{}`, found otherwise in line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1. It is not shown: a secret may stand there.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A key that no option has.
    #[error("unknown key `{key}` in the configuration file `{}`", path.display())]
    UnknownKey {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
        /// The option that was perhaps meant.
        near: Option<&'static str>,
    },
    /// A variable of ours that no option has.
    #[error("unknown environment variable `{name}`")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The variable that was perhaps meant.
        near: Option<String>,
    },
    /// A value that does not fit its option.
    #[error("{origin}: expected {expected}, found `{found}`")]
    Value {
        /// Where the value stands.
        origin: Origin,
        /// What the option takes.
        expected: String,
        /// The value.
        found: String,
    },
    /// A secret written out where only a reference may stand.
    #[error(
        "{origin}: expected `{{ env = \"NAME\" }}` or `{{ file = \"PATH\" }}`, found the secret itself or another value"
    )]
    PlainSecret {
        /// Where it stands.
        origin: Origin,
    },
    /// A secret that is not where its reference points.
    #[error("{origin}: expected a secret in {place}, found {found}")]
    Secret {
        /// Where the reference stands.
        origin: Origin,
        /// Where it points.
        place: String,
        /// What is there.
        found: String,
    },
    /// An option that this command needs.
    #[error("expected `{flag}`, found neither it nor `{variable}` nor a key `{key}` in a configuration file")]
    Missing {
        /// The flag.
        flag: String,
        /// The environment variable.
        variable: String,
        /// The key.
        key: &'static str,
    },
    /// Neither a token nor a client id with its secret.
    #[error(
        "expected a login, `KORE_LAKE_TOKEN` or `KORE_LAKE_CLIENT_ID` with `KORE_LAKE_CLIENT_SECRET`, found {found}"
    )]
    Login {
        /// What there is.
        found: &'static str,
    },
    /// Half of the keys to a bucket.
    #[error("expected `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or neither, found {found}")]
    BucketKeys {
        /// What there is.
        found: &'static str,
    },
}

impl ConfigError {
    /// What the user can do, where more can be said than the message says.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::UnknownVariable { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            _ => None,
        }
    }
}
