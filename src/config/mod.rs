//! What a run was asked to do, resolved and range-checked once.
//!
//! **In:** layers of text values: command line, environment, file, embedded defaults, in this order
//! of precedence. **Out:** [`Settings`], typed, and [`Options`], which tells for any key its value and
//! where it came from, and [`Shown`], that without secrets. **Owns:** the list of options ([`OPTIONS`]), their defaults (`default.toml`) and
//! the text of a message about a bad value, which names its origin. **Knows nothing of:** how the
//! command line is parsed, and what the rooms do with a setting.
//! **Fails:** [`ConfigError`], always the user's to mend.

mod credentials;
mod error;
mod layers;
mod options;
mod settings;
mod shown;
#[cfg(test)]
mod tests;

pub use credentials::{BucketKeys, CredentialSource, Login};
pub use error::ConfigError;
pub use layers::{Environment, Options, Origin};
pub use options::{OPTIONS, OptionSpec, Value};
pub use settings::{JwtAlgorithm, LogFormat, OutputFormat, ProgressMode, Settings};
pub use shown::Shown;
