//! The actor that keeps the book.
//!
//! Promises that memory and disk agree when it has started, and after every message that it has answered. What it could not
//! confirm it looks up before it does anything else. Never decides what a campaign is worth, or when it restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use campaign::actors::{CampaignView, Changes};
use campaign::{Campaign, CampaignId, CampaignsHandle};
use ledger::{
    BudgetTooLow, CampaignAction, CampaignEntry, CampaignWord, DefinitionSource, DefinitionText, LedgerMessage,
};
use tembusu::{Actor, Address, CallError, Context, Flow, Init, Reply};

use super::start::definition;
use super::{BookError, FileWords, Outs, Said, fingerprint};

/// How long the ledger may take: one flush of the disk, behind what waits for it.
const LEDGER_WITHIN: Duration = Duration::from_secs(5);
/// Campaigns whose definitions are recorded in one transaction at a start: their texts together are a few megabytes.
const RECORDED_AT_ONCE: usize = 2_048;
/// Who changed a campaign whose file was edited.
const BY_FILE: &str = "campaigns file";

/// The book of campaigns.
#[derive(Debug)]
pub(crate) struct CampaignBook {
    args: BookArgs,
    words: BTreeMap<CampaignId, CampaignWord>,
    /// Something was asked of the ledger and not confirmed.
    is_stale: bool,
}

/// What the book is made from.
#[derive(Debug, Clone)]
pub(crate) struct BookArgs {
    pub(crate) ledger: Address<LedgerMessage>,
    pub(crate) campaigns: CampaignsHandle,
    pub(crate) file: FileWords,
    pub(crate) outs: Outs,
}

/// What a caller expects to be changing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It does not say.
    Unsaid,
    /// Whatever is there.
    Any,
    /// Nothing: the campaign is new.
    Absent,
    /// This version.
    Version(u32),
}

/// Who changes something, and why.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) who: String,
    pub(crate) why: String,
}

/// Which campaigns the file is to keep again.
#[derive(Debug, Clone, Default)]
pub(crate) enum Take {
    /// Those that it keeps already.
    #[default]
    Own,
    /// These, too.
    These(BTreeSet<CampaignId>),
    /// All.
    All,
}

impl Take {
    fn includes(&self, campaign: CampaignId) -> bool {
        match self {
            Take::Own => false,
            Take::These(ids) => ids.contains(&campaign),
            Take::All => true,
        }
    }
}

/// What a change has come to.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// The campaign's last word.
    pub(crate) word: CampaignWord,
    /// Whether it was not there before.
    pub(crate) is_new: bool,
}

/// What a reload has come to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reloaded {
    pub(crate) added: Vec<CampaignId>,
    pub(crate) changed: Vec<CampaignId>,
    pub(crate) removed: Vec<CampaignId>,
    /// Those that the API keeps and of which the file says something else.
    pub(crate) kept: Vec<CampaignId>,
    pub(crate) unchanged: usize,
}

/// The last word on every campaign.
pub(crate) type Words = BTreeMap<CampaignId, CampaignWord>;
type Answer<T> = Reply<Result<T, BookError>>;

/// What the book is asked.
#[derive(Debug)]
pub(crate) enum BookMessage {
    /// Adds or changes a campaign.
    Define { campaign: Box<Campaign>, expected: Expected, by: Change, reply: Answer<Done> },
    /// Takes a campaign out.
    Remove { campaign: CampaignId, expected: Expected, by: Change, reply: Answer<Done> },
    /// Pauses, resumes, kills or revives it, as an operator has said then.
    Say { campaign: CampaignId, action: CampaignAction, said: Said, by: Change, reply: Answer<Done> },
    /// Reads the file and follows it.
    Reload { take: Take, by: Change, reply: Option<Answer<Reloaded>> },
    /// Reads the last words.
    Words(Reply<Words>),
}

/// Why the book crashes: it cannot tell what is on disk.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookCrash {
    /// The ledger does not answer.
    #[error("the book of campaigns cannot read the ledger: {0}")]
    Ledger(String),
}

impl Actor for CampaignBook {
    type Message = BookMessage;
    type Args = BookArgs;
    type Crash = BookCrash;

    async fn init(args: &BookArgs, _: &mut Context<Self>) -> Result<Init<Self>, BookCrash> {
        let mut book = Self { args: args.clone(), words: BTreeMap::new(), is_stale: true };
        book.agree().await.map_err(|error| BookCrash::Ledger(error.to_string()))?;
        Ok(Init::Ready(book))
    }

    async fn handle(&mut self, message: BookMessage, _: &mut Context<Self>) -> Result<Flow, BookCrash> {
        // A caller that has given up finds the outcome in the list of campaigns.
        match message {
            BookMessage::Define { campaign, expected, by, reply } => {
                let _ = reply.send(self.define(*campaign, expected, &by).await);
            }
            BookMessage::Remove { campaign, expected, by, reply } => {
                let _ = reply.send(self.remove(campaign, expected, &by).await);
            }
            BookMessage::Say { campaign, action, said, by, reply } => {
                let _ = reply.send(self.say(campaign, (action, said), &by).await);
            }
            BookMessage::Reload { take, by, reply } => {
                let reloaded = self.reload(&take, &by).await;
                match &reloaded {
                    Ok(done) => tracing::info!(who = by.who, ?done, "campaigns reloaded"),
                    Err(error) => tracing::error!(who = by.who, %error, "campaigns not reloaded"),
                }
                if let Some(reply) = reply {
                    let _ = reply.send(reloaded);
                }
            }
            BookMessage::Words(reply) => {
                let _ = reply.send(self.words.clone());
            }
        }
        Ok(Flow::Continue)
    }
}

impl CampaignBook {
    async fn define(&mut self, campaign: Campaign, expected: Expected, by: &Change) -> Result<Done, BookError> {
        self.agree().await?;
        let id = campaign.id;
        let known = self.words.get(&id).cloned();
        let current = self.check(id, expected)?;
        let fingerprint = fingerprint(&campaign);
        if let Some(word) = known.as_ref().filter(|word| !word.removed && word.fingerprint == fingerprint) {
            return Ok(Done { word: word.clone(), is_new: false });
        }
        let entry = defined(&campaign, known.as_ref(), DefinitionSource::Api, by);
        let version = entry.word.version;
        let changes = Changes { define: vec![(Arc::new(campaign), version)], remove: Vec::new() };
        self.make(vec![entry], changes).await?;
        self.done(id, current.is_none())
    }

    async fn remove(&mut self, id: CampaignId, expected: Expected, by: &Change) -> Result<Done, BookError> {
        self.agree().await?;
        let word = self.word(id)?.clone();
        self.check(id, expected)?;
        let entry = removed(&word, DefinitionSource::Api, by);
        self.make(vec![entry], Changes { define: Vec::new(), remove: vec![id] }).await?;
        self.done(id, false)
    }

    async fn say(
        &mut self,
        id: CampaignId,
        (action, said): (CampaignAction, Said),
        by: &Change,
    ) -> Result<Done, BookError> {
        self.agree_on_words().await?;
        let mut word = CampaignWord { action, who: by.who.clone(), why: by.why.clone(), ..self.word(id)?.clone() };
        match action {
            CampaignAction::Pause => word.paused = true,
            CampaignAction::Resume => word.paused = false,
            CampaignAction::Kill => word.killed = true,
            CampaignAction::Revive => word.killed = false,
            _ => {}
        }
        self.record(vec![CampaignEntry { word, definition: None }]).await?;
        self.args.outs.is_recorded(id, action, said);
        self.follow(id);
        self.done(id, false)
    }

    async fn reload(&mut self, take: &Take, by: &Change) -> Result<Reloaded, BookError> {
        self.agree().await?;
        let file = self.args.file.read()?;
        let mut reloaded = Reloaded::default();
        let (mut entries, mut changes) = (Vec::new(), Changes::default());
        let mut in_file = BTreeSet::new();
        for campaign in &file {
            let id = campaign.id;
            in_file.insert(id);
            let word = self.words.get(&id);
            let is_same = |word: &CampaignWord| !word.removed && word.fingerprint == fingerprint(campaign);
            match word {
                Some(word) if word.source == DefinitionSource::Api && !take.includes(id) => {
                    if is_same(word) {
                        reloaded.unchanged += 1
                    } else {
                        reloaded.kept.push(id)
                    }
                    continue;
                }
                Some(word) if is_same(word) && word.source == DefinitionSource::File => {
                    reloaded.unchanged += 1;
                    continue;
                }
                Some(word) if !word.removed => reloaded.changed.push(id),
                _ => reloaded.added.push(id),
            }
            let entry = defined(campaign, word, DefinitionSource::File, by);
            changes.define.push((Arc::new(campaign.clone()), entry.word.version));
            entries.push(entry);
        }
        for word in self.words.values().filter(|word| !word.removed && !in_file.contains(&word.campaign)) {
            if word.source == DefinitionSource::File || take.includes(word.campaign) {
                reloaded.removed.push(word.campaign);
                changes.remove.push(word.campaign);
                entries.push(removed(word, DefinitionSource::File, by));
            } else {
                reloaded.kept.push(word.campaign);
            }
        }
        self.make(entries, changes).await?;
        self.args.file.note(&file);
        Ok(reloaded)
    }

    /// Records and makes changes, or neither.
    async fn make(&mut self, entries: Vec<CampaignEntry>, changes: Changes) -> Result<(), BookError> {
        let refusals = self.args.campaigns.refusals(&changes);
        if !refusals.is_empty() {
            return Err(BookError::Invalid(refusals.iter().map(ToString::to_string).collect()));
        }
        if entries.is_empty() {
            return Ok(());
        }
        let ids: Vec<CampaignId> = entries.iter().map(|entry| entry.word.campaign).collect();
        self.record(entries).await?;
        // Nobody else changes campaigns: what was not refused just now is not refused.
        if let Err(refusals) = self.args.campaigns.apply(changes).await {
            tracing::error!(?refusals, "changes that are recorded were refused");
        }
        ids.into_iter().for_each(|id| self.follow(id));
        Ok(())
    }

    async fn record(&mut self, entries: Vec<CampaignEntry>) -> Result<(), BookError> {
        let words: Vec<CampaignWord> = entries.iter().map(|entry| entry.word.clone()).collect();
        let recorded = self.args.ledger.call(|reply| LedgerMessage::RecordCampaigns { entries, reply }, LEDGER_WITHIN);
        match recorded.await {
            Ok(Ok(())) => {
                self.words.extend(words.into_iter().map(|word| (word.campaign, word)));
                Ok(())
            }
            Ok(Err(too_low)) => Err(BookError::Refused(too_low.iter().map(BudgetTooLow::to_string).collect())),
            Err(error) => {
                self.is_stale = true;
                Err(unconfirmed(&error))
            }
        }
    }

    /// Takes over from the ledger what is not known, and makes the campaigns what it says.
    async fn agree(&mut self) -> Result<(), BookError> {
        if !self.is_stale {
            return Ok(());
        }
        self.agree_on_words().await?;
        let (mut new, mut entries, mut changes) = (Vec::new(), Vec::new(), Changes::default());
        let by = Change { who: BY_FILE.to_owned(), why: "at the start".to_owned() };
        let mut running = BTreeSet::new();
        for view in self.args.campaigns.views() {
            let id = view.definition.id;
            running.insert(id);
            match self.words.get(&id) {
                Some(word) if word.removed && view.version <= word.version => changes.remove.push(id),
                Some(word) if view.version < word.version => changes.define.extend(self.kept(word).await?),
                Some(word) if view.version == word.version => {}
                _ => new.push(view),
            }
        }
        for word in self.words.values().filter(|word| !word.removed && !running.contains(&word.campaign)) {
            match word.source {
                DefinitionSource::Api => changes.define.extend(self.kept(word).await?),
                // It is no longer in the file.
                DefinitionSource::File => entries.push(removed(word, DefinitionSource::File, &by)),
            }
        }
        // What of it is not on disk when the process ends is found again at the next start.
        for views in new.chunks(RECORDED_AT_ONCE) {
            let entry = |view: &CampaignView| {
                let word = self.words.get(&view.definition.id);
                let mut entry = defined(&view.definition, word, DefinitionSource::File, &by);
                entry.word.version = view.version;
                entry
            };
            self.record(views.iter().map(entry).collect()).await?;
        }
        if !entries.is_empty() {
            self.record(entries).await?;
        }
        if !(changes.define.is_empty() && changes.remove.is_empty())
            && let Err(refusals) = self.args.campaigns.apply(changes).await
        {
            tracing::error!(?refusals, "campaigns that are recorded were refused: they are not as the ledger has them");
        }
        let ids: Vec<CampaignId> = self.words.keys().copied().collect();
        ids.into_iter().for_each(|id| self.follow(id));
        self.is_stale = false;
        Ok(())
    }

    /// Reads the words anew if they may not be what is on disk.
    async fn agree_on_words(&mut self) -> Result<(), BookError> {
        if self.is_stale {
            let words = self.args.ledger.call(|reply| LedgerMessage::CampaignWords { reply }, LEDGER_WITHIN).await;
            let words = words.map_err(|error| unconfirmed(&error))?;
            self.words = words.into_iter().map(|word| (word.campaign, word)).collect();
        }
        Ok(())
    }

    /// The definition that the ledger keeps.
    async fn kept(&self, word: &CampaignWord) -> Result<Option<(Arc<Campaign>, u32)>, BookError> {
        let (campaign, version) = (word.campaign, word.version);
        let text =
            self.args.ledger.call(|reply| LedgerMessage::CampaignText { campaign, version, reply }, LEDGER_WITHIN);
        let text = text.await.map_err(|error| unconfirmed(&error))?;
        Ok(text.and_then(|text| definition(&text)).map(|campaign| (Arc::new(campaign), version)))
    }

    /// Makes a campaign's flags those of its last word, and of what was said since.
    fn follow(&self, id: CampaignId) {
        let BookArgs { campaigns, outs, .. } = &self.args;
        let Some(word) = self.words.get(&id).filter(|word| !word.removed) else { return outs.forget(id) };
        loop {
            let out = outs.of(id);
            // One that is not there has none.
            let _ = campaigns.set_paused(id, word.paused || out.paused);
            let _ = if word.killed || out.killed { campaigns.kill(id) } else { campaigns.revive(id) };
            // Whoever says so now notes it before it acts.
            if outs.of(id) == out {
                return;
            }
        }
    }

    /// Compares a campaign with what a caller expects, and gives its version if it is there.
    fn check(&self, campaign: CampaignId, expected: Expected) -> Result<Option<u32>, BookError> {
        let current = self.words.get(&campaign).filter(|word| !word.removed).map(|word| word.version);
        match (expected, current) {
            (Expected::Unsaid, Some(current)) => Err(BookError::Unguarded { campaign, current }),
            (Expected::Absent, Some(_)) | (Expected::Any | Expected::Version(_), None) => {
                Err(BookError::Conflict { campaign, current })
            }
            (Expected::Version(version), Some(found)) if version != found => {
                Err(BookError::Conflict { campaign, current })
            }
            _ => Ok(current),
        }
    }

    fn word(&self, id: CampaignId) -> Result<&CampaignWord, BookError> {
        self.words.get(&id).filter(|word| !word.removed).ok_or(BookError::Unknown(id))
    }

    fn done(&self, id: CampaignId, is_new: bool) -> Result<Done, BookError> {
        let word = self.words.get(&id).cloned().ok_or(BookError::Unknown(id))?;
        Ok(Done { word, is_new })
    }
}

/// The next version of a campaign. A removed one that comes back is neither paused nor killed.
fn defined(campaign: &Campaign, known: Option<&CampaignWord>, source: DefinitionSource, by: &Change) -> CampaignEntry {
    let alive = known.filter(|word| !word.removed);
    let word = CampaignWord {
        campaign: campaign.id,
        version: known.map_or(1, |word| word.version + 1),
        source,
        fingerprint: fingerprint(campaign),
        removed: false,
        paused: alive.is_some_and(|word| word.paused),
        killed: alive.is_some_and(|word| word.killed),
        action: CampaignAction::Define,
        who: by.who.clone(),
        why: by.why.clone(),
        at_ms: 0,
    };
    CampaignEntry { word, definition: Some(DefinitionText { text: campaign.to_toml(), budget: campaign.budget }) }
}

fn removed(word: &CampaignWord, source: DefinitionSource, by: &Change) -> CampaignEntry {
    let (who, why) = (by.who.clone(), by.why.clone());
    let word = CampaignWord { removed: true, source, action: CampaignAction::Remove, who, why, ..word.clone() };
    CampaignEntry { word, definition: None }
}

fn unconfirmed(error: &CallError<LedgerMessage>) -> BookError {
    BookError::Unconfirmed(error.to_string())
}
