-- What the program needs and no more, in place of a superuser:
--   REPLICATION         to follow the WAL,
--   CREATE on database  for the schemas of the outputs and of its own tables,
--   the owner's rights  to read the shop's tables and to publish them.
-- The password is this example's own: the compose file opens the database to
-- this machine alone.
CREATE ROLE stepping LOGIN REPLICATION PASSWORD 'stepping';
GRANT CREATE ON DATABASE shop TO stepping;
GRANT shop TO stepping;
