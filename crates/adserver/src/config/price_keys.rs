//! Reads the keys of encrypted prices: two lines of web-safe base64, encryption and integrity key;
//! two further lines hold the keys before, while prices made with them are under way.
//!
//! A key never stands in a message, and a file that others can read is refused.

use std::path::Path;

use openrtb::price::{PriceCodec, adx};

use super::error::ConfigError;
use crate::secret_file;

/// Blank lines and lines that begin with `#` are skipped.
pub(super) fn read(file: &Path) -> Result<PriceCodec, ConfigError> {
    let text =
        std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
    secret_file::check_mode(file, "read the prices of this exchange and forge them")
        .map_err(|problem| wrong(file, 1, problem))?;
    let rows: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, row)| (index + 1, row.trim()))
        .filter(|(_, row)| !row.is_empty() && !row.starts_with('#'))
        .collect();
    let keys = |encryption: &(usize, &str), integrity: &(usize, &str)| {
        adx::Keys::from_base64(encryption.1, integrity.1)
            .map(Box::new)
            .map_err(|error| wrong(file, encryption.0, error.to_string()))
    };
    match rows.as_slice() {
        [encryption, integrity] => Ok(PriceCodec::Adx { current: keys(encryption, integrity)?, previous: None }),
        [encryption, integrity, old_encryption, old_integrity] => Ok(PriceCodec::Adx {
            current: keys(encryption, integrity)?,
            previous: Some(keys(old_encryption, old_integrity)?),
        }),
        _ => {
            let line = rows.last().map_or(1, |row| row.0);
            let problem = "write two lines, encryption key and integrity key; two more for the keys before";
            Err(wrong(file, line, problem.to_owned()))
        }
    }
}

fn wrong(file: &Path, line: usize, problem: String) -> ConfigError {
    ConfigError::Wrong { file: file.to_owned(), line, key: String::new(), problem }
}
