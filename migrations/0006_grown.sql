-- By how many rows outputs have grown since stepping_cdc.views was last told. Small commits
-- note it here, in the row that they write in any case: a statement for it, on rows that
-- hold whole queries, took the server a tenth of such a commit.
ALTER TABLE stepping_cdc.progress ADD COLUMN grown text[], ADD COLUMN grown_by bigint[];
COMMENT ON COLUMN stepping_cdc.progress.grown IS 'views whose number of rows stepping_cdc.views is about to be told';
COMMENT ON COLUMN stepping_cdc.progress.grown_by IS 'by how many rows each of them has grown meanwhile';
