//! The file that token keys come from.
//!
//! Promises mode 0600 on every file that it writes, and refuses to read one that others can read. A rotation
//! replaces the file whole, so that a crash leaves the old keys or the new ones; what a crash leaves beside it is in
//! nobody's way.
//!
//! Form: `#` comments; then one line for the current key and at most one for the previous: `<id> <32 bytes in
//! base64url>`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::{Key, random};
use super::{KeyFileError, TokenKeys};

const HEADER: &str = "# Keys that seal the notice tokens: the current one, then the previous one. Keep mode 0600.\n";
const MODE: u32 = 0o600;
const FORBIDDEN: u32 = 0o077;

type Line = (u8, [u8; Key::BYTES]);

impl TokenKeys {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`KeyFileError`], among them that others than the owner have access to the file.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let lines = read(path)?;
        let mut keys = lines.iter().map(|(id, bytes)| Key::new(*id, bytes));
        let current = keys.next().ok_or(KeyFileError::Count { path: path.into(), found: 0 })?;
        Ok(Self::new(current, keys.next()))
    }

    /// Reads a key file, or makes one with a random key if there is none.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match fs::exists(path) {
            Ok(true) => {}
            Ok(false) => match write(path, &[(1, fresh(path)?)], true) {
                // Another process was first: its keys are as good.
                Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
                written => written?,
            },
            Err(source) => return Err(io_error(path)(source)),
        }
        Self::load(path)
    }

    /// Replaces the keys in a file: a new random key becomes the current one, the current one the previous one, and
    /// tokens of the previous one open no longer. Processes that have read the file go on with what they read.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn rotate(path: &Path) -> Result<(), KeyFileError> {
        let lines = read(path)?;
        let (last, _) = lines[0];
        write(path, &[(last.wrapping_add(1), fresh(path)?), lines[0]], false)
    }
}

fn read(path: &Path) -> Result<Vec<Line>, KeyFileError> {
    let file = File::open(path).map_err(io_error(path))?;
    let mode = file.metadata().map_err(io_error(path))?.permissions().mode() & 0o7777;
    if mode & FORBIDDEN != 0 {
        return Err(KeyFileError::TooOpen { path: path.into(), mode });
    }
    let text = io::read_to_string(file).map_err(io_error(path))?;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let refused = |reason| KeyFileError::Line { path: path.into(), line: index + 1, reason };
        let parsed = parse(line).map_err(refused)?;
        if lines.iter().any(|(id, _)| *id == parsed.0) {
            return Err(refused("this id stands twice"));
        }
        lines.push(parsed);
    }
    if !(1..=2).contains(&lines.len()) {
        return Err(KeyFileError::Count { path: path.into(), found: lines.len() });
    }
    Ok(lines)
}

fn parse(line: &str) -> Result<Line, &'static str> {
    let (id, key) = line.split_once(char::is_whitespace).ok_or("no key after the id")?;
    let id = id.parse().map_err(|_| "the id is no number from 0 to 255")?;
    let key = URL_SAFE_NO_PAD.decode(key.trim()).map_err(|_| "the key is not base64url")?;
    let key = key.try_into().map_err(|_| "the key does not have 32 bytes")?;
    Ok((id, key))
}

fn fresh(path: &Path) -> Result<[u8; Key::BYTES], KeyFileError> {
    let mut bytes = [0; Key::BYTES];
    random(&mut bytes).map_err(|error| io_error(path)(io::Error::other(error)))?;
    Ok(bytes)
}

/// Writes a file beside the target, then moves it there; `new` refuses to replace one that appeared meanwhile. Whoever
/// writes holds the folder's lock, so that a file that stands beside the target was left by one who was killed.
fn write(path: &Path, lines: &[Line], new: bool) -> Result<(), KeyFileError> {
    let mut text = HEADER.to_owned();
    for (id, key) in lines {
        text.push_str(&format!("{id} {}\n", URL_SAFE_NO_PAD.encode(key)));
    }
    let beside = beside(path);
    let written = (|| {
        let folder = File::open(parent(path))?;
        folder.lock()?;
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if new {
            fs::hard_link(&beside, path).and_then(|()| fs::remove_file(&beside))
        } else {
            fs::rename(&beside, path)
        }?;
        folder.sync_all()
    })();
    written.map_err(io_error(path))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> KeyFileError + '_ {
    move |source| KeyFileError::Io { path: path.into(), source }
}
