-- +goose Up
-- What forges will answer to all who sign in as the same.
CREATE TABLE budget (
    account  TEXT    NOT NULL, -- digest of the forge's address and of what we sign in with
    resource TEXT    NOT NULL, -- that the forge counts apart; empty: all
    calls    INTEGER NOT NULL, -- in each period; 0: it told of none
    remain   INTEGER NOT NULL,
    reset    INTEGER NOT NULL, -- Unix time in seconds
    pause    INTEGER NOT NULL, -- it asked for quiet until then, in milliseconds; 0: it did not
    PRIMARY KEY (account, resource)
);

-- +goose Down
DROP TABLE budget;
