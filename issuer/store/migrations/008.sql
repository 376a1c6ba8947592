-- Holds that are open, the oldest first: those that nobody completes in time end.
CREATE INDEX records_held ON records (time, seq) WHERE state = 2;
