//! A file of many campaigns, read again and again: only what has changed is read, on several threads.
//!
//! Promises what reading all of it on one thread would give, flaws and their order included. Never opens a file.

use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use foldhash::quality::RandomState;
use toml::Spanned;

use super::CampaignError;
use super::locate::located;
use super::pieces::{Piece, pieces};
use super::plain::plain;
use super::read::campaign;
use super::table::{CampaignTable, FileTable};
use crate::check::TakenIds;
use crate::{Campaign, CampaignId, Flaw, parallel};

/// Stands for the text of one campaign: the same for the same text, within one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextKey(u64);

/// Keyed per process, so that nobody can write two texts that have the same.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// One campaign of a file.
#[derive(Debug)]
pub struct FileCampaign<T> {
    /// Stands for its text; `None` where another campaign stands in the same text.
    pub text: Option<TextKey>,
    /// Which campaign it is.
    pub id: CampaignId,
    /// What was read; `None` of one whose text is known.
    pub read: Option<(Arc<Campaign>, T)>,
}

/// What is in one piece of a file.
enum Found<T> {
    Known(CampaignId),
    Read(Vec<(Arc<Campaign>, T)>, Vec<CampaignError>),
    /// It is no TOML, or of another shape.
    Shapeless(CampaignError),
}

/// Reads the `[[campaign]]` tables of a TOML text, but for those whose text is `known` to be that of a sound campaign, and
/// makes something of each that is read. Gives all, in the order of the text.
///
/// `more` says what speaks against a campaign beyond its own flaws. Many are read by several threads. The creatives' numbers of those that are known are not looked at: who knows them does that.
///
/// # Errors
///
/// As [`parse_every_campaign`](crate::parse_every_campaign).
pub fn read_campaigns<T: Send>(
    text: &str,
    known: impl Fn(TextKey) -> Option<CampaignId> + Sync,
    more: impl Fn(&Campaign) -> Vec<Flaw> + Sync,
    make: impl Fn(&Campaign) -> T + Sync,
) -> Result<Vec<FileCampaign<T>>, Vec<CampaignError>> {
    let pieces: Vec<(TextKey, Piece<'_>)> = pieces(text).map(|piece| (key_of(&piece), piece)).collect();
    let found = parallel::map(&pieces, |(key, piece)| match known(*key) {
        Some(id) => Found::Known(id),
        None => read(piece, &more, &make),
    });
    let (mut campaigns, mut errors, mut taken) = (Vec::with_capacity(found.len()), Vec::new(), TakenIds::default());
    for ((key, piece), found) in pieces.iter().zip(found) {
        match found {
            Found::Shapeless(error) => return Err(vec![error]),
            Found::Known(id) => {
                errors.extend(taken.take_id(id).err().and_then(|flaw| of_taken(piece, id, flaw)));
                campaigns.push(FileCampaign { text: Some(*key), id, read: None });
            }
            Found::Read(read, mut of_piece) => {
                let text = (read.len() == 1).then_some(*key);
                for (campaign, made) in read {
                    let id = campaign.id;
                    of_piece.extend(taken.take(&campaign).err().and_then(|flaw| of_taken(piece, id, flaw)));
                    campaigns.push(FileCampaign { text, id, read: Some((campaign, made)) });
                }
                of_piece.sort_by_key(CampaignError::line);
                errors.extend(of_piece);
            }
        }
    }
    if errors.is_empty() { Ok(campaigns) } else { Err(errors) }
}

fn key_of(piece: &Piece<'_>) -> TextKey {
    TextKey(KEY.hash_one(piece.text.trim_end()))
}

fn read<T>(piece: &Piece<'_>, more: impl Fn(&Campaign) -> Vec<Flaw>, make: impl Fn(&Campaign) -> T) -> Found<T> {
    let is_sound = |campaign: &Campaign| campaign.check().is_ok() && more(campaign).is_empty();
    match plain(piece.text).and_then(|table| campaign(&table).ok()).filter(is_sound) {
        Some(campaign) => Found::Read(vec![finished(campaign, make)], Vec::new()),
        None => read_by_parser(piece, more, make),
    }
}

fn finished<T>(mut campaign: Campaign, make: impl Fn(&Campaign) -> T) -> (Arc<Campaign>, T) {
    campaign.shrink();
    let made = make(&campaign);
    (Arc::new(campaign), made)
}

fn read_by_parser<T>(
    piece: &Piece<'_>,
    more: impl Fn(&Campaign) -> Vec<Flaw>,
    make: impl Fn(&Campaign) -> T,
) -> Found<T> {
    let file = match toml::from_str::<FileTable>(piece.text) {
        Ok(file) => file,
        Err(error) => {
            let line = piece.line_of(error.span().map_or(0, |span| span.start));
            return Found::Shapeless(CampaignError::Shape { line, advice: advise(error.message(), piece.row(line)) });
        }
    };
    let (mut campaigns, mut errors) = (Vec::new(), Vec::new());
    for table in &file.campaign {
        let flaws = match campaign(table.get_ref()) {
            Err(flaw) => vec![flaw],
            Ok(campaign) => {
                let mut flaws = campaign.flaws();
                flaws.extend(more(&campaign));
                campaigns.push(finished(campaign, &make));
                flaws
            }
        };
        errors.extend(flaws.into_iter().map(|flaw| located(piece, table, flaw)));
    }
    Found::Read(campaigns, errors)
}

/// The flaw of a campaign whose number, or that of a creative, another one of the file has: it is read once more, for the line.
fn of_taken(piece: &Piece<'_>, id: CampaignId, flaw: Flaw) -> Option<CampaignError> {
    let file = toml::from_str::<FileTable>(piece.text).ok()?;
    let is_it = |table: &&Spanned<CampaignTable>| *table.get_ref().id.get_ref() == id.0;
    file.campaign.iter().rfind(is_it).map(|table| located(piece, table, flaw))
}

/// Adds what to do to the parser's words.
fn advise(message: &str, line: Option<&str>) -> String {
    if line.is_some_and(|line| line.trim_start().starts_with("hour_weights")) {
        return format!(
            "{message}: write hour_weights = [\"mon-fri 18-23: 3\", \"sat,sun: 2\"], a line for hours that are alike"
        );
    }
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let example = match missing {
        Some("id") => "id = 7",
        Some("name") => "name = \"Kopi and kaya toast\"",
        Some("advertiser_domain") => "advertiser_domain = \"kopi.example\"",
        Some("budget") => "budget = \"250.00\"",
        Some("bid_cpm") => "bid_cpm = \"1.20\"",
        Some("starts") => "starts = 2026-09-01",
        Some("ends") => "ends = 2026-09-30",
        Some("countries") => "countries = [\"SG\", \"ID\", \"TH\"]",
        Some("markup") => "markup = \"<a href='https://kopi.example'>...</a>\"",
        _ => return message.to_owned(),
    };
    format!("{message}: add a line such as {example}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What both ways make of a text; `None` for the fast one where it leaves it to the other.
    fn both(text: &str) -> (Option<Campaign>, Option<Campaign>) {
        let fast = plain(text).and_then(|table| campaign(&table).ok()).filter(|campaign| campaign.check().is_ok());
        let all = pieces(text).nth(1).expect("a campaign");
        let slow = match read_by_parser(&all, |_| Vec::new(), |_| ()) {
            Found::Read(mut read, errors) if errors.is_empty() => read.pop(),
            _ => None,
        };
        (fast, slow.map(|(campaign, ())| Campaign::clone(&campaign)))
    }

    const SOUND: &str = r#"[[campaign]]
id = 7
name = 'Kopi "O" \ 咖啡' # a comment
advertiser_domain = "kopi.example"
budget = 250
bid_cpm="1.20"
starts = 2026-09-01
ends = 2026-09-30T12:00:00+08:00   # with its offset
pacing = "even"
utc_offset = "+08:00"
hour_weights = ["mon-fri 18-23: 3", 'sat,sun: 2',]
countries = [ "SG" , "ID" ]
shading = false
caps = ["3 per day"]

[campaign.include]
cities = ["Medan"]

[campaign.exclude]
domains = ["bad.example"]

  [[campaign.creative]]
  id = 70
  w = 300
  h = 250
  attributes = [1, 2]
  markup = "<b>=[kopi]#</b>"
[[campaign.creative]]
id = 71
sizes = ["320x50"]
attributes = []
markup = 'it "is" \n literal'
"#;

    #[test]
    fn the_fast_lane_reads_what_the_parser_reads() {
        let (fast, slow) = both(SOUND);
        assert!(fast.is_some() && fast == slow, "{fast:#?} {slow:#?}");
        let (fast, slow) = both(&fast.expect("read").to_toml());
        assert!(fast.is_none() && slow.is_some(), "it holds an escape");
    }

    #[test]
    fn whatever_is_changed_in_a_text_the_fast_lane_reads_the_same_or_leaves_it() {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
        let mut state = seed;
        let mut below = |bound: usize| {
            // SplitMix64 (public domain).
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((mixed ^ (mixed >> 31)) % bound as u64) as usize
        };
        let bits = [
            "\"",
            "'",
            "\\",
            "#",
            "=",
            "[",
            "]",
            ",",
            " ",
            "\n",
            "\t",
            "\r",
            "\u{1}",
            "0",
            "_",
            "+",
            "-",
            "1",
            "id = 1\n",
            "true",
            "\"\"\"",
            "'''",
            "{",
            "}",
            ".",
            "é",
            "[campaign.include]\n",
            "[[campaign.creative]]\n",
            "x = 1\n",
            "e",
            "T",
        ];
        let mut fast_ones = 0;
        for _ in 0..1_500 {
            let mut text: Vec<char> = SOUND.chars().collect();
            for _ in 0..=below(2) {
                let at = 13 + below(text.len() - 13);
                match below(3) {
                    0 => drop(text.remove(at)),
                    1 => drop(text.splice(at..at, bits[below(bits.len())].chars())),
                    _ => drop(text.splice(at..=at, bits[below(bits.len())].chars())),
                }
            }
            let text: String = text.into_iter().collect();
            if pieces(&text).count() != 2 {
                continue;
            }
            let (fast, slow) = both(&text);
            fast_ones += usize::from(fast.is_some());
            assert!(fast.is_none() || fast == slow, "SEED={seed}\n{text}\n{fast:#?}\n{slow:#?}");
        }
        assert!(fast_ones > 75, "{fast_ones}: hardly any was read fast");
    }

    #[test]
    fn what_is_known_is_not_read_and_its_id_is_taken_all_the_same() {
        let file = |names: [&str; 2]| {
            let one = |id: u32, name: &str| SOUND.replace("id = 7", &format!("id = {id}")).replace("Kopi", name);
            format!("# ours\n{}{}", one(8, names[0]), one(9, names[1]).replace("id = 97", "id = 99"))
        };
        let read = |text: &str, known: &[(TextKey, CampaignId)]| {
            let known = |text| known.iter().find(|(known, _)| *known == text).map(|(_, id)| *id);
            read_campaigns(text, known, |_| Vec::new(), |campaign| campaign.name.clone())
        };
        let all = read(&file(["one", "two"]), &[]).expect("sound");
        let texts: Vec<_> = all.iter().map(|campaign| (campaign.text.expect("one in each"), campaign.id)).collect();
        assert_eq!(texts.iter().map(|(_, id)| id.0).collect::<Vec<_>>(), [8, 9]);
        let changed = read(&file(["one", "TWO"]), &texts).expect("sound");
        let names: Vec<_> = changed.iter().map(|campaign| campaign.read.as_ref().map(|(_, name)| &**name)).collect();
        assert!(matches!(names[..], [None, Some(name)] if name.starts_with("TWO")), "{names:?}");
        let twice = file(["one", "two"]).replace("id = 9\n", "id = 8\n");
        for known in [&[][..], &texts[..1]] {
            let errors = read(&twice, known).expect_err("8 stands twice");
            let lines: Vec<_> = errors.iter().map(CampaignError::line).collect();
            assert_eq!(lines, [35], "{errors:?}");
        }
    }
}
