use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::options::{OPTIONS, SECRETS, embedded_defaults, file_twin, flag, flat, usual_variables, variable};

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
        for (key, value) in flat(embedded_defaults()) {
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
            if let Some((name, text)) = in_environment(&environment, option.key) {
                values.insert(option.key.to_owned(), (Origin::Variable(name), toml::Value::String(text)));
            }
        }
        for (key, text) in flags {
            let flag = flag(&key);
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

    /// Variables whose names begin with `AWS_`, but those that are told by a key of ours.
    pub fn aws_variables(&self) -> Environment {
        let known = |name: &String| {
            let keys = OPTIONS.iter().map(|option| option.key).chain(SECRETS.iter().copied());
            keys.flat_map(usual_variables).any(|usual| usual == name)
        };
        let others = self.environment.iter().filter(|(name, text)| name.starts_with("AWS_") && !text.is_empty());
        others.filter(|(name, _)| !known(name)).map(|(name, text)| (name.clone(), text.clone())).collect()
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// What the environment says of a key, and in which variable. An empty variable says nothing.
pub(super) fn in_environment(environment: &Environment, key: &str) -> Option<(String, String)> {
    let names = [variable(key)].into_iter().chain(usual_variables(key).iter().map(|&name| name.to_owned()));
    names.into_iter().find_map(|name| {
        let text = environment.get(&name).filter(|text| !text.is_empty())?.clone();
        Some((name, text))
    })
}

fn read_file(path: &Path) -> Result<Vec<(String, toml::Value)>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1),
        message: error.message().replace('\n', ", "),
    })?;
    let entries = flat(table);
    match entries.iter().find(|(key, _)| !is_known(key)) {
        Some((key, _)) => Err(ConfigError::UnknownKey { key: key.clone(), path: path.to_owned(), near: nearest(key) }),
        None => Ok(entries),
    }
}

fn is_known(key: &str) -> bool {
    OPTIONS.iter().any(|option| option.key == key) || SECRETS.contains(&key)
}

fn is_known_variable(name: &str) -> bool {
    OPTIONS.iter().map(|option| option.key).chain(SECRETS.iter().copied()).any(|key| variable(key) == name)
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
        let is_file_twin = SECRETS.iter().chain(&["client_id"]).any(|key| file_twin(key).as_ref() == Some(name));
        if rest != "CONFIG" && !is_known_variable(name) && !is_file_twin {
            let near = nearest(&rest.to_lowercase()).map(variable);
            return Err(ConfigError::UnknownVariable { name: name.clone(), near });
        }
    }
    Ok(())
}
