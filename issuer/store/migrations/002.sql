-- Counters older than the recent ones, as ranges: first and last, two bytes
-- each.
ALTER TABLE usages ADD COLUMN older BLOB NOT NULL DEFAULT x'';
