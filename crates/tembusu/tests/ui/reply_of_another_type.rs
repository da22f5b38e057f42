//! A reply has a type.

use tembusu::Reply;

fn answer(reply: Reply<u64>) {
    let _ = reply.send("forty-two");
}

fn main() {}
