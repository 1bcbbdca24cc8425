package sink

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// adjustWaitFor gives wait_for() its default position only where that is right: on
// the source's own server. Elsewhere the local WAL position says nothing of the
// source's, and a call without a position must fail rather than return too early.
func adjustWaitFor(ctx context.Context, conn *pgx.Conn, elsewhere bool) error {
	const signature = "stepping_cdc.wait_for(pg_lsn, interval, text[])"
	var have bool
	var def string
	err := conn.QueryRow(ctx, `SELECT pronargdefaults = pronargs, pg_get_functiondef(oid) FROM pg_proc
		WHERE oid = '`+signature+`'::regprocedure`).Scan(&have, &def)
	if err != nil {
		return fmt.Errorf("read wait_for: %w", lost(conn, err))
	}
	const with, without = "(lsn pg_lsn DEFAULT pg_current_wal_insert_lsn(),", "(lsn pg_lsn,"
	switch {
	case elsewhere && have:
		def = strings.Replace(def, with, without, 1)
	case !elsewhere && !have:
		def = strings.Replace(def, without, with, 1)
	default:
		return nil
	}
	// A default cannot be taken away by CREATE OR REPLACE.
	_, err = conn.PgConn().Exec(ctx, "BEGIN; DROP FUNCTION "+signature+"; "+def+"; GRANT EXECUTE ON FUNCTION "+signature+" TO PUBLIC; COMMIT").ReadAll()
	if err != nil {
		return fmt.Errorf("adjust the default of wait_for: %w", lost(conn, err))
	}
	return nil
}
