-- The time at which the outputs are, for views that depend on the present time;
-- NULL while there are none. Output commits compare and swap it with lsn.
ALTER TABLE stepping_cdc.progress ADD COLUMN clock timestamptz;
COMMENT ON COLUMN stepping_cdc.progress.clock IS 'what now() is in the outputs; NULL if no view depends on it';
