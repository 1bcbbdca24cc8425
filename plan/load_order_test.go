package plan_test

import (
	"slices"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// TestLoadOrder: large tables first, but for very small ones, and for those whose rows may be
// partners of rows that are kept without any.
func TestLoadOrder(t *testing.T) {
	t.Parallel()
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), `CREATE TABLE lines (id int PRIMARY KEY, o int, p int); CREATE TABLE orders (id int PRIMARY KEY, c int);
		CREATE TABLE products (id int PRIMARY KEY); CREATE TABLE customers (id int PRIMARY KEY, n int); CREATE TABLE nations (id int PRIMARY KEY); CREATE TABLE regions (id int PRIMARY KEY)`)
	sizes := map[string]int64{"lines": 100_000, "orders": 20_000, "products": 3_000, "customers": 1_000, "nations": 10, "regions": 0}
	const joined = `SELECT l.id AS line, o.id AS order, p.id AS product, c.id AS customer, n.id AS nation FROM lines l JOIN orders o ON o.id = l.o
		JOIN products p ON p.id = l.p JOIN customers c ON c.id = o.c JOIN nations n ON n.id = c.n JOIN regions r ON r.id = n.id`
	for _, c := range []struct {
		name  string
		views []string
		want  []string
	}{
		{"inner joins", []string{joined}, []string{"regions", "nations", "lines", "orders", "products", "customers"}},
		{"a large table whose rows are kept", []string{joined, `SELECT l.id, p.id AS product FROM lines l LEFT JOIN products p ON p.id = l.p`},
			[]string{"regions", "nations", "orders", "products", "lines", "customers"}},
		{"a value looked up for each row", []string{joined, `SELECT id, (SELECT n FROM customers c WHERE c.id = o.c) AS n FROM orders o`},
			[]string{"regions", "nations", "lines", "products", "customers", "orders"}},
		{"rows that have no partner", []string{joined, `SELECT id FROM lines l WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = l.o)`},
			[]string{"regions", "nations", "orders", "lines", "products", "customers"}},
		{"rows that have one", []string{joined, `SELECT id FROM lines l WHERE EXISTS (SELECT FROM orders o WHERE o.id = l.o AND o.c > l.p)`},
			[]string{"regions", "nations", "lines", "orders", "products", "customers"}},
		{"a small table whose rows are kept", []string{joined, `SELECT n.id, l.id AS line FROM nations n LEFT JOIN lines l ON l.p = n.id`},
			[]string{"regions", "nations", "lines", "orders", "products", "customers"}},
		{"both ways", []string{joined, `SELECT l.id, o.id AS order FROM lines l LEFT JOIN orders o ON o.id = l.o`, `SELECT l.id, o.id AS order FROM orders o LEFT JOIN lines l ON l.p = o.id`},
			[]string{"regions", "nations", "lines", "orders", "products", "customers"}},
		{"in a circle", []string{joined, `SELECT l.id FROM lines l LEFT JOIN orders o ON o.id = l.o`, `SELECT l.id, o.id AS order FROM lines l LEFT JOIN orders o ON o.id = l.o`,
			`SELECT o.id, p.id AS product FROM orders o LEFT JOIN products p ON o.c = p.id`, `SELECT p.id, l.id AS line FROM products p LEFT JOIN lines l ON l.p = p.id`},
			[]string{"regions", "nations", "customers", "lines", "products", "orders"}},
	} {
		var views []plan.View
		for i, q := range c.views {
			views = append(views, plan.View{Name: string(rune('a' + i)), Query: q})
		}
		p := plan.Compile(analyze(t, dsn, views).Outputs, nil)
		var of []int64
		for _, s := range p.Sources {
			of = append(of, sizes[s.Table.Name])
		}
		var order []string
		for _, i := range p.LoadOrder(of) {
			order = append(order, p.Sources[i].Table.Name)
		}
		if !slices.Equal(order, c.want) {
			t.Errorf("%s: %v, want %v", c.name, order, c.want)
		}
	}
}
