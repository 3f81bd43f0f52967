use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::options::{OPTIONS, SECRETS, embedded_defaults, file_twin, variable};

/// The process's environment, or a test's.
pub type Environment = BTreeMap<String, String>;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line, as this flag.
    Flag(String),
    /// In the environment, as this variable.
    Variable(String),
    /// In a file, under this key.
    File(PathBuf, String),
    /// Nowhere: the embedded default of this key.
    Default(String),
}

impl Origin {
    /// The layer's name.
    pub const fn layer(&self) -> &'static str {
        match self {
            Self::Flag(_) => "command line",
            Self::Variable(_) => "environment",
            Self::File(..) => "file",
            Self::Default(_) => "default",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "`{flag}`"),
            Self::Variable(name) => write!(f, "environment variable `{name}`"),
            Self::File(path, key) => write!(f, "key `{key}` in `{}`", path.display()),
            Self::Default(key) => write!(f, "default of `{key}`"),
        }
    }
}

/// The layers, one over the other: what each key is set to, and where.
#[derive(Debug, Clone)]
pub struct Options {
    values: BTreeMap<String, (Origin, toml::Value)>,
    environment: Environment,
}

impl Options {
    /// Lays `flags` (key to value) over `environment` over the file (`config_file`, else the variable
    /// `KORE_LAKE_CONFIG`) over the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read or holds an unknown key, or the environment holds an
    /// unknown variable beginning with `KORE_LAKE_`.
    pub fn layered(
        flags: BTreeMap<String, String>,
        environment: Environment,
        config_file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        for (key, value) in embedded_defaults() {
            values.insert(key.clone(), (Origin::Default(key), value));
        }
        let named = environment.get("KORE_LAKE_CONFIG").map(PathBuf::from);
        if let Some(path) = config_file.map(Path::to_owned).or(named) {
            for (key, value) in read_file(&path)? {
                values.insert(key.clone(), (Origin::File(path.clone(), key), value));
            }
        }
        refuse_unknown_variables(&environment)?;
        for option in OPTIONS {
            if let Some(text) = environment.get(&option.variable()).filter(|text| !text.is_empty()) {
                let origin = Origin::Variable(option.variable());
                values.insert(option.key.to_owned(), (origin, toml::Value::String(text.clone())));
            }
        }
        for (key, text) in flags {
            let flag = format!("--{}", key.replace('_', "-"));
            values.insert(key, (Origin::Flag(flag), toml::Value::String(text)));
        }
        Ok(Self { values, environment })
    }

    /// The value of `key` as text, and where it stands.
    pub fn get(&self, key: &str) -> Option<(&Origin, String)> {
        let (origin, value) = self.values.get(key)?;
        let text = match value {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((origin, text))
    }

    pub(super) fn raw(&self, key: &str) -> Option<&(Origin, toml::Value)> {
        self.values.get(key)
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }
}

fn read_file(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1),
        message: error.message().replace('\n', ", "),
    })?;
    for key in table.keys() {
        if !is_known(key) {
            return Err(ConfigError::UnknownKey { key: key.clone(), path: path.to_owned(), near: nearest(key) });
        }
    }
    Ok(table)
}

fn is_known(key: &str) -> bool {
    OPTIONS.iter().any(|option| option.key == key) || SECRETS.contains(&key)
}

fn nearest(key: &str) -> Option<&'static str> {
    let known = OPTIONS.iter().map(|option| option.key).chain(SECRETS.iter().copied());
    known
        .map(|known| (strsim::jaro_winkler(known, key), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .and_then(|(likeness, known)| (likeness > 0.8).then_some(known))
}

/// A misspelt variable would otherwise be a setting that silently does not count.
fn refuse_unknown_variables(environment: &Environment) -> Result<(), ConfigError> {
    for name in environment.keys() {
        let Some(rest) = name.strip_prefix("KORE_LAKE_") else { continue };
        let key = rest.to_lowercase();
        let is_file_twin = key.strip_suffix("_file").and_then(file_twin).is_some();
        if key != "config" && !is_known(&key) && !is_file_twin {
            let near = nearest(&key).map(variable);
            return Err(ConfigError::UnknownVariable { name: name.clone(), near });
        }
    }
    Ok(())
}
