-- Schema 3: users are counted by the minute, and keys say for how long they are remembered. Earlier keys were those of a day, for
-- a campaign as a whole: their last byte becomes 0, which says so. The counts follow from the events, which keep their
-- keys for longer than a day.
DROP TABLE cap_count;
CREATE TABLE cap_count (
    region   TEXT    NOT NULL,
    life     INTEGER NOT NULL,
    slot     INTEGER NOT NULL,
    subject  INTEGER NOT NULL,
    cap_key  BLOB    NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (region, life, slot, subject, cap_key)
) STRICT, WITHOUT ROWID;
UPDATE event SET cap_key = unhex(substr(hex(cap_key), 1, 30) || '00') WHERE cap_key IS NOT NULL;
INSERT INTO cap_count
    SELECT region, 0, at_ms / 60000, campaign, cap_key, count(*)
    FROM event WHERE cap_key IS NOT NULL AND kind = 'billing' GROUP BY 1, 3, 4, 5;
ALTER TABLE mark ADD COLUMN keys_from_ms INTEGER NOT NULL DEFAULT 0;
