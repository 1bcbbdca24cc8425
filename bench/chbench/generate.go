package chbench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// between two transactions; a day has eight of them.
const interval = 3 * time.Hour

var start = time.Date(2011, 12, 20, 8, 0, 0, 0, time.UTC)

// Generator makes the data, and then transactions over them.
type Generator struct {
	rnd  *rand.Rand
	conn *pgx.Conn
	at   time.Time
}

// New makes the generator of a seed, which works through conn.
func New(seed uint64, conn *pgx.Conn) *Generator {
	return &Generator{rnd: rand.New(rand.NewPCG(seed, 0x43482d62)), conn: conn, at: start}
}

// Load creates and fills the tables. It writes the first orders by the
// transactions that write later ones.
func (g *Generator) Load(ctx context.Context) error {
	if _, err := g.conn.Exec(ctx, Schema); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	var rows inserts
	for i, name := range regions {
		rows.add("region", i, name)
	}
	for _, n := range nations {
		rows.add("nation", int(n.name[0]), n.name, n.region)
	}
	for i := range Suppliers {
		comment := "keeps " + g.letters(5)
		if i%7 == 3 {
			comment = "is often late, bad packing"
		}
		rows.add("supplier", i, fmt.Sprintf("Supplier#%09d", i), g.letters(8), g.nation(), g.digits(12), g.money(-100, 9000), comment)
	}
	for i := 1; i <= items; i++ {
		data := pick(g.rnd, itemStarts) + g.letters(8) + pick(g.rnd, itemEnds)
		rows.add("item", i, 1+g.rnd.IntN(100), "item "+g.letters(4), g.money(1, 99), data)
	}
	for w := 1; w <= warehouses; w++ {
		rows.add("warehouse", w, "W"+g.letters(5), g.rate(), "0.00")
		for i := 1; i <= items; i++ {
			rows.add("stock", i, w, 10+g.rnd.IntN(91), 0, 0, 0, g.letters(10))
		}
		for d := 1; d <= districts; d++ {
			rows.add("district", d, w, "D"+g.letters(5), g.rate(), "0.00", 1)
			for c := 1; c <= customers; c++ {
				n := g.rnd.IntN(1000)
				last := syllables[n/100] + syllables[n/10%10] + syllables[n%10]
				rows.add("customer", c, d, w, last, g.letters(6), string(rune(g.nation()))+"X", fmt.Sprint(1+g.rnd.IntN(9))+g.digits(15),
					pick(g.rnd, []string{"GC", "GC", "GC", "BC"}), g.rate(), g.money(-50, 500), "10.00", 1, 0, g.letters(12))
			}
		}
	}
	if _, err := g.conn.Exec(ctx, rows.String()); err != nil {
		return fmt.Errorf("fill tables: %w", err)
	}
	for i := range loaded {
		for w := 1; w <= warehouses; w++ {
			for d := 1; d <= districts; d++ {
				if err := g.newOrder(ctx, w, d); err != nil {
					return err
				}
			}
			if i >= undone {
				if err := g.delivery(ctx, w); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// inserts are INSERT statements, one a row.
type inserts struct{ strings.Builder }

func (b *inserts) add(table string, row ...any) {
	b.WriteString("INSERT INTO " + table + " VALUES (")
	for i, v := range row {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "'%v'", v) // no value has a quote
	}
	b.WriteString(");\n")
}

func (g *Generator) nation() int { return int(pick(g.rnd, nations).name[0]) }

func (g *Generator) rate() string { return fmt.Sprintf("0.%04d", g.rnd.IntN(2001)) }

// money is an amount with cents, from low to high.
func (g *Generator) money(low, high int) string {
	cents := low*100 + g.rnd.IntN((high-low)*100+1)
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

func (g *Generator) letters(n int) string { return g.text(n, "abcdefghiklmnoprstu") }

func (g *Generator) digits(n int) string { return g.text(n, "0123456789") }

func (g *Generator) text(n int, from string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[g.rnd.IntN(len(from))]
	}
	return string(b)
}

// now is the time of a transaction, which is later than those before.
func (g *Generator) now() time.Time {
	g.at = g.at.Add(interval)
	return g.at
}

func (g *Generator) warehouse() int { return 1 + g.rnd.IntN(warehouses) }
func (g *Generator) district() int  { return 1 + g.rnd.IntN(districts) }
func (g *Generator) customer() int  { return 1 + g.rnd.IntN(customers) }

func pick[T any](rnd *rand.Rand, from []T) T { return from[rnd.IntN(len(from))] }
