package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/remote"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// growthDatabase has the empty tables against which the operators' views are analysed.
const growthDatabase = "growth"

// growthMerge is how long merging what was loaded may take.
const growthMerge = time.Minute

const (
	growthChanges = 2000                   // most changes of a round
	growthRound   = 500 * time.Millisecond // after which a round ends
	growthWarm    = 50_000                 // changes before, which fill caches and are not counted …
	growthWarmed  = 3 * time.Second        // … and after which there are no more of them
	// growthCompared is up to how many rows a table has whose query Postgres is asked: it may look at all pairs.
	growthCompared = 20_000
	// tooSlow is what a change costs when larger sizes are left out: there is nothing
	// to be learnt from them.
	tooSlow = 5 * time.Millisecond
)

// growth is what a change costs, by size.
type growth struct {
	op    *operator
	sizes []int64
	costs []growthCost
}

type growthCost struct {
	micros                sample // by round
	load                  time.Duration
	reads, writes, output float64 // keys and rows a change
}

// measureGrowth measures what a change of one row costs by how many rows there are
// already: the circuit and its store on disk alone. Only functions that are left to
// Postgres ask it.
func measureGrowth(ctx context.Context, l *lab) error {
	if err := l.create(ctx, growthDatabase); err != nil {
		return err
	}
	conn, err := l.connect(ctx, growthDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, growthSchema); err != nil {
		return fmt.Errorf("create the tables: %w", err)
	}
	var all []growth
	for i := range operators {
		if !l.opts.operator.MatchString(operators[i].name) {
			continue
		}
		g := growth{op: &operators[i]}
		for _, n := range l.decades() {
			if g.op.most > 0 && n > g.op.most {
				break
			}
			cost, err := l.growthOf(ctx, conn, g.op, n)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", g.op.name, sized(n), err)
			}
			g.sizes, g.costs = append(g.sizes, n), append(g.costs, cost)
			name := g.op.name + ", " + sized(n)
			l.report.add(name, "µs a change", cost.micros, "")
			l.report.one(name+": keys", "read a change", cost.reads, fmt.Sprintf("%s written, %s rows of the output", number(cost.writes), number(cost.output)))
			if cost.micros.median() > float64(tooSlow.Microseconds()) {
				break
			}
		}
		l.say("%s: %s", g.op.name, g)
		all = append(all, g)
	}
	l.report.picture("growth.svg", growthChart(all))
	l.report.file("growth.md", growthTable(all, l.decades()))
	return nil
}

// String is for those who wait.
func (g growth) String() string {
	var parts []string
	for i, c := range g.costs {
		parts = append(parts, fmt.Sprintf("%s: %s µs, %s keys, loaded in %s s", short(float64(g.sizes[i])), number(c.micros.median()), number(c.reads), number(c.load.Seconds())))
	}
	return strings.Join(parts, "; ")
}

// growthOf loads n rows and measures rounds of changes.
func (l *lab) growthOf(ctx context.Context, conn *pgx.Conn, op *operator, n int64) (_ growthCost, err error) {
	var cost growthCost
	if op.zone != "" {
		if _, err := conn.Exec(ctx, "SET TimeZone = '"+op.zone+"'"); err != nil {
			return cost, fmt.Errorf("set the time zone: %w", err)
		}
		defer func() {
			_, reset := conn.Exec(context.WithoutCancel(ctx), "RESET TimeZone")
			err = errors.Join(err, reset)
		}()
	}
	a, err := plan.Analyze(ctx, conn, []plan.View{{Name: "kept", Query: op.query}}, nil)
	if err != nil {
		return cost, err
	}
	if len(a.Problems) > 0 {
		return cost, fmt.Errorf("cannot be kept: %v", a.Problems[0])
	}
	dir := filepath.Join(l.dir, "growth")
	disk, err := state.Open(dir, state.Options{Trace: func(key []byte) int { return circuit.NodeEnd(key, len(growthPrefix)) }})
	if err != nil {
		return cost, fmt.Errorf("open the state: %w", err)
	}
	defer func() { err = errors.Join(err, disk.Close(), os.RemoveAll(dir)) }()
	eval := remote.New(l.server.DSN(growthDatabase), a.Settings)
	defer func() { err = errors.Join(err, eval.Close(context.WithoutCancel(ctx))) }()
	var seen visits
	g, err := newGrowing(a, eval, op, &countingStore{disk, &seen}, n, rand.New(rand.NewPCG(l.opts.seed, uint64(n))))
	if err != nil {
		return cost, err
	}
	defer g.close()
	// Of the smallest, the output is kept beside, and compared, where Postgres computes it soon.
	if n == l.decades()[0] && n <= growthCompared {
		g.output = map[string]int64{}
	}
	started := time.Now()
	disk.StartLoad()
	if err := g.load(ctx); err != nil {
		return cost, fmt.Errorf("load: %w", err)
	}
	cost.load = time.Since(started)
	disk.EndLoad(ctx, growthMerge)
	// round makes changes, so many and for so long at most, and ends with a row that is as it was before.
	round := func(most int, limit time.Duration) (n int, spent time.Duration, err error) {
		if l.opts.quick {
			most, limit = most/10, limit/10
		}
		for ; n < most && spent < limit || n%3 != 0; n++ {
			took, err := g.change(ctx)
			if err != nil {
				return n, spent, fmt.Errorf("change a row: %w", err)
			}
			spent += took
		}
		return n, spent, nil
	}
	if _, _, err := round(growthWarm, growthWarmed); err != nil {
		return cost, err
	}
	stop, err := l.profileHere(fmt.Sprintf("growth-%s-%s", op.name, short(float64(n))))
	if err != nil {
		return cost, err
	}
	seen, g.rowsOut = visits{}, 0
	done := 0
	for range l.opts.rounds {
		n, spent, err := round(growthChanges, growthRound)
		if err != nil {
			return cost, err
		}
		done += n
		cost.micros.addMicros(spent / time.Duration(n))
	}
	if err := stop(); err != nil {
		return cost, err
	}
	each := func(sum int64) float64 { return float64(sum) / float64(done) }
	cost.reads, cost.writes, cost.output = each(seen.reads), each(seen.writes), each(g.rowsOut)
	if g.output != nil {
		return cost, g.compare(ctx, conn)
	}
	return cost, nil
}

// growthTable is all of it as a table in Markdown.
func growthTable(all []growth, sizes []int64) string {
	var b strings.Builder
	b.WriteString("| operator | time of a change, µs, with ")
	for i, n := range sizes {
		if i > 0 {
			b.WriteString(" | ")
		}
		b.WriteString(short(float64(n)))
	}
	b.WriteString(" rows | keys read, with ")
	for i, n := range sizes {
		if i > 0 {
			b.WriteString(" | ")
		}
		b.WriteString(short(float64(n)))
	}
	b.WriteString(" | rows of the output |\n|---|" + strings.Repeat("--:|", 2*len(sizes)+1) + "\n")
	for _, g := range all {
		b.WriteString("| " + g.op.name + " |")
		for _, value := range []func(c *growthCost) float64{
			func(c *growthCost) float64 { return c.micros.median() },
			func(c *growthCost) float64 { return c.reads },
		} {
			for i := range sizes {
				if i < len(g.costs) {
					b.WriteString(" " + number(value(&g.costs[i])))
				}
				b.WriteString(" |")
			}
		}
		if len(g.costs) > 0 {
			b.WriteString(" " + number(g.costs[len(g.costs)-1].output))
		}
		b.WriteString(" |\n")
	}
	return b.String()
}
