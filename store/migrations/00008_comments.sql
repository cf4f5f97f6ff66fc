-- +goose Up
-- What people asked for in comments on pull requests. A comment acts once, under the
-- forge's own id.
CREATE TABLE comment (
    forge      TEXT   NOT NULL,
    repository TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    number     BIGINT NOT NULL, -- of the pull request
    login      TEXT   NOT NULL,
    body       TEXT   NOT NULL, -- as it was when it was heard
    head       TEXT   NOT NULL, -- that the pull request had when it was written; empty: not known
    made       BIGINT NOT NULL, -- milliseconds since 1970, UTC
    heard      BIGINT NOT NULL,
    answers    TEXT   NOT NULL, -- JSON, one of each command that was obeyed
    shown      TEXT   NOT NULL, -- digest of the answer that the forge was made to show
    PRIMARY KEY (forge, repository, id)
);
CREATE INDEX comment_heard ON comment (heard);

-- +goose Down
DROP TABLE comment;
