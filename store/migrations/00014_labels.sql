-- +goose Up
-- How a process comes to its end: draining, once it begins nothing new; left, once it has
-- ended by itself. Empty: it was not told to end.
ALTER TABLE process ADD COLUMN parting TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE process DROP COLUMN parting;
