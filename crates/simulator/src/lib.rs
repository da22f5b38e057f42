//! Plays the exchanges: bid requests, auctions, notices, and open-loop load.
