-- By which channel a payment came: contactless, qr, in-app, other. Empty in
-- older rows.
ALTER TABLE records ADD COLUMN channel TEXT NOT NULL DEFAULT '';
