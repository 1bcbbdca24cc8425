package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// growthDatabase has the empty tables against which the operators' views are analysed.
const growthDatabase = "growth"

// measureGrowth measures what a change of one row costs by how many rows there are
// already: the circuit and its store on disk alone, with no Postgres on the way.
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
	sizes := l.decades()
	var lines []series
	for _, op := range operators {
		line := series{name: op.name, dots: true}
		costs := make([]sample, len(sizes))
		for i, n := range sizes {
			if costs[i], err = l.growthOf(ctx, conn, &op, n); err != nil {
				return fmt.Errorf("%s, %s: %w", op.name, sized(n), err)
			}
			line.points = append(line.points, point{float64(n), costs[i].median()})
			l.report.add(op.name+", "+sized(n), "µs a change", costs[i], "")
		}
		last := len(sizes) - 1
		var times sample
		for round := range costs[0] {
			times.add(costs[last][round] / costs[0][round])
		}
		l.report.add(op.name+", "+sized(sizes[last]), "× "+sized(sizes[0]), times, "")
		l.say("%s: %s µs a change at %s, %s at %s", op.name, number(costs[0].median()), sized(sizes[0]), number(costs[last].median()), sized(sizes[last]))
		lines = append(lines, line)
	}
	l.report.picture("growth.svg", lineChart("A change of one row, by rows that are there", axis{label: "rows", log: true}, axis{label: "µs a change", log: true}, lines))
	return nil
}

// growthOf loads n rows and measures rounds of changes.
func (l *lab) growthOf(ctx context.Context, conn *pgx.Conn, op *operator, n int64) (_ sample, err error) {
	a, err := plan.Analyze(ctx, conn, []plan.View{{Name: "kept", Query: op.query}}, nil)
	if err != nil {
		return nil, err
	}
	if len(a.Problems) > 0 {
		return nil, fmt.Errorf("cannot be kept: %v", a.Problems[0])
	}
	dir := filepath.Join(l.dir, "growth")
	store, err := state.Open(dir, state.Options{})
	if err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close(), os.RemoveAll(dir)) }()
	g, err := newGrowing(a, op, store, n, rand.New(rand.NewPCG(l.opts.seed, uint64(n))))
	if err != nil {
		return nil, err
	}
	defer g.close()
	// Of the smallest, the output is kept beside, and compared.
	if n == l.decades()[0] {
		g.output = map[string]int64{}
	}
	if err := g.load(ctx); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	changes := 3000
	if l.opts.quick {
		changes = 300
	}
	var costs sample
	for round := range l.opts.rounds + 1 {
		var spent time.Duration
		for range changes {
			took, err := g.change(ctx)
			if err != nil {
				return nil, fmt.Errorf("change a row: %w", err)
			}
			spent += took
		}
		if round > 0 { // the first one fills caches
			costs.addMicros(spent / time.Duration(changes))
		}
	}
	if g.output != nil {
		return costs, g.compare(ctx, conn)
	}
	return costs, nil
}
