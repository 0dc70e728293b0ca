-- Shipping rates by weight need to know what a unit weighs.
ALTER TABLE variants ADD COLUMN weight_grams BIGINT;
