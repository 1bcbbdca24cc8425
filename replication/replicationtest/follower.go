package replicationtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// Follower keeps a Trace equal to the source, as a pipeline would.
type Follower struct {
	DSN         string
	Slot        string
	Publication string
	Options     replication.StreamOptions

	Conn     *pgx.Conn // the test's own
	Trace    *Trace
	Stream   *replication.Stream
	Position replication.LSN // what the trace holds
	Txs      []decode.Tx     // all that came
	Chunks   int

	decoder *decode.Decoder
	changes decode.Changes
	deltas  *decode.Deltas
}

// NewFollower publishes tables, creates a slot, loads its snapshot and starts to
// stream.
func NewFollower(t testing.TB, dsn string, options replication.StreamOptions, tables ...decode.Table) *Follower {
	t.Helper()
	ctx := t.Context()
	f := &Follower{DSN: dsn, Slot: SlotName(t), Publication: "pub", Conn: Open(t, dsn), Trace: NewTrace(tables), Options: options}
	var refs []replication.TableRef
	for _, table := range tables {
		refs = append(refs, Ref(table.Name))
	}
	_, err := replication.EnsurePublication(ctx, f.Conn, replication.PublicationOptions{
		Name: f.Publication, Slot: f.Slot, Tables: refs, Manage: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := replication.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	slot, err := conn.CreateSlot(ctx, f.Slot, replication.SlotOptions{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := replication.OpenSnapshot(ctx, dsn, slot.SnapshotName)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tables {
		_, err := snapshot.Load(ctx, &tables[i], func() int { return replication.LoadRows }, func(b *circuit.Batch) error {
			f.Trace.Load(i, b)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := snapshot.Close(ctx); err != nil {
		t.Fatal(err)
	}
	f.decoder = decode.NewDecoder(tables, nil)
	f.deltas = decode.NewDeltas(tables, f.Trace)
	f.start(t, conn, slot.ConsistentPoint)
	return f
}

// SlotName makes a slot's name of a test's.
func SlotName(t testing.TB) string {
	name := []byte("s_" + t.Name())
	for i, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			name[i] = c + 'a' - 'A'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		default:
			name[i] = '_'
		}
	}
	return string(name[:min(len(name), 60)])
}

func (f *Follower) start(t testing.TB, conn *replication.Conn, from replication.LSN) {
	t.Helper()
	f.Options.Slot, f.Options.Publication, f.Options.Start = f.Slot, f.Publication, from
	stream, err := conn.Start(t.Context(), f.Options)
	if err != nil {
		t.Fatal(err)
	}
	f.Stream, f.Position = stream, from
	t.Cleanup(func() { stream.Close() })
}

// Restart ends the stream and starts anew from what the trace holds.
func (f *Follower) Restart(t testing.TB) {
	t.Helper()
	f.Stream.Close()
	conn, err := replication.Connect(t.Context(), f.DSN)
	if err != nil {
		t.Fatal(err)
	}
	f.decoder.Reset()
	for deadline := time.Now().Add(5 * time.Second); ; {
		slot, err := replication.SlotInfo(t.Context(), f.Conn, f.Slot)
		if err != nil {
			t.Fatal(err)
		}
		if !slot.Active {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("slot stays active")
		}
		time.Sleep(5 * time.Millisecond)
	}
	f.start(t, conn, f.Position)
}

// Follow takes events until everything committed so far is in the trace.
func (f *Follower) Follow(t testing.TB) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var text string
	// The switch makes sure that there is WAL after the last commit, and flushed.
	if err := f.Conn.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text FROM pg_logical_emit_message(true, 'test', '')").Scan(&text); err != nil {
		t.Fatal(err)
	}
	target, err := decode.ParseLSN(text)
	if err != nil {
		t.Fatal(err)
	}
	f.Stream.RequestPosition()
	for f.Position < target {
		e, err := f.Stream.Next(ctx)
		if err != nil {
			return fmt.Errorf("at %s, before %s: %w", f.Position, target, err)
		}
		if err := f.Apply(e); err != nil {
			return err
		}
	}
	return nil
}

// Apply brings one event into the trace.
func (f *Follower) Apply(e replication.Event) error {
	if !e.Idle() {
		f.Chunks++
		f.changes.Reset()
		if err := f.decoder.Decode(e.Messages, &f.changes); err != nil {
			return err
		}
		f.Txs = append(f.Txs, f.changes.Txs...)
		if err := f.deltas.Add(f.changes.List); err != nil {
			return err
		}
		if err := f.Trace.Apply(f.deltas); err != nil {
			return err
		}
		f.deltas.Reset()
		if !e.Last {
			return nil
		}
	}
	f.Position = max(f.Position, e.EndLSN)
	return nil
}

// MustFollow is Follow and Check.
func (f *Follower) MustFollow(t testing.TB) {
	t.Helper()
	if err := f.Follow(t); err != nil {
		t.Fatal(err)
	}
	f.Trace.Check(t, f.Conn)
}
