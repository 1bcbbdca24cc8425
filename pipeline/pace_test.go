package pipeline

import (
	"testing"
	"time"
)

// follow plays a steady load: transactions that come at equal distances, steps of
// which each has a fixed cost and one for each transaction, and a stream that is read
// at the pace. It returns how many transactions a step has in the end, and how long the
// last ones waited to be read at most.
func (p *pressure) follow(start time.Time, every, step, each, length time.Duration) (group int, worst time.Duration) {
	now, taken, read := start, start, start
	for now.Sub(start) < length {
		taken = taken.Add(every) // the next transaction
		free := now
		if now.Before(taken) {
			now = taken
		}
		if next := read.Add(p.pace(free)); now.Before(next) {
			now = next
		}
		read = now
		group, worst = 1, now.Sub(taken)
		for !taken.Add(every).After(now) {
			taken, group = taken.Add(every), group+1
		}
		took := step + time.Duration(group)*each
		p.note(now, now.Add(took), group)
		now = now.Add(took)
	}
	return group, worst
}

func TestPressure(t *testing.T) {
	start := time.Unix(1e9, 0)
	const longest = pace * mostPressure
	for _, c := range []struct {
		name              string
		every, step, each time.Duration
		fewest, most      int
		longest           time.Duration
		backlog           bool
	}{
		{"500 a second, quiet machine", 2 * time.Millisecond, 300 * time.Microsecond, 50 * time.Microsecond, 1, 1, 0, false},
		{"2000 a second", 500 * time.Microsecond, 300 * time.Microsecond, 50 * time.Microsecond, 60, 130, longest, false},
		{"500 a second, busy machine", 2 * time.Millisecond, 2 * time.Millisecond, 200 * time.Microsecond, 8, 17, longest, false},
		{"more than can be done one by one", 100 * time.Microsecond, 300 * time.Microsecond, 50 * time.Microsecond, 600, 650, longest, false},
		{"100 large ones a second", 10 * time.Millisecond, 300 * time.Microsecond, 9 * time.Millisecond, 1, 4, pace * mostOfLarge, false},
		{"500 a second after a backlog", 2 * time.Millisecond, 300 * time.Microsecond, 50 * time.Microsecond, 1, 1, 0, true},
		{"one a second after a burst", time.Second, 2 * time.Millisecond, 0, 1, 1, 0, true},
	} {
		var p pressure
		from := start
		if c.backlog {
			p.note(start, start.Add(time.Second), 100000)
			from = start.Add(time.Second)
		}
		group, worst := p.follow(from, c.every, c.step, c.each, 5*time.Second)
		if group < c.fewest || group > c.most || worst > c.longest {
			t.Errorf("%s: steps of %d transactions, the first of which waited %s; want %d to %d, %s", c.name, group, worst, c.fewest, c.most, c.longest)
		}
	}
}
