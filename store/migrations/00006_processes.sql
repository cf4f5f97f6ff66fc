-- +goose Up
-- Times are milliseconds since 1970, UTC, by the database's clock; 0 is never.

-- The processes that do jobs over this database.
CREATE TABLE process (
    id       TEXT    NOT NULL PRIMARY KEY, -- stays with its data folder
    life     INTEGER NOT NULL,             -- how often it was begun
    name     TEXT    NOT NULL,             -- for people: who, on which machine
    executor TEXT    NOT NULL,             -- its name with the workflow engine
    holder   TEXT    NOT NULL,             -- its name on leases
    version  TEXT    NOT NULL,
    joined   INTEGER NOT NULL,
    beat     INTEGER NOT NULL,             -- when it said last that it lives
    gone     INTEGER NOT NULL              -- when it left or was given up; 0: it lives
);

-- Who does a job that runs: the id of a process. Of a subject one runs, whoever claims.
ALTER TABLE job ADD COLUMN process TEXT NOT NULL DEFAULT '';
CREATE INDEX job_process ON job (process) WHERE state = 'running';
DROP INDEX job_running;
CREATE UNIQUE INDEX job_running ON job (subject) WHERE state = 'running';

-- What all processes over this database have in common.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE setting;
DROP INDEX job_running;
CREATE INDEX job_running ON job (subject) WHERE state = 'running';
DROP INDEX job_process;
ALTER TABLE job DROP COLUMN process;
DROP TABLE process;
