package plan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// TestRandomViewsEqualPostgres makes up views from seeds and runs them over
// random writes. STEPPING_VIEWS says how many views there are to be in all, and
// STEPPING_SEED from which seed on. With STEPPING_SHRINK, what went wrong is cut down to a
// smallest query. Views that once went wrong are in
// views_random_test.go, which does not depend on what the generator makes of a
// seed.
func TestRandomViewsEqualPostgres(t *testing.T) {
	number := func(name string, otherwise int) int {
		text, ok := os.LookupEnv(name)
		if !ok {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	seeds := max(number("STEPPING_VIEWS", 60)/perSeed, 1)
	first := number("STEPPING_SEED", 1)
	sum := &randomSummary{refused: map[string]int{}, start: time.Now()}
	databases := make(chan string, runtime.GOMAXPROCS(0))
	for range cap(databases) {
		dsn := embedded.NewDB(t)
		mustExec(t, connect(t, dsn), randomview.Schema+randomview.MoreSchema+randomview.InSummerTime)
		databases <- dsn
	}
	t.Run("seeds", func(t *testing.T) {
		for i := range seeds {
			seed := uint64(first + i)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				dsn := <-databases
				defer func() { databases <- dsn }()
				run := &randomRun{seed: seed, refused: map[string]int{}}
				defer func() {
					if t.Failed() && run.wrong+run.panics == 0 {
						run.wrong = 1 // it ended early
					}
					if sum.add(run); sum.every(1000) {
						fmt.Fprintln(os.Stderr, sum)
					}
				}()
				run.views(t, dsn)
			})
		}
	})
	if sum.reported > 0 {
		fmt.Fprintln(os.Stderr, sum)
	}
	t.Log(sum)
	refused := 0
	for _, n := range sum.refused {
		refused += n
	}
	if refused > 2+sum.views/50 {
		t.Errorf("%d of %d views are refused", refused, sum.views)
	}
	if sum.filled*3 < sum.views {
		t.Errorf("only %d of %d views ever had rows", sum.filled, sum.views)
	}
}

// tooLarge is the number of rows of which a view is not compared: products of products
// would fill the memory.
const tooLarge = 200_000

// perSeed is how many views share a circuit.
const perSeed = 20

// randomRun is what came of a seed.
type randomRun struct {
	seed                        uint64
	made, wrong, panics         int
	compared, filled, failed    int
	refused                     map[string]int // reason → views
	analysis, compilation, step time.Duration
}

// randomSummary adds up runs.
type randomSummary struct {
	mu       sync.Mutex
	start    time.Time
	seeds    int
	reported int
	randomTotals
	refused map[string]int
}

type randomTotals struct {
	views, wrong, panics, compared, filled, failed int
	analysis, compilation, step                    longest
}

// longest is the longest of some durations, and the seed it was seen with.
type longest struct {
	took time.Duration
	seed uint64
}

func (l *longest) add(took time.Duration, seed uint64) {
	if took > l.took {
		*l = longest{took, seed}
	}
}

func (l longest) String() string {
	return fmt.Sprintf("%v (seed %d)", l.took.Round(time.Millisecond), l.seed)
}

func (s *randomSummary) add(r *randomRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seeds++
	s.views += r.made
	s.wrong += r.wrong
	s.panics += r.panics
	s.compared += r.compared
	s.filled += r.filled
	s.failed += r.failed
	for reason, n := range r.refused {
		s.refused[reason] += n
	}
	s.analysis.add(r.analysis, r.seed)
	s.compilation.add(r.compilation, r.seed)
	s.step.add(r.step, r.seed)
}

// every says whether so many more views were run since it last said so.
func (s *randomSummary) every(views int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.views < s.reported+views {
		return false
	}
	s.reported = s.views
	return true
}

func (s *randomSummary) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	refused := 0
	for _, n := range s.refused {
		refused += n
	}
	fmt.Fprintf(&b, "%d views of %d seeds in %v: %d wrong, %d panics, %d refused (%.2f %%), %d had rows, %d of %d comparisons left out as Postgres raised an error\n",
		s.views, s.seeds, time.Since(s.start).Round(time.Second), s.wrong, s.panics, refused, 100*float64(refused)/float64(max(s.views, 1)), s.filled, s.failed, s.failed+s.compared)
	fmt.Fprintf(&b, "longest, for the %d views of a seed together: analysis %v, compilation %v, step %v", perSeed, s.analysis, s.compilation, s.step)
	for _, reason := range slices.SortedFunc(maps.Keys(s.refused), func(x, y string) int { return s.refused[y] - s.refused[x] }) {
		fmt.Fprintf(&b, "\nrefused %d: %s", s.refused[reason], reason)
	}
	return b.String()
}

// views runs the views of a seed over random writes.
func (run *randomRun) views(t *testing.T, dsn string) {
	seed := run.seed
	rnd := rand.New(rand.NewPCG(seed, 77))
	g := randomview.New(rnd, seed%5 == 0, majorVersion(t, connect(t, dsn)))
	var views []plan.View
	for i := range perSeed {
		v := plan.View{Name: fmt.Sprintf("random_%d_%d", seed, i)}
		v.Query = g.View(v.Name, 1+i%3)
		views = append(views, v)
	}
	run.made = len(views)
	defer func() {
		if p := recover(); p != nil {
			run.panics++
			t.Errorf("seed %d: panic: %v\n%s", seed, p, debug.Stack())
			for _, v := range views {
				t.Logf("%s: %s", v.Name, v.Query)
			}
		}
	}()
	start := time.Now()
	a, err := plan.Analyze(t.Context(), connect(t, dsn), views, plan.Reserved{"stepping", "stepping_cdc"})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	run.analysis = time.Since(start)
	bad := map[string]bool{}
	for _, p := range a.Problems {
		if p.SQLState != "" {
			t.Errorf("the generator wrote a query that Postgres does not take: %v\n%s", p, queryOf(views, p.View))
		}
		if !bad[p.View] {
			run.refused[p.Construct]++
		}
		bad[p.View] = true
	}
	wrong := map[string]bool{}
	defer func() {
		if _, ok := os.LookupEnv("STEPPING_SHRINK"); ok && t.Failed() {
			var queries []string
			for _, v := range views {
				if len(wrong) == 0 || wrong[v.Name] {
					queries = append(queries, alone(views, v.Name))
				}
			}
			shrinkWrong(t, queries)
		}
	}()
	start = time.Now()
	r := rigOf(t, dsn, a, rnd)
	run.compilation = time.Since(start)
	for _, o := range a.Outputs {
		r.loose[o.Name] = true
	}
	r.written = randomview.ViewTables
	// A query that runs for ever is Postgres' trouble.
	mustExec(t, r.conn, "SET statement_timeout = '20s'; SET max_parallel_workers_per_gather = 0")
	for range 6 {
		for range 6 + r.rnd.IntN(12) {
			r.write()
		}
		r.shrink()
		start = time.Now()
		r.feed(3)
		if r.prog.Clock {
			r.tick(randomview.Time(r.rnd, r.clock))
		}
		run.step = max(run.step, time.Since(start))
		for _, v := range a.Outputs {
			if wrong[v.Name] || r.outputs[v.Name].size() > tooLarge {
				continue
			}
			if diff := r.differs(v); diff != "" {
				wrong[v.Name] = true
				t.Errorf("seed %d: %s differs\n%s\n%s", seed, v.Name, v.Query, diff)
			}
		}
	}
	for _, v := range a.Outputs {
		for _, m := range r.missed[v.Name] {
			if !strings.HasPrefix(m, "57") && !strings.HasPrefix(m, "53") && !wrong[v.Name] { // it took too long, or too much
				wrong[v.Name] = true
				t.Errorf("seed %d: %s has no error where Postgres says %s\n%s", seed, v.Name, m, v.Query)
			}
		}
	}
	run.wrong = len(wrong)
	for _, o := range a.Outputs {
		run.compared += r.agreed[o.Name]
		run.failed += r.failed[o.Name]
		if r.filled[o.Name] > 0 {
			run.filled++
		}
	}
}

func queryOf(views []plan.View, name string) string {
	for _, v := range views {
		if v.Name == name {
			return v.Query
		}
	}
	return ""
}

// shrink keeps the tables so small that products of them are, too.
func (r *rig) shrink() {
	var sql strings.Builder
	for _, table := range r.written {
		fmt.Fprintf(&sql, "DELETE FROM %[1]s WHERE (tableoid, ctid) NOT IN (SELECT tableoid, ctid FROM %[1]s LIMIT 8);", table.Name)
	}
	mustExec(r.t, r.conn, sql.String())
}
