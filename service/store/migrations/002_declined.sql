-- An ask that was declined stays until it expires, so that the asker's export
-- does not tell it from one that nobody has seen.
-- +goose Up
ALTER TABLE ask ADD COLUMN declined BOOLEAN NOT NULL DEFAULT FALSE;
