//go:build linux

package circuit_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// The benchmarks here run four views of the shape of TPC-H's queries 1, 3, 6
// and 12 in one circuit over a store on disk: "load" is a snapshot in steps of
// 8192 rows, "catch-up" a backlog in steps of about 10,000 changes at random
// places of what was loaded, "single" one changed row a step.
const (
	tpchOrders    = 500_000
	tpchCustomers = tpchOrders / 10
	tpchLoadStep  = 8192
	tpchCatchUp   = 10_000
)

// Columns of the sources.
const (
	custKey, custSegment                                 = 0, 1
	ordKey, ordCust, ordDate, ordPriority, ordShip       = 0, 1, 2, 3, 4
	lineOrder, lineNumber, lineQuantity, linePrice       = 0, 1, 2, 3
	lineDiscount, lineTax, lineFlag, lineStatus          = 4, 5, 6, 7
	lineShipped, lineCommit, lineReceipt, lineMode       = 8, 9, 10, 11
	customerWidth, ordersWidth, lineWidth                = 2, 5, 12
	tpchFirstDay, tpchDays                         int64 = -2922, 2400
)

func linearAgg(signature string) func() circuit.Accumulator {
	return func() circuit.Accumulator { return agg.Lookup(signature, nil, nil).Linear() }
}

// textKey is what values.AppendKey writes for short texts.
func textKey(dst []byte, s string) []byte { return append(append(dst, s...), 0, 0) }

func tpchCircuit(b *testing.B, store state.Store) *circuit.Circuit {
	q := circuit.NewBuilder()
	customer := q.Source("customer", customerWidth)
	orders := q.Source("orders", ordersWidth)
	lineitem := q.Source("lineitem", lineWidth)

	byColumn := func(column int) circuit.KeyFunc {
		return func(dst []byte, row []datum) ([]byte, bool) {
			return values.AppendKeyInt(dst, row[column].Int64()), true
		}
	}
	// pick is a filter with a projection.
	pick := func(in circuit.Stream, label string, width int, where func(row []datum) bool, to func(row, out []datum)) circuit.Stream {
		return q.Map(in, width, label, func(_ context.Context, in, out *batch) error {
			for i, w := range in.W {
				if row := in.Row(i); where(row) {
					to(row, out.Grow(w))
				}
			}
			return nil
		})
	}
	one := values.NumericFromInt(100, 2).Int64()
	discounted := func(row []datum) datum {
		return values.NumericFromInt(row[linePrice].Int64()*(one-row[lineDiscount].Int64()), 4)
	}

	// Q1.
	q1 := pick(lineitem, "q1", 8,
		func(row []datum) bool { return row[lineShipped].Int64() <= tpchFirstDay+tpchDays-90 },
		func(row, out []datum) {
			d := discounted(row)
			copy(out, row[lineQuantity:lineTax])
			out[3] = d
			out[4] = values.NumericFromInt(d.Int64()*(one+row[lineTax].Int64()), 6)
			out[5], out[6] = row[lineFlag], row[lineStatus]
		})
	q.Output("q1", q.Aggregate(q1, "q1", circuit.AggSpec{
		Key: func(dst []byte, row []datum) ([]byte, bool) {
			return textKey(textKey(dst, row[5].Str()), row[6].Str()), true
		},
		GroupWidth: 2, Group: columns(5, 6),
		Aggregates: []circuit.Aggregate{
			{Linear: linearAgg("sum(numeric)"), Width: 1, Args: args(0)},
			{Linear: linearAgg("sum(numeric)"), Width: 1, Args: args(1)},
			{Linear: linearAgg("sum(numeric)"), Width: 1, Args: args(3)},
			{Linear: linearAgg("sum(numeric)"), Width: 1, Args: args(4)},
			{Linear: linearAgg("avg(numeric)"), Width: 1, Args: args(0)},
			{Linear: linearAgg("avg(numeric)"), Width: 1, Args: args(1)},
			{Linear: linearAgg("avg(numeric)"), Width: 1, Args: args(2)},
			{Linear: newCount},
		},
	}))

	// Q3.
	day := tpchFirstDay + tpchDays/2
	c3 := pick(customer, "q3 customer", 1,
		func(row []datum) bool { return row[custSegment].Str() == "BUILDING" },
		func(row, out []datum) { out[0] = row[custKey] })
	o3 := pick(orders, "q3 orders", 4,
		func(row []datum) bool { return row[ordDate].Int64() < day },
		func(row, out []datum) {
			out[0], out[1], out[2], out[3] = row[ordKey], row[ordCust], row[ordDate], row[ordShip]
		})
	l3 := pick(lineitem, "q3 lineitem", 3,
		func(row []datum) bool { return row[lineShipped].Int64() > day },
		func(row, out []datum) { out[0], out[1], out[2] = row[lineOrder], row[lineNumber], discounted(row) })
	co := q.Join(q.Index(c3, "customer", byColumn(0)), q.Index(o3, "orders by customer", byColumn(1)), 3, "customer, orders",
		func(_, o []datum, out *batch, w int64) {
			row := out.Grow(w)
			row[0], row[1], row[2] = o[0], o[2], o[3]
		})
	col := q.Join(q.Index(co, "q3 orders", byColumn(0)), q.Index(l3, "q3 lines", byColumn(0)), 4, "orders, lines",
		func(o, l []datum, out *batch, w int64) {
			row := out.Grow(w)
			row[0], row[1], row[2], row[3] = o[0], o[1], o[2], l[2]
		})
	q.Output("q3", q.Aggregate(col, "q3", circuit.AggSpec{
		Key: func(dst []byte, row []datum) ([]byte, bool) {
			for _, d := range row[:3] {
				dst = values.AppendKeyInt(dst, d.Int64())
			}
			return dst, true
		},
		GroupWidth: 3, Group: columns(0, 1, 2),
		Aggregates: []circuit.Aggregate{{Linear: linearAgg("sum(numeric)"), Width: 1, Args: args(3)}},
	}))

	// Q6.
	q6 := pick(lineitem, "q6", 1,
		func(row []datum) bool {
			s, d := row[lineShipped].Int64()-tpchFirstDay, row[lineDiscount].Int64()
			return s >= 730 && s < 1095 && d >= 5 && d <= 7 && row[lineQuantity].Int64() < 2400
		},
		func(row, out []datum) {
			out[0] = values.NumericFromInt(row[linePrice].Int64()*row[lineDiscount].Int64(), 4)
		})
	q.Output("q6", q.Aggregate(q6, "q6", circuit.AggSpec{Global: true,
		Aggregates: []circuit.Aggregate{{Linear: linearAgg("sum(numeric)"), Width: 1, Args: args(0)}}}))

	// Q12.
	l12 := pick(lineitem, "q12 lineitem", 3,
		func(row []datum) bool {
			m, r := row[lineMode].Str(), row[lineReceipt].Int64()
			return (m == "MAIL" || m == "SHIP") && row[lineCommit].Int64() < r &&
				row[lineShipped].Int64() < row[lineCommit].Int64() && r >= tpchFirstDay+730 && r < tpchFirstDay+1095
		},
		func(row, out []datum) { out[0], out[1], out[2] = row[lineOrder], row[lineNumber], row[lineMode] })
	o12 := pick(orders, "q12 orders", 2,
		func([]datum) bool { return true },
		func(row, out []datum) { out[0], out[1] = row[ordKey], row[ordPriority] })
	j12 := q.Join(q.Index(o12, "q12 orders", byColumn(0)), q.Index(l12, "q12 lines", byColumn(0)), 2, "q12",
		func(o, l []datum, out *batch, w int64) {
			row := out.Grow(w)
			row[0] = l[2]
			row[1] = values.Bool(o[1].Str() == "1-URGENT" || o[1].Str() == "2-HIGH")
		})
	q.Output("q12", q.Aggregate(j12, "q12", circuit.AggSpec{
		Key:        func(dst []byte, row []datum) ([]byte, bool) { return textKey(dst, row[0].Str()), true },
		GroupWidth: 1, Group: columns(0),
		Aggregates: []circuit.Aggregate{
			{Linear: newCount, Width: 1, Args: func(row, _ []datum) bool { return row[1].IsTrue() }},
			{Linear: newCount, Width: 1, Args: func(row, _ []datum) bool { return !row[1].IsTrue() }},
		},
	}))
	c, err := q.Build(store, []byte("q"))
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// tpch makes rows as functions of their keys and a version, and changes of them.
type tpch struct {
	r       *rand.Rand
	version []uint8 // of an order; gone if odd
	in      map[string]*batch
	rows    int // lines made
}

func newTPCH() *tpch {
	return &tpch{r: rand.New(rand.NewPCG(1, 2)), in: map[string]*batch{
		"customer": circuit.NewBatch(customerWidth, tpchCustomers),
		"orders":   circuit.NewBatch(ordersWidth, tpchLoadStep),
		"lineitem": circuit.NewBatch(lineWidth, 4*tpchLoadStep+16),
	}}
}

func (g *tpch) clear() {
	for _, in := range g.in {
		in.Reset()
	}
	g.rows = 0
}

var (
	tpchSegments   = []string{"BUILDING", "AUTOMOBILE", "MACHINERY", "HOUSEHOLD", "FURNITURE"}
	tpchPriorities = []string{"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"}
	tpchModes      = []string{"MAIL", "SHIP", "AIR", "TRUCK", "RAIL", "FOB", "REG AIR"}
)

func (g *tpch) customer(key int) {
	row := g.in["customer"].Grow(1)
	row[custKey], row[custSegment] = values.Int(int64(key)), values.String(tpchSegments[key%5])
}

// order adds or removes an order with its lines.
func (g *tpch) order(key int, w int64) {
	version := uint64(g.version[key] / 2)
	r := rand.New(rand.NewPCG(uint64(key), version))
	date := tpchFirstDay + r.Int64N(tpchDays)
	row := g.in["orders"].Grow(w)
	row[ordKey], row[ordCust] = values.Int(int64(key)), values.Int(r.Int64N(tpchCustomers))
	row[ordDate], row[ordShip] = values.Int(date), values.Int(0)
	row[ordPriority] = values.String(tpchPriorities[r.IntN(5)])
	for n := range 1 + r.IntN(7) {
		ship := date + 1 + r.Int64N(121)
		row := g.in["lineitem"].Grow(w)
		row[lineOrder], row[lineNumber] = values.Int(int64(key)), values.Int(int64(n))
		row[lineQuantity] = values.NumericFromInt(100*(1+r.Int64N(50)), 2)
		row[linePrice] = values.NumericFromInt(90_000+r.Int64N(10_000_000), 2)
		row[lineDiscount] = values.NumericFromInt(r.Int64N(11), 2)
		row[lineTax] = values.NumericFromInt(r.Int64N(9), 2)
		row[lineFlag], row[lineStatus] = values.String("N"), values.String("O")
		if ship < tpchFirstDay+tpchDays/2 {
			row[lineFlag], row[lineStatus] = values.String("AR"[r.IntN(2):][:1]), values.String("F")
		}
		row[lineShipped] = values.Int(ship)
		row[lineCommit] = values.Int(date + 30 + r.Int64N(61))
		row[lineReceipt] = values.Int(ship + 1 + r.Int64N(30))
		row[lineMode] = values.String(tpchModes[r.IntN(7)])
		g.rows++
	}
}

// change makes one random order another, removes it or brings it back.
func (g *tpch) change() {
	key := g.r.IntN(len(g.version))
	switch {
	case g.version[key]%2 == 1:
		g.version[key]++
		g.order(key, 1)
	case g.r.IntN(2) == 0:
		g.order(key, -1)
		g.version[key]++
	default:
		g.order(key, -1)
		g.version[key] += 2
		g.order(key, 1)
	}
}

// meter runs steps and adds up the CPU time they take, background work of the
// store included, and none of what makes the rows.
type meter struct {
	b      *testing.B
	c      *circuit.Circuit
	commit state.Batch
	cpu    time.Duration
	rows   int
}

func openTPCH(b *testing.B) (*meter, *state.Disk) {
	store, err := state.Open(b.TempDir(), state.Options{Memory: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	return &meter{c: tpchCircuit(b, store), commit: store.NewBatch()}, store
}

func (m *meter) start(b *testing.B) {
	runtime.LockOSThread()
	b.ReportAllocs()
	b.ResetTimer()
	m.b, m.rows, m.cpu = b, 0, -cpuTime(b, syscall.RUSAGE_SELF)
}

// generate runs f without its time.
func (m *meter) generate(f func()) {
	before := cpuTime(m.b, syscall.RUSAGE_THREAD)
	m.b.StopTimer()
	f()
	m.b.StartTimer()
	m.cpu += before - cpuTime(m.b, syscall.RUSAGE_THREAD)
}

func (m *meter) step(in map[string]*batch, rows int) {
	m.rows += rows
	if _, err := m.c.Step(m.b.Context(), in, m.commit); err != nil {
		m.b.Fatal(err)
	}
	if _, err := m.commit.Commit(); err != nil {
		m.b.Fatal(err)
	}
}

func (m *meter) report() {
	m.b.StopTimer()
	m.cpu += cpuTime(m.b, syscall.RUSAGE_SELF)
	runtime.UnlockOSThread()
	m.b.ReportMetric(float64(m.rows)/m.b.Elapsed().Seconds(), "lines/s")
	m.b.ReportMetric(float64(m.cpu.Nanoseconds())/float64(m.rows), "cpu-ns/line")
}

func cpuTime(b *testing.B, who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// load feeds all orders, table by table.
func (m *meter) load(g *tpch) {
	m.generate(func() {
		g.clear()
		for key := range tpchCustomers {
			g.customer(key)
		}
	})
	m.step(g.in, 0)
	g.version = make([]uint8, tpchOrders)
	in := g.in
	for _, table := range []string{"orders", "lineitem"} {
		for key := 0; key < tpchOrders; {
			m.generate(func() {
				for g.clear(); key < tpchOrders && in[table].Len() < tpchLoadStep; key++ {
					g.order(key, 1)
				}
			})
			rows := 0
			if table == "lineitem" {
				rows = g.rows
			}
			m.step(map[string]*batch{table: in[table]}, rows)
		}
	}
}

func BenchmarkTPCHLoad(b *testing.B) {
	for range b.N {
		m, store := openTPCH(b)
		m.start(b)
		m.load(newTPCH())
		if err := store.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		m.report()
		if err := errors.Join(m.commit.Close(), store.Close()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTPCH(b *testing.B) {
	m, store := openTPCH(b)
	m.start(b)
	g := newTPCH()
	m.load(g)
	b.Run("catch-up", func(b *testing.B) {
		m.start(b)
		for range b.N {
			m.generate(func() {
				for g.clear(); g.rows < tpchCatchUp; {
					g.change()
				}
			})
			m.step(g.in, g.rows)
		}
		m.report()
	})
	b.Run("single", func(b *testing.B) {
		m.start(b)
		rows := circuit.NewBatch(lineWidth, 0)
		for i := range b.N {
			at := i % tpchCatchUp
			if at == 0 { // as many at once, since stopping the clock is slow
				m.generate(func() {
					for g.clear(); g.rows < tpchCatchUp; {
						g.change()
					}
				})
			}
			lines := g.in["lineitem"]
			rows.Reset()
			rows.Append(lines.Row(at), lines.W[at])
			m.step(map[string]*batch{"lineitem": rows}, 1)
		}
		m.report()
	})
	b.Logf("%+v", store.Metrics())
	if err := errors.Join(m.commit.Close(), store.Close()); err != nil {
		b.Fatal(err)
	}
}
