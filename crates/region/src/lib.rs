//! A region's bidding state, budget pacer and frequency capper.
