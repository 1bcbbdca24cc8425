-- How many rows a statement has written is read from the server's answer: to have each
-- statement count them, and fail, took the server a fifth of a small commit.
DROP FUNCTION stepping_cdc.check_count(text, bigint, bigint);
