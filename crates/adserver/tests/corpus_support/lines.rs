//! The lines of a corpus, by the kind that the folder's README gives them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::RawValue;

/// What a file's lines have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Valid requests of a public project's tests.
    Prebid,
    /// Valid requests of many origins, real captures among them.
    Other,
    /// Requests that break a MUST.
    Invalid,
    /// Requests that look wrong and are not.
    Odd,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Prebid, Self::Other, Self::Invalid, Self::Odd];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Prebid => "prebid",
            Self::Other => "other",
            Self::Invalid => "invalid",
            Self::Odd => "odd",
        }
    }
}

/// The files of a corpus.
pub(crate) struct Corpus {
    pub(crate) name: &'static str,
    pub(crate) files: Vec<(Kind, Vec<String>)>,
}

impl Corpus {
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|(_, lines)| lines.iter().map(String::as_str))
    }

    pub(crate) fn of(&self, kind: Kind) -> &[String] {
        self.files.iter().find(|(file, _)| *file == kind).map_or(&[], |(_, lines)| lines)
    }
}

/// This crate's own corpus, and the shared one where there is one.
pub(crate) fn corpora() -> Vec<Corpus> {
    let shared = shared().map(|folder| read(&folder));
    if shared.is_none() {
        println!("there is no shared corpus here; only the small one of this crate is used");
    }
    [own()].into_iter().chain(shared).collect()
}

fn read(folder: &Path) -> Corpus {
    let read = |kind: Kind| {
        let file = folder.join(format!("bid-requests-{}.jsonl", kind.name()));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (kind, text.lines().map(str::to_owned).collect())
    };
    Corpus { name: "shared", files: Kind::ALL.into_iter().map(read).collect() }
}

/// `shared/data`, beside this repository or any folder around it.
fn shared() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir())
}

/// Some 40 requests of all kinds.
pub(crate) fn own() -> Corpus {
    let lines: Vec<(String, String)> = include_str!("../fixtures/corpus.jsonl")
        .lines()
        .map(|line| {
            let (kind, request): (String, Box<RawValue>) = serde_json::from_str(line).expect("a kind and a request");
            (kind, request.get().to_owned())
        })
        .collect();
    let of = |kind: Kind| {
        let lines = lines.iter().filter(|(name, _)| name == kind.name());
        (kind, lines.map(|(_, request)| request.clone()).collect())
    };
    Corpus { name: "own", files: Kind::ALL.into_iter().map(of).collect() }
}

/// The time that a request gives, in milliseconds; read without the ad server's parser.
pub(crate) fn tmax(line: &str) -> Option<u64> {
    let request: Value = serde_json::from_str(line).ok()?;
    let tmax = request.get("tmax")?.as_f64()?;
    (1.0 <= tmax).then_some(tmax as u64)
}
