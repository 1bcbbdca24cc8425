-- Control tables of stepping-cdc. They say how far the outputs are and how each
-- view is; the output tables themselves live in the schema the configuration
-- names.

-- One row. The outputs hold exactly the source's transactions up to lsn. Every
-- output commit moves it by compare-and-swap on (lsn, epoch): epoch is raised by
-- each instance that starts, so that one which was replaced, or wakes up late,
-- can no longer write. The low fill factor keeps the row's updates on one page.
CREATE TABLE stepping_cdc.progress (
    lsn          pg_lsn      NOT NULL,
    committed_at timestamptz,
    applied_at   timestamptz NOT NULL,
    epoch        bigint      NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
CREATE UNIQUE INDEX progress_one_row ON stepping_cdc.progress ((true));
INSERT INTO stepping_cdc.progress VALUES ('0/0', NULL, clock_timestamp(), 0);

-- One row: the instance that took the present epoch.
CREATE TABLE stepping_cdc.instance (
    epoch       bigint      NOT NULL,
    pid         integer     NOT NULL,
    application text        NOT NULL,
    host        text        NOT NULL,
    started_at  timestamptz NOT NULL,
    flushed_at  timestamptz
) WITH (fillfactor = 10);
CREATE UNIQUE INDEX instance_one_row ON stepping_cdc.instance ((true));
INSERT INTO stepping_cdc.instance VALUES (0, 0, '', '', clock_timestamp(), NULL);

CREATE TABLE stepping_cdc.views (
    name        text        PRIMARY KEY,
    state       text        NOT NULL CHECK (state IN ('loading', 'live', 'errored', 'drifted', 'stopped')),
    query       text        NOT NULL,
    rows        bigint      NOT NULL DEFAULT 0,
    error       text,
    schema      text        NOT NULL,
    columns     jsonb       NOT NULL,
    key         text[],
    shape       text        NOT NULL,
    fingerprint text        NOT NULL DEFAULT '',
    settings    jsonb       NOT NULL DEFAULT '{}',
    updated_at  timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The error Z-set: source rows that make a view fail, with their weights.
CREATE TABLE stepping_cdc.errors (
    view     text        NOT NULL,
    sqlstate text        NOT NULL,
    message  text        NOT NULL,
    "row"    text,
    weight   bigint      NOT NULL,
    seen_at  timestamptz NOT NULL,
    digest   uuid        NOT NULL GENERATED ALWAYS AS
             (md5(sqlstate || E'\n' || message || E'\n' || coalesce("row", ''))::uuid) STORED,
    PRIMARY KEY (view, digest)
);

-- Raised inside an output transaction, these undo all of it.
CREATE FUNCTION stepping_cdc.check_progress(moved bigint, lsn pg_lsn, epoch bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p stepping_cdc.progress;
BEGIN
    IF moved = 1 THEN
        RETURN true;
    END IF;
    SELECT * INTO p FROM stepping_cdc.progress;
    RAISE EXCEPTION 'progress is at % in epoch %, not at % in epoch %', p.lsn, p.epoch, lsn, epoch
        USING ERRCODE = 'SC001', HINT = 'Another instance of stepping-cdc writes these outputs.';
END $$;

CREATE FUNCTION stepping_cdc.check_count(view text, got bigint, want bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF got = want THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'output of view "%": % rows written where % were due', view, got, want
        USING ERRCODE = 'SC002', HINT = 'Something else than stepping-cdc has changed the output table.';
END $$;

-- The bell: a session of stepping-cdc sleeps in this function, and a waiter wakes
-- it by cancelling the sleep. A notification would only be delivered when the
-- waiter's transaction is over, which is when it no longer waits; and a cancelled
-- sleep that is caught here leaves no line in the server's log. The sleep is
-- short so that its snapshot does not hold back VACUUM.
CREATE FUNCTION stepping_cdc.listen_for_bell(seconds double precision) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_sleep(seconds);
    -- Waiters whose ringing cannot reach this session hold this lock.
    RETURN EXISTS (SELECT FROM pg_locks l
                   WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = 1474937054 AND l.objsubid = 1
                     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
EXCEPTION WHEN query_canceled THEN
    RETURN true;
END $$;

CREATE FUNCTION stepping_cdc.ring_bell() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rung bigint;
BEGIN
    -- What a transaction has once seen of pg_stat_activity it sees to its end.
    PERFORM pg_stat_clear_snapshot();
    SELECT count(pg_cancel_backend(a.pid)) INTO rung FROM pg_stat_activity a
    WHERE a.application_name = 'stepping-cdc bell' AND a.state = 'active'
      AND a.datname = current_database() AND a.usename = current_user;
    RETURN rung;
END $$;

CREATE FUNCTION stepping_cdc.wait_for(
    lsn pg_lsn DEFAULT pg_current_wal_insert_lsn(), timeout interval DEFAULT '10s') RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reached  pg_lsn;
    start    timestamptz := clock_timestamp();
    pause    double precision := 0.001;
    ring_at  timestamptz := start;
    ring_gap interval := '20 ms';
BEGIN
    IF lsn IS NULL OR timeout IS NULL THEN
        RAISE EXCEPTION 'stepping_cdc.wait_for(): neither lsn nor timeout may be NULL'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    LOOP
        -- In READ COMMITTED each statement here sees what was committed before it.
        SELECT p.lsn INTO STRICT reached FROM stepping_cdc.progress p;
        IF reached >= wait_for.lsn THEN
            RETURN;
        END IF;
        IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            RAISE EXCEPTION 'stepping_cdc.wait_for() cannot see new commits in a % transaction',
                current_setting('transaction_isolation')
                USING ERRCODE = 'invalid_transaction_state',
                HINT = 'Call it in a READ COMMITTED transaction, or in a transaction of its own before the one that reads.';
        END IF;
        IF clock_timestamp() >= start + timeout THEN
            RAISE EXCEPTION 'stepping_cdc.wait_for(): outputs are at %, not yet at %, after %',
                reached, wait_for.lsn, timeout
                USING ERRCODE = 'SC003', HINT = 'See "stepping-cdc status" for the lag and its cause.';
        END IF;
        -- Rung again at growing distances: a ring between two listens is lost.
        IF clock_timestamp() >= ring_at AND NOT pg_is_in_recovery() THEN
            IF stepping_cdc.ring_bell() = 0 AND clock_timestamp() > start + interval '0.5 s' THEN
                -- Nobody hears: the bell's session is another role's than this function.
                -- It looks for this lock now and then, which ends with the transaction.
                PERFORM pg_try_advisory_xact_lock_shared(1474937054);
            END IF;
            ring_at := clock_timestamp() + ring_gap;
            ring_gap := least(ring_gap * 2, interval '1 s');
        END IF;
        PERFORM pg_sleep(pause);
        pause := least(pause * 1.3, 0.02);
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION stepping_cdc.check_progress(bigint, pg_lsn, bigint),
    stepping_cdc.check_count(text, bigint, bigint),
    stepping_cdc.listen_for_bell(double precision), stepping_cdc.ring_bell() FROM PUBLIC;
-- Whoever may connect may wait. Errors and queries can hold data: they stay private.
GRANT USAGE ON SCHEMA stepping_cdc TO PUBLIC;
GRANT SELECT ON stepping_cdc.progress TO PUBLIC;
GRANT EXECUTE ON FUNCTION stepping_cdc.wait_for(pg_lsn, interval) TO PUBLIC;

COMMENT ON SCHEMA stepping_cdc IS 'stepping-cdc: control tables; do not write here';
COMMENT ON TABLE stepping_cdc.progress IS 'one row: the outputs hold exactly what the source had committed up to lsn';
COMMENT ON TABLE stepping_cdc.views IS 'the maintained views and how they are';
COMMENT ON TABLE stepping_cdc.errors IS 'rows of the source that make a view fail';
COMMENT ON FUNCTION stepping_cdc.wait_for(pg_lsn, interval) IS
    'returns once the outputs hold everything committed up to lsn; raises SC003 on time-out';
