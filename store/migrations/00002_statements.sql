-- +goose Up
-- Digests of the signed statements that an entry names, with blanks between them.
ALTER TABLE ledger ADD COLUMN statements TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE ledger DROP COLUMN statements;
