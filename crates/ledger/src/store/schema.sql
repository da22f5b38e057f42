-- The ledger, schema version 6. Amounts are nano-USD, prices micros of a currency unit per 1,000 impressions,
-- times unix milliseconds. What was carried forward and the events after it are the truth; the other tables follow from them and
-- are written with them.

CREATE TABLE event (
    seq        INTEGER PRIMARY KEY,  -- 1, 2, 3; without a gap after carried_mark.last_seq
    at_ms      INTEGER NOT NULL,
    kind       TEXT    NOT NULL,     -- budget, lease_granted, lease_returned, lease_expired, win, billing, loss, ..
    region     TEXT,
    region_seq INTEGER,              -- 1, 2, 3 in each region, without a gap
    campaign   INTEGER NOT NULL,
    lease      INTEGER,
    amount     INTEGER NOT NULL,     -- new budget, granted, returned, expired, spent; else 0
    late       INTEGER NOT NULL,     -- part of a billing's amount that its lease could not cover
    flags      INTEGER NOT NULL,     -- 1 test, 2 audit, 4 empty, 8 unsubstituted, 16 unreadable, 32 clamped, 64 late,
                                     -- 128 contradicts an earlier notice
    expires_ms INTEGER,              -- of a granted lease: last bid; of one that its region left: last win
    closes_ms  INTEGER,              -- of a granted lease: last billing; of one that was left: billing of such a win
    token      BLOB,                 -- of a notice, and all columns below
    exchange   TEXT,
    auction    TEXT,
    imp        TEXT,
    bid        TEXT,
    creative   INTEGER,
    bid_price  INTEGER,              -- in USD
    price      INTEGER,              -- as the notice named it, in currency
    currency   TEXT,
    cap_key    BLOB,                 -- forgotten after some days
    definition INTEGER,              -- the version of the campaign's definition that made the bid
    CHECK ((region IS NULL) = (region_seq IS NULL)),
    CHECK (amount >= 0 AND late >= 0 AND late <= amount)
) STRICT;

-- A notice counts once.
CREATE UNIQUE INDEX event_once ON event (token, kind) WHERE token IS NOT NULL;
CREATE UNIQUE INDEX event_of_region ON event (region, region_seq) WHERE region IS NOT NULL;
CREATE INDEX event_capped ON event (at_ms) WHERE cap_key IS NOT NULL;

CREATE TABLE account (
    campaign INTEGER PRIMARY KEY,
    budget   INTEGER NOT NULL,
    spent    INTEGER NOT NULL,
    leased   INTEGER NOT NULL,
    free     INTEGER NOT NULL,       -- negative only after late billings or a cut budget
    late     INTEGER NOT NULL,       -- part of spent
    CHECK (budget = spent + leased + free)
) STRICT;

-- Open leases; a closed one lives on in the events, for as long as these are kept.
CREATE TABLE lease (
    lease      INTEGER PRIMARY KEY,
    campaign   INTEGER NOT NULL,
    region     TEXT    NOT NULL,
    granted    INTEGER NOT NULL,
    spent      INTEGER NOT NULL,
    left       INTEGER NOT NULL CHECK (left >= 0),
    expires_ms INTEGER NOT NULL,
    closes_ms  INTEGER NOT NULL,
    open_until_ms INTEGER,           -- of one that its region left: closes then, if that is before closes_ms
    won_ttl_ms INTEGER               -- and waits so long from each win on
) STRICT;

-- How often each user was billed in a minute, counted from 1970-01-01 (UTC): a region that starts reads it in one run.
CREATE TABLE cap_count (
    region   TEXT    NOT NULL,
    life     INTEGER NOT NULL,       -- remembered for: 0 a day, 1 a month, 2 a year; the key's last byte says it too
    slot     INTEGER NOT NULL,       -- the minute
    subject  INTEGER NOT NULL,       -- a campaign, or a creative + 4294967296
    cap_key  BLOB    NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (region, life, slot, subject, cap_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE region (region TEXT PRIMARY KEY, head INTEGER NOT NULL) STRICT;
CREATE TABLE tally (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
CREATE TABLE mark (only INTEGER PRIMARY KEY CHECK (only = 1), last_seq INTEGER NOT NULL, last_lease INTEGER NOT NULL,
                   keys_from_ms INTEGER NOT NULL) STRICT; -- events before it have lost their cap keys
INSERT INTO mark VALUES (1, 0, 0, 0);

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
