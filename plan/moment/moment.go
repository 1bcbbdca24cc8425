// Package moment has the temporary views of a session read the present time from a setting:
// so their queries can be asked as of a time that has passed.
//
// It knows what Postgres writes of a view, and by which words a query asks for the time. It
// must not know what a query means, nor who asks for the moment.
package moment

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/sqltext"
)

// ClockSetting is the setting that says which time a query as of some time is to
// take for the present.
const ClockSetting = "stepping_cdc.clock"

// clockFunctions stand for those of pg_catalog in a session that evaluates queries
// as of some time. age of one argument is an SQL function over current_date.
const clockFunctions = `
CREATE FUNCTION pg_temp.now() RETURNS pg_catalog.timestamptz LANGUAGE sql STABLE AS
$$SELECT pg_catalog.current_setting('` + ClockSetting + `')::pg_catalog.timestamptz$$;
CREATE FUNCTION pg_temp.transaction_timestamp() RETURNS pg_catalog.timestamptz LANGUAGE sql STABLE AS $$SELECT pg_temp.now()$$;
CREATE FUNCTION pg_temp.statement_timestamp() RETURNS pg_catalog.timestamptz LANGUAGE sql STABLE AS $$SELECT pg_temp.now()$$;
CREATE FUNCTION pg_temp.age(pg_catalog."timestamp") RETURNS pg_catalog."interval" LANGUAGE sql STABLE AS
$$SELECT pg_catalog.age(pg_temp.now()::pg_catalog.date::pg_catalog."timestamp", $1)$$;
CREATE FUNCTION pg_temp.age(pg_catalog.timestamptz) RETURNS pg_catalog."interval" LANGUAGE sql STABLE AS
$$SELECT pg_catalog.age(pg_temp.now()::pg_catalog.date::pg_catalog.timestamptz, $1)$$;
CREATE FUNCTION pg_temp.age(pg_catalog."timestamp", pg_catalog."timestamp") RETURNS pg_catalog."interval" LANGUAGE sql IMMUTABLE AS $$SELECT pg_catalog.age($1, $2)$$;
CREATE FUNCTION pg_temp.age(pg_catalog.timestamptz, pg_catalog.timestamptz) RETURNS pg_catalog."interval" LANGUAGE sql STABLE AS $$SELECT pg_catalog.age($1, $2)$$;
`

// Declare redefines temporary views of the session so that they read the
// present time from ClockSetting, and lock no rows. Postgres' own now() cannot be set; so
// the views' definitions, as Postgres writes them, call other functions in its place.
func Declare(ctx context.Context, conn *pgx.Conn, views []*plan.Output) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("declare views as of a time: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	d := &asOf{byOID: map[uint32]*definition{}, byName: map[string]*definition{}}
	written := map[string]string{}
	for _, v := range views {
		written[v.Name] = v.Query
	}
	if err := tx.QueryRow(ctx, `SELECT pg_catalog.current_setting('search_path')`).Scan(&d.searchPath); err != nil {
		return fmt.Errorf("declare views as of a time: %w", err)
	}
	if err := d.read(ctx, tx, slices.Collect(maps.Keys(written))); err != nil {
		return fmt.Errorf("declare views as of a time: %w", err)
	}
	if _, err := tx.Exec(ctx, `SET LOCAL search_path = ''; `+clockFunctions); err != nil {
		return fmt.Errorf("declare views as of a time: %w", err)
	}
	for _, v := range d.byOID {
		if !v.temp {
			continue
		}
		if text, changed := d.rewrite(v); changed {
			if _, err := tx.Exec(ctx, "CREATE OR REPLACE TEMPORARY VIEW "+pgx.Identifier{v.name}.Sanitize()+" AS "+text, pgx.QueryExecModeExec); err != nil {
				return fmt.Errorf("declare view %s as of a time: %w", v.name, err)
			}
			if err := d.asWritten(ctx, tx, v, written[v.name]); err != nil {
				return fmt.Errorf("declare view %s as of a time: %w", v.name, err)
			}
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("declare views as of a time: %w", err)
	}
	return nil
}

// asOf holds the definitions of temporary views and of all views that they read.
type asOf struct {
	byOID  map[uint32]*definition
	byName map[string]*definition // qualified, as Postgres writes it
	// searchPath is the one under which the views were declared.
	searchPath string
}

type definition struct {
	name  string
	temp  bool
	query string
}

func (d *asOf) read(ctx context.Context, tx pgx.Tx, views []string) error {
	// Without a search path all names but those of pg_catalog and of temporary
	// relations are written with their schemas.
	if _, err := tx.Exec(ctx, `SET LOCAL search_path = ''`); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		WITH RECURSIVE v(oid) AS (
			SELECT c.oid FROM pg_catalog.pg_class c
			WHERE c.relnamespace = pg_catalog.pg_my_temp_schema() AND c.relkind = 'v' AND c.relname = ANY ($1)
			UNION
			SELECT d.refobjid FROM v JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid
			JOIN pg_catalog.pg_depend d ON d.objid = r.oid AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
			 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
			JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind = 'v'
		)
		SELECT c.oid, c.relname::text, c.relnamespace = pg_catalog.pg_my_temp_schema(),
		       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), pg_catalog.pg_get_viewdef(c.oid)
		FROM v JOIN pg_catalog.pg_class c ON c.oid = v.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')`, views)
	if err != nil {
		return err
	}
	var oid uint32
	var def definition
	var qualified string
	_, err = pgx.ForEachRow(rows, []any{&oid, &def.name, &def.temp, &qualified, &def.query}, func() error {
		v := def
		v.query = sqltext.ComparingRecords(strings.TrimSuffix(strings.TrimSpace(v.query), ";"))
		d.byOID[oid] = &v
		if !v.temp {
			d.byName[qualified] = &v
		}
		return nil
	})
	return err
}

// rewrite writes a definition with the present time from elsewhere, and says
// whether that changes it. Views of the user's that depend on the time are written
// out in place.
func (d *asOf) rewrite(v *definition) (text string, changed bool) {
	var out strings.Builder
	from := 0
	put := func(tok sqltext.Lexeme, s string) {
		out.WriteString(v.query[from:tok.Start])
		out.WriteString(s)
		from, changed = tok.End, true
	}
	toks := sqltext.Lexemes(v.query)
	lists := distinctLists(toks)
	at := func(i int) sqltext.Lexeme {
		if i < 0 || i >= len(toks) {
			return sqltext.Lexeme{}
		}
		return toks[i]
	}
	for i := 0; i < len(toks); i++ {
		tok, prev := toks[i], at(i-1)
		if n := cycleMark(toks[i:]); n > 0 {
			// Postgres writes 'y'::text, which it does not read in this place.
			typ, mark := v.query[at(i+2).Start:at(i+n-1).End], tok
			out.WriteString(v.query[from:tok.Start] + typ + " " + mark.Text)
			from = at(i + n - 1).End
			i += n - 1
			continue
		}
		if n := lockingClause(toks[i:]); n > 0 {
			i += n - 1
			put(sqltext.Lexeme{Start: tok.Start, End: at(i).End}, "")
			continue
		}
		if prev.Text == "." || prev.Text == "::" {
			continue
		}
		if cast, ok := keywordCasts[tok.Text]; ok {
			put(tok, "(pg_temp.now())::pg_catalog."+cast)
			continue
		}
		switch tok.Text {
		case "now", "transaction_timestamp", "statement_timestamp", "age":
			// An alias with a list of columns follows a name or a parenthesis, which that of
			// DISTINCT ON is not.
			if at(i+1).Text == "(" && !prev.Name && (prev.Text != ")" || lists[i-1]) {
				put(tok, "pg_temp."+tok.Text)
			}
			continue
		}
		if inner := d.byName[tok.Text+"."+at(i+2).Text]; tok.Name && at(i+1).Text == "." && inner != nil {
			body, differs := d.rewrite(inner)
			if !differs {
				continue
			}
			end := at(i + 2)
			alias := ""
			if !at(i + 3).Name {
				alias = " " + end.Text
			}
			tok.End = end.End
			put(tok, "("+body+")"+alias)
			i += 2
		}
	}
	out.WriteString(v.query[from:])
	return out.String(), changed
}

// keywordCasts are the reserved words of the clock, as Postgres writes them, and
// the types that now() is cast to in their place; a precision in parentheses goes
// with either.
var keywordCasts = map[string]string{
	"CURRENT_DATE": "date", "CURRENT_TIME": "timetz", "CURRENT_TIMESTAMP": "timestamptz",
	"LOCALTIME": `"time"`, "LOCALTIMESTAMP": `"timestamp"`,
}

// distinctLists are the lexemes that close the list of a DISTINCT ON.
func distinctLists(toks []sqltext.Lexeme) map[int]bool {
	lists := map[int]bool{}
	var open []bool // is it one's?
	for i, t := range toks {
		switch t.Text {
		case "(":
			open = append(open, i > 1 && toks[i-1].Text == "ON" && toks[i-2].Text == "DISTINCT")
		case ")":
			if n := len(open); n > 0 {
				if open[n-1] {
					lists[i] = true
				}
				open = open[:n-1]
			}
		}
	}
	return lists
}

// cycleMark is the number of lexemes, from the first, that are a value with a cast, if
// they are followed as in CYCLE … SET … TO value DEFAULT value USING …; 0 if these are
// something else.
func cycleMark(toks []sqltext.Lexeme) int {
	if len(toks) < 4 || !strings.HasPrefix(toks[0].Text, "'") || toks[1].Text != "::" {
		return 0
	}
	for n := 2; n < len(toks); n++ {
		switch t := toks[n]; {
		case t.Text == "DEFAULT" || t.Text == "USING":
			return n
		case !t.Name && t.Text != ".":
			return 0
		}
	}
	return 0
}

// lockingClause is the number of lexemes, from the first, that are FOR UPDATE, FOR
// NO KEY UPDATE, FOR SHARE or FOR KEY SHARE, as Postgres writes them; 0 if these are
// something else.
func lockingClause(toks []sqltext.Lexeme) int {
	n := 0
	take := func(words ...string) bool {
		for i, w := range words {
			if n+i >= len(toks) || toks[n+i].Text != w {
				return false
			}
		}
		n += len(words)
		return true
	}
	if !take("FOR") || !take("UPDATE") && !take("NO", "KEY", "UPDATE") && !take("SHARE") && !take("KEY", "SHARE") {
		return 0
	}
	if take("OF") {
		n++ // one name in each clause
	}
	take("NOWAIT")
	return n
}
