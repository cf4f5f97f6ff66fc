-- +goose Up
-- Times are milliseconds since 1970, UTC; 0 is never.

-- Work to be done, under way and done.
CREATE TABLE job (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    key     TEXT    NOT NULL UNIQUE, -- of what is to be done: it is done once
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,        -- one at a time of a subject
    input   TEXT    NOT NULL,        -- JSON
    state   TEXT    NOT NULL,        -- waiting, running, done, failed, replaced or cancelled
    attempt INTEGER NOT NULL,
    due     INTEGER NOT NULL,        -- it does not begin before
    made    INTEGER NOT NULL,
    began   INTEGER NOT NULL,
    ended   INTEGER NOT NULL,
    writer  TEXT    NOT NULL,        -- who asked for it
    stop    TEXT    NOT NULL,        -- why it is to stop; empty: it is not
    outcome TEXT    NOT NULL         -- JSON
);
CREATE INDEX job_open ON job (kind, due, id) WHERE state = 'waiting';
CREATE INDEX job_subject ON job (subject, kind, id);
CREATE INDEX job_running ON job (subject) WHERE state = 'running';
CREATE INDEX job_ended ON job (ended, id) WHERE ended > 0;

-- What happened, for those who watch; the oldest are dropped.
CREATE TABLE event (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    time    INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    job     INTEGER NOT NULL, -- 0: of none
    body    TEXT    NOT NULL  -- JSON
);

CREATE TABLE repository (
    forge          TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    default_branch TEXT    NOT NULL,
    url            TEXT    NOT NULL,
    refs_mark      TEXT    NOT NULL,
    requests_mark  TEXT    NOT NULL,
    looked         INTEGER NOT NULL,
    problem        TEXT    NOT NULL, -- why it could not be read the last time
    PRIMARY KEY (forge, name)
);

CREATE TABLE ref (
    forge      TEXT NOT NULL,
    repository TEXT NOT NULL,
    name       TEXT NOT NULL, -- heads/main, tags/v1
    commit_id  TEXT NOT NULL,
    PRIMARY KEY (forge, repository, name)
);

CREATE TABLE pull_request (
    forge      TEXT    NOT NULL,
    repository TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    open       INTEGER NOT NULL,
    head       TEXT    NOT NULL,
    stamp      TEXT    NOT NULL,
    facts      TEXT    NOT NULL, -- JSON, as it was read
    state      TEXT    NOT NULL, -- JSON, what was worked out of it
    view       TEXT    NOT NULL, -- JSON, what the forge is to show
    wanted     TEXT    NOT NULL, -- digest of the view
    shown      TEXT    NOT NULL, -- digest of the view that it was made to show
    looked     INTEGER NOT NULL,
    PRIMARY KEY (forge, repository, number)
);
CREATE INDEX pull_request_head ON pull_request (forge, repository, head);
CREATE INDEX pull_request_behind ON pull_request (forge, repository, number) WHERE wanted != shown;

CREATE TABLE delivery (
    forge TEXT    NOT NULL,
    id    TEXT    NOT NULL,
    event TEXT    NOT NULL,
    time  INTEGER NOT NULL,
    PRIMARY KEY (forge, id)
);
CREATE INDEX delivery_time ON delivery (time);

CREATE TABLE app (
    name       TEXT    NOT NULL PRIMARY KEY,
    forge      TEXT    NOT NULL,
    repository TEXT    NOT NULL,
    folder     TEXT    NOT NULL,
    team       TEXT    NOT NULL,
    shape      TEXT    NOT NULL,
    commit_id  TEXT    NOT NULL, -- of the default branch when its manifest was read
    tree       TEXT    NOT NULL, -- git's name of the folder at that commit
    updated    INTEGER NOT NULL
);
CREATE INDEX app_repository ON app (forge, repository);
CREATE INDEX app_team ON app (team, name);

CREATE TABLE check_result (
    forge      TEXT    NOT NULL,
    repository TEXT    NOT NULL,
    commit_id  TEXT    NOT NULL,
    app        TEXT    NOT NULL,
    job        INTEGER NOT NULL,
    results    TEXT    NOT NULL, -- JSON
    notes      TEXT    NOT NULL, -- Markdown: plan, notebooks
    PRIMARY KEY (forge, repository, commit_id, app)
);

-- The apps in environments whose runs are watched, and what people were told last.
CREATE TABLE watched (
    app         TEXT    NOT NULL,
    environment TEXT    NOT NULL,
    since       INTEGER NOT NULL, -- runs that ended before are history
    looked      INTEGER NOT NULL,
    failing     INTEGER NOT NULL, -- 1: people were told of a failed run, and not yet of a good one
    told        INTEGER NOT NULL, -- when they were told of a failed run
    PRIMARY KEY (app, environment)
);

CREATE TABLE watched_run (
    app         TEXT    NOT NULL,
    environment TEXT    NOT NULL,
    run         TEXT    NOT NULL,
    ended       INTEGER NOT NULL,
    PRIMARY KEY (app, environment, run)
);
CREATE INDEX watched_run_ended ON watched_run (ended);

-- +goose Down
DROP TABLE watched_run;
DROP TABLE watched;
DROP TABLE check_result;
DROP TABLE app;
DROP TABLE delivery;
DROP TABLE pull_request;
DROP TABLE ref;
DROP TABLE repository;
DROP TABLE event;
DROP TABLE job;
