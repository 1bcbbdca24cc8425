package replication

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
)

// This file alone talks to pglogrepl. The library concatenates names and options
// into its commands as they are, so they are quoted here.

// System says which server and which of its histories a connection is on.
type System struct {
	SystemID string
	Timeline int32
	Flushed  LSN // how far the server's WAL is on disk
	Database string
}

// IdentifySystem asks the server who it is.
func (c *Conn) IdentifySystem(ctx context.Context) (System, error) {
	r, err := pglogrepl.IdentifySystem(ctx, c.pg)
	if err != nil {
		return System{}, fmt.Errorf("identify system: %w", err)
	}
	return System{SystemID: r.SystemID, Timeline: r.Timeline, Flushed: LSN(r.XLogPos), Database: r.DBName}, nil
}

// Switch is where a timeline ended, because another branched off it.
type Switch struct {
	Timeline int32
	End      LSN
}

// TimelineHistory lists the ancestors of a timeline, oldest first. Timeline 1 has
// none.
func (c *Conn) TimelineHistory(ctx context.Context, timeline int32) ([]Switch, error) {
	if timeline <= 1 {
		return nil, nil
	}
	r, err := pglogrepl.TimelineHistory(ctx, c.pg, timeline)
	if err != nil {
		return nil, fmt.Errorf("read history of timeline %d: %w", timeline, err)
	}
	return parseHistory(string(r.Content))
}

// parseHistory reads a history file: a line an ancestor, "id<tab>LSN<tab>reason".
func parseHistory(content string) ([]Switch, error) {
	var list []Switch
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 2 {
			return nil, fmt.Errorf("read timeline history: line %q", line)
		}
		id, err := strconv.ParseInt(fields[0], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read timeline history: %w", err)
		}
		end, err := decode.ParseLSN(fields[1])
		if err != nil {
			return nil, fmt.Errorf("read timeline history: %w", err)
		}
		list = append(list, Switch{Timeline: int32(id), End: end})
	}
	return list, nil
}

// createSlot makes a logical slot and exports its snapshot.
func (c *Conn) createSlot(ctx context.Context, name string, options SlotOptions) (SlotSnapshot, error) {
	action := "EXPORT_SNAPSHOT"
	if options.Failover && majorVersion(c.pg) >= 17 {
		action = "(SNAPSHOT 'export', FAILOVER)"
	}
	r, err := pglogrepl.CreateReplicationSlot(ctx, c.pg, quote(name), "pgoutput", pglogrepl.CreateReplicationSlotOptions{
		Temporary: options.Temporary, SnapshotAction: action, Mode: pglogrepl.LogicalReplication,
	})
	if err != nil {
		return SlotSnapshot{}, err
	}
	lsn, err := decode.ParseLSN(r.ConsistentPoint)
	if err != nil {
		return SlotSnapshot{}, err
	}
	return SlotSnapshot{Slot: r.SlotName, ConsistentPoint: lsn, SnapshotName: r.SnapshotName}, nil
}

// startReplication puts the connection into streaming mode.
func (c *Conn) startReplication(ctx context.Context, options StreamOptions) error {
	binary := "binary 'true'"
	if options.Text {
		binary = "binary 'false'"
	}
	// Version 1 gives whole transactions at their commit, in commit order. The
	// publication's name is an identifier inside a literal: quoted twice.
	return pglogrepl.StartReplication(ctx, c.pg, quote(options.Slot), pglogrepl.LSN(options.Start), pglogrepl.StartReplicationOptions{
		Mode: pglogrepl.LogicalReplication,
		PluginArgs: []string{
			"proto_version '1'",
			"publication_names " + quoteLiteral(quote(options.Publication)),
			binary,
			"messages 'false'",
		},
	})
}

// alterSlot marks a slot for failover.
func (c *Conn) alterSlot(ctx context.Context, name string) error {
	return c.pg.Exec(ctx, "ALTER_REPLICATION_SLOT "+quote(name)+" (FAILOVER true)").Close()
}

// dropSlot drops a slot; it waits until the slot is not in use.
func (c *Conn) dropSlot(ctx context.Context, name string) error {
	return pglogrepl.DropReplicationSlot(ctx, c.pg, quote(name), pglogrepl.DropReplicationSlotOptions{Wait: true})
}

// quote writes a name as an identifier.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// quoteLiteral writes a string as a literal of the replication grammar, which
// knows no escapes but the doubled quote.
func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
