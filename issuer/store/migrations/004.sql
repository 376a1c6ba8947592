-- Wrong PINs in a row, of a card.
ALTER TABLE instruments ADD COLUMN wrong_pins INTEGER NOT NULL DEFAULT 0;
