-- Schema 6: old events are carried forward as balances. Nothing has been so far: that happens in small steps while the ledger runs.
-- What stands for events that are not kept any more: the balances after event carried_mark.last_seq, carried forward. Replay starts
-- from them. Of the events up to there budgets and billings are left, and for some days all other notices.
CREATE TABLE carried_account (
    campaign INTEGER PRIMARY KEY,
    budget   INTEGER NOT NULL,
    spent    INTEGER NOT NULL,
    leased   INTEGER NOT NULL,
    free     INTEGER NOT NULL,
    late     INTEGER NOT NULL,
    unlisted INTEGER NOT NULL DEFAULT 0, -- part of spent whose billings are not kept any more
    CHECK (budget = spent + leased + free),
    CHECK (unlisted >= 0 AND unlisted <= spent)
) STRICT;

CREATE TABLE carried_lease (
    lease      INTEGER PRIMARY KEY,
    campaign   INTEGER NOT NULL,
    region     TEXT    NOT NULL,
    granted    INTEGER NOT NULL,
    spent      INTEGER NOT NULL,
    left       INTEGER NOT NULL CHECK (left >= 0),
    expires_ms INTEGER NOT NULL,
    closes_ms  INTEGER NOT NULL,
    open_until_ms INTEGER,
    won_ttl_ms INTEGER
) STRICT;

CREATE TABLE carried_region (region TEXT PRIMARY KEY, head INTEGER NOT NULL) STRICT;
CREATE TABLE carried_tally (kind TEXT PRIMARY KEY, count INTEGER NOT NULL,
                            listed INTEGER NOT NULL DEFAULT 0, -- so many of them are still in event
                            CHECK (listed >= 0 AND listed <= count)) STRICT;
CREATE TABLE carried_mark (only INTEGER PRIMARY KEY CHECK (only = 1), last_seq INTEGER NOT NULL, last_lease INTEGER NOT NULL,
                           notices_seq INTEGER NOT NULL,   -- up to it only budgets and billings are kept
                           billings_seq INTEGER NOT NULL,  -- up to it only budgets are kept
                           CHECK (billings_seq <= notices_seq AND notices_seq <= last_seq)) STRICT;
INSERT INTO carried_mark VALUES (1, 0, 0, 0, 0);
