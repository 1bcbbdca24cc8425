package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/migrations"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// Drop removes what running a configuration has made: the slot, the publication
// (unless it is a DBA's own), the control schema, the state and, with outputs,
// the output tables. It fails with a *sink.RunningError while an instance runs,
// before anything is removed, and can be repeated after any failure. Each thing
// removed is told to removed.
func Drop(ctx context.Context, cfg *config.Config, outputs bool, removed func(what string)) error {
	err := drop(ctx, cfg, outputs, removed)
	return config.RedactError(err, string(cfg.Source.DSN), string(cfg.Sink.DSN))
}

func drop(ctx context.Context, cfg *config.Config, outputs bool, removed func(what string)) error {
	source, err := replication.OpenSession(ctx, string(cfg.Source.DSN))
	if err != nil {
		return err
	}
	defer func() { _ = source.Close(context.WithoutCancel(ctx)) }()
	slot, err := replication.SlotInfo(ctx, source, cfg.Source.Slot)
	if err != nil {
		return err
	}
	if slot != nil && (slot.Plugin != "pgoutput" || slot.Temporary) {
		return fmt.Errorf("slot %s belongs to something else (plugin %s): it is left alone, and so is everything else", slot.Name, slot.Plugin)
	}
	if slot != nil && slot.Active {
		return fmt.Errorf("slot %s is in use by process %d of the server: stop \"stepping-cdc run\" first", slot.Name, slot.ActivePID)
	}
	if err := dropSink(ctx, cfg, outputs, removed); err != nil {
		return err
	}
	if slot != nil {
		conn, err := replication.Connect(ctx, string(cfg.Source.DSN))
		if err != nil {
			return err
		}
		err = errors.Join(conn.DropSlot(ctx, slot.Name), conn.Close(ctx))
		if err != nil {
			return err
		}
		removed("slot " + slot.Name)
	}
	if err := dropPublication(ctx, cfg, source, removed); err != nil {
		return err
	}
	if _, err := os.Stat(cfg.State.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := state.Remove(cfg.State.Dir); err != nil {
		return fmt.Errorf("remove state: %w", err)
	}
	removed("state " + cfg.State.Dir)
	return nil
}

func dropPublication(ctx context.Context, cfg *config.Config, source *pgx.Conn, removed func(string)) error {
	if !cfg.Source.ManagePublication {
		return nil
	}
	var exists bool
	err := source.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = $1)`, cfg.Source.Publication).Scan(&exists)
	if err != nil {
		return fmt.Errorf("look for publication %s: %w", cfg.Source.Publication, err)
	}
	if !exists {
		return nil
	}
	if err := replication.DropPublication(ctx, source, cfg.Source.Publication); err != nil {
		return err
	}
	removed("publication " + cfg.Source.Publication)
	return nil
}

// dropSink removes the control schema and, with outputs, the tables it lists.
func dropSink(ctx context.Context, cfg *config.Config, outputs bool, removed func(string)) error {
	conn, err := replication.OpenSession(ctx, string(cfg.Sink.DSN))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT to_regclass('stepping_cdc.views') IS NOT NULL`).Scan(&exists); err != nil {
		return fmt.Errorf("look for the control schema: %w", err)
	}
	if !exists {
		return nil
	}
	s, err := sink.Open(ctx, string(cfg.Sink.DSN), sink.Options{})
	if err != nil {
		return err
	}
	views, err := s.Views(ctx)
	var names []string
	for _, v := range views {
		names = append(names, v.Name)
	}
	if err == nil {
		err = s.Drop(ctx, outputs, names...)
	}
	if err = errors.Join(err, s.Close(ctx)); err != nil {
		return err
	}
	if outputs {
		for _, v := range views {
			removed("table " + pgx.Identifier{v.Schema, v.Name}.Sanitize())
		}
	}
	if err := migrations.Down(ctx, conn); err != nil {
		return fmt.Errorf("drop the control schema: %w", err)
	}
	removed("schema " + configured.ControlSchema)
	if !outputs {
		return nil
	}
	return dropEmptySchema(ctx, conn, cfg.Sink.Schema, removed)
}

// dropEmptySchema removes the outputs' schema if nothing is left in it. One with
// a comment or grants of somebody's own is not just ours, and stays.
func dropEmptySchema(ctx context.Context, conn *pgx.Conn, schema string, removed func(string)) error {
	var mine bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = $1 AND n.nspname <> 'public'
		AND n.nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND n.nspacl IS NULL
		AND obj_description(n.oid, 'pg_namespace') IS NULL
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid))`, schema).Scan(&mine)
	if err != nil {
		return fmt.Errorf("look at schema %s: %w", schema, err)
	}
	if !mine {
		return nil
	}
	// RESTRICT: whatever has come in meanwhile keeps it.
	if _, err := conn.Exec(ctx, "DROP SCHEMA "+pgx.Identifier{schema}.Sanitize()+" RESTRICT"); err != nil {
		return fmt.Errorf("drop schema %s: %w", schema, err)
	}
	removed("schema " + schema)
	return nil
}
