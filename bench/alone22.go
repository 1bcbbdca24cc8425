package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

const (
	alone22Load   = 1 << 16  // rows a step of a snapshot, if
	alone22Held   = 32 << 20 // bytes is what it holds, at most
	alone22Step   = 10_000   // rows a step of a backlog
	alone22Rows   = 100_000
	alone22Prefix = "v" // of the circuit's state
)

// alone22 is the one circuit of all 22 queries of TPC-H over a state on disk, with
// nothing around it.
type alone22 struct {
	data    *tpch.Generator
	refresh *tpch.Refresh
	names   []string // of the tables, as the pipeline loads them
	circuit *circuit.Circuit
	store   *state.Disk
	batch   state.Batch
	feeds   map[string]*aloneFeed // by table
	in      map[string]*circuit.Batch
	rows    int // of the step
	held    int // bytes, by the last step
	total   int // of the phase
	took    time.Duration
	flushed time.Duration
	text    []byte
	gone    int64 // orders of the beginning deleted
	updated int64 // … and changed, of the later half
}

// measureAlone22 measures what a row costs the circuit of all queries, and where: a
// snapshot, a backlog of inserts, and one of mixed changes. Counts do not depend
// on how busy the machine is.
func measureAlone22(ctx context.Context, l *lab) (err error) {
	if err := l.create(ctx, aloneDatabase); err != nil {
		return err
	}
	conn, err := l.connect(ctx, aloneDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	for _, t := range tpch.Tables {
		for _, sql := range []string{t.Create(), t.AddKey()} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("create table %s: %w", t.Name, err)
			}
		}
	}
	var views []plan.View
	for _, v := range l.queries() {
		views = append(views, plan.View{Name: v.Name, Query: v.Query})
	}
	a, err := plan.Analyze(ctx, conn, views, nil)
	if err != nil {
		return err
	}
	if len(a.Problems) > 0 {
		return fmt.Errorf("cannot be kept: %v", a.Problems[0])
	}
	dir := filepath.Join(l.dir, "alone22")
	// As the pipeline does.
	store, err := state.Open(dir, state.Options{Trace: func(key []byte) int { return circuit.NodeEnd(key, len(alone22Prefix)) }})
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close(), os.RemoveAll(dir)) }()
	data := tpch.New(l.opts.scale, l.opts.seed)
	r := &alone22{
		data: data, refresh: tpch.NewRefresh(data), store: store, batch: store.NewBatch(),
		feeds: map[string]*aloneFeed{}, in: map[string]*circuit.Batch{},
	}
	defer func() { _ = r.batch.Close() }() // nothing is in it
	prog := plan.Compile(a.Outputs, nil)
	if r.circuit, err = prog.Builder.Build(store, []byte(alone22Prefix)); err != nil {
		return fmt.Errorf("build the circuit: %w", err)
	}
	// Sizes in bytes of the specification's tables, at scale 1 and about.
	sizes := map[string]int64{"lineitem": 900e6, "orders": 200e6, "partsupp": 140e6, "part": 32e6, "customer": 28e6, "supplier": 2e6}
	var of []int64
	for _, src := range prog.Sources {
		of = append(of, sizes[src.Table.Name])
	}
	for _, t := range prog.LoadOrder(of) {
		r.names = append(r.names, prog.Sources[t].Table.Name)
	}
	for _, src := range prog.Sources {
		f := &aloneFeed{attrs: src.Attrs, rows: circuit.NewBatch(len(src.Attrs), alone22Step)}
		for _, at := range src.Attrs {
			f.types = append(f.types, src.Table.Columns[at].Type)
		}
		r.feeds[src.Table.Name], r.in[src.Name] = f, f.rows
	}
	backlog := int(alone22Rows * min(l.opts.scale/0.02, 2))
	for _, phase := range []struct {
		name string
		run  func(ctx context.Context, rows int) error
	}{{"snapshot", r.load}, {"inserts", r.inserts}, {"mixed", r.mixed}} {
		if err := l.phase22(ctx, r, phase.name, func() error { return phase.run(ctx, backlog) }); err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
	}
	return nil
}

// phase22 runs a phase and reports it.
func (l *lab) phase22(ctx context.Context, r *alone22, name string, run func() error) error {
	stop, err := l.profileHere("circuit22-" + name)
	if err != nil {
		return err
	}
	before, written := r.circuit.Nodes(), r.store.Metrics()
	r.total, r.took, r.flushed = 0, 0, 0
	cpu := cpuOf(os.Getpid())
	if err := errors.Join(run(), r.store.Flush(ctx), stop()); err != nil {
		return err
	}
	used := cpuOf(os.Getpid()) - cpu
	after, now := r.circuit.Nodes(), r.store.Metrics()
	rows := float64(r.total)
	var reads, writes, size int64
	for i := range after {
		s, b := &after[i].Stats, &before[i].Stats
		s.RowsIn, s.RowsOut, s.KeysRead = s.RowsIn-b.RowsIn, s.RowsOut-b.RowsOut, s.KeysRead-b.KeysRead
		s.KeysWritten, s.BytesWritten, s.Time = s.KeysWritten-b.KeysWritten, s.BytesWritten-b.BytesWritten, s.Time-b.Time
		reads, writes, size = reads+s.KeysRead, writes+s.KeysWritten, size+s.BytesWritten
	}
	about := fmt.Sprintf("%s rows at scale %g", number(rows), l.opts.scale)
	add := func(what, unit string, v float64) {
		var one sample
		one.add(v)
		l.report.add(name+": "+what, unit, one, about)
	}
	add("CPU time", "µs a row", float64(used.Microseconds())/rows)
	add("of which steps", "µs a row", float64(r.took.Microseconds())/rows)
	add("keys read", "a row", float64(reads)/rows)
	add("keys written", "a row", float64(writes)/rows)
	add("bytes written", "a row", float64(size)/rows)
	add("bytes flushed", "a row", float64(now.FlushedBytes-written.FlushedBytes)/rows)
	add("bytes merged", "a row", float64(now.MergedBytes-written.MergedBytes)/rows)
	add("state", "MB", float64(now.DiskBytes)/(1<<20))
	return writeNodes(filepath.Join(l.opts.out, "circuit22-"+name+".txt"), after, rows)
}

// writeNodes writes what each node did, those that took longest first.
func writeNodes(path string, nodes []circuit.NodeInfo, rows float64) error {
	slices.SortFunc(nodes, func(a, b circuit.NodeInfo) int { return cmp.Compare(b.Stats.Time, a.Stats.Time) })
	var out bytes.Buffer
	fmt.Fprintln(&out, "a row of the sources:\n  ns  rows in    out  keys read  written  bytes   node")
	for _, n := range nodes {
		s := &n.Stats
		per := func(v int64) float64 { return float64(v) / rows }
		fmt.Fprintf(&out, "%6.0f %6.3f %6.3f %8.3f %8.3f %7.1f  %d %s %v %s\n", per(int64(s.Time)), per(s.RowsIn), per(s.RowsOut),
			per(s.KeysRead), per(s.KeysWritten), per(s.BytesWritten), n.ID, n.Op, n.Inputs, n.Label)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}

func (r *alone22) load(ctx context.Context, _ int) error {
	r.store.StartLoad()
	r.circuit.StartLoad(alone22Held / 2)
	for _, t := range r.names {
		if err := r.loadTable(ctx, t); err != nil {
			return err
		}
	}
	r.circuit.EndLoad()
	// As the pipeline does.
	if err := r.store.Flush(ctx); err != nil {
		return err
	}
	r.store.EndLoad(ctx, r.took/10)
	return nil
}

func (r *alone22) loadTable(ctx context.Context, table string) error {
	out, in := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = in.CloseWithError(r.data.Write(in, table)) // reaches the reader
	}()
	defer func() {
		_ = out.Close()
		<-done
	}()
	defer r.circuit.Release()
	rest := bufio.NewReader(out)
	rows := 64
	for {
		row, err := rest.ReadBytes('\n')
		if err == io.EOF {
			return r.step(ctx)
		}
		if err == nil {
			err = r.add(table, row, 1)
		}
		if err == nil && r.rows >= rows {
			if err = r.step(ctx); 2*r.held <= alone22Held {
				rows = min(2*rows, alone22Load)
			}
		}
		if err != nil {
			return err
		}
	}
}

// inserts adds new orders with their lines.
func (r *alone22) inserts(ctx context.Context, rows int) error {
	for r.total+r.rows < rows {
		if err := r.order(r.refresh.NewOrder(), 1); err != nil {
			return err
		}
		if err := r.full(ctx); err != nil {
			return err
		}
	}
	return r.step(ctx)
}

// mixed is three quarters inserts, an eighth updates and an eighth deletes.
func (r *alone22) mixed(ctx context.Context, rows int) error {
	var o tpch.Order
	for r.total+r.rows < rows {
		for range 6 {
			if err := r.order(r.refresh.NewOrder(), 1); err != nil {
				return err
			}
		}
		r.data.Order(r.gone, &o)
		r.gone++
		if err := r.order(&o, -1); err != nil {
			return err
		}
		half := r.data.Orders() / 2
		if r.gone >= half || r.updated >= r.data.Orders()-half {
			return errors.New("all orders of the beginning are changed; use a larger scale")
		}
		r.data.Order(half+r.updated, &o)
		r.updated++
		if err := r.requantify(&o); err != nil {
			return err
		}
		if err := r.full(ctx); err != nil {
			return err
		}
	}
	return r.step(ctx)
}

func (r *alone22) order(o *tpch.Order, w int64) error {
	r.text = o.AppendRow(r.text[:0])
	if err := r.add("orders", r.text, w); err != nil {
		return err
	}
	for i := range o.Lines {
		r.text = o.Lines[i].AppendRow(r.text[:0])
		if err := r.add("lineitem", r.text, w); err != nil {
			return err
		}
	}
	return nil
}

// requantify changes quantity and price of an order's lines.
func (r *alone22) requantify(o *tpch.Order) error {
	for i := range o.Lines {
		line := &o.Lines[i]
		r.text = line.AppendRow(r.text[:0])
		if err := r.add("lineitem", r.text, -1); err != nil {
			return err
		}
		line.Quantity, line.ExtendedPrice = line.Quantity%5000+100, line.ExtendedPrice+100
		r.text = line.AppendRow(r.text[:0])
		if err := r.add("lineitem", r.text, 1); err != nil {
			return err
		}
		r.rows-- // both are one change
	}
	return nil
}

// add takes a row in the text format of COPY.
func (r *alone22) add(table string, text []byte, w int64) error {
	f := r.feeds[table]
	if f == nil {
		return nil
	}
	r.rows++
	fields := bytes.Split(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\t'})
	row := f.rows.Grow(w)
	for i, at := range f.attrs {
		var err error
		if row[i], err = values.DecodeText(f.types[i], string(fields[at])); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	return nil
}

func (r *alone22) full(ctx context.Context) error {
	if r.rows < alone22Step {
		return nil
	}
	if err := r.step(ctx); err != nil {
		return err
	}
	if r.took-r.flushed > aloneFlush { // as the pipeline does
		r.flushed = r.took
		return r.store.StartFlush()
	}
	return nil
}

func (r *alone22) step(ctx context.Context) error {
	started := time.Now()
	if _, err := r.circuit.Step(ctx, r.in, r.batch); err != nil {
		return err
	}
	r.held = r.circuit.Held() + 2*r.batch.Size()
	if _, err := r.batch.Commit(); err != nil {
		return err
	}
	r.took += time.Since(started)
	r.total += r.rows
	r.rows = 0
	for _, f := range r.feeds {
		f.rows.Reset()
	}
	return nil
}
