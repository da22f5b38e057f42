//! The serializer's life cycle.
//!
//! It hands the offer back with the bytes: whoever sends them commits the money. Should it crash, the offer is dropped with it,
//! which gives the money back.

use std::convert::Infallible;

use bytes::Bytes;
use tembusu::{Actor, Context, Flow, Init, Reply};

use super::write::Serializer;
use crate::chaos::SERIALIZER;
use crate::engine::Offer;

/// What one can say to a serializer.
#[derive(Debug)]
pub enum SerializerMessage {
    /// Write a response.
    Write {
        /// What was decided.
        offer: Box<Offer>,
        /// Answered once, or settled by the crash.
        reply: Reply<Written>,
    },
}

/// A response and the offer that it makes.
#[derive(Debug)]
pub struct Written {
    /// The response body.
    pub body: Bytes,
    /// The money behind it.
    pub offer: Box<Offer>,
}

/// Decision to bytes, supervised.
#[derive(Debug)]
pub struct ResponseSerializer(Serializer);

impl Actor for ResponseSerializer {
    type Message = SerializerMessage;
    type Args = Serializer;
    type Crash = Infallible;

    async fn init(args: &Serializer, _cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(args.clone())))
    }

    async fn handle(&mut self, message: SerializerMessage, _cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        let SerializerMessage::Write { offer, reply } = message;
        assert!(!SERIALIZER.take(), "chaos point {} was armed", SERIALIZER.name());
        let body = self.0.write(&offer);
        // A caller that is gone gives the money back.
        drop(reply.send(Written { body, offer }));
        Ok(Flow::Continue)
    }
}
