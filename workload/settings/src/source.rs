//! The values of settings, from flags, the environment and files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;

use crate::table::{self, Setting};

/// The values of settings. The first of these counts: flag, environment, `<NAME>_FILE`, `CONFIG_FILE`, default.
#[derive(Clone, Default)]
pub struct Source {
    flags: BTreeMap<&'static str, String>,
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
}

/// Why a setting is wrong or missing, in one line that names the variable and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The setting has no value and no default.
    #[error("{name} is not set; it must be {form}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it must be.
        form: &'static str,
    },
    /// The value has the wrong form.
    #[error("{name} must be {form}{shown}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it must be.
        form: &'static str,
        /// `, not "…"`; empty for a secret.
        shown: String,
    },
    /// The file with a secret or with settings cannot be used.
    #[error("{name}: {path}: {problem}")]
    File {
        /// The variable that names the file.
        name: String,
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
}

impl Source {
    /// Reads the environment of the process, and the file in `CONFIG_FILE`.
    pub fn from_environment() -> Result<Self, SettingError> {
        let texts = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Self::from_variables(texts)
    }

    /// Reads the given variables, and the file in `CONFIG_FILE`.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingError> {
        let source = Self { environment: variables.into_iter().collect(), ..Self::default() };
        match source.text(&table::CONFIG_FILE)? {
            Some(path) => source.with_file(Path::new(&path)),
            None => Ok(source),
        }
    }

    /// Adds the settings in a YAML file.
    pub fn with_file(mut self, path: &Path) -> Result<Self, SettingError> {
        let error = |problem: String| SettingError::File {
            name: table::CONFIG_FILE.name.to_owned(),
            path: path.to_owned(),
            problem,
        };
        let text = std::fs::read_to_string(path).map_err(|source| error(source.to_string()))?;
        let values: BTreeMap<String, serde_yaml::Value> =
            serde_yaml::from_str(&text).map_err(|source| error(source.to_string()))?;
        for (name, value) in values {
            if !table::ALL.iter().any(|setting| setting.name.to_lowercase() == name) {
                return Err(error(format!("there is no setting named {name}")));
            }
            let value = match value {
                serde_yaml::Value::Null => continue,
                serde_yaml::Value::String(text) => text,
                serde_yaml::Value::Bool(value) => value.to_string(),
                serde_yaml::Value::Number(value) => value.to_string(),
                _ => return Err(error(format!("{name} must be text, a number, true or false"))),
            };
            self.file.insert(name, value);
        }
        Ok(self)
    }

    /// Sets a value that overrides all other sources, as a flag does.
    pub fn set(&mut self, setting: &Setting, value: impl Into<String>) {
        self.flags.insert(setting.name, value.into());
    }

    /// Whether the setting has a value other than its default.
    pub fn is_set(&self, setting: &Setting) -> bool {
        let file = format!("{}_FILE", setting.name);
        [self.flags.get(setting.name), self.environment.get(setting.name), self.environment.get(&file)]
            .into_iter()
            .chain([self.file.get(&setting.name.to_lowercase())])
            .flatten()
            .any(|text| !text.is_empty())
    }

    /// Returns the value as text. An empty value counts as none.
    pub fn text(&self, setting: &Setting) -> Result<Option<String>, SettingError> {
        let is_given = |text: &&String| !text.is_empty();
        if let Some(text) =
            self.flags.get(setting.name).or_else(|| self.environment.get(setting.name)).filter(is_given)
        {
            return Ok(Some(text.clone()));
        }
        if setting.is_secret {
            let name = format!("{}_FILE", setting.name);
            if let Some(path) = self.environment.get(&name).filter(is_given) {
                let text = std::fs::read_to_string(path).map_err(|source| SettingError::File {
                    name,
                    path: path.into(),
                    problem: source.to_string(),
                })?;
                return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
            }
        }
        let default = (!setting.default.is_empty()).then(|| setting.default.to_owned());
        Ok(self.file.get(&setting.name.to_lowercase()).filter(is_given).cloned().or(default))
    }

    /// Returns the value as text. An error if there is none.
    pub fn required(&self, setting: &Setting) -> Result<String, SettingError> {
        self.text(setting)?.ok_or(SettingError::Missing { name: setting.name, form: setting.form })
    }

    /// Returns a secret, empty if there is none.
    pub fn secret(&self, setting: &Setting) -> Result<SecretString, SettingError> {
        Ok(SecretString::from(self.text(setting)?.unwrap_or_default()))
    }

    /// Returns the parsed value, if there is one.
    pub fn parsed<T: FromStr>(&self, setting: &Setting) -> Result<Option<T>, SettingError> {
        self.parsed_with(setting, |text| text.parse().ok())
    }

    /// Returns the value as a whole number within bounds. An error if there is none.
    pub fn number(
        &self,
        setting: &Setting,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, SettingError> {
        self.parsed_with(setting, |text| text.parse().ok().filter(|number| bounds.contains(number)))?
            .ok_or(SettingError::Missing { name: setting.name, form: setting.form })
    }

    /// Returns the value parsed by `parse`, if there is one. An error if `parse` returns `None`.
    pub fn parsed_with<T>(
        &self,
        setting: &Setting,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingError> {
        let Some(text) = self.text(setting)? else { return Ok(None) };
        parse(text.trim()).map(Some).ok_or_else(|| invalid(setting, &text))
    }
}

/// Returns the error for a value of the wrong form.
pub fn invalid(setting: &Setting, text: &str) -> SettingError {
    let shown = if setting.may_hold_secret { String::new() } else { format!(", not {text:?}") };
    SettingError::Invalid { name: setting.name, form: setting.form, shown }
}
