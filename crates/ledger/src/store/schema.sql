-- The ledger, schema version 2. Amounts are nano-USD, prices micros of a currency unit per 1,000 impressions,
-- times unix milliseconds. `event` is the truth; the other tables follow from it and are written with it.

CREATE TABLE event (
    seq        INTEGER PRIMARY KEY,  -- 1, 2, 3, without a gap
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
    expires_ms INTEGER,              -- of a granted lease: last bid
    closes_ms  INTEGER,              -- of a granted lease: last billing
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

-- Open leases; a closed one lives on in the events.
CREATE TABLE lease (
    lease      INTEGER PRIMARY KEY,
    campaign   INTEGER NOT NULL,
    region     TEXT    NOT NULL,
    granted    INTEGER NOT NULL,
    spent      INTEGER NOT NULL,
    left       INTEGER NOT NULL CHECK (left >= 0),
    expires_ms INTEGER NOT NULL,
    closes_ms  INTEGER NOT NULL
) STRICT;

-- How often each user was billed on a day, counted from 1970-01-01 (UTC): a region that starts reads a day in one run.
CREATE TABLE cap_count (
    region   TEXT    NOT NULL,
    day      INTEGER NOT NULL,
    campaign INTEGER NOT NULL,
    cap_key  BLOB    NOT NULL,       -- forgotten with that of the events
    count    INTEGER NOT NULL,
    PRIMARY KEY (region, day, campaign, cap_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE region (region TEXT PRIMARY KEY, head INTEGER NOT NULL) STRICT;
CREATE TABLE tally (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
CREATE TABLE mark (only INTEGER PRIMARY KEY CHECK (only = 1), last_seq INTEGER NOT NULL, last_lease INTEGER NOT NULL) STRICT;
INSERT INTO mark VALUES (1, 0, 0);
