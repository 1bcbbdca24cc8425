package pipeline

import "testing"

const shop = `
	CREATE TABLE customers (id int PRIMARY KEY, region text, name varchar(20));
	CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int, amount numeric(10,2), note text);
	CREATE TABLE visits (customer_id int, page text);
	ALTER TABLE visits REPLICA IDENTITY FULL;
	INSERT INTO customers SELECT i, 'region ' || i % 3, 'c' || i FROM generate_series(1, 20) i;
	INSERT INTO orders SELECT i, i % 25, i * 1.5, 'n' || i FROM generate_series(1, 200) i;
	INSERT INTO visits SELECT i % 20, 'p' || i % 4 FROM generate_series(1, 100) i;`

func shopWorld(t *testing.T) *world {
	w := newWorld(t, shop)
	w.view("revenue", `SELECT c.region, count(*) AS orders, sum(o.amount) AS revenue, max(o.note) AS last
		FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.region`)
	w.view("big", `SELECT o.id, o.amount, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.amount > 100`)
	w.view("pages", `SELECT page FROM visits`)
	w.view("total", `SELECT count(*) AS n, sum(amount) AS s, avg(amount) AS a FROM orders`)
	w.view("names", `SELECT DISTINCT page, customer_id % 3 AS k FROM visits`)
	return w
}

func TestFollow(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	w.exec(`INSERT INTO orders VALUES (1000, 3, 5000, 'x')`)
	w.check()
	w.exec(`UPDATE orders SET amount = amount + 1 WHERE id % 7 = 0; DELETE FROM orders WHERE id % 11 = 0;`)
	w.exec(`UPDATE customers SET region = 'elsewhere' WHERE id < 5`)
	w.exec(`DELETE FROM visits WHERE customer_id = 3; INSERT INTO visits VALUES (1, 'p1'), (1, 'p1'), (NULL, NULL)`)
	w.check()
	w.exec(`UPDATE orders SET id = id + 5000 WHERE id < 10`)
	w.exec(`TRUNCATE visits; INSERT INTO visits VALUES (7, 'new')`)
	w.check()
}

func TestRestart(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	for range 3 {
		w.halt()
		w.exec(`INSERT INTO orders SELECT max(id) + 1, 3, 77.10, 'again' FROM orders`)
		w.exec(`DELETE FROM visits WHERE ctid = (SELECT min(ctid) FROM visits)`)
		w.run(Options{})
		w.check()
	}
}

func TestAddView(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	w.halt()
	w.exec(`INSERT INTO orders VALUES (2000, 4, 1, 'new')`)
	w.view("by_customer", `SELECT customer_id, sum(amount) AS s FROM orders GROUP BY 1`)
	w.run(Options{})
	w.check()
	w.exec(`INSERT INTO orders VALUES (2001, 4, 1, 'new')`)
	w.check()
}
