-- By which channel a payment came: contactless, qr, in-app, other. Empty in
-- older rows.
ALTER TABLE records ADD COLUMN channel TEXT NOT NULL DEFAULT '';

-- What the bank checked of the latest payments, as JSON; a later record takes the
-- slot of an earlier one, so the table does not grow.
CREATE TABLE sheets (
  slot   INTEGER PRIMARY KEY,
  record INTEGER NOT NULL,
  steps  BLOB NOT NULL
) STRICT;
