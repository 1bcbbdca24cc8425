package plan_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/bench/nexmark"
	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// nexmarkWrites are what may happen to events after they were written; # is the
// number of the round.
var nexmarkWrites = []string{
	`UPDATE bid SET price = price + price / 10 WHERE auction % 7 = #`,
	`UPDATE bid SET date_time = date_time - interval '3 s' WHERE (auction + bidder) % 11 = #`,
	`UPDATE bid SET auction = auction + 1, channel = 'Apple' WHERE price % 23 = #`,
	`DELETE FROM bid WHERE price % 13 = #`,
	`INSERT INTO bid SELECT * FROM bid WHERE price % 29 = #`,
	`UPDATE auction SET category = 10 + (category - 9) % 5 WHERE id % 6 = #`,
	`UPDATE auction SET expires = expires + interval '7 s', seller = seller - 1 WHERE id % 5 = #`,
	`DELETE FROM auction WHERE id % 19 = #`,
	`UPDATE person SET state = 'OR', city = 'Bend' WHERE id % 4 = #`,
	`UPDATE person SET date_time = date_time + interval '2 s' WHERE id % 3 = #`,
	`DELETE FROM person WHERE id % 17 = #`,
	`UPDATE side_input SET value = value || '!' WHERE key % 5 = #`,
}

// TestNexmark maintains the queries of Nexmark, and more of the kind, over events that arrive in the
// order of time, and that are corrected, repeated and withdrawn later.
func TestNexmark(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	g := nexmark.New(7)
	if err := g.Load(t.Context(), conn, 350); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, dsn, namedQueries(t, "testdata/nexmark.sql", "testdata/nexmark_more.sql"), rand.New(rand.NewPCG(3, 22)))
	var h history
	round := func() {
		t.Helper()
		r.feed(4)
		r.check()
		h.see(r)
	}
	round()
	for n := range 3 {
		if err := g.Write(t.Context(), conn, 60); err != nil {
			t.Fatal(err)
		}
		round()
		for _, sql := range nexmarkWrites {
			mustExec(t, conn, strings.ReplaceAll(sql, "#", strconv.Itoa(n)))
		}
		round()
	}
	h.alive(r)

	// A stream that starts again keeps nothing of what it was.
	mustExec(t, conn, "TRUNCATE person, auction, bid")
	round()
	if err := g.Write(t.Context(), conn, 100); err != nil {
		t.Fatal(err)
	}
	round()
}
