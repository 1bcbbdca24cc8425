package pipeline

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// seed is STEPPING_SEED, to repeat a run; with STEPPING_NEW_SEEDS, one that was never
// seen; else the test's own, so that a change is judged by itself alone.
func seed(t *testing.T) uint64 {
	t.Helper()
	if s := os.Getenv("STEPPING_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	name := fnv.New64a()
	_, _ = name.Write([]byte(t.Name()))
	n := name.Sum64() >> 1
	if os.Getenv("STEPPING_NEW_SEEDS") != "" {
		n = rand.Uint64() >> 1
	}
	t.Logf("STEPPING_SEED=%d", n)
	return n
}

// soak is how long a soak test runs; it is not run without STEPPING_SOAK.
func soak(t *testing.T) time.Duration {
	t.Helper()
	s := os.Getenv("STEPPING_SOAK")
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRandom writes at random in several sessions, restarts at random, and
// compares all views after each round.
func TestRandom(t *testing.T) { randomRounds(t, 6, 0) }

// TestSoakRandom does it for long.
func TestSoakRandom(t *testing.T) {
	if d := soak(t); d > 0 {
		randomRounds(t, 1<<30, d/3)
	}
}

func randomRounds(t *testing.T, rounds int, d time.Duration) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 0))
	w := newWorld(t, randomSchema)
	w.addRandomViews(randomViews)
	w.addRandomViews(labelledViews)
	options := func() Options {
		return Options{groupBytes: 1 << (8 + rnd.IntN(14)), chunkBytes: 1 << (9 + rnd.IntN(10)), partRows: 1 << rnd.IntN(10), pieceBytes: 1 << (9 + rnd.IntN(14)), stepBytes: 1 << (10 + rnd.IntN(15))}
	}
	w.run(options())
	started := time.Now()
	transactions := 0
	for round := range rounds {
		if d > 0 && time.Since(started) > d {
			break
		}
		n := make(chan int, 3)
		for i := range 3 {
			conn := w.connect(w.dsn)
			rnd := rand.New(rand.NewPCG(s, uint64(round*3+i+1)))
			go func() {
				n <- randomSession(conn, rnd, 12+rnd.IntN(20))
				_ = conn.Close(context.Background())
			}()
		}
		restart := rnd.IntN(3)
		if restart == 0 {
			w.halt() // in the middle of it
		}
		for range 3 {
			transactions += <-n
		}
		switch restart {
		case 0:
			w.run(options())
		case 1:
			w.halt() // everything applied meanwhile
			w.run(options())
		}
		w.check()
		if t.Failed() {
			t.Fatalf("round %d of seed %d", round, s)
		}
	}
	t.Logf("%d transactions", transactions)
}

func randomSession(conn *pgx.Conn, rnd *rand.Rand, n int) int {
	committed := 0
	for range n {
		if randomTransaction(context.Background(), conn, rnd) == nil {
			committed++
		}
	}
	return committed
}
