//! The serializer's life cycle.
//!
//! Its work comes by inline calls. The offer stays with whoever calls, who commits the money: should the serializer crash, the
//! caller drops the offer, which gives the money back.

use std::convert::Infallible;
use std::sync::Arc;

use tembusu::{Actor, Context, Flow, Init, Inline};

use super::write::Serializer;

/// What a serializer is made from.
#[derive(Clone, Debug)]
pub struct SerializerArgs {
    /// What writing needs.
    pub serializer: Serializer,
    /// Where offers come in.
    pub view: Inline<Serializer>,
}

/// Nothing: a serializer is called, never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerializerMessage {}

/// Decision to bytes, supervised.
#[derive(Debug)]
pub struct ResponseSerializer(());

impl Actor for ResponseSerializer {
    type Message = SerializerMessage;
    type Args = SerializerArgs;
    type Crash = Infallible;

    async fn init(args: &SerializerArgs, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        cx.publish_view(&args.view, Arc::new(args.serializer.clone()));
        Ok(Init::Ready(Self(())))
    }

    async fn handle(&mut self, message: SerializerMessage, _cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match message {}
    }
}
