package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

const (
	// aloneDatabase has the tables whose rows are fed to circuits.
	aloneDatabase = "alone"
	// aloneScale is what the published rates were measured at.
	aloneScale = 0.1
	// aloneChunk is how many changes are prepared before they are measured.
	aloneChunk = 10_000
	aloneFlush = 5 * time.Second
)

// published are the refresh rates, in changes a second, of the C++ programs that
// DBToaster generates: Koch et al., "DBToaster: Higher-order Delta Processing for
// Dynamic, Frequently Fresh Views", The VLDB Journal 23(2), 2014. They come from
// another machine, so they tell orders of magnitude.
var published = []struct {
	query string
	rate  float64
}{{"q1", 60_534}, {"q3", 811_057}, {"q6", 1_122_628}, {"q17", 68_548}, {"q18", 229}}

// measureAlone measures circuits with nothing around them: on one processor, a row
// of TPC-H a step, from empty tables on, with the state in memory and on disk.
func measureAlone(ctx context.Context, l *lab) error {
	scale := min(aloneScale, l.opts.scale)
	if err := l.create(ctx, aloneDatabase); err != nil {
		return err
	}
	conn, err := l.connect(ctx, aloneDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	data := tpch.New(scale, l.opts.seed)
	l.say("loading TPC-H data at scale %g, to compare with", scale)
	if _, err := data.Load(ctx, conn); err != nil {
		return err
	}
	// Without it Postgres reads all lines for each part of query 17.
	if _, err := conn.Exec(ctx, "CREATE INDEX ON lineitem (l_partkey)"); err != nil {
		return fmt.Errorf("create an index: %w", err)
	}
	views := append(slices.Clone(tpch.Views), l.queries()...) // the former have no LIMIT
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, p := range published {
		view := views[slices.IndexFunc(views, func(v tpch.View) bool { return v.Name == p.query })]
		view.Query, _, _ = strings.Cut(view.Query, " ORDER BY ")
		for _, where := range []string{"memory", "disk"} {
			var rates, cpu, ratio sample
			changes := 0
			for round := range l.opts.rounds {
				run, err := l.runAlone(ctx, conn, data, &view, where == "disk", round)
				if err != nil {
					return fmt.Errorf("%s, state in %s: %w", p.query, where, err)
				}
				changes = run.changes
				rates.add(float64(run.changes) / run.took.Seconds())
				ratio.add(rates[round] / p.rate)
				cpu.add(float64(run.cpu.Microseconds()) / float64(run.changes))
			}
			name := p.query + ", state in " + where
			l.report.add(name, "changes/s", rates, fmt.Sprintf("%s single-row inserts at scale %g; published for DBToaster: %s", number(float64(changes)), scale, number(p.rate)))
			l.report.add(name+": ratio", "of the published rate", ratio, "another machine's")
			l.report.add(name+": CPU time", "µs a change", cpu, "the store's background work included")
			l.say("%s: %s changes/s, %.2f of the published rate", name, number(rates.median()), ratio.median())
		}
	}
	return nil
}

// aloneRun is a circuit that is fed.
type aloneRun struct {
	circuit *circuit.Circuit
	store   state.Store
	batch   state.Batch
	feeds   map[string]*aloneFeed // by table
	order   []*aloneFeed          // of the chunk's changes
	out     *plan.Output
	deltas  *circuit.Batch   // the output's of the chunk
	output  map[string]int64 // its rows as text
	changes int
	took    time.Duration
	cpu     time.Duration
	flushed time.Duration
}

// aloneFeed is the input of a table.
type aloneFeed struct {
	types []*values.Type
	attrs []int
	rows  *circuit.Batch // of the chunk
	next  int
	one   circuit.Batch             // the row whose turn it is
	in    map[string]*circuit.Batch // that row, as the input
}

func (l *lab) runAlone(ctx context.Context, conn *pgx.Conn, data *tpch.Generator, view *tpch.View, disk bool, round int) (_ *aloneRun, err error) {
	a, err := plan.Analyze(ctx, conn, []plan.View{{Name: view.Name, Query: view.Query}}, nil)
	if err != nil {
		return nil, err
	}
	if len(a.Problems) > 0 {
		return nil, fmt.Errorf("cannot be kept: %v", a.Problems[0])
	}
	run := &aloneRun{store: state.NewMemory(state.Options{}), feeds: map[string]*aloneFeed{}, out: a.Outputs[0], output: map[string]int64{}}
	where := "memory"
	if disk {
		where = "disk"
		dir := filepath.Join(l.dir, "alone")
		if run.store, err = state.Open(dir, state.Options{}); err != nil {
			return nil, fmt.Errorf("open the state: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	defer func() { err = errors.Join(err, run.store.Close()) }()
	run.batch = run.store.NewBatch()
	defer func() { _ = run.batch.Close() }() // nothing is in it

	// No function of these views is left to Postgres.
	prog := plan.Compile(a.Outputs, nil)
	if run.circuit, err = prog.Builder.Build(run.store, []byte("v")); err != nil {
		return nil, fmt.Errorf("build the circuit: %w", err)
	}
	run.deltas = circuit.NewBatch(len(run.out.Columns), aloneChunk)
	for _, src := range prog.Sources {
		f := &aloneFeed{attrs: src.Attrs, rows: circuit.NewBatch(len(src.Attrs), aloneChunk)}
		for _, at := range src.Attrs {
			f.types = append(f.types, src.Table.Columns[at].Type)
		}
		f.one = circuit.Batch{Width: len(src.Attrs), W: []int64{1}}
		f.in = map[string]*circuit.Batch{src.Name: &f.one}
		run.feeds[src.Table.Name] = f
	}
	stop, err := l.profileHere(fmt.Sprintf("circuit-%s-%s-%d", view.Name, where, round+1))
	if err != nil {
		return nil, err
	}
	err = errors.Join(streamed(data, func(table string, row []byte) error { return run.add(ctx, table, row) }), run.steps(ctx), stop())
	if err != nil {
		return nil, err
	}
	return run, compareRows(ctx, conn, run.output, view.Query)
}

// streamed visits all rows of the tables that grow with the scale, by turns and in
// proportion: parts, customers, an order, its lines.
func streamed(data *tpch.Generator, visit func(table string, row []byte) error) error {
	tables := []string{"part", "customer"}
	rest := make([]bytes.Buffer, len(tables))
	rows, seen := make([]int64, len(tables)), make([]int64, len(tables))
	for i, table := range tables {
		if err := data.Write(&rest[i], table); err != nil {
			return err
		}
		rows[i] = int64(bytes.Count(rest[i].Bytes(), []byte{'\n'}))
	}
	var o tpch.Order
	var text []byte
	for n := range data.Orders() {
		for i, table := range tables {
			for ; seen[i] < rows[i]*(n+1)/data.Orders(); seen[i]++ {
				row, err := rest[i].ReadBytes('\n')
				if err == nil {
					err = visit(table, row)
				}
				if err != nil {
					return err
				}
			}
		}
		data.Order(n, &o)
		text = o.AppendRow(text[:0])
		if err := visit("orders", text); err != nil {
			return err
		}
		for i := range o.Lines {
			text = o.Lines[i].AppendRow(text[:0])
			if err := visit("lineitem", text); err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes a row in the text format of COPY, if the view reads its table.
func (r *aloneRun) add(ctx context.Context, table string, text []byte) error {
	f := r.feeds[table]
	if f == nil {
		return nil
	}
	fields := bytes.Split(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\t'})
	row := f.rows.Grow(1)
	for i, at := range f.attrs {
		var err error
		if row[i], err = values.DecodeText(f.types[i], string(fields[at])); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	if r.order = append(r.order, f); len(r.order) < aloneChunk {
		return nil
	}
	return r.steps(ctx)
}

// steps feeds the chunk, a row a step; the outputs are looked at afterwards.
func (r *aloneRun) steps(ctx context.Context) error {
	cpu, started := cpuOf(os.Getpid()), time.Now()
	for _, f := range r.order {
		f.one.Data = f.rows.Row(f.next)
		f.next++
		outs, err := r.circuit.Step(ctx, f.in, r.batch)
		if err != nil {
			return err
		}
		if _, err := r.batch.Commit(); err != nil {
			return err
		}
		for _, o := range outs {
			if o.Name != r.out.Name {
				return errors.New("the view has errors in its data")
			}
			r.deltas.Data, r.deltas.W = append(r.deltas.Data, o.Batch.Data...), append(r.deltas.W, o.Batch.W...)
		}
	}
	if r.took-r.flushed > aloneFlush { // as the pipeline does
		r.flushed = r.took
		if err := r.store.StartFlush(); err != nil {
			return err
		}
	}
	r.took += time.Since(started)
	r.cpu += cpuOf(os.Getpid()) - cpu
	r.changes += len(r.order)
	r.order = r.order[:0]
	for _, f := range r.feeds {
		f.rows.Reset()
		f.next = 0
	}
	err := addRows(r.output, r.out, r.deltas)
	r.deltas.Reset()
	return err
}
