-- The bank's state. No account number stands here: pan_index is a keyed hash
-- (its key lies beside the database), masked holds six and four digits. No key
-- stands here either. Times are Unix seconds, amounts minor units.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  id       TEXT PRIMARY KEY,
  currency INTEGER NOT NULL,
  balance  INTEGER NOT NULL,
  held     INTEGER NOT NULL,
  status   INTEGER NOT NULL,
  internal INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Cards and tokens; card is the card behind a token.
CREATE TABLE instruments (
  pan_index    BLOB PRIMARY KEY,
  kind         INTEGER NOT NULL,
  masked       TEXT NOT NULL,
  psn          TEXT NOT NULL,
  expiry       TEXT NOT NULL,
  service_code TEXT NOT NULL,
  status       INTEGER NOT NULL,
  account      TEXT NOT NULL,
  card         BLOB NOT NULL,
  last_four    TEXT NOT NULL,
  requestor    TEXT NOT NULL,
  par          TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Transaction counters: the latest cryptograms of a card or token.
CREATE TABLE usages (
  instrument BLOB PRIMARY KEY,
  recent     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Limited-use keys handed out: terms and use, never the key.
CREATE TABLE keys (
  token     BLOB NOT NULL,
  key_index BLOB NOT NULL,
  issued    INTEGER NOT NULL,
  not_after INTEGER NOT NULL,
  uses      INTEGER NOT NULL,
  used      INTEGER NOT NULL,
  withdrawn INTEGER NOT NULL,
  PRIMARY KEY (token, key_index)
) STRICT, WITHOUT ROWID;

-- Messages by retrieval key, with their first answer and what became of the
-- money; state 2 is an open hold of amount on account.
CREATE TABLE records (
  seq        INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  reference  TEXT NOT NULL,
  instrument BLOB NOT NULL,
  account    TEXT NOT NULL,
  amount     INTEGER NOT NULL,
  requested  INTEGER NOT NULL,
  currency   INTEGER NOT NULL,
  time       INTEGER NOT NULL,
  state      INTEGER NOT NULL,
  flagged    INTEGER NOT NULL,
  code       TEXT NOT NULL,
  answer     BLOB
) STRICT;

CREATE INDEX records_reference ON records (reference) WHERE reference <> '';

-- The ledger: append only.
CREATE TABLE entries (
  id       INTEGER PRIMARY KEY,
  record   INTEGER NOT NULL,
  account  TEXT NOT NULL,
  currency INTEGER NOT NULL,
  amount   INTEGER NOT NULL,
  time     INTEGER NOT NULL
) STRICT;
