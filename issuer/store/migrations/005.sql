-- What a record is about, where it was, what it cost the account, and how much
-- of it went back: event 1, currency of the account 2, category 2, country 2,
-- related record, billed, fee, refunded, returned 8 bytes each. Empty in older
-- rows: their account has the currency of the payment.
ALTER TABLE records ADD COLUMN detail   BLOB NOT NULL DEFAULT x'';
ALTER TABLE records ADD COLUMN merchant TEXT NOT NULL DEFAULT '';

-- opened is the first second of the year 1 where nobody knows.
ALTER TABLE accounts ADD COLUMN opened   INTEGER NOT NULL DEFAULT -62135596800;
ALTER TABLE accounts ADD COLUMN disputes INTEGER NOT NULL DEFAULT 0;

-- Contactless payments since somebody was verified.
ALTER TABLE usages ADD COLUMN unverified        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usages ADD COLUMN unverified_amount INTEGER NOT NULL DEFAULT 0;

-- Limits and budgets of an account (JSON), and what it spent in the day and the
-- month: so much that a payment is judged without a look at earlier ones.
CREATE TABLE controls (
  account TEXT PRIMARY KEY,
  rules   BLOB NOT NULL,
  counts  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE disputes (
  id      INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  payment INTEGER NOT NULL,
  amount  INTEGER NOT NULL,
  billed  INTEGER NOT NULL,
  state   INTEGER NOT NULL,
  reason  TEXT NOT NULL,
  opened  INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;

-- The first answer to each change with an idempotency key; request is a keyed
-- hash.
CREATE TABLE answered (
  key     TEXT PRIMARY KEY,
  request BLOB NOT NULL,
  answer  BLOB NOT NULL,
  time    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- States of the whole bank.
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages to customers: append only.
CREATE TABLE notices (
  id      INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  kind    TEXT NOT NULL,
  rule    TEXT NOT NULL,
  text    TEXT NOT NULL,
  record  INTEGER NOT NULL,
  time    INTEGER NOT NULL
) STRICT;
