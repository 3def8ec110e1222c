-- The hash that apply wrote last, as jobs have it: drift is a definition that is no longer the applied one.
ALTER TABLE channels ADD COLUMN applied_hash TEXT;
