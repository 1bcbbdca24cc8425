package pipeline

import (
	"context"
	"math"
	"runtime/debug"
	"testing"

	"github.com/rs/zerolog"
)

// TestMemoryKeeper: a collector that takes a third of the time gets more room, and
// gives it back when it has little to do; one that is idle or far from it does not.
func TestMemoryKeeper(t *testing.T) {
	k := newMemoryKeeper(800)
	for i, look := range []struct {
		collecting, working float64
		want                int64
	}{
		{0.1, 2, 800},
		{0.1, 0, 800}, // little is done at all
		{0.6, 1.7, 800},
		{1, 1, 900},
		{1, 1, 1012},
		{0.3, 2, 1012},
		{0, 2, 997},
		{2, 1, 1121},
		{0, 0, 1104},
		{0, 4, 1087},
	} {
		k.look(collectorTimes{k.last.collecting + look.collecting, k.last.working + look.working})
		if k.limit != look.want {
			t.Errorf("look %d: limit %d, want %d", i+1, k.limit, look.want)
		}
	}
	for range 100 {
		k.look(collectorTimes{k.last.collecting, k.last.working + 1})
	}
	if k.limit != 800 {
		t.Errorf("limit %d when all is quiet, want 800", k.limit)
	}
}

// TestLimitMemory: the limit follows state.memory, unless the environment has one.
func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct {
		memory int64
		limit  string // GOMEMLIMIT
		gogc   string
		want   int64
	}{
		{256 << 20, "", "", (256 + 32 + 32 + 64) << 20},
		{16 << 20, "", "", (16 + 4 + 4 + 64) << 20},
		{1 << 40, "", "", 1<<40 + (64+64+64)<<20},
		{256 << 20, "1GiB", "", math.MaxInt64},
		{256 << 20, "", "200", math.MaxInt64},
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		t.Setenv("GOMEMLIMIT", c.limit)
		t.Setenv("GOGC", c.gogc)
		ctx, cancel := context.WithCancel(context.Background())
		LimitMemory(ctx, c.memory, zerolog.Nop())
		cancel()
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("state.memory %d MiB, GOMEMLIMIT=%s, GOGC=%s: limit of %d, want %d", c.memory>>20, c.limit, c.gogc, got, c.want)
		}
	}
}
