use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that a user gave and that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name does not match the grammar of ids.
    #[error(
        "expected {what} of 1 to 128 letters, digits, `.`, `_`, `-` that begins with a letter or digit, found `{found}`"
    )]
    Id {
        /// What the name was given for.
        what: &'static str,
        /// What was given.
        found: String,
    },
    /// The version is none that the API has.
    #[error("expected an API version, `v1` or `v2`, found `{found}`")]
    ApiVersion {
        /// What was given.
        found: String,
    },
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_id(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(NameError::Id { what: $what, found: text.to_owned() })
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// An account of the contact centre. Stands in paths as it is.
    AccountId,
    "an account id"
);
id!(
    /// An app or stream, the value of the header `iId` (F2). Stands in paths as it is.
    StreamId,
    "a stream id"
);
id!(
    /// One run of the program. Ids sort by the time at which the run began.
    RunId,
    "a run id"
);

impl RunId {
    /// A new id (UUID version 7).
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }
}

/// Ids match `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`: they stand in paths, so nothing else may.
fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    first && text.len() <= 128 && bytes.all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Version of the API (F1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiVersion {
    /// `…/calldetails`.
    V1,
    /// `…/v2/interactionDetails`; returns more fields.
    #[default]
    V2,
}

impl ApiVersion {
    /// `v1` or `v2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl FromStr for ApiVersion {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err(NameError::ApiVersion { found: text.to_owned() }),
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
