//! Files that hold a secret: readable by their owner alone, or refused.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The permissions of such a file.
pub(crate) const MODE: u32 = 0o600;

/// Says what is wrong if others than the owner may use the file; `harm` is what they could do with it.
pub(crate) fn check_mode(file: &Path, harm: &str) -> Result<(), String> {
    let mode = fs::metadata(file).map_err(|error| error.to_string())?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!("has mode {mode:04o}: who reads it can {harm}; run chmod 0600 on it"))
}

/// Writes a file whole and durably, whatever mode an old one of that name has.
pub(crate) fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(file)?;
    out.set_permissions(fs::Permissions::from_mode(MODE))?;
    out.write_all(text.as_bytes())?;
    out.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_its_owners_alone_whatever_stood_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("secret");
        fs::write(&file, "old and longer").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
        assert!(check_mode(&file, "read it").is_err_and(|said| said.contains("mode 0644: who reads it can read it")));
        write(&file, "new").expect("written");
        check_mode(&file, "read it").expect("its owner's alone");
        assert_eq!(fs::read_to_string(&file).expect("read"), "new");
    }
}
