package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

const (
	growthPrefix   = "v"     // of the circuit's keys
	growthLoadStep = 1 << 14 // rows a step while tables are loaded
	growthFlush    = 2000    // steps after which the state is flushed, as the pipeline does
	hour           = int64(time.Hour / time.Microsecond)
)

// growing is one operator's circuit over its store, with the contents of its tables.
type growing struct {
	op      *operator
	n       int64
	rnd     *rand.Rand
	out     *plan.Output
	circuit *circuit.Circuit
	store   state.Store
	batch   state.Batch
	t, u    *feed
	in      map[string]*circuit.Batch
	clock   *circuit.Batch

	rows    []growthRow // of t
	free    []int       // those of them that may change
	next    int64       // id of the next row of t
	now     int64       // µs since 2000
	steps   int
	output  map[string]int64 // the output's rows as text; nil when not wanted
	rowsOut int64            // of all steps
}

type growthRow struct{ id, k, v, at int64 }

// text is the column s: a thousand names, in another order than the numbers.
func (r *growthRow) text() string { return fmt.Sprintf("name %03d", r.v*379%1000) }

// growthColumns are the columns of both tables, by name.
var growthColumns = map[string]func(*growthRow) values.Datum{
	"id": func(r *growthRow) values.Datum { return values.Int(r.id) },
	"k":  func(r *growthRow) values.Datum { return values.Int(r.k) },
	"v":  func(r *growthRow) values.Datum { return values.Int(r.v) },
	"at": func(r *growthRow) values.Datum { return values.Int(r.at) },
	"x":  func(r *growthRow) values.Datum { return values.Float(float64(r.v) / 8) },
	"s":  func(r *growthRow) values.Datum { return values.String(r.text()) },
}

// feed is the input of a table: the columns that the circuit reads.
type feed struct {
	batch *circuit.Batch
	pick  []func(r *growthRow) values.Datum
	row   []values.Datum
}

func (f *feed) add(r *growthRow, w int64) {
	if f == nil {
		return // the view does not read the table
	}
	for i, pick := range f.pick {
		f.row[i] = pick(r)
	}
	f.batch.Append(f.row, w)
}

func newGrowing(a *plan.Analysis, eval expr.Evaluator, op *operator, store state.Store, n int64, rnd *rand.Rand) (*growing, error) {
	prog := plan.Compile(a.Outputs, eval)
	c, err := prog.Builder.Build(store, []byte(growthPrefix))
	if err != nil {
		return nil, fmt.Errorf("build the circuit: %w", err)
	}
	g := &growing{op: op, n: n, rnd: rnd, out: a.Outputs[0], circuit: c, store: store, batch: store.NewBatch(), in: map[string]*circuit.Batch{}, now: 800_000_000_000_000}
	for _, src := range prog.Sources {
		f := &feed{batch: circuit.NewBatch(len(src.Attrs), 16), row: make([]values.Datum, len(src.Attrs))}
		for _, at := range src.Attrs {
			f.pick = append(f.pick, growthColumns[src.Table.Columns[at].Name])
		}
		g.in[src.Name] = f.batch
		if src.Table.Name == "t" {
			g.t = f
		} else {
			g.u = f
		}
	}
	if prog.Clock {
		g.clock = circuit.NewBatch(1, 2)
		g.in[plan.ClockSource] = g.clock
	}
	return g, nil
}

func (g *growing) close() { _ = g.batch.Close() } // nothing is in it

func (g *growing) load(ctx context.Context) error {
	if g.clock != nil {
		g.clock.Append([]values.Datum{values.Int(g.now)}, 1)
	}
	if err := g.loadStep(ctx); err != nil { // of constants
		return err
	}
	others := int64(0)
	if g.u != nil {
		others = g.n
		if g.op.others != nil {
			others = g.op.others(g.n)
		}
	}
	// One table after the other, as from a snapshot: as they came together, a join would have rows change their partners
	// over and over.
	for id := range others {
		r := g.otherRow(id)
		g.u.add(&r, 1)
		if err := g.loadFull(ctx, id); err != nil {
			return err
		}
	}
	for id := range g.n {
		r := growthRow{id: id, at: g.now - hour + (id+1)*hour/g.n}
		g.draw(&r)
		if g.op.pinned == nil || !g.op.pinned(id) {
			g.free = append(g.free, len(g.rows))
		}
		g.rows = append(g.rows, r)
		g.t.add(&r, 1)
		if err := g.loadFull(ctx, id); err != nil {
			return err
		}
	}
	g.next = g.n
	if err := g.loadStep(ctx); err != nil {
		return err
	}
	return g.store.Flush(ctx)
}

func (g *growing) otherRow(id int64) growthRow {
	k, v := g.op.other(g.n, id)
	return growthRow{id: id, k: k, v: v}
}

// draw gives a row new values.
func (g *growing) draw(r *growthRow) {
	if r.k = g.op.key(g.rnd, g.n, r.id); g.op.value != nil {
		r.v = g.op.value(g.rnd, g.n, r.k)
	} else {
		r.v = g.rnd.Int64N(1000)
	}
}

// change changes one row, by turns inserted, updated and deleted, and returns how
// long the step and its commit took.
func (g *growing) change(ctx context.Context) (time.Duration, error) {
	switch {
	case g.op.clock:
		g.clock.Append([]values.Datum{values.Int(g.now)}, -1)
		g.now += hour / g.n
		g.clock.Append([]values.Datum{values.Int(g.now)}, 1)
		g.insert()
	case g.steps%3 == 0 || len(g.free) == 0:
		g.insert()
	default:
		i := g.rnd.IntN(len(g.free))
		if g.op.last {
			i = len(g.free) - 1 - i%min(10, len(g.free))
		}
		row := &g.rows[g.free[i]]
		g.t.add(row, -1)
		if g.steps%3 == 1 {
			g.draw(row)
			g.t.add(row, 1)
			break
		}
		row.id = -1 // gone; its place stays empty
		g.free[i] = g.free[len(g.free)-1]
		g.free = g.free[:len(g.free)-1]
	}
	started := time.Now()
	outs, err := g.step(ctx)
	took := time.Since(started)
	if err != nil {
		return 0, err
	}
	return took, g.integrate(outs)
}

func (g *growing) insert() {
	r := growthRow{id: g.next, at: g.now}
	g.draw(&r)
	g.next++
	g.free = append(g.free, len(g.rows))
	g.rows = append(g.rows, r)
	g.t.add(&r, 1)
}

// step feeds what has been added.
func (g *growing) step(ctx context.Context) ([]circuit.Output, error) {
	outs, err := g.circuit.Step(ctx, g.in, g.batch)
	if err != nil {
		return nil, err
	}
	if _, err := g.batch.Commit(); err != nil {
		return nil, err
	}
	for _, b := range g.in {
		b.Reset()
	}
	if g.steps++; g.steps%growthFlush == 0 {
		return outs, g.store.StartFlush()
	}
	return outs, nil
}

// loadFull is loadStep when enough rows have come.
func (g *growing) loadFull(ctx context.Context, id int64) error {
	if g.op.whole || id%growthLoadStep != growthLoadStep-1 {
		return nil
	}
	return g.loadStep(ctx)
}

// loadStep is a step whose time is nobody's.
func (g *growing) loadStep(ctx context.Context) error {
	outs, err := g.step(ctx)
	if err != nil {
		return err
	}
	return g.integrate(outs)
}

func (g *growing) integrate(outs []circuit.Output) error {
	for _, o := range outs {
		g.rowsOut += int64(o.Batch.Len())
	}
	if g.output == nil {
		return nil
	}
	for _, o := range outs {
		if o.Name != g.out.Name {
			return errors.New("the view has errors in its data")
		}
		if err := addRows(g.output, g.out, o.Batch); err != nil {
			return err
		}
	}
	return nil
}

// addRows adds a delta of an output to its rows as text, with their copies.
func addRows(rows map[string]int64, out *plan.Output, delta *circuit.Batch) error {
	for i := range delta.Len() {
		parts := make([]string, delta.Width)
		for c, d := range delta.Row(i) {
			if d.IsNull() {
				continue
			}
			text, err := values.AppendText(nil, out.Columns[c].Type, d)
			if err != nil {
				return err
			}
			parts[c] = quoted(string(text))
		}
		row := "(" + strings.Join(parts, ",") + ")"
		if rows[row] += delta.W[i]; rows[row] == 0 {
			delete(rows, row)
		}
	}
	return nil
}

// quoted is a value as the text of a row has it: "Composite Type Input and Output
// Syntax", https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX.
func quoted(text string) string {
	if text != "" && !strings.ContainsAny(text, "\"\\(), \t\n\v\f\r") {
		return text
	}
	return `"` + strings.NewReplacer(`"`, `""`, `\`, `\\`).Replace(text) + `"`
}

// compare asks Postgres what the view is over the present tables.
func (g *growing) compare(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "TRUNCATE t, u"); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	var present, others [][]any
	for _, r := range g.rows {
		if r.id >= 0 {
			present = append(present, []any{r.id, r.k, r.v, moment(r.at), float64(r.v) / 8, r.text()})
		}
	}
	if g.u != nil {
		n := g.n
		if g.op.others != nil {
			n = g.op.others(g.n)
		}
		for id := range n {
			r := g.otherRow(id)
			others = append(others, []any{r.id, r.k, r.v})
		}
	}
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"id", "k", "v", "at", "x", "s"}, pgx.CopyFromRows(present)); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"u"}, []string{"id", "k", "v"}, pgx.CopyFromRows(others)); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	query := strings.ReplaceAll(g.op.query, "now()", "timestamptz '"+moment(g.now).Format("2006-01-02 15:04:05.999999")+"+00'")
	return compareRows(ctx, conn, g.output, query)
}

// compareRows compares rows as text, which it uses up, with what Postgres computes.
func compareRows(ctx context.Context, conn *pgx.Conn, output map[string]int64, query string) error {
	rows, err := conn.Query(ctx, "SELECT kept::text FROM ("+query+") AS kept")
	var row string
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&row}, func() error {
			if output[row]--; output[row] == 0 {
				delete(output, row)
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	for row, copies := range output {
		return fmt.Errorf("the output differs from its query: %+d of row %s, and %d others", copies, row, len(output)-1)
	}
	return nil
}

// moment is a Postgres timestamp in Go.
func moment(micros int64) time.Time { return time.UnixMicro(micros + 946_684_800_000_000).UTC() }
