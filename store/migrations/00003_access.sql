-- +goose Up
-- Times are milliseconds since 1970, UTC; 0 is never.

-- Tokens, by their SHA-256; the tokens themselves are nowhere.
CREATE TABLE token (
    id      TEXT    PRIMARY KEY,
    name    TEXT    NOT NULL,
    owner   TEXT    NOT NULL,
    teams   TEXT    NOT NULL, -- by the identity provider, where it comes from a sign-in
    scopes  TEXT    NOT NULL, -- with blanks between them
    hash    TEXT    NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    writer  TEXT    NOT NULL, -- who made it
    used    INTEGER NOT NULL, -- to the minute
    ended   INTEGER NOT NULL  -- when it was revoked
);
-- Of an owner's tokens that are good no two have one name.
CREATE UNIQUE INDEX token_name ON token (owner, name) WHERE ended = 0;

-- Those who signed in with a browser, by the SHA-256 of what is in their cookie.
CREATE TABLE session (
    hash   TEXT    PRIMARY KEY,
    person TEXT    NOT NULL,
    teams  TEXT    NOT NULL, -- by the identity provider; with blanks between them
    made   INTEGER NOT NULL,
    used   INTEGER NOT NULL  -- to the minute
);
CREATE INDEX session_person ON session (person);

-- What begins with a random text and is taken once: a sign-in under way.
CREATE TABLE pending (
    kind TEXT    NOT NULL,
    hash TEXT    NOT NULL, -- SHA-256 of the text
    body TEXT    NOT NULL, -- JSON
    ends INTEGER NOT NULL,
    PRIMARY KEY (kind, hash)
);
CREATE INDEX pending_ends ON pending (ends);

CREATE TABLE delegation (
    id       TEXT    PRIMARY KEY,
    giver    TEXT    NOT NULL,
    writer   TEXT    NOT NULL, -- who handed it over
    receiver TEXT    NOT NULL,
    scopes   TEXT    NOT NULL,
    until    INTEGER NOT NULL,
    why      TEXT    NOT NULL,
    made     INTEGER NOT NULL,
    ended    INTEGER NOT NULL,
    ended_by TEXT    NOT NULL
);

-- Refusals, those that are alike counted together within a minute.
CREATE TABLE refusal (
    minute  INTEGER NOT NULL, -- since 1970
    who     TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    why     TEXT    NOT NULL,
    address TEXT    NOT NULL,
    time    INTEGER NOT NULL, -- of the first
    count   INTEGER NOT NULL,
    entry   INTEGER NOT NULL, -- in the ledger; 0: not yet
    PRIMARY KEY (minute, who, action, object, why, address)
);
CREATE INDEX refusal_entry ON refusal (minute) WHERE entry = 0;

-- +goose Down
DROP TABLE refusal;
DROP TABLE delegation;
DROP TABLE pending;
DROP TABLE session;
DROP TABLE token;
