-- Schema 4: an event says which version of its campaign's definition made the bid. Earlier tokens do not.
ALTER TABLE event ADD COLUMN definition INTEGER;
