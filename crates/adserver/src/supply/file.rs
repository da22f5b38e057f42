//! The file in which what was learnt of supply is kept over a restart.
//!
//! Promises the old content or the new, whatever ends the process meanwhile. Never refuses a start: what cannot be read is
//! moved aside and learnt anew.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use region::supply::SupplyBook;

/// Where a book is kept.
#[derive(Clone, Debug)]
pub(crate) struct SupplyFile(PathBuf);

impl SupplyFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The book that is kept, or an empty one: that plans evenly until it has learnt.
    pub(crate) fn read(&self) -> SupplyBook {
        let path = &self.0;
        let problem = match fs::read_to_string(path) {
            Ok(text) => match SupplyBook::from_text(&text) {
                Ok(book) => return book,
                Err(wrong) => wrong.to_string(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return SupplyBook::new(),
            Err(error) => error.to_string(),
        };
        let aside = path.with_extension("unreadable");
        let moved = fs::rename(path, &aside);
        tracing::warn!(file = %path.display(), %problem, aside = %aside.display(), ?moved, "supply is learnt anew; plans are even meanwhile");
        SupplyBook::new()
    }

    /// Writes the book down, whole.
    pub(crate) fn write(&self, book: &SupplyBook) -> io::Result<()> {
        let path = &self.0;
        let fresh = path.with_extension("new");
        let mut out = File::create(&fresh)?;
        out.write_all(book.to_text().as_bytes())?;
        out.sync_all()?;
        fs::rename(&fresh, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use region::supply::Traffic;

    use super::*;

    fn learnt() -> SupplyBook {
        let book = SupplyBook::new();
        for minute in 0..180 {
            let traffic = Traffic { region: "sg", exchange: "index", requests: 60 };
            book.learn(minute * 60_000, 60_000, [traffic], |_, _, _| true);
        }
        book
    }

    #[test]
    fn what_was_learnt_is_read_again_and_a_half_written_file_beside_it_is_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = SupplyFile::at(folder.path().join("supply.txt"));
        assert_eq!(file.read().known(), (0, 0), "there is none yet");
        file.write(&learnt()).expect("written");
        fs::write(folder.path().join("supply.new"), "tembusu supp").expect("written");
        assert_eq!(file.read().to_text(), learnt().to_text());
    }

    #[test]
    fn a_file_that_was_damaged_is_moved_aside_and_begun_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("supply.txt");
        let file = SupplyFile::at(path.clone());
        file.write(&learnt()).expect("written");
        let text = fs::read_to_string(&path).expect("read");
        fs::write(&path, &text[..text.len() - 9]).expect("cut");
        assert_eq!(file.read().known(), (0, 0));
        assert!(!path.exists() && folder.path().join("supply.unreadable").exists());
        file.write(&learnt()).expect("written anew");
        assert_eq!(file.read().known().1, 1);
    }
}
