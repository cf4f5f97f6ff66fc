-- +goose Up
-- What a process is: a server, which answers and leads, or a worker. Its labels, with
-- blanks between them, and how many builds, checks and deployments it does at once.
ALTER TABLE process ADD COLUMN role TEXT NOT NULL DEFAULT 'server';
ALTER TABLE process ADD COLUMN labels TEXT NOT NULL DEFAULT '';
ALTER TABLE process ADD COLUMN capacity INTEGER NOT NULL DEFAULT 0;

-- In which pool a job waits, the labels that a process must have to do it, in order
-- with blanks between them, and whose job it is. A job that an older server made is in
-- no pool: whoever finds it puts it into one.
ALTER TABLE job ADD COLUMN pool TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN needs TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
-- 1: it was not due yet when it was looked at last, so that nobody walks past it.
ALTER TABLE job ADD COLUMN later INTEGER NOT NULL DEFAULT 0;
DROP INDEX job_open;
CREATE INDEX job_turn ON job (pool, needs, tenant, due, id) WHERE state = 'waiting' AND later = 0;
CREATE INDEX job_later ON job (due) WHERE state = 'waiting' AND later = 1;
CREATE INDEX job_load ON job (pool, tenant) WHERE state = 'running';

-- The labels that builds of an app need, by its manifest on the default branch.
ALTER TABLE app ADD COLUMN runs_on TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE app DROP COLUMN runs_on;
DROP INDEX job_load;
DROP INDEX job_later;
DROP INDEX job_turn;
CREATE INDEX job_open ON job (kind, due, id) WHERE state = 'waiting';
ALTER TABLE job DROP COLUMN later;
ALTER TABLE job DROP COLUMN tenant;
ALTER TABLE job DROP COLUMN needs;
ALTER TABLE job DROP COLUMN pool;
ALTER TABLE process DROP COLUMN capacity;
ALTER TABLE process DROP COLUMN labels;
ALTER TABLE process DROP COLUMN role;
