package pipeline

import (
	"fmt"
	"testing"
)

// TestStride: a step that holds too much makes the next one smaller, in proportion; those that
// hold little make it larger, but no larger than may be.
func TestStride(t *testing.T) {
	s := newStride(512, 8192, 1000)
	for i, step := range []struct{ took, held, want int }{
		{512, 400, 1024},
		{1024, 500, 2048},
		{100, 100, 2048}, // says nothing of larger ones
		{2048, 900, 2048},
		{2048, 4000, 384},
		{384, 600, 384},
		{1, 1_000_000, 8}, // one row that many others join with
		{8, 10, 16},
		{16, 10, 32},
	} {
		if tooMuch := s.note(step.took, step.held); tooMuch != (step.held > 1000) || s.now != step.want {
			t.Errorf("step %d: %v, then %d, want %d", i+1, tooMuch, s.now, step.want)
		}
	}
	for range 20 {
		s.note(s.now, 0)
	}
	if s.now != 8192 {
		t.Errorf("%d at the end, want 8192", s.now)
	}
}

// TestStepsHoldLittle: eight views join each row with ten others and keep an order of what
// comes of it. While they are loaded, steps hold what they should, about, and not what views
// and rows come to.
func TestStepsHoldLittle(t *testing.T) {
	t.Parallel()
	const (
		rows = 4_000
		room = 2 << 20
	)
	w := newWorld(t, fmt.Sprintf(`CREATE TABLE facts (id int PRIMARY KEY, k int, v int); CREATE TABLE hubs (id int PRIMARY KEY, k int, g int);
		INSERT INTO hubs SELECT i, i %% 20, i %% 7 FROM generate_series(1, 200) i;
		INSERT INTO facts SELECT i, i %% 20, i FROM generate_series(1, %d) i`, rows))
	for i := range 8 {
		w.view(fmt.Sprintf("top_%d", i), fmt.Sprintf(`SELECT h.g, max(f.v + %d) AS most, count(*) AS n FROM facts f JOIN hubs h ON f.k = h.k GROUP BY h.g`, i))
	}
	most, steps := 0, 0
	w.run(Options{stepBytes: room, held: func(bytes int) { most, steps = max(most, bytes), steps+1 }})
	w.check()
	w.halt()
	t.Logf("%d steps, at most %d KiB", steps, most>>10)
	if steps == 0 || most > 2*room {
		t.Errorf("%d steps held up to %d bytes, want %d about", steps, most, room)
	}
}
