//! The secrets behind cap keys, on disk: one line with a day, its secret and the lasting one, 64 hexadecimal digits each.
//!
//! Kept so that a user's counts survive a restart of the process. The file has mode 0600. Of the secrets that change every
//! day it holds yesterday's, from which today's follows: who reads it cannot recompute the keys of the days before.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use region::{CapKeys, CapSecret, day_of};

use super::error::SystemError;
use crate::secret_file;

/// The file and the keys that follow from it.
#[derive(Debug)]
pub(super) struct CapSecretFile {
    file: PathBuf,
    keys: CapKeys,
    /// The day whose secret is in the file.
    stored: AtomicU32,
}

impl CapSecretFile {
    /// Reads the file, or makes one, and moves the secret on to today.
    pub(super) fn open(file: PathBuf) -> Result<CapSecretFile, SystemError> {
        let today = today();
        let secret = match fs::read_to_string(&file) {
            Ok(text) => {
                secret_file::check_mode(&file, "recognise users").map_err(|problem| wrong(&file, problem))?;
                let problem = "it is not one line with a day and two times 64 hexadecimal digits; remove it, and counts begin anew";
                decode(&text).ok_or_else(|| wrong(&file, problem.to_owned()))?.advanced_to(today.saturating_sub(1))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).map_err(|error| wrong(&file, format!("no random bytes: {error}")))?;
                CapSecret::new(today, secret)
            }
            Err(error) => return Err(wrong(&file, format!("cannot be read: {error}"))),
        };
        let opened = CapSecretFile { file, stored: AtomicU32::new(secret.day()), keys: CapKeys::new(secret) };
        opened.store().map_err(|error| wrong(&opened.file, format!("cannot be written: {error}; make its folder, which this process must own, or name another `ledger.path`")))?;
        Ok(opened)
    }

    /// The keys that engines make cap keys with.
    pub(super) fn keys(&self) -> CapKeys {
        self.keys.clone()
    }

    /// Writes the secret in use if it is a later day's than the one in the file.
    pub(super) fn keep_up(&self) -> io::Result<()> {
        if self.keys.secret().day() == self.stored.load(Ordering::Relaxed) { Ok(()) } else { self.store() }
    }

    /// Writes the secret in use, whole or not at all.
    fn store(&self) -> io::Result<()> {
        let secret = self.keys.secret();
        let fresh = self.file.with_extension("new");
        secret_file::write(&fresh, &format!("{} {} {}\n", secret.day(), hex(secret.secret()), hex(secret.lasting())))?;
        fs::rename(&fresh, &self.file)?;
        self.stored.store(secret.day(), Ordering::Relaxed);
        Ok(())
    }
}

fn decode(text: &str) -> Option<CapSecret> {
    let mut words = text.split_ascii_whitespace();
    let day = words.next()?.parse().ok()?;
    let secret = unhex(words.next()?)?;
    let read = match words.next() {
        // Before users were remembered for longer than a day there was no lasting secret.
        None => CapSecret::new(day, secret),
        Some(lasting) => CapSecret::stored(day, secret, unhex(lasting)?),
    };
    words.next().is_none().then_some(read)
}

fn unhex(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut secret = [0; 32];
    for (byte, pair) in secret.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(secret)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn today() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    day_of(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn wrong(file: &std::path::Path, problem: String) -> SystemError {
    SystemError::CapSecret { file: file.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_survives_a_restart_of_the_process() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("cap.secret");
        let first = CapSecretFile::open(file.clone()).expect("made").keys().secret();
        let second = CapSecretFile::open(file.clone()).expect("read").keys().secret();
        let all = |secret: &CapSecret| (secret.day(), *secret.secret(), *secret.lasting());
        assert_eq!(all(&first), all(&second));
        let mode = fs::metadata(&file).expect("the file is there").permissions().mode() & 0o777;
        assert_eq!(mode, secret_file::MODE);
    }

    /// Whatever ends the process afterwards: today's counts go on.
    #[test]
    fn the_secret_of_a_new_day_is_stored_when_the_day_begins() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("cap.secret");
        let opened = CapSecretFile::open(file.clone()).expect("made");
        let before = fs::read_to_string(&file).expect("read");
        opened.keep_up().expect("kept");
        assert_eq!(fs::read_to_string(&file).expect("read"), before);
        // The secret of the day before is kept: a day later it is today's that is stored.
        let later = today() + 2;
        let user = region::UserIds { ifa: Some("a"), ..Default::default() };
        opened.keys().key("xandr", &user, i64::from(later) * 24 * 3_600 * 1_000).expect("a key");
        opened.keep_up().expect("kept");
        let stored = decode(&fs::read_to_string(&file).expect("read")).expect("a secret");
        assert_eq!((stored.day(), stored.secret()), (later - 1, opened.keys().secret().secret()));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("cap.secret");
        CapSecretFile::open(file.clone()).expect("made");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
        let error = CapSecretFile::open(file).expect_err("too open").to_string();
        assert!(error.contains("mode 0644") && error.contains("chmod 0600"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("cap.secret");
        CapSecretFile::open(file.clone()).expect("made");
        for text in [
            "",
            "20000",
            "20000 zz",
            &format!("x {}", "0".repeat(64)),
            &format!("1 {}", "é".repeat(32)),
            &format!("1 {0} {0} {0}", "0".repeat(64)),
            &format!("1 {} 00", "0".repeat(64)),
        ] {
            fs::write(&file, text).expect("written");
            assert!(CapSecretFile::open(file.clone()).is_err(), "{text:?} was taken");
        }
    }
}
