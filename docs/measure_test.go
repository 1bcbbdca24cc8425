package docs

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/compile"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

var (
	//go:embed testdata/grown.sql
	grownRows string
	//go:embed testdata/changes.sql
	grownChanges string
)

// What a change costs is measured by counting, not by the clock: the moves of iterators and
// look-ups in the state, and the rows that operators are given. The tables are small, so
// that "everything" is cheap, and grow by eight.

// size is how many rows there are: those of the groups that change, and the groups
// beside them.
type size struct{ group, others int }

// base is what a change costs; moreGroups and moreRows are with eight times as much of
// one or the other.
var (
	base       = size{group: 40, others: 40}
	moreGroups = size{group: 40, others: 320}
	moreRows   = size{group: 320, others: 40}
)

func (s size) fill(sql string) string {
	return strings.NewReplacer(":size", strconv.Itoa(s.group), ":others", strconv.Itoa(s.others), ":mid", strconv.Itoa(s.group/2)).Replace(sql)
}

// visits counts what circuits read of their state.
type visits struct {
	state.Store
	n *int64
}

func (v visits) Get(dst, key []byte) ([]byte, bool, error) {
	*v.n++
	return v.Store.Get(dst, key)
}

func (v visits) NewIter(lower, upper []byte) state.Iterator {
	return visitor{v.Store.NewIter(lower, upper), v.n}
}

// visitor counts each move of an iterator.
type visitor struct {
	state.Iterator
	n *int64
}

func (v visitor) First() bool                   { *v.n++; return v.Iterator.First() }
func (v visitor) Last() bool                    { *v.n++; return v.Iterator.Last() }
func (v visitor) SeekGE(key []byte) bool        { *v.n++; return v.Iterator.SeekGE(key) }
func (v visitor) SeekLT(key []byte) bool        { *v.n++; return v.Iterator.SeekLT(key) }
func (v visitor) SeekPrefix(prefix []byte) bool { *v.n++; return v.Iterator.SeekPrefix(prefix) }
func (v visitor) Next() bool                    { *v.n++; return v.Iterator.Next() }
func (v visitor) Prev() bool                    { *v.n++; return v.Iterator.Prev() }

// asked notes whether Postgres is asked to evaluate anything.
type asked struct {
	expr.Evaluator
	yes bool
}

func (a *asked) EvalRemote(ctx context.Context, call *expr.Remote, args [][]values.Datum) ([]values.Datum, error) {
	a.yes = true
	return a.Evaluator.EvalRemote(ctx, call, args)
}

// zset is a multiset of rows by their encoding.
type zset map[string]int64

func (z zset) add(row string, w int64) {
	if z[row] += w; z[row] == 0 {
		delete(z, row)
	}
}

// tables are what the circuits are fed: the contents of tables, and what a change of them
// comes to.
type tables struct {
	t        *testing.T
	conn     *pgx.Conn
	contents map[string]zset // by table
	deltas   map[string]zset
}

// read finds out how the tables have changed.
func (s *tables) read(sources []compile.Source) {
	s.t.Helper()
	s.deltas = map[string]zset{}
	for _, src := range sources {
		if _, done := s.deltas[src.Name]; done {
			continue
		}
		cols := make([]algebra.Column, len(src.Table.Columns))
		names := make([]string, len(cols))
		for i, c := range src.Table.Columns {
			cols[i], names[i] = algebra.Column{Name: c.Name, Type: c.Type}, pgx.Identifier{c.Name}.Sanitize()
		}
		from := " FROM "
		if src.Table.Kind == "r" {
			from += "ONLY " // rows of tables that inherit from it are these tables'
		}
		now := content(s.t, s.conn, "SELECT "+strings.Join(names, ", ")+from+src.Table.SQL(), cols)
		delta := zset{}
		for row, w := range now {
			delta.add(row, w)
		}
		for row, w := range s.contents[src.Name] {
			delta.add(row, -w)
		}
		s.contents[src.Name], s.deltas[src.Name] = now, delta
	}
}

// content is a query's result.
func content(t *testing.T, conn *pgx.Conn, sql string, cols []algebra.Column) zset {
	t.Helper()
	formats := make([]int16, len(cols))
	for i, c := range cols {
		if !c.Type.NoBinary {
			formats[i] = 1
		}
	}
	res := conn.PgConn().ExecParams(t.Context(), sql, nil, nil, nil, formats).Read()
	if res.Err != nil {
		t.Fatalf("%s: %v", sql, res.Err)
	}
	out := zset{}
	row := make([]values.Datum, len(cols))
	for _, r := range res.Rows {
		for i, b := range r {
			row[i] = values.Datum{}
			if b == nil {
				continue
			}
			d, err := values.DecodeBinary(cols[i].Type, b)
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			row[i] = d
		}
		out[string(values.AppendRow(nil, row))]++
	}
	return out
}

// kept is one view's circuit.
type kept struct {
	name    string
	prog    *plan.Program
	circuit *circuit.Circuit
	store   state.Store
	reads   int64
	asked   asked
	out     zset
	failed  bool
}

func keep(t *testing.T, out *plan.Output, eval expr.Evaluator) *kept {
	t.Helper()
	k := &kept{name: out.Name, asked: asked{Evaluator: eval}, out: zset{}}
	k.prog = plan.Compile([]*plan.Output{out}, &k.asked)
	k.store = visits{state.NewMemory(state.Options{}), &k.reads}
	c, err := k.prog.Builder.Build(k.store, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	k.circuit = c
	return k
}

// step feeds what has changed, and returns how much the circuit has visited, keys of its
// state and rows, for each row that changed in a table or in the view. ok says whether
// anything changed that it reads.
func (k *kept) step(t *testing.T, changed map[string]zset, from, to time.Time) (cost float64, ok bool) {
	t.Helper()
	in := map[string]*circuit.Batch{}
	rows := 0
	for _, src := range k.prog.Sources {
		picked := zset{}
		var datums, row []values.Datum
		for key, w := range changed[src.Name] {
			var err error
			if datums, err = values.DecodeRow([]byte(key), datums[:0]); err != nil {
				t.Fatal(err)
			}
			row = row[:0]
			for _, a := range src.Attrs {
				row = append(row, datums[a])
			}
			picked.add(string(values.AppendRow(nil, row)), w)
		}
		if len(picked) == 0 {
			continue
		}
		b := circuit.NewBatch(len(src.Attrs), len(picked))
		for key, w := range picked {
			row, err := values.DecodeRow([]byte(key), nil)
			if err != nil {
				t.Fatal(err)
			}
			b.Append(row, w)
		}
		rows += len(picked)
		in[src.Name] = b
	}
	if k.prog.Clock && from != to {
		b := circuit.NewBatch(1, 2)
		if !from.IsZero() {
			b.Append([]values.Datum{clock(from)}, -1)
		}
		b.Append([]values.Datum{clock(to)}, 1)
		rows++
		in[plan.ClockSource] = b
	}
	if rows == 0 && k.circuit.Nodes()[0].Stats.RowsIn > 0 {
		return 0, false
	}
	before := k.visited()
	batch := k.store.NewBatch()
	defer batch.Close()
	outs, err := k.circuit.Step(t.Context(), in, batch)
	if err != nil {
		t.Fatalf("%s: %v", k.name, err)
	}
	for _, o := range outs {
		if o.Name != k.name {
			k.failed = true
			continue
		}
		rows += o.Batch.Len()
		for i := range o.Batch.Len() {
			k.out.add(string(values.AppendRow(nil, o.Batch.Row(i))), o.Batch.W[i])
		}
	}
	if _, err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	return float64(k.visited()-before) / float64(max(rows, 1)), rows > 0
}

func (k *kept) visited() int64 {
	n := k.reads
	for _, info := range k.circuit.Nodes() {
		n += info.Stats.RowsIn
	}
	return n
}

func clock(at time.Time) values.Datum {
	const unixTo2000 = 946_684_800_000_000
	return values.Int(at.UnixMicro() - unixTo2000)
}

// differs says how the view differs from what Postgres computes.
func (k *kept) differs(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	v := k.prog.Views[0]
	want := content(t, conn, "SELECT * FROM pg_temp."+pgx.Identifier{k.name}.Sanitize(), v.Columns)
	var lines []string
	show := func(sign string, key string) {
		row, err := values.DecodeRow([]byte(key), nil)
		if err != nil {
			t.Fatal(err)
		}
		text := make([]string, len(row))
		for i, d := range row {
			if b, err := values.AppendText(nil, v.Columns[i].Type, d); err == nil {
				text[i] = string(b)
			}
		}
		lines = append(lines, sign+" "+strings.Join(text, " | "))
	}
	for key, w := range want {
		if k.out[key] != w {
			show(fmt.Sprintf("Postgres has %d, we %d of", w, k.out[key]), key)
		}
	}
	for key, w := range k.out {
		if want[key] == 0 {
			show(fmt.Sprintf("Postgres has none, we %d of", w), key)
		}
	}
	if k.failed {
		lines = append(lines, "there are errors in the data")
	}
	return strings.Join(lines[:min(len(lines), 5)], "\n")
}
