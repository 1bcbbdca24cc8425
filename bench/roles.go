package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// roles are the CPU times of the server's processes, by what they are there for.
type roles map[string]time.Duration

// What a process of the server is there for.
const (
	roleSender     = "walsender"
	roleOutputs    = "outputs' session"
	roleBackground = "background processes"
)

// readRoles reads the CPU time of the processes that live longer than a run: not
// those of the clients, which are the rest of the server's.
func readRoles(ctx context.Context, conn *pgx.Conn) (roles, error) {
	rows, err := conn.Query(ctx, `SELECT pid, CASE
			WHEN backend_type = 'walsender' THEN $1
			WHEN application_name LIKE 'stepping-cdc%' THEN $2
			WHEN backend_type NOT IN ('client backend', 'autovacuum worker') THEN $3 END
		FROM pg_stat_activity`, roleSender, roleOutputs, roleBackground)
	r := roles{}
	if err == nil {
		var pid int
		var role *string
		_, err = pgx.ForEachRow(rows, []any{&pid, &role}, func() error {
			if role != nil {
				r[*role] += cpuOf(pid)
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list the server's processes: %w", err)
	}
	return r, nil
}
