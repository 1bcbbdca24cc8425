package nexmark

import (
	"reflect"
	"testing"
	"time"
)

// TestEvents: the seed decides them; they are in order, in the given proportion,
// and refer to what was there before.
func TestEvents(t *testing.T) {
	a, b, other := New(7), New(7), New(8)
	var count [len(tables)]int
	var last time.Time
	same := true
	for i := range 1000 {
		table, row := a.next()
		count[table]++
		if _, again := b.next(); !reflect.DeepEqual(row, again) {
			t.Fatalf("event %d: the same seed makes %v and %v", i, row, again)
		}
		_, third := other.next()
		same = same && reflect.DeepEqual(row, third)
		if len(row) != len(tables[table].columns) {
			t.Fatalf("event %d has %d columns", i, len(row))
		}
		column := func(name string) any {
			for i, c := range tables[table].columns {
				if c == name {
					return row[i]
				}
			}
			t.Fatalf("%s has no column %s", tables[table].name, name)
			return nil
		}
		at := column("date_time").(time.Time)
		if !at.After(last) {
			t.Errorf("event %d is at %v, the one before at %v", i, at, last)
		}
		last = at
		known := func(id, n int64) {
			if id < firstID || id >= firstID+n {
				t.Errorf("event %d refers to %d of %d", i, id, n)
			}
		}
		switch table {
		case 1:
			known(column("seller").(int64), a.people)
			if !column("expires").(time.Time).After(at) {
				t.Errorf("auction %v ends before it begins", row)
			}
		case 2:
			known(column("auction").(int64), a.auctions)
			known(column("bidder").(int64), a.people)
		}
	}
	if same {
		t.Error("another seed makes the same events")
	}
	if want := [len(tables)]int{20, 60, 920}; count != want {
		t.Errorf("%v people, auctions and bids, not %v", count, want)
	}
}
