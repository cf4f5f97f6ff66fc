-- +goose Up
CREATE TABLE ledger (
    app         TEXT    NOT NULL,
    environment TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    prev        TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    time        TEXT    NOT NULL, -- RFC 3339, UTC
    writer      TEXT    NOT NULL, -- who, Entry.By
    body        TEXT    NOT NULL, -- JSON, byte for byte as it was hashed
    hash        TEXT    NOT NULL,
    PRIMARY KEY (app, environment, number),
    UNIQUE (app, environment, id)
);

CREATE TABLE lease (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    holder      TEXT NOT NULL, -- JSON
    since       TEXT NOT NULL, -- RFC 3339, UTC
    until       TEXT NOT NULL, -- RFC 3339, UTC
    PRIMARY KEY (app, environment)
);

-- +goose Down
DROP TABLE lease;
DROP TABLE ledger;
