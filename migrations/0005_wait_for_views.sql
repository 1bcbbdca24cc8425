-- wait_for() learns to wait for views that are being loaded: as a third parameter, so
-- that every call there is goes on to work. A function cannot be given one in place, and
-- two of one name would make wait_for() ambiguous; so the old one goes. Where a view or a
-- function of somebody else's is made of it, it stays under another name, which they follow.
DO $$ BEGIN
    DROP FUNCTION stepping_cdc.wait_for(pg_lsn, interval);
EXCEPTION WHEN dependent_objects_still_exist THEN
    ALTER FUNCTION stepping_cdc.wait_for(pg_lsn, interval) RENAME TO wait_for_lsn;
    CREATE OR REPLACE FUNCTION stepping_cdc.wait_for_lsn(
        lsn pg_lsn DEFAULT pg_current_wal_insert_lsn(), timeout interval DEFAULT '10s') RETURNS void
    LANGUAGE plpgsql VOLATILE AS 'BEGIN PERFORM stepping_cdc.wait_for(lsn, timeout); END';
END $$;

CREATE FUNCTION stepping_cdc.wait_for(
    lsn pg_lsn DEFAULT pg_current_wal_insert_lsn(), timeout interval DEFAULT '10s', views text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reached  pg_lsn;
    missing  text;
    start    timestamptz := clock_timestamp();
    pause    double precision := 0.001;
    ring_at  timestamptz := start;
    ring_gap interval := '20 ms';
BEGIN
    IF lsn IS NULL OR timeout IS NULL OR views IS NULL OR array_position(views, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'stepping_cdc.wait_for(): neither lsn, timeout, views nor one of these may be NULL'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    LOOP
        -- In READ COMMITTED each statement here sees what was committed before it. Position
        -- and views are looked at in one: together they say what the outputs hold.
        IF views = '{}' THEN
            SELECT p.lsn INTO STRICT reached FROM stepping_cdc.progress p;
        ELSE
            SELECT p.lsn, (SELECT format('view "%s" %s', w.name, coalesce('is ' || v.state, 'has no output'))
                           FROM unnest(wait_for.views) WITH ORDINALITY AS w(name, place)
                           LEFT JOIN stepping_cdc.views v ON v.name = w.name
                           WHERE v.state IS DISTINCT FROM 'live' ORDER BY w.place LIMIT 1)
            INTO STRICT reached, missing FROM stepping_cdc.progress p;
        END IF;
        IF reached >= wait_for.lsn AND missing IS NULL THEN
            RETURN;
        END IF;
        IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            RAISE EXCEPTION 'stepping_cdc.wait_for() cannot see new commits in a % transaction',
                current_setting('transaction_isolation')
                USING ERRCODE = 'invalid_transaction_state',
                HINT = 'Call it in a READ COMMITTED transaction, or in a transaction of its own before the one that reads.';
        END IF;
        IF clock_timestamp() >= start + timeout THEN
            IF reached >= wait_for.lsn THEN
                RAISE EXCEPTION 'stepping_cdc.wait_for(): % after %', missing, timeout
                    USING ERRCODE = 'SC003', HINT = 'See "stepping-cdc status" for the cause.';
            END IF;
            RAISE EXCEPTION 'stepping_cdc.wait_for(): outputs are at %, not yet at %, after %',
                reached, wait_for.lsn, timeout
                USING ERRCODE = 'SC003', HINT = 'See "stepping-cdc status" for the lag and its cause.';
        END IF;
        -- Rung again at growing distances: a ring between two listens is lost. It is of no
        -- use to a view that is being loaded.
        IF reached < wait_for.lsn AND clock_timestamp() >= ring_at AND NOT pg_is_in_recovery() THEN
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

-- Whoever may connect may wait.
GRANT EXECUTE ON FUNCTION stepping_cdc.wait_for(pg_lsn, interval, text[]) TO PUBLIC;
COMMENT ON FUNCTION stepping_cdc.wait_for(pg_lsn, interval, text[]) IS
    'returns once the outputs hold everything committed up to lsn, and the views that are named are live; raises SC003 on time-out';
