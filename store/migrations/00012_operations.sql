-- +goose Up
-- What is deleted after a while is found without looking at what stays.
CREATE INDEX check_result_job ON check_result (job);
CREATE INDEX pull_request_closed ON pull_request (looked) WHERE open = 0;

-- The entries by which the key of the ledger was handed over are few.
CREATE INDEX ledger_handover ON ledger (number) WHERE kind IN ('ledger.key', 'ledger.key-ended');

-- +goose Down
DROP INDEX ledger_handover;
DROP INDEX pull_request_closed;
DROP INDEX check_result_job;
