-- +goose Up
-- Entries of the ledger that are not in the tree yet, in the order they came.
CREATE TABLE tree_queue (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    app         TEXT    NOT NULL,
    environment TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    UNIQUE (app, environment, number)
);

-- +goose StatementBegin
CREATE FUNCTION ledger_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tree_queue (app, environment, number) VALUES (new.app, new.environment, new.number);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER ledger_queued AFTER INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_queue();

-- Which entry is which leaf of the tree.
CREATE TABLE tree_leaf (
    leaf        INTEGER PRIMARY KEY, -- from 0
    app         TEXT    NOT NULL,
    environment TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    UNIQUE (app, environment, number)
);

-- The hashes of leaves and inner nodes, by the index that tlog gives them.
CREATE TABLE tree_hash (
    id   INTEGER PRIMARY KEY,
    hash BLOB    NOT NULL
);

-- Signed heads: a note each.
CREATE TABLE tree_head (
    size INTEGER PRIMARY KEY,
    note TEXT    NOT NULL
);

-- +goose Down
DROP TABLE tree_head;
DROP TABLE tree_hash;
DROP TABLE tree_leaf;
DROP TRIGGER ledger_queued ON ledger;
DROP FUNCTION ledger_queue;
DROP TABLE tree_queue;
