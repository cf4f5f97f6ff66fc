-- +goose Up
-- What slipway bench had decided: of no app. Times are milliseconds since 1970, UTC.
CREATE TABLE probe_space (
    name   TEXT    NOT NULL PRIMARY KEY,
    writer TEXT    NOT NULL, -- who measures
    made   INTEGER NOT NULL
);

CREATE TABLE probe (
    space   TEXT    NOT NULL,
    chain   INTEGER NOT NULL, -- in the place of an app
    number  INTEGER NOT NULL, -- in its chain
    job     INTEGER NOT NULL,
    prev    TEXT    NOT NULL,
    hash    TEXT    NOT NULL,
    asked   INTEGER NOT NULL,
    began   INTEGER NOT NULL,
    decided INTEGER NOT NULL,
    process TEXT    NOT NULL, -- that decided it, for people
    PRIMARY KEY (space, chain, number)
);

-- What is listed is looked up: see TestByIndex.
CREATE INDEX ledger_first ON ledger (app, environment) WHERE number = 1; -- each chain once
CREATE INDEX job_kind ON job (kind, id);
CREATE INDEX job_bad ON job (state, id) WHERE ended > 0 AND state != 'done'; -- they are few
CREATE INDEX job_waiting ON job (pool, id) WHERE state = 'waiting';
CREATE INDEX event_job ON event (job, id) WHERE job > 0;
CREATE INDEX pull_request_open ON pull_request (forge, repository, number) WHERE open = 1;

-- +goose Down
DROP INDEX pull_request_open;
DROP INDEX event_job;
DROP INDEX job_waiting;
DROP INDEX job_bad;
DROP INDEX job_kind;
DROP INDEX ledger_first;
DROP TABLE probe;
DROP TABLE probe_space;
