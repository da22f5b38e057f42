-- Schema 5: a lease that its region has left closes when its last bids can no longer bill. Nobody has left one before.
ALTER TABLE lease ADD COLUMN open_until_ms INTEGER;
ALTER TABLE lease ADD COLUMN won_ttl_ms INTEGER;
