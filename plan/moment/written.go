package moment

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/plan/sqltext"
)

// What Postgres writes of a view is not always the view: GROUP BY CUBE (1, 2) over two equal
// expressions is written with the expression twice, which then means the first of them both
// times. Such a view is declared by its own text, if that is simple enough to put other functions
// in the place of those of the clock; that they were put where they belong is seen by
// what Postgres writes of the outcome, which has to be what it writes of the other one.

// asWritten declares a view with grouping sets by its own text.
func (d *asOf) asWritten(ctx context.Context, tx pgx.Tx, v *definition, query string) error {
	text, ok := clockInText(query)
	if !ok {
		return nil
	}
	name := pgx.Identifier{v.name}.Sanitize()
	sp, err := tx.Begin(ctx) // a savepoint
	if err != nil {
		return err
	}
	defer func() { _ = sp.Rollback(context.WithoutCancel(ctx)) }()
	var before, columns, after string
	const shape = `SELECT pg_catalog.pg_get_viewdef(a.attrelid), pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
		FROM pg_catalog.pg_attribute a WHERE a.attrelid = ('pg_temp.' || $1)::pg_catalog.regclass GROUP BY a.attrelid`
	if err := sp.QueryRow(ctx, shape, name).Scan(&before, &columns); err != nil {
		return err
	}
	_, err = sp.Exec(ctx, `SELECT pg_catalog.set_config('search_path', $1, true)`, d.searchPath)
	if err == nil {
		_, err = sp.Exec(ctx, "CREATE OR REPLACE TEMPORARY VIEW "+name+" ("+columns+") AS "+text, pgx.QueryExecModeExec)
	}
	if err == nil {
		_, err = sp.Exec(ctx, `SELECT pg_catalog.set_config('search_path', '', true)`)
	}
	if err == nil {
		err = sp.QueryRow(ctx, shape, name).Scan(&after, &columns)
	}
	var pgErr *pgconn.PgError
	if err != nil && !errors.As(err, &pgErr) {
		return err
	}
	if err != nil || after != before {
		return nil
	}
	return sp.Commit(ctx)
}

// clockInText writes a query with grouping sets with the present time from elsewhere; false
// if it has none, or comments or strings that lexemes does not know.
func clockInText(query string) (text string, ok bool) {
	upper := strings.ToUpper(query)
	has := func(part string) bool { return strings.Contains(upper, part) }
	if !has("CUBE") && !has("ROLLUP") && !has("SETS") || has("--") || has("/*") || has("$") || has("E'") || has("U&") {
		return "", false
	}
	var out strings.Builder
	from := 0
	put := func(tok sqltext.Lexeme, s string) {
		out.WriteString(query[from:tok.Start])
		out.WriteString(s)
		from = tok.End
	}
	toks := sqltext.Lexemes(query)
	for i, tok := range toks {
		before, behind := "", ""
		if i > 0 {
			before = strings.ToUpper(toks[i-1].Text)
		}
		if i+1 < len(toks) {
			behind = toks[i+1].Text
		}
		if before == "." || before == "AS" {
			continue
		}
		if cast, ok := keywordCasts[strings.ToUpper(tok.Text)]; ok {
			put(tok, "(pg_temp.now())::pg_catalog."+cast)
			continue
		}
		switch word := strings.ToLower(tok.Text); word {
		case "now", "transaction_timestamp", "statement_timestamp", "age":
			if behind == "(" {
				put(tok, "pg_temp."+word)
			}
		}
	}
	out.WriteString(query[from:])
	return out.String(), true
}
