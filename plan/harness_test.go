package plan_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/moment"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
	"github.com/stepping-cdc/stepping-cdc/plan/remote"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

// connect opens a connection that is closed with the test.
func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	})
	return conn
}

func mustExec(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
}

// majorVersion is the server's.
func majorVersion(t testing.TB, conn *pgx.Conn) (version int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int / 10000`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

// analyze analyzes views that must have no problems.
func analyze(t testing.TB, dsn string, views []plan.View) *plan.Analysis {
	t.Helper()
	a, err := plan.Analyze(t.Context(), connect(t, dsn), views, plan.Reserved{"stepping", "stepping_cdc"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range a.Problems {
		t.Errorf("problem: %v [%s]", p, p.Code)
	}
	if t.Failed() {
		t.FailNow()
	}
	return a
}

// zset is a multiset of rows by their encoding.
type zset map[string]int64

// size is how many rows there are, with all copies.
func (z zset) size() (rows int64) {
	for _, w := range z {
		rows += w
	}
	return rows
}

func (z zset) add(row []values.Datum, w int64) {
	k := string(values.AppendRow(nil, row))
	if z[k] += w; z[k] == 0 {
		delete(z, k)
	}
}

// rig runs views incrementally beside a Postgres that computes them anew.
type rig struct {
	t       testing.TB
	conn    *pgx.Conn // the oracle's; has the views as temporary ones
	prog    *plan.Program
	circuit *circuit.Circuit
	store   state.Store
	tables  []zset              // contents of the sources as fed so far
	outputs map[string]zset     // integrated outputs, errors too
	loose   map[string]bool     // compare by SQL equality, floats by tolerance
	failed  map[string]int      // how often a view had errors in its data
	missed  map[string][]string // what Postgres said where we had no error
	agreed  map[string]int      // how often it was compared
	filled  map[string]int      // how many rows it had in all
	rnd     *rand.Rand
	written []randomview.Table // what write changes
	asked   map[string]bool    // queries that the oracle has prepared
	steps   int
	clock   time.Time // the present, for views that depend on it
}

func newRig(t testing.TB, dsn string, views []plan.View, rnd *rand.Rand) *rig {
	t.Helper()
	return rigOf(t, dsn, analyze(t, dsn, views), rnd)
}

func rigOf(t testing.TB, dsn string, a *plan.Analysis, rnd *rand.Rand) *rig {
	t.Helper()
	eval := remote.New(dsn, a.Settings)
	t.Cleanup(func() { _ = eval.Close(context.Background()) })
	r := &rig{
		t: t, conn: connect(t, dsn), prog: plan.Compile(a.Outputs, eval), store: state.NewMemory(state.Options{}),
		outputs: map[string]zset{}, loose: map[string]bool{}, failed: map[string]int{}, missed: map[string][]string{}, agreed: map[string]int{}, filled: map[string]int{}, rnd: rnd, written: randomview.Tables, asked: map[string]bool{},
	}
	var err error
	if r.circuit, err = r.prog.Builder.Build(r.store, []byte("v")); err != nil {
		t.Fatal(err)
	}
	for range r.prog.Sources {
		r.tables = append(r.tables, zset{})
	}
	mustExec(t, r.conn, "SET jit = off")
	r.declare()
	if r.prog.Clock {
		if err := moment.Declare(t.Context(), r.conn, r.prog.Views); err != nil {
			t.Fatal(err)
		}
		r.tick(time.Date(2024, 2, 20, 12, 0, 0, 0, time.UTC))
		return r
	}
	r.step(map[string]*circuit.Batch{})
	return r
}

// tick moves the clock, in a step of its own.
func (r *rig) tick(to time.Time) {
	r.t.Helper()
	in := circuit.NewBatch(1, 2)
	if !r.clock.IsZero() {
		in.Append([]values.Datum{clockDatum(r.clock)}, -1)
	}
	in.Append([]values.Datum{clockDatum(to)}, 1)
	r.step(map[string]*circuit.Batch{plan.ClockSource: in})
	r.clock = to
	mustExec(r.t, r.conn, "SET "+moment.ClockSetting+" = '"+to.UTC().Format("2006-01-02 15:04:05.999999")+"+00'")
}

func clockDatum(at time.Time) values.Datum {
	const unixTo2000 = 946_684_800_000_000
	return values.Int(at.UnixMicro() - unixTo2000)
}

// declare gives the oracle the views under their names.
func (r *rig) declare() {
	for pending := r.prog.Views; len(pending) > 0; {
		var again []*plan.Output
		var last error
		for _, v := range pending {
			if _, err := r.conn.Exec(r.t.Context(), "CREATE TEMP VIEW "+pgx.Identifier{v.Name}.Sanitize()+" AS "+v.Query); err != nil {
				last, again = err, append(again, v)
			}
		}
		if len(again) == len(pending) {
			r.t.Fatalf("declare %s: %v", again[0].Name, last)
		}
		pending = again
	}
}

// rows runs a query, which it plans but once, and decodes its result.
func (r *rig) rows(sql string, cols []algebra.Column) ([][]values.Datum, error) {
	formats := make([]int16, len(cols))
	for i, c := range cols {
		if !c.Type.NoBinary {
			formats[i] = 1
		}
	}
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(sql)))
	if !r.asked[sql] {
		if _, err := r.conn.PgConn().Prepare(r.t.Context(), name, sql, nil); err != nil {
			return nil, err
		}
		r.asked[sql] = true
	}
	res := r.conn.PgConn().ExecPrepared(r.t.Context(), name, nil, nil, formats).Read()
	if res.Err != nil {
		return nil, res.Err
	}
	out := make([][]values.Datum, len(res.Rows))
	for i, row := range res.Rows {
		out[i] = make([]values.Datum, len(cols))
		for j, b := range row {
			if b == nil {
				continue
			}
			d, err := values.DecodeBinary(cols[j].Type, b)
			if err != nil {
				return nil, fmt.Errorf("decode column %s of %s: %w", cols[j].Name, sql, err)
			}
			out[i][j] = d
		}
	}
	return out, nil
}

// write makes a few random changes of one of the written tables. Those that violate a
// constraint change nothing.
func (r *rig) write() {
	r.t.Helper()
	sql := randomview.Write(r.rnd, r.written)
	_, err := r.conn.Exec(r.t.Context(), sql)
	var pgErr *pgconn.PgError
	if err != nil && (!errors.As(err, &pgErr) || !strings.HasPrefix(pgErr.Code, "23")) {
		r.t.Fatalf("%v\n%s", err, sql)
	}
}

// feed brings the circuit up to the tables' present contents, in up to parts
// steps.
func (r *rig) feed(parts int) {
	r.t.Helper()
	batches := make([]map[string]*circuit.Batch, 1+r.rnd.IntN(parts))
	for i := range batches {
		batches[i] = map[string]*circuit.Batch{}
	}
	for i, src := range r.prog.Sources {
		var names []string
		var cols []algebra.Column
		for _, a := range src.Attrs {
			c := src.Table.Columns[a]
			names = append(names, pgx.Identifier{c.Name}.Sanitize())
			cols = append(cols, algebra.Column{Name: c.Name, Type: c.Type})
		}
		from := " FROM "
		if src.Table.Kind == "r" {
			from += "ONLY " // rows of tables that inherit from it are these tables'
		}
		rows, err := r.rows("SELECT "+strings.Join(names, ", ")+from+src.Table.SQL(), cols)
		if err != nil {
			r.t.Fatal(err)
		}
		now := zset{}
		for _, row := range rows {
			now.add(row, 1)
		}
		put := func(key string, w int64) {
			b := batches[r.rnd.IntN(len(batches))]
			if b[src.Name] == nil {
				b[src.Name] = circuit.NewBatch(len(cols), 8)
			}
			row, err := values.DecodeRow([]byte(key), nil)
			if err != nil {
				r.t.Fatal(err)
			}
			b[src.Name].Append(row, w)
		}
		for key, w := range now {
			if d := w - r.tables[i][key]; d != 0 {
				put(key, d)
			}
		}
		for key, w := range r.tables[i] {
			if now[key] == 0 {
				put(key, -w)
			}
		}
		r.tables[i] = now
	}
	for _, b := range batches {
		r.step(b)
	}
}

// workers is by turns one and several: what a step gives does not depend on it.
func (r *rig) workers() int {
	r.steps++
	return r.steps % 2 * 3
}

// load begins and ends loads by turns: all steps are committed, so what is remembered in one changes nothing.
func (r *rig) load() {
	switch r.steps % 5 {
	case 0:
		r.circuit.StartLoad(1 << (8 + r.steps%11))
	case 4:
		r.circuit.EndLoad()
	}
}

func (r *rig) step(in map[string]*circuit.Batch) {
	r.t.Helper()
	r.load()
	batch := r.store.NewBatch()
	defer batch.Close()
	outs, err := r.circuit.StepInParts(r.t.Context(), in, batch, circuit.Parts{Workers: r.workers()})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, o := range outs {
		z := r.outputs[o.Name]
		if z == nil {
			z = zset{}
			r.outputs[o.Name] = z
		}
		for i := range o.Batch.Len() {
			z.add(o.Batch.Row(i), o.Batch.W[i])
		}
	}
	if _, err := batch.Commit(); err != nil {
		r.t.Fatal(err)
	}
}

// check compares every view with what Postgres says of it.
func (r *rig) check() {
	r.t.Helper()
	for _, v := range r.prog.Views {
		if diff := r.differs(v); diff != "" {
			r.t.Errorf("%s differs\n%s\n%s", v.Name, v.Query, diff)
		}
	}
	if r.t.Failed() {
		r.t.FailNow()
	}
}

// differs says how a view differs from what Postgres says of it.
func (r *rig) differs(v *plan.Output) string {
	r.t.Helper()
	want, err := r.rows("SELECT * FROM pg_temp."+pgx.Identifier{v.Name}.Sanitize(), v.Columns)
	var b strings.Builder
	ourErrors := r.outputs[plan.ErrorsOf(v.Name)]
	for key, w := range ourErrors {
		if w < 0 {
			fmt.Fprintf(&b, "%d copies of error %s\n", w, showKey(key))
		}
	}
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr):
		// A query that Postgres fails to compute may be computed by us, if
		// the failing part is not needed; else the failure is the same.
		r.failed[v.Name]++
		if len(ourErrors) == 0 {
			r.missed[v.Name] = append(r.missed[v.Name], pgErr.Code+" "+pgErr.Message)
		}
		for key := range ourErrors {
			if !strings.Contains(key, pgErr.Code) {
				r.t.Logf("%s: Postgres says %s %s, ours are %s", v.Name, pgErr.Code, pgErr.Message, showKey(key))
			}
		}
		return b.String()
	case err != nil:
		r.t.Fatal(err)
	case len(ourErrors) > 0:
		for key := range ourErrors {
			fmt.Fprintf(&b, "Postgres computes it, yet there is an error: %s\n", showKey(key))
		}
		return b.String()
	}
	r.agreed[v.Name]++
	r.filled[v.Name] += len(want)
	return b.String() + r.compare(v, want)
}

// explained fails the test for errors that Postgres has and we have not, but for those of the views and SQLSTATEs
// that are given. The needless cases have them where a server computes what nobody needs.
func (r *rig) explained(alone map[string]string) {
	r.t.Helper()
	for name, messages := range r.missed {
		codes := alone[name]
		if strings.HasPrefix(name, "needless_") {
			codes = "22012"
		}
		for _, m := range messages {
			if code, _, _ := strings.Cut(m, " "); !strings.Contains(codes, code) {
				r.t.Errorf("view %s has no error where Postgres says %s", name, m)
				break
			}
		}
	}
}

func showKey(key string) string {
	row, err := values.DecodeRow([]byte(key), nil)
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, d := range row {
		parts = append(parts, d.Str())
	}
	return strings.Join(parts, " | ")
}

func (r *rig) compare(v *plan.Output, want [][]values.Datum) string {
	left := zset{}
	for k, w := range r.outputs[v.Name] {
		left[k] = w
	}
	var missing [][]values.Datum
	for _, row := range want {
		k := string(values.AppendRow(nil, row))
		if left[k] <= 0 {
			missing = append(missing, row)
			continue
		}
		if left[k]--; left[k] == 0 {
			delete(left, k)
		}
	}
	var extra [][]values.Datum
	for k, w := range left {
		row, err := values.DecodeRow([]byte(k), nil)
		if err != nil {
			return err.Error()
		}
		if w < 0 {
			return fmt.Sprintf("%d copies of %s", w, showRow(row, v.Columns))
		}
		for range w {
			extra = append(extra, row)
		}
	}
	if len(missing) == 0 && len(extra) == 0 {
		return ""
	}
	if r.loose[v.Name] && len(missing) == len(extra) && looselyEqual(missing, extra, v.Columns) {
		return ""
	}
	var b strings.Builder
	show := func(sign string, rows [][]values.Datum) {
		for i, row := range rows {
			if i == 8 {
				fmt.Fprintf(&b, "%s … %d in all\n", sign, len(rows))
				return
			}
			fmt.Fprintf(&b, "%s %s\n", sign, showRow(row, v.Columns))
		}
	}
	for _, m := range missing {
		for _, e := range extra {
			if showRow(m, v.Columns) != showRow(e, v.Columns) {
				continue
			}
			for i, c := range v.Columns {
				if m[i] != e[i] {
					fmt.Fprintf(&b, "column %s (%s) looks alike: %#v, %#v\n", c.Name, c.Type.SQL, m[i], e[i])
				}
			}
		}
	}
	show("missing", missing)
	show("surplus", extra)
	return b.String()
}

func showRow(row []values.Datum, cols []algebra.Column) string {
	var parts []string
	for i, d := range row {
		if d.IsNull() {
			parts = append(parts, "NULL")
			continue
		}
		text, err := values.AppendText(nil, cols[i].Type, d)
		if err != nil {
			text = fmt.Appendf(nil, "%x", d.Str())
		}
		parts = append(parts, string(text))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// looselyEqual compares two lists of rows by SQL's equality, and floats by a
// relative tolerance: Postgres adds them up in some order, we exactly.
func looselyEqual(a, b [][]values.Datum, cols []algebra.Column) bool {
	key := func(row []values.Datum) string {
		var k []byte
		for i, c := range cols {
			switch {
			case c.Type.Kind == values.KindFloat8 || c.Type.Kind == values.KindFloat4:
				continue
			case values.Equatable(c.Type):
				k = values.AppendKey(k, c.Type, row[i])
			default:
				k = values.AppendRow(k, row[i:i+1])
			}
		}
		return string(k)
	}
	order := func(x, y []values.Datum) int {
		if c := strings.Compare(key(x), key(y)); c != 0 {
			return c
		}
		for i, c := range cols {
			if c.Type.Kind == values.KindFloat8 || c.Type.Kind == values.KindFloat4 {
				if d := values.CompareFloat(x[i].Float64(), y[i].Float64()); d != 0 {
					return d
				}
			}
		}
		return 0
	}
	slices.SortFunc(a, order)
	slices.SortFunc(b, order)
	for i := range a {
		if key(a[i]) != key(b[i]) {
			return false
		}
		for c, col := range cols {
			if col.Type.Kind != values.KindFloat8 && col.Type.Kind != values.KindFloat4 {
				continue
			}
			x, y := a[i][c], b[i][c]
			if x.IsNull() != y.IsNull() {
				return false
			}
			tolerance := 1e-9
			if col.Type.Kind == values.KindFloat4 {
				tolerance = 1e-5
			}
			// Written so that NaN and infinities are equal to themselves alone.
			d, size := math.Abs(x.Float64()-y.Float64()), max(math.Abs(x.Float64()), 1)
			if values.CompareFloat(x.Float64(), y.Float64()) != 0 && !(d <= tolerance*size && !math.IsInf(size, 0)) {
				return false
			}
		}
	}
	return true
}
