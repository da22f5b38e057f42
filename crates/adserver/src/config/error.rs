//! What can be wrong with a configuration: always with the file, mostly with line and key.

use std::io;
use std::path::{Path, PathBuf};

use super::place::{Place, Step};

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{}: cannot be read; check the path and its permissions", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The text is not what is expected at some place.
    #[error("{}:{line}: {}{problem}", file.display(), prefix(key))]
    Wrong {
        /// The file.
        file: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// The key, with its table, such as `exchange[2].listen`; empty if there is none.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

fn prefix(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("`{key}`: ") }
}

impl ConfigError {
    pub(super) fn syntax(file: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
        let place = Place::at_offset(text, error.span().map_or(0, |span| span.start));
        ConfigError::Wrong {
            file: file.to_owned(),
            line: place.line,
            key: place.key,
            problem: error.message().replace('\n', " "),
        }
    }
}

/// Something wrong at a key, before its line is known.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) steps: Vec<Step>,
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn new(steps: impl IntoIterator<Item = Step>, problem: impl Into<String>) -> Fault {
        Fault { steps: steps.into_iter().collect(), problem: problem.into() }
    }

    pub(super) fn at(self, file: &Path, text: &str) -> ConfigError {
        let place = Place::of_key(text, &self.steps);
        ConfigError::Wrong { file: file.to_owned(), line: place.line, key: place.key, problem: self.problem }
    }
}
