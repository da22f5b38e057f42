//! A call is answered once.

use tembusu::Reply;

fn answer(reply: Reply<u64>) {
    let _ = reply.send(1);
    let _ = reply.send(2);
}

fn main() {}
