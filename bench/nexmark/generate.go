package nexmark

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	firstID      = 1000 // of people and of auctions
	sideRows     = 20
	interval     = 200 * time.Millisecond // between two events
	personEvery  = 50                     // events
	auctionsEach = 3                      // for each person
	recent       = 12                     // auctions and people that events refer to
)

var start = time.Date(2024, 2, 28, 23, 59, 0, 0, time.UTC)

// places are cities with their states, of which queries ask for some.
var places = [][2]string{
	{"Portland", "OR"}, {"Boise", "ID"}, {"Palo Alto", "CA"}, {"San Mateo", "CA"}, {"Phoenix", "AZ"}, {"Kent", "WA"}, {"Cheyenne", "WY"},
}

var (
	firstNames = []string{"Ada", "Edgar", "Grace", "Jim", "Barbara", "Tony", "Frances", "Alan"}
	lastNames  = []string{"Abrams", "Bartels", "Jones", "Smith", "Spencer", "Walton", "White"}
	items      = []string{"lamp", "clock", "chair", "atlas", "violin", "kettle", "globe"}
	channels   = []string{"Google", "Facebook", "Baidu", "Apple"}
)

// Generator makes one stream of events.
type Generator struct {
	rnd      *rand.Rand
	events   int
	people   int64
	auctions int64
}

// New starts a stream. The same seed makes the same stream.
func New(seed uint64) *Generator {
	return &Generator{rnd: rand.New(rand.NewPCG(seed, 0x4e65786d))}
}

// Load creates the tables, with the side input and as many events.
func (g *Generator) Load(ctx context.Context, conn *pgx.Conn, events int) error {
	if _, err := conn.Exec(ctx, Schema); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	_, err := conn.Exec(ctx, fmt.Sprintf("INSERT INTO side_input SELECT k, 'side ' || k FROM generate_series(0, %d) k", sideRows-1))
	if err != nil {
		return fmt.Errorf("fill side_input: %w", err)
	}
	return g.Write(ctx, conn, events)
}

// Write inserts the next n events in one transaction.
func (g *Generator) Write(ctx context.Context, conn *pgx.Conn, n int) error {
	var rows [len(tables)][][]any
	for range n {
		table, row := g.next()
		rows[table] = append(rows[table], row)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for i, t := range tables {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(rows[i])); err != nil {
			_ = tx.Rollback(ctx) // the error before is the one to tell
			return fmt.Errorf("copy into %s: %w", t.name, err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// next makes an event: the number of its table in tables, and a row of it.
func (g *Generator) next() (table int, row []any) {
	place := g.events % personEvery
	at := start.Add(time.Duration(g.events) * interval)
	g.events++
	switch {
	case place == 0:
		return 0, g.person(at)
	case place <= auctionsEach:
		return 1, g.auction(at)
	}
	return 2, g.bid(at)
}

func (g *Generator) person(at time.Time) []any {
	id := firstID + g.people
	g.people++
	name := pick(g.rnd, firstNames) + " " + pick(g.rnd, lastNames)
	where := pick(g.rnd, places)
	return []any{
		id, name, g.letters(7) + "@" + g.letters(5) + ".example", fmt.Sprintf("%04d %04d %04d %04d", g.rnd.IntN(10000), g.rnd.IntN(10000), g.rnd.IntN(10000), g.rnd.IntN(10000)),
		where[0], where[1], at, g.letters(10),
	}
}

func (g *Generator) auction(at time.Time) []any {
	id := firstID + g.auctions
	g.auctions++
	first := g.price()
	return []any{
		id, pick(g.rnd, items), g.letters(12), first, first + g.price(), at,
		at.Add(time.Duration(5+g.rnd.IntN(40)) * time.Second), g.one(g.people), 10 + g.rnd.Int64N(5), g.letters(10),
	}
}

func (g *Generator) bid(at time.Time) []any {
	auction := g.one(g.auctions)
	if g.rnd.IntN(2) == 0 { // the one in demand, which is another one every third time
		auction = firstID + (g.auctions-1)/3*3
	}
	channel, url := "", fmt.Sprintf("https://auctions.example/%s/%s/%s/item.htm?query=1", g.letters(3), g.letters(2), g.letters(3))
	if g.rnd.IntN(2) == 0 {
		channel = pick(g.rnd, channels)
	} else {
		n := g.rnd.IntN(10)
		channel = fmt.Sprintf("channel-%d", n)
		if n > 0 {
			url += fmt.Sprintf("&channel_id=%d", n)
		}
	}
	return []any{auction, g.one(g.people), g.price(), channel, url, at, g.letters(10)}
}

// one is one of the latest of n people or auctions.
func (g *Generator) one(n int64) int64 {
	back := min(n, recent)
	return firstID + n - back + g.rnd.Int64N(back)
}

func (g *Generator) price() int64 { return int64(math.Round(math.Pow(10, g.rnd.Float64()*6) * 100)) }

func (g *Generator) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(g.rnd.IntN(8))
	}
	return string(b)
}

func pick[T any](rnd *rand.Rand, from []T) T { return from[rnd.IntN(len(from))] }
