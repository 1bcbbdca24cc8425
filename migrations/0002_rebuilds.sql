-- Views that are to be computed anew: a row is put here by "stepping-cdc rebuild",
-- and taken away by the instance that has done it.
CREATE TABLE stepping_cdc.rebuilds (
    view         text        PRIMARY KEY,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

COMMENT ON TABLE stepping_cdc.rebuilds IS 'views that are to be computed anew';
