-- Schema 2: the day's counts of users stand in a table of their own. The next step makes it anew from the events.
DROP INDEX event_capped;
CREATE INDEX event_capped ON event (at_ms) WHERE cap_key IS NOT NULL;
CREATE TABLE cap_count (
    region   TEXT    NOT NULL,
    day      INTEGER NOT NULL,
    campaign INTEGER NOT NULL,
    cap_key  BLOB    NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (region, day, campaign, cap_key)
) STRICT, WITHOUT ROWID;
