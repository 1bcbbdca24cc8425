package docs

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	shop "github.com/stepping-cdc/stepping-cdc/examples/shop"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

const sqlSupport = "sql-support.md"

// rows are the lines of the table behind a marker, without its head.
func rows(t *testing.T, text, marker string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "<!-- "+marker+" -->\n\n")
	if !ok {
		t.Fatalf("there is no table %q", marker)
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	lines := strings.Split(table, "\n")
	return lines[2:]
}

func shopDB(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), embedded.NewDB(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.PgConn().Exec(t.Context(), shop.Schema).ReadAll(); err != nil {
		t.Fatal(err)
	}
	return conn
}

var inCode = regexp.MustCompile("^\\| `(.*?)` \\|")

func readPaper(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writePaper(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// list compares the words of a list with those it should have; optional ones may
// be there.
func list(t *testing.T, name string, want, optional []string) {
	t.Helper()
	text := readPaper(t, sqlSupport)
	start := "<!-- list: " + name + " -->\n"
	before, rest, ok := strings.Cut(text, start)
	body, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no list of %s", sqlSupport, name)
	}
	var have []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(body, -1) {
		have = append(have, m[1])
	}
	var missing, extra []string
	for _, w := range want {
		if !slices.Contains(have, w) {
			missing = append(missing, w)
		}
	}
	for _, h := range have {
		if !slices.Contains(want, h) && !slices.Contains(optional, h) {
			extra = append(extra, h)
		}
	}
	if len(missing)+len(extra) == 0 {
		return
	}
	if !*update {
		t.Errorf("the list of %s lacks %v and has too much %v", name, missing, extra)
		return
	}
	var lines strings.Builder
	width := 0
	for i, w := range want {
		w = "`" + w + "`"
		if i < len(want)-1 {
			w += ","
		}
		if width > 0 && width+len(w) > 100 {
			lines.WriteString("\n")
			width = 0
		} else if width > 0 {
			lines.WriteString(" ")
		}
		lines.WriteString(w)
		width += len(w) + 1
	}
	writePaper(t, sqlSupport, before+start+lines.String()+"\n<!-- end -->"+after)
}

// names are the functions' names of signatures, each once.
func names(signatures []string) []string {
	var out []string
	for _, s := range signatures {
		name, _, _ := strings.Cut(s, "(")
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestListOfAggregates(t *testing.T) {
	list(t, "aggregates", names(agg.Signatures()), nil)
}

// registered are the native functions as the server knows them: its version
// decides which of them exist.
const registered = `WITH s AS (
	SELECT p.oid, p.proname::text AS name FROM pg_proc p
	WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND proname || '(' || (
		SELECT coalesce(string_agg(typname, ',' ORDER BY n), '')
		FROM unnest(proargtypes::oid[]) WITH ORDINALITY a(x, n) JOIN pg_type t ON t.oid = x) || ')' = ANY ($1::text[])) `

func TestListOfOperators(t *testing.T) {
	conn := shopDB(t)
	rows, err := conn.Query(t.Context(), registered+`SELECT DISTINCT oprname::text FROM s JOIN pg_operator o ON o.oprcode = s.oid
		WHERE oprname !~ '^(~[<>]=?~|!?~~\*?)$' ORDER BY 1`, fn.Signatures())
	if err != nil {
		t.Fatal(err)
	}
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	list(t, "operators", want, nil)
}

// internal functions are registered because an operator, a cast, an aggregate or a
// construct of the grammar stands for them.
var internal = regexp.MustCompile(`_(larger|smaller)$|^int\d(inc|dec)$|^(dround|dtrunc|textlen|notlike|like|like_escape|numeric_div_trunc)$`)

func TestListOfFunctions(t *testing.T) {
	conn := shopDB(t)
	rows, err := conn.Query(t.Context(), registered+`SELECT DISTINCT name FROM s
		WHERE oid <> ALL (SELECT oprcode FROM pg_operator) AND oid <> ALL (SELECT castfunc FROM pg_cast)
		   OR name ~ '^(array_append|array_prepend|jsonb?_extract_path|jsonb?_extract_path_text|starts_with)$' ORDER BY 1`, fn.Signatures())
	if err != nil {
		t.Fatal(err)
	}
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, internal.MatchString)
	// Those that only another version of the server has are listed all the same.
	list(t, "functions", want, names(fn.Signatures()))
}
