package migrations

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// wait_for() with views waits until these are live, and looks at them and at the
// position in one.
func TestWaitForViews(t *testing.T) {
	ctx := context.Background()
	c, dsn := migrated(t)
	writer := connect(t, dsn)
	mustExec(t, writer, `UPDATE stepping_cdc.progress SET lsn = '0/100'`)
	register := func(name, state string) string {
		return fmt.Sprintf(`INSERT INTO stepping_cdc.views (name, state, query, schema, columns, shape, error, updated_at)
			VALUES ('%s', '%s', '', 'out', '[]', '', 'secret', now())`, name, state)
	}
	for _, state := range []string{"live", "loading", "errored", "drifted", "stopped"} {
		mustExec(t, writer, register(state, state))
	}
	mustExec(t, writer, register(`quoted " and , name`, "live"))
	for _, tt := range []struct{ call, want string }{ // want: part of the message on time-out; empty: it returns
		{`wait_for('0/100', '0')`, ""},
		{`wait_for('0/100', '0', '{}')`, ""},
		{`wait_for('0/100', '0', '{live}')`, ""},
		{`wait_for('0/100', views => ARRAY['live', 'live', 'quoted " and , name'])`, ""},
		{`wait_for('0/101', '0', '{live}')`, "outputs are at 0/100, not yet at 0/101"},
		{`wait_for('0/101', '0', '{loading}')`, "outputs are at 0/100, not yet at 0/101"},
		{`wait_for('0/100', '1 ms', '{live,loading}')`, `view "loading" is loading after`},
		{`wait_for('0/100', '0', '{errored,stopped}')`, `view "errored" is errored after`},
		{`wait_for('0/100', '0', '{drifted}')`, `view "drifted" is drifted`},
		{`wait_for('0/100', '0', '{stopped}')`, `view "stopped" is stopped`},
		{`wait_for('0/100', '0', '{live,unheard_of}')`, `view "unheard_of" has no output`},
		{`wait_for(timeout => '1 ms', views => '{live}')`, "outputs are at"},
	} {
		_, err := c.Exec(ctx, `SELECT stepping_cdc.`+tt.call)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.call, err)
			}
			continue
		}
		if sqlState(err) != StateWaitTimeout || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", tt.call, err)
		}
	}
	for _, call := range []string{`wait_for('0/100', '0', NULL)`, `wait_for('0/100', '0', ARRAY['live', NULL])`} {
		if _, err := c.Exec(ctx, `SELECT stepping_cdc.`+call); sqlState(err) != "22004" {
			t.Errorf("%s: %v", call, err)
		}
	}
	// Each step alone is not enough: live too early, the position without the view.
	waited := make(chan error, 1)
	go func() {
		_, err := c.Exec(ctx, `SELECT stepping_cdc.wait_for('0/200', '1 min', '{loading,new}')`)
		waited <- err
	}()
	for _, step := range []string{
		`UPDATE stepping_cdc.views SET state = 'live' WHERE name = 'loading'`,
		`BEGIN; UPDATE stepping_cdc.views SET state = 'loading' WHERE name = 'loading'; UPDATE stepping_cdc.progress SET lsn = '0/200'; COMMIT`,
		`UPDATE stepping_cdc.views SET state = 'live' WHERE name = 'loading'`,
		register("new", "loading"),
	} {
		mustExec(t, writer, step)
		select {
		case err := <-waited:
			t.Fatalf("over after %s: %v", step, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	mustExec(t, writer, `UPDATE stepping_cdc.views SET state = 'live' WHERE name = 'new'`)
	if err := <-waited; err != nil {
		t.Error(err)
	}
	tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `SELECT stepping_cdc.wait_for('0/200', '1 min', '{new}')`); err != nil {
		t.Errorf("live in the snapshot: %v", err)
	}
	if _, err := tx.Exec(ctx, `SELECT stepping_cdc.wait_for('0/200', '1 min', '{stopped}')`); sqlState(err) != "25000" {
		t.Errorf("not live in the snapshot: %v", err)
	}
	_ = tx.Rollback(ctx)
	// Who may not look into the views may wait for them.
	mustExec(t, c, `DROP ROLE IF EXISTS wait_for_views_reader; CREATE ROLE wait_for_views_reader; SET ROLE wait_for_views_reader`)
	if _, err := c.Exec(ctx, `SELECT stepping_cdc.wait_for('0/200', '0', '{new}')`); err != nil {
		t.Errorf("as a reader: %v", err)
	}
	mustExec(t, c, `RESET ROLE; DROP ROLE wait_for_views_reader`)
}

// TestUpFromEarlier brings installations of each earlier version up, as they are in use:
// what was kept in them stays, and calls of wait_for() of before go on to work.
func TestUpFromEarlier(t *testing.T) {
	ctx := context.Background()
	all, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	for from := 1; from < len(all); from++ {
		c := connect(t, embedded.NewDB(t))
		if err := up(ctx, c, all[:from]); err != nil {
			t.Fatal(err)
		}
		mustExec(t, c, `UPDATE stepping_cdc.progress SET lsn = '0/100', epoch = 7;
			INSERT INTO stepping_cdc.views (name, state, query, schema, columns, shape, updated_at) VALUES ('v', 'live', 'SELECT 1', 'out', '[]', '', now());
			INSERT INTO stepping_cdc.errors VALUES ('v', '22012', 'division by zero', '(1)', 1, now());
			CREATE FUNCTION own() RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM stepping_cdc.wait_for(''0/100''); RETURN ''waited''; END';
			CREATE ROLE up_from_earlier; GRANT SELECT ON stepping_cdc.views TO up_from_earlier`)
		tied := from == 2
		if tied { // what Postgres does not let go of is named by number, not by name
			mustExec(t, c, `CREATE FUNCTION tied() RETURNS text BEGIN ATOMIC SELECT 'tied' FROM stepping_cdc.wait_for('0/100', '1 s'); END;
				CREATE VIEW tied_view AS SELECT 'tied'::text AS t FROM stepping_cdc.wait_for('0/100')`)
		}
		if err := Up(ctx, c); err != nil {
			t.Fatalf("from version %d: %v", from, err)
		}
		if v, err := Version(ctx, c); err != nil || v != len(all) {
			t.Errorf("from version %d: %d, %v", from, v, err)
		}
		mustExec(t, c, `DO $$ BEGIN
			ASSERT (SELECT (lsn, epoch) = ('0/100', 7) AND clock IS NULL FROM stepping_cdc.progress);
			ASSERT (SELECT query FROM stepping_cdc.views) = 'SELECT 1' AND (SELECT weight FROM stepping_cdc.errors) = 1;
			ASSERT own() = 'waited' AND has_table_privilege('up_from_earlier', 'stepping_cdc.views', 'SELECT');
			PERFORM stepping_cdc.wait_for('0/100'), stepping_cdc.wait_for('0/100', '1 s'), stepping_cdc.wait_for('0/100', views => '{v}');
			ASSERT (SELECT count(*) FROM stepping_cdc.rebuilds) = 0;
		END $$; SET ROLE up_from_earlier; SELECT stepping_cdc.wait_for('0/100', timeout => '1 s'), count(*) FROM stepping_cdc.views; RESET ROLE;
		DROP OWNED BY up_from_earlier; DROP ROLE up_from_earlier`)
		if tied {
			mustExec(t, c, `DO $$ BEGIN ASSERT tied() = 'tied' AND (SELECT t FROM tied_view) = 'tied'; END $$`)
		}
	}
}
