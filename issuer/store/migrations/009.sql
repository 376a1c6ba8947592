-- What people ask for without reading all rows: what is an account's; the payment
-- with a trace number (the key behind year, time and type) or a cryptogram (the last
-- eight bytes of the tap, where there is one); what is about a record (related, in
-- its detail) and what it booked; the disputes about a payment that are open. Who has
-- a cryptogram mostly has the trace number, too; with the cryptogram alone the index is
-- read instead of the records.
--
-- The tables that every payment adds to are looked through shelf by shelf, of 1024
-- rows each: an index without the shelf in front would have each payment write to a
-- page of its own, anywhere in the index, and cost a third of the speed. Those
-- of entries are of 1024 records.
CREATE INDEX records_account    ON records (seq >> 10, account);
CREATE INDEX records_named      ON records (seq >> 10, substr(key, 19, 6), substr(tap, 7));
CREATE INDEX records_related    ON records (substr(detail, 8, 8)) WHERE substr(detail, 8, 8) > x'0000000000000000';
CREATE INDEX entries_account    ON entries (record >> 10, account, record);
CREATE INDEX notices_account    ON notices (id >> 10, account);
CREATE INDEX disputes_account   ON disputes (account);
CREATE INDEX disputes_open      ON disputes (payment) WHERE state = 1;
