//! The actor that asks about sampled requests.
//!
//! It asks every campaign about every imp, some microseconds each, on a thread of its own: neither the bid path nor the
//! supervisors wait for it. A request that crashes it is gone, so that it meets none twice.

use std::cell::OnceCell;
use std::fmt;
use std::time::Duration;

use campaign::{CampaignId, CampaignsHandle};
use tembusu::{Actor, Context, Flow, Init, Reply, Turn};

use super::{DropCounts, DropReport, SAMPLES_MAX};
use crate::ExchangePort;

/// How often it looks for requests that were set aside.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What a [`DropRecorder`] is started with.
#[derive(Clone)]
pub struct DropRecorderArgs {
    /// Whose requests are asked about.
    pub exchanges: Vec<ExchangePort>,
    /// Who is asked.
    pub campaigns: CampaignsHandle,
}

impl fmt::Debug for DropRecorderArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DropRecorderArgs").finish_non_exhaustive()
    }
}

/// What a [`DropRecorder`] is asked.
#[derive(Debug)]
pub enum DropMessage {
    /// Ask about what was set aside since.
    Look,
    /// Tell what is counted, of one campaign or of all.
    Report(Option<CampaignId>, Reply<DropReport>),
}

/// No failure of it is foreseen.
#[derive(Debug, thiserror::Error)]
pub enum DropRecorderCrash {}

/// Counts first reasons. Belongs on a thread of its own.
///
/// # On restart
///
/// The counts begin at zero; the request that it crashed on is gone.
#[derive(Debug)]
pub struct DropRecorder {
    args: DropRecorderArgs,
    counts: DropCounts,
}

impl Actor for DropRecorder {
    type Message = DropMessage;
    type Args = DropRecorderArgs;
    type Crash = DropRecorderCrash;

    async fn init(args: &DropRecorderArgs, cx: &mut Context<Self>) -> Result<Init<Self>, DropRecorderCrash> {
        cx.after(LOOK_INTERVAL, DropMessage::Look);
        Ok(Init::Ready(Self { args: args.clone(), counts: DropCounts::default() }))
    }

    async fn handle(&mut self, message: DropMessage, cx: &mut Context<Self>) -> Result<Flow, DropRecorderCrash> {
        match message {
            DropMessage::Look => {
                self.look();
                cx.after(LOOK_INTERVAL, DropMessage::Look);
            }
            DropMessage::Report(of, reply) => {
                // What was set aside before somebody asked is in the answer. Who asked may be gone.
                self.look();
                let _ = reply.send(self.counts.report(of));
            }
        }
        Ok(Flow::Continue)
    }
}

impl DropRecorder {
    fn look(&mut self) {
        let DropRecorderArgs { exchanges, campaigns } = &self.args;
        // Looked up once for all samples, and only if there is one: there may be 100,000 of them.
        let views = OnceCell::new();
        for exchange in exchanges {
            // Others are set aside meanwhile: these are for the next time.
            for sample in (0..SAMPLES_MAX).map_while(|_| exchange.samples().take()) {
                let (views, ids) = views.get_or_init(|| {
                    let views = campaigns.views();
                    let ids: Vec<CampaignId> = views.iter().map(|view| view.definition.id).collect();
                    (views, ids)
                });
                let explained = exchange.explain_to(&sample.body, views);
                self.counts.add(exchange.shared_name(), &sample, &explained, ids);
            }
        }
        let mut turn = Turn::begin();
        views.into_inner().into_iter().flat_map(|(views, _)| views).for_each(|_| turn.step());
    }
}
