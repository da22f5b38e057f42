-- What operators have said of campaigns. An addition to the schema: a ledger without these tables gets them when it is
-- opened, and a program that does not know them leaves them alone. `campaign_log` is the history, with the definitions, and
-- `campaign` its last line for each campaign. Definitions stand where they came: in an order of their own each would move its
-- neighbours, and a change of all campaigns would write every older version anew. A ledger that has them so, in
-- `campaign_definition`, keeps those.

CREATE TABLE IF NOT EXISTS campaign (
    campaign    INTEGER PRIMARY KEY,
    version     INTEGER NOT NULL,    -- of its definition, 1, 2, 3
    source      TEXT    NOT NULL,    -- file: the campaigns file counts; api: what the operators' API was told
    fingerprint INTEGER NOT NULL,
    removed     INTEGER NOT NULL,
    paused      INTEGER NOT NULL,
    killed      INTEGER NOT NULL,
    action      TEXT    NOT NULL,    -- define, remove, pause, resume, kill, revive
    who         TEXT    NOT NULL,
    why         TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS campaign_log (
    entry    INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    campaign INTEGER NOT NULL,
    action   TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    source   TEXT    NOT NULL,
    who      TEXT    NOT NULL,
    why      TEXT    NOT NULL,
    text     TEXT                    -- of a define: the definition, TOML
) STRICT;
CREATE INDEX IF NOT EXISTS campaign_log_of ON campaign_log (campaign, entry);
