//! The actor that keeps the book: it takes one message after the other, and hands each to whoever knows what to do.
//!
//! Promises that memory and disk agree when it has started, and after every message that it has answered. What it could not
//! confirm it looks up before it does anything else. Never decides what a campaign is worth, or when it restarts.

use std::collections::BTreeMap;

use campaign::{Campaign, CampaignId, CampaignsHandle};
use ledger::{CampaignAction, CampaignWord, LedgerMessage};
use tembusu::{Actor, Address, Context, Flow, Init, Reply};

use super::{BookError, Change, Done, Expected, FileWords, Orders, Outs, Reloaded, Said};

/// The book of campaigns.
#[derive(Debug)]
pub(crate) struct CampaignBook {
    pub(super) args: BookArgs,
    pub(super) words: Words,
    /// Something was asked of the ledger and not confirmed.
    pub(super) is_stale: bool,
}

/// What the book is made from.
#[derive(Debug, Clone)]
pub(crate) struct BookArgs {
    pub(crate) ledger: Address<LedgerMessage>,
    pub(crate) campaigns: CampaignsHandle,
    pub(crate) file: FileWords,
    pub(crate) outs: Outs,
    /// Changes that are recorded at a time.
    pub(crate) portion: usize,
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
    Reload { orders: Orders, by: Change, reply: Option<Answer<Reloaded>> },
    /// Reads the last words on these campaigns.
    Words(Vec<CampaignId>, Reply<Words>),
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
            BookMessage::Reload { orders, by, reply } => {
                let reloaded = self.reload(&orders, &by).await;
                match &reloaded {
                    Ok(done) => tracing::info!(who = by.who, %done, "campaigns reloaded"),
                    Err(error) => tracing::error!(who = by.who, %error, "campaigns not reloaded"),
                }
                if let Some(reply) = reply {
                    let _ = reply.send(reloaded);
                }
            }
            BookMessage::Words(campaigns, reply) => {
                let word = |id: CampaignId| Some((id, self.words.get(&id)?.clone()));
                let _ = reply.send(campaigns.into_iter().filter_map(word).collect());
            }
        }
        Ok(Flow::Continue)
    }
}
