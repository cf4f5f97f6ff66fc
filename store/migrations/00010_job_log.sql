-- +goose Up
-- What jobs printed, in pieces. Where one does not begin at the end of the one before,
-- something between them was left out.
CREATE TABLE job_log (
    job  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    at   INTEGER NOT NULL, -- where it begins, in bytes; below 0 is what was in a file before
    said BLOB    NOT NULL,
    PRIMARY KEY (job, at)
);

-- +goose Down
DROP TABLE job_log;
