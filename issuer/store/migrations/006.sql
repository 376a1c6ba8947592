-- The token service: what it knows of a token on a phone, and each token's
-- history, numbered from 1 without gaps; bodies are JSON. Limited-use keys get a
-- limit for the sum of their amounts, 0 for none.
CREATE TABLE bindings (
  token BLOB PRIMARY KEY,
  body  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token_events (
  token  BLOB NOT NULL,
  number INTEGER NOT NULL,
  body   TEXT NOT NULL,
  PRIMARY KEY (token, number)
) STRICT, WITHOUT ROWID;

ALTER TABLE instruments ADD COLUMN bound INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN amount INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;
