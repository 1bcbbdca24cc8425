package sink

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// numbersSQL says of each view by how much its number of rows is wrong, if it is: what
// stepping_cdc.views tells, and what the progress row adds.
const numbersSQL = `SELECT coalesce(string_agg(format('%s: %s + %s, has %s', v.name, v.rows, g.n, t.n), '; ' ORDER BY v.name), '')
	FROM stepping_cdc.views v
	CROSS JOIN LATERAL (SELECT coalesce(sum(d.n), 0) AS n FROM stepping_cdc.progress p, unnest(p.grown, p.grown_by) AS d(name, n)
		WHERE d.name = v.name) AS g
	CROSS JOIN LATERAL (SELECT (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM out.%I', v.name), false, true, '')))[1]::text::bigint AS n) AS t
	WHERE v.rows + g.n <> t.n`

// After whatever happens to a sink, the numbers of rows are right, and known to
// stepping_cdc.views alone once that was told.
func TestNumbersOfRows(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE TABLE src (a int, b int)`)
	const views = mostGrown + 4
	tables := make([]*Table, views)
	held := make([]int64, views)
	for i := range tables {
		tables[i] = e.publish(e.s, e.spec(fmt.Sprintf("v%d", i), "src", nil))
	}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	settled := func() bool {
		return e.text(`SELECT (grown IS NULL AND grown_by IS NULL)::text FROM stepping_cdc.progress`) == "true"
	}
	// change has some views grow or shrink by a few copies of a row.
	change := func(most int) (deltas []ViewDelta, commit func()) {
		grown := map[int]int64{}
		for _, v := range rng.Perm(views)[:1+rng.IntN(most)] {
			n := max(rng.Int64N(7)-3, -held[v])
			grown[v] = n
			if n != 0 {
				deltas = append(deltas, ViewDelta{tables[v], intRow(1, 1, n)})
			}
		}
		return deltas, func() {
			for v, n := range grown {
				held[v] += n
			}
		}
	}
	seen := map[string]bool{}
	for round := range 400 {
		var done string
		mustSettle := false
		switch k := rng.IntN(20); {
		case k < 11:
			done = "commit"
			most := 3
			if k == 0 {
				most = views
			}
			deltas, commit := change(most)
			e.must(e.s.Apply(e.ctx, e.next(deltas...)))
			commit()
		case k == 11:
			done, mustSettle = "settled", true
			e.must(e.s.Settle(e.ctx))
		case k == 12:
			done, mustSettle = "flushed", true
			_, err := e.s.Flush(e.ctx)
			e.must(err)
		case k == 13:
			done = "commit that fails"
			deltas, _ := change(3)
			e.exec(`ALTER TABLE out.v0 ADD CONSTRAINT positive CHECK (a > 0) NOT VALID`)
			deltas = append(deltas, ViewDelta{tables[0], intRow(-1, -1, 1)})
			if deltas[0].Table == tables[0] || len(deltas) > 2 && deltas[len(deltas)-2].Table == tables[0] {
				deltas = deltas[len(deltas)-1:]
			}
			var drift *DriftError
			if err := e.s.Apply(e.ctx, e.next(deltas...)); !errors.As(err, &drift) {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
			e.exec(`ALTER TABLE out.v0 DROP CONSTRAINT positive`)
		case k <= 15:
			commits := k == 14
			done, mustSettle = "transaction", commits
			tx, err := e.s.Begin(e.ctx, e.s.pos)
			e.must(err)
			deltas, commit := change(views)
			for _, d := range deltas {
				e.must(tx.Apply(e.ctx, d.Table, d.Delta))
			}
			if commits {
				e.must(tx.Commit(e.ctx, e.after(LSN(rng.Uint64N(2))), time.Now()))
				commit()
			} else {
				done = "transaction rolled back"
				e.must(tx.Rollback(e.ctx))
			}
		case k == 16:
			done, mustSettle = "rebuilt", true
			v := rng.IntN(views)
			tables[v], held[v] = e.publish(e.s, tables[v].spec), 0
		case k == 17:
			done, mustSettle = "dropped and registered anew", true
			v := rng.IntN(views)
			e.must(e.s.Drop(e.ctx, true, tables[v].spec.Name))
			tables[v], held[v] = e.publish(e.s, tables[v].spec), 0
		case k == 18:
			done, mustSettle = "reconnected", true
			_, err := e.s.Reconnect(e.ctx)
			e.must(err)
		default:
			done, mustSettle = "another instance", true
			e.must(e.s.Close(e.ctx))
			s, err := Open(e.ctx, e.dsn, Options{Wait: 10 * time.Second})
			e.must(err)
			e.s = s
		}
		seen[fmt.Sprintf("%s, settled %t", done, settled())] = true
		if wrong := e.text(numbersSQL); wrong != "" {
			t.Fatalf("seed %d, round %d, %s: %s", seed, round, done, wrong)
		}
		if mustSettle && !settled() {
			t.Fatalf("seed %d, round %d, %s: stepping_cdc.views was not told", seed, round, done)
		}
		for v, n := range held {
			if got := e.text(fmt.Sprintf(`SELECT count(*)::text FROM out.v%d`, v)); got != fmt.Sprint(n) {
				t.Fatalf("seed %d, round %d, %s: v%d has %s rows, not %d", seed, round, done, v, got, n)
			}
		}
	}
	for _, what := range []string{"commit, settled false", "commit, settled true", "commit that fails, settled false", "transaction rolled back, settled false", "reconnected, settled true", "rebuilt, settled true"} {
		if !seen[what] {
			t.Errorf("seed %d: never %s", seed, what)
		}
	}
	e.must(e.s.Close(e.ctx))
}

// Who was fenced off tells stepping_cdc.views nothing: its successor has.
func TestFencedOffSettlesNothing(t *testing.T) {
	e := setup(t)
	table := e.ints("v", nil)
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, intRow(1, 1, 3)})))
	e.exec(`UPDATE stepping_cdc.progress SET epoch = epoch + 1`)
	if err := e.s.Settle(e.ctx); !errors.Is(err, ErrFenced) {
		t.Fatalf("settled by a fenced instance: %v", err)
	}
	if wrong := e.text(numbersSQL); wrong != "" {
		t.Error(wrong)
	}
}
