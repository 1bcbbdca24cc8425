package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// The bare consumer is the least that a program can do to write back what it
// receives: it reads a stream of one table and upserts one row for each insert, by
// an asynchronous commit each. It keeps no position; it is a clock, not a consumer
// to build on.

const (
	writeBackPublication = "bench_write_back"
	writeBackSlot        = "bench_write_back"
)

func prepareWriteBack(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `CREATE PUBLICATION `+writeBackPublication+` FOR TABLE lineitem;
		CREATE TABLE bench_write_back (l_orderkey bigint, l_linenumber int, revenue numeric, PRIMARY KEY (l_orderkey, l_linenumber))`)
	if err != nil {
		return fmt.Errorf("prepare the bare consumer: %w", err)
	}
	return nil
}

func dropWriteBack(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "DROP PUBLICATION "+writeBackPublication+"; DROP TABLE bench_write_back"); err != nil {
		return fmt.Errorf("remove the bare consumer: %w", err)
	}
	return nil
}

// writeBackChild is the bare consumer.
func writeBackChild(ctx context.Context) (err error) {
	dsn := os.Getenv(dsnEnv)
	out, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer closeConn(out)
	if _, err := out.Exec(ctx, "SET synchronous_commit = off"); err != nil {
		return err
	}
	_, err = out.Prepare(ctx, "upsert", `INSERT INTO bench_write_back VALUES ($1, $2, $3)
		ON CONFLICT (l_orderkey, l_linenumber) DO UPDATE SET revenue = excluded.revenue`)
	if err != nil {
		return err
	}

	in, err := pgconn.Connect(ctx, dsn+"&replication=database")
	if err != nil {
		return err
	}
	defer func() { _ = in.Close(context.Background()) }()
	_, err = pglogrepl.CreateReplicationSlot(ctx, in, writeBackSlot, "pgoutput", pglogrepl.CreateReplicationSlotOptions{Temporary: true, SnapshotAction: "NOEXPORT_SNAPSHOT"})
	if err != nil {
		return err
	}
	err = pglogrepl.StartReplication(ctx, in, writeBackSlot, 0, pglogrepl.StartReplicationOptions{
		Mode: pglogrepl.LogicalReplication, PluginArgs: []string{"proto_version '1'", "publication_names '" + writeBackPublication + "'"},
	})
	if err != nil {
		return err
	}
	tell(event{Live: true})
	if err := writeBack(ctx, in, out.PgConn()); ctx.Err() == nil {
		return err
	}
	return nil
}

func writeBack(ctx context.Context, in, out *pgconn.PgConn) error {
	var columns map[string]int
	var pending [][][]byte
	var end pglogrepl.LSN
	reported := time.Now()
	for {
		message, err := in.ReceiveMessage(ctx)
		if err != nil {
			return err
		}
		data, ok := message.(*pgproto3.CopyData)
		if !ok {
			return fmt.Errorf("unexpected message %T", message)
		}
		if data.Data[0] != pglogrepl.XLogDataByteID {
			continue
		}
		xlog, err := pglogrepl.ParseXLogData(data.Data[1:])
		if err != nil {
			return err
		}
		change, err := pglogrepl.Parse(xlog.WALData)
		if err != nil {
			return err
		}
		switch m := change.(type) {
		case *pglogrepl.RelationMessage:
			columns = map[string]int{}
			for i, c := range m.Columns {
				columns[c.Name] = i
			}
		case *pglogrepl.InsertMessage:
			value := func(name string) []byte { return m.Tuple.Columns[columns[name]].Data }
			pending = append(pending, [][]byte{value("l_orderkey"), value("l_linenumber"), value("l_extendedprice")})
		case *pglogrepl.CommitMessage:
			for _, row := range pending {
				if r := out.ExecPrepared(ctx, "upsert", row, nil, nil).Read(); r.Err != nil {
					return fmt.Errorf("upsert: %w", r.Err)
				}
			}
			pending, end = pending[:0], m.TransactionEndLSN
		}
		if time.Since(reported) > time.Second {
			reported = time.Now()
			if err := pglogrepl.SendStandbyStatusUpdate(ctx, in, pglogrepl.StandbyStatusUpdate{WALWritePosition: end}); err != nil {
				return err
			}
		}
	}
}
