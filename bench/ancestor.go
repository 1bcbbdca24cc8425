package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

// ancestorRows is how many rows are in the tables when the state is measured, and how
// many each round adds.
const ancestorRows = 100_000

// ancestorCase is a query of the Python program that this one descends from, whose
// own figures are in the report.
type ancestorCase struct {
	name, schema string
	view         tpch.View
	write        func(b map[string]*bytes.Buffer, from, rows int) // rows of the tables, in the text format of COPY
	its          string                                           // what the ancestor reached
}

var ancestorCases = []ancestorCase{
	{
		name: "meters",
		schema: `CREATE TABLE users (user_id bigint PRIMARY KEY, name text NOT NULL);
			CREATE TABLE meters (meter_id bigint PRIMARY KEY, user_id bigint NOT NULL);
			CREATE TABLE reads (read_id bigint PRIMARY KEY, meter_id bigint NOT NULL, ts timestamp NOT NULL, value float8 NOT NULL);
			INSERT INTO users SELECT i, 'user ' || i FROM generate_series(0, 99) AS i;
			INSERT INTO meters SELECT i, i / 10 FROM generate_series(0, 999) AS i`,
		view: tpch.View{Name: "daily", Query: `
SELECT user_id, meter_id, ts::date AS day, sum(value) AS total
FROM users JOIN meters USING (user_id) JOIN reads USING (meter_id)
GROUP BY user_id, meter_id, ts::date`},
		write: func(b map[string]*bytes.Buffer, from, rows int) {
			// A thousand meters, by turns, 48 reads a day.
			for i := from; i < from+rows; i++ {
				at := time.Date(2024, 1, 1, 0, 30*(i/1000), 0, 0, time.UTC)
				fmt.Fprintf(b["reads"], "%d\t%d\t%s\t%d.5\n", i, i%1000, at.Format("2006-01-02 15:04:05"), i*7919%100)
			}
		},
		its: "the ancestor: 10,000 rows/s, on another machine",
	},
	{
		name: "types",
		schema: `CREATE TABLE class (id text PRIMARY KEY);
			CREATE TABLE attr (id text, key text, value text NOT NULL, PRIMARY KEY (id, key))`,
		view: tpch.View{Name: "types", Query: `
WITH RECURSIVE reach AS (
  SELECT id, value FROM attr
  UNION
  SELECT attr.id, reach.value FROM attr JOIN reach ON attr.value = reach.id
)
SELECT class.id, deps.deps FROM class LEFT JOIN (
  SELECT reach.id, array_agg(reach.value ORDER BY reach.value) AS deps
  FROM reach JOIN class ON class.id = reach.value GROUP BY reach.id
) AS deps ON deps.id = class.id`},
		write: func(b map[string]*bytes.Buffer, from, rows int) {
			// Modules of four classes with six attributes: each class but the first has
			// two, of types of the same module.
			for i := from; i < from+rows; i++ {
				module, n := i/10, i%10
				switch {
				case n < 4:
					fmt.Fprintf(b["class"], "m%d.c%d\n", module, n)
				default:
					of := 1 + (n-4)/2
					fmt.Fprintf(b["attr"], "m%d.c%d\ta%d\tm%d.c%d\n", module, of, n%2, module, (of-1)*(n%2))
				}
			}
		},
		its: "the ancestor: 2,000 rows/s, on another machine",
	},
}

// measureAncestor works off backlogs under the ancestor's queries, end to end.
func measureAncestor(ctx context.Context, l *lab) error {
	for i := range ancestorCases {
		if err := l.ancestor(ctx, &ancestorCases[i]); err != nil {
			return fmt.Errorf("%s: %w", ancestorCases[i].name, err)
		}
	}
	return nil
}

func (l *lab) ancestor(ctx context.Context, c *ancestorCase) error {
	if err := l.create(ctx, c.name); err != nil {
		return err
	}
	conn, err := l.connect(ctx, c.name)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, c.schema); err != nil {
		return fmt.Errorf("create the tables: %w", err)
	}
	rows := ancestorRows
	if l.opts.quick {
		rows /= 10
	}
	if err := c.add(ctx, conn, 0, rows); err != nil {
		return err
	}
	if err := l.loaded(ctx, c.name, []tpch.View{c.view}); err != nil {
		return err
	}
	size, err := dirSize(l.stateDir())
	if err != nil {
		return fmt.Errorf("measure the state: %w", err)
	}
	var whole, following, cpu sample
	for round := range l.opts.rounds {
		n, from := 2*rows, rows+round*2*rows
		if err := c.add(ctx, conn, from, n-1000); err != nil {
			return err
		}
		lsn, err := position(ctx, conn)
		if err != nil {
			return err
		}
		if err := c.add(ctx, conn, from+n-1000, 1000); err != nil {
			return err
		}
		f, err := l.follow(ctx, fmt.Sprintf("ancestor-%s-%d", c.name, round+1))
		if err != nil {
			return err
		}
		if err := passed(ctx, conn, lsn, f); err != nil {
			return errors.Join(err, f.kill())
		}
		done := time.Now()
		whole.add(float64(n) / done.Sub(f.started).Seconds())
		following.add(float64(n) / done.Sub(f.live.At).Seconds())
		cpu.add(float64(f.cpu().Microseconds()) / float64(n))
		if round == l.opts.rounds-1 {
			if err := l.verify(ctx); err != nil {
				return errors.Join(err, f.kill())
			}
		}
		if err := f.stop(); err != nil {
			return err
		}
	}
	l.report.add(c.name+": caught up", "rows/s", whole, "from the start of the process to the output commit that holds the last row; "+c.its)
	l.report.add(c.name+": once the stream had begun", "rows/s", following, "")
	l.report.add(c.name+": our CPU time", "µs a row", cpu, "")
	l.report.one(c.name+": state", "MB", float64(size)/(1<<20), fmt.Sprintf("on disk, of %s rows", number(float64(rows))))
	l.say("%s: %s rows/s, %s once live; %s MB of state", c.name, number(whole.median()), number(following.median()), number(float64(size)/(1<<20)))
	return nil
}

// add inserts rows in transactions of 1,000.
func (c *ancestorCase) add(ctx context.Context, conn *pgx.Conn, from, rows int) error {
	for end := from + rows; from < end; from += 1000 {
		tables := map[string]*bytes.Buffer{"reads": {}, "class": {}, "attr": {}}
		c.write(tables, from, min(1000, end-from))
		tx, err := conn.Begin(ctx)
		if err != nil {
			return fmt.Errorf("insert rows: %w", err)
		}
		for _, table := range []string{"reads", "class", "attr"} {
			if tables[table].Len() == 0 {
				continue
			}
			if _, err := conn.PgConn().CopyFrom(ctx, tables[table], "COPY "+table+" FROM STDIN"); err != nil {
				return errors.Join(fmt.Errorf("insert rows: %w", err), tx.Rollback(ctx))
			}
		}
		if err := tx.Commit(ctx); err != nil {
			return fmt.Errorf("insert rows: %w", err)
		}
	}
	return nil
}
