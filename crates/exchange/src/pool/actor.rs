//! The pool's life cycle: it publishes admission, with an empty in-flight table, and answers for it.
//!
//! It stands first in its group, so that a crash of engine or serializer leaves it alone.

use std::convert::Infallible;
use std::sync::Arc;

use tembusu::{Actor, Context, Flow, Init, Reply, Table};

use super::admission::{Admission, AdmissionArgs};
use super::in_flight::InFlightFigures;
use crate::chaos::POOL;

/// What a pool is made from.
#[derive(Clone, Debug)]
pub struct PoolArgs {
    /// Where admission is published.
    pub table: Table<Admission>,
    /// What it lets in.
    pub admission: AdmissionArgs,
}

/// What one can say to a pool.
#[derive(Debug)]
pub enum PoolMessage {
    /// Tell what is in flight.
    Figures(Reply<InFlightFigures>),
}

/// Owns admission.
///
/// # On restart
///
/// The new incarnation's table is empty; requests that the old one admitted go on and are not counted in it.
#[derive(Debug)]
pub struct ConnectionPool {
    admission: Arc<Admission>,
}

impl Actor for ConnectionPool {
    type Message = PoolMessage;
    type Args = PoolArgs;
    type Crash = Infallible;

    async fn init(args: &PoolArgs, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        let admission = cx.publish(&args.table, Admission::new(&args.admission));
        Ok(Init::Ready(Self { admission }))
    }

    async fn handle(&mut self, message: PoolMessage, _cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        let PoolMessage::Figures(reply) = message;
        assert!(!POOL.take(), "chaos point {} was armed", POOL.name());
        // A caller that is gone needs no answer.
        let _ = reply.send(self.admission.in_flight().figures());
        Ok(Flow::Continue)
    }
}
