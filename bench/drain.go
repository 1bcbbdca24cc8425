package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// drainSlot is what pg_recvlogical reads.
const drainSlot = "bench_drain"

// newDrainSlot makes it anew; what is written from now on is a backlog for it.
func newDrainSlot(ctx context.Context, conn *pgx.Conn) error {
	if err := dropSlot(ctx, conn, drainSlot); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", drainSlot); err != nil {
		return fmt.Errorf("create slot %s: %w", drainSlot, err)
	}
	return nil
}

// recvlogical is pg_recvlogical that throws away what a publication sends, asked
// for in the same way as we do.
func (l *lab) recvlogical(ctx context.Context, database, publication string, more ...string) (*exec.Cmd, *bytes.Buffer, error) {
	path := l.program("pg_recvlogical")
	if path == "" {
		return nil, nil, errors.New("pg_recvlogical, the reference, is not installed with this Postgres")
	}
	cmd := exec.CommandContext(ctx, path, append([]string{
		"--start", "--slot=" + drainSlot, "--dbname=" + l.server.DSN(database), "--file=/dev/null", "--no-loop", "--fsync-interval=0",
		"--option=proto_version=1", "--option=publication_names=" + publication, "--option=binary=true",
	}, more...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	return cmd, &output, nil
}

// drain has pg_recvlogical read up to a position and returns how long that took.
func (l *lab) drain(ctx context.Context, database, publication, lsn string) (time.Duration, error) {
	cmd, output, err := l.recvlogical(ctx, database, publication, "--endpos="+lsn)
	if err != nil {
		return 0, err
	}
	started := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("drain by pg_recvlogical: %w: %s", err, output)
	}
	return time.Since(started), nil
}
