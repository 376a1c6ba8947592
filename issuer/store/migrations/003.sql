-- Which tap a message is about: counter, unpredictable number and cryptogram,
-- fourteen bytes; zeros, or nothing in older rows, without chip data.
ALTER TABLE records ADD COLUMN tap BLOB NOT NULL DEFAULT x'';
