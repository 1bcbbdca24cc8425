package docs

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	shop "github.com/stepping-cdc/stepping-cdc/examples/shop"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/compile"
	"github.com/stepping-cdc/stepping-cdc/plan/moment"
	"github.com/stepping-cdc/stepping-cdc/plan/remote"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

var (
	//go:embed constructs.yaml
	constructsFile []byte
	//go:embed testdata/constructs.sql
	constructsSchema string
)

// construct is one line of the page's tables.
type construct struct {
	Construct string
	Example   string
	Since     int // the first version of Postgres that has it
	Before    int // the first one for which it is no longer so

	view    string
	refused *refusal // nil if it is maintained
	kept    *kept
	asks    bool               // Postgres is asked for results
	costs   map[size][]float64 // of each change; NaN where the view does not read what changes
}

// refusal is what check says of a construct.
type refusal struct{ message, code, remedy string }

// section is one of the page's tables.
type section struct {
	Title      string
	Text       string
	Constructs []*construct
}

func readConstructs(t *testing.T) (all []*section) {
	t.Helper()
	dec := yaml.NewDecoder(bytes.NewReader(constructsFile))
	dec.KnownFields(true)
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		for j, c := range s.Constructs {
			c.view, c.costs = fmt.Sprintf("construct_%d_%d", i+1, j+1), map[size][]float64{}
		}
	}
	return all
}

func (c *construct) in(version int) bool {
	return version >= c.Since && (c.Before == 0 || version < c.Before)
}

// TestConstructs has every example checked, or maintains it, compares it with Postgres
// after each of a series of changes, and counts what a change visits as tables grow. The
// tables of sql-support.md are what comes of it. Of constructs that the server's version
// does not have they stay as they were.
func TestConstructs(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	g := &growing{t: t, conn: conn, dsn: dsn}
	g.exec("SET jit = off; SET TimeZone = 'UTC'; " + shop.Schema + constructsSchema)
	var version int
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int / 10000`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	sections := readConstructs(t)
	for _, s := range sections {
		for _, c := range s.Constructs {
			if c.in(version) {
				g.constructs = append(g.constructs, c)
			}
		}
	}
	g.check()
	for _, n := range []size{base, moreGroups, moreRows} {
		g.measure(n)
	}
	showConstructs(t, sections, version)
}

// growing is the database whose tables grow, with the views over it.
type growing struct {
	t          *testing.T
	conn       *pgx.Conn
	dsn        string
	constructs []*construct
	analysis   *plan.Analysis
	eval       *remote.Evaluator
	now        time.Time
}

func (g *growing) exec(sql string) {
	g.t.Helper()
	if _, err := g.conn.PgConn().Exec(g.t.Context(), sql).ReadAll(); err != nil {
		g.t.Fatalf("%s: %v", sql, err)
	}
}

// check asks what can be maintained, and declares that to Postgres.
func (g *growing) check() {
	g.t.Helper()
	var views []plan.View
	byView := map[string]*construct{}
	for _, c := range g.constructs {
		views = append(views, plan.View{Name: c.view, Query: c.Example})
		byView[c.view] = c
	}
	var err error
	if g.analysis, err = plan.Analyze(g.t.Context(), g.conn, views, nil); err != nil {
		g.t.Fatal(err)
	}
	for _, p := range g.analysis.Problems {
		if c := byView[p.View]; c.refused == nil {
			c.refused = &refusal{p.Message, string(p.Code), p.Remedy}
		}
	}
	g.eval = remote.New(g.dsn, g.analysis.Settings)
	g.t.Cleanup(func() { _ = g.eval.Close(context.Background()) })
	g.checkTables(byView)

	var clocked []*plan.Output
	for _, out := range g.analysis.Outputs {
		if byView[out.Name].refused != nil {
			continue
		}
		g.exec("CREATE TEMP VIEW " + out.Name + " AS " + out.Query)
		if out.Clock {
			clocked = append(clocked, out)
		}
	}
	if err := moment.Declare(g.t.Context(), g.conn, clocked); err != nil {
		g.t.Fatal(err)
	}
}

// checkTables finds the views over tables that logical replication cannot follow.
func (g *growing) checkTables(byView map[string]*construct) {
	g.t.Helper()
	session, err := replication.OpenSession(g.t.Context(), g.dsn)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = session.Close(context.Background()) }()
	problems, err := replication.CheckSource(g.t.Context(), session, replication.CheckOptions{
		Slot: "documented", Publication: "documented", ManagePublication: true, Tables: configured.TableRefs(g.analysis.Outputs),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	for _, out := range g.analysis.Outputs {
		c := byView[out.Name]
		if c.refused != nil {
			continue
		}
		for _, table := range configured.TableRefs([]*plan.Output{out}) {
			for _, p := range problems {
				if p.Object == table.String() || strings.HasPrefix(p.Object, table.String()+".") {
					c.refused = &refusal{p.Message, p.Code, p.Remedy}
				}
			}
		}
	}
}

// measure fills the tables, keeps the views, and takes the changes one by one.
func (g *growing) measure(n size) {
	g.t.Helper()
	g.exec("TRUNCATE customers, products, orders, order_lines, stock, payments, bookings, folders, visits, archive, letters, invoices")
	g.exec(n.fill(grownRows) + "; ANALYZE")
	in := &tables{t: g.t, conn: g.conn, contents: map[string]zset{}}
	var all []*construct
	var sources []compile.Source
	for _, out := range g.analysis.Outputs {
		i := slices.IndexFunc(g.constructs, func(c *construct) bool { return c.view == out.Name })
		if c := g.constructs[i]; c.refused == nil {
			c.kept = keep(g.t, out, g.eval)
			all = append(all, c)
			sources = append(sources, c.kept.prog.Sources...)
		}
	}
	// The present is where a row in the middle of a group is about to be a week old.
	var before time.Time
	g.tick(time.Date(2024, 1, 8, 0, n.group/2, 30, 0, time.UTC))
	in.read(sources)
	for _, c := range all {
		c.kept.step(g.t, in.deltas, before, g.now)
		g.compare(c, "the first rows", n)
	}
	step := func(what string) {
		for _, c := range all {
			cost, ok := c.kept.step(g.t, in.deltas, before, g.now)
			switch {
			case !ok:
				cost = math.NaN()
			case n == base:
				g.compare(c, what, n)
			}
			c.costs[n] = append(c.costs[n], cost)
		}
	}
	before = g.now
	for _, change := range statements(n.fill(grownChanges)) {
		g.exec(change)
		in.read(sources)
		step(change)
	}
	in.deltas = nil
	g.tick(before.Add(time.Minute))
	step("a minute")
	for _, c := range all {
		g.compare(c, "all changes", n)
		c.asks = c.kept.asked.yes
	}
}

func (g *growing) tick(to time.Time) {
	g.t.Helper()
	g.now = to
	g.exec("SET " + moment.ClockSetting + " = '" + to.Format(time.RFC3339) + "'")
}

func (g *growing) compare(c *construct, after string, n size) {
	g.t.Helper()
	if diff := c.kept.differs(g.t, g.conn); diff != "" {
		g.t.Errorf("%s\ndiffers after %s, with %+v:\n%s", c.Example, after, n, diff)
	}
}

// What a change visits.
const (
	theChange = "the change"
	itsGroup  = "its group"
	allRows   = "all rows"
)

// visits is what a change visits: what grows with all rows, or with those of the groups
// that change, grows nearly as they do, and what does not, at most as a logarithm.
func (c *construct) visits(t *testing.T) string {
	t.Helper()
	const grows = 2.5 // of eight
	growth := func(n size) (most float64) {
		for i, was := range c.costs[base] {
			if times := c.costs[n][i] / was; times > most { // NaN is not
				most = times
			}
		}
		return most
	}
	if slices.IndexFunc(c.costs[base], func(cost float64) bool { return !math.IsNaN(cost) }) < 0 {
		t.Errorf("no change is one for %s", c.Example)
	}
	groups, rows := growth(moreGroups), growth(moreRows)
	t.Logf("%s: × %.1f with more groups, × %.1f with more rows in one", c.Construct, groups, rows)
	switch {
	case groups > grows:
		return allRows
	case rows > grows:
		return itsGroup
	}
	return theChange
}
