package agg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/values"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

// groupsPerSignature is how many random groups of an aggregate are compared.
const groupsPerSignature = 60

// texts make a random value of a type, or one from a list. Floats are multiples
// of 1/64 and small, so that Postgres' rounded sums are exact in every order.
var texts = map[string]func(r *rand.Rand) string{
	"any":    func(r *rand.Rand) string { return strconv.Itoa(r.IntN(5)) },
	"bool":   func(r *rand.Rand) string { return []string{"t", "f"}[r.IntN(2)] },
	"int2":   func(r *rand.Rand) string { return strconv.Itoa(int(int16(r.Uint32())) >> r.UintN(16)) },
	"int4":   func(r *rand.Rand) string { return strconv.Itoa(int(int32(r.Uint32())) >> r.UintN(32)) },
	"int8":   func(r *rand.Rand) string { return strconv.FormatInt(int64(r.Uint64())>>r.UintN(64), 10) },
	"oid":    func(r *rand.Rand) string { return strconv.FormatUint(uint64(r.Uint32()>>r.UintN(32)), 10) },
	"float4": randomExactFloat,
	"float8": randomExactFloat,
	"numeric": func(r *rand.Rand) string {
		if r.IntN(25) == 0 {
			return []string{"NaN", "Infinity", "-Infinity"}[r.IntN(3)]
		}
		digits := strconv.FormatUint(r.Uint64()>>r.UintN(64), 10)
		if r.IntN(4) == 0 {
			digits = strings.Repeat(digits, 1+r.IntN(3))
		}
		return "-"[:r.IntN(2)] + digits + "." + digits[:r.IntN(min(len(digits), 7))] + "00"[:r.IntN(3)]
	},
	"interval": func(r *rand.Rand) string {
		return fmt.Sprintf("%d mons %d days %s%d:%02d:%02d.%06d", r.IntN(60)-30, r.IntN(100)-50, "-"[:r.IntN(2)],
			r.IntN(1<<18)>>r.UintN(18), r.IntN(60), r.IntN(60), r.IntN(1000000))
	},
	"text":        oneOf("", "a", "b", "ab", "B", "ä", "é", "日本", "🙂", " "),
	"bpchar":      oneOf("a", "a ", "b", "B", "é"),
	"bytea":       oneOf(`\x`, `\x00`, `\xff`, `\x0001`, `\x61`),
	"date":        oneOf("2024-01-01", "infinity", "-infinity", "0044-03-15 BC", "1999-12-31", "2024-02-29"),
	"time":        oneOf("00:00", "24:00", "12:34:56.789", "23:59:59.999999"),
	"timetz":      oneOf("00:00+00", "24:00-05", "12:34:56+02", "12:34:56-02", "14:34:56+04"),
	"timestamp":   oneOf("2024-01-01", "infinity", "-infinity", "0044-03-15 12:00 BC", "1999-12-31 23:59:59.999999"),
	"timestamptz": oneOf("2024-01-01+00", "infinity", "-infinity", "2024-01-01+01", "1999-12-31 23:59:59.999999-08"),
	"mood":        oneOf("sad", "ok", "happy"),
	"int4[]":      oneOf("{}", "{1}", "{1,2}", "{NULL}", "{0,9}", "{{1},{2}}", "[2:3]={1,2}"),
	"pg_lsn":      oneOf("0/0", "0/1", "1/0", "FFFFFFFF/FFFFFFFF", "16/B374D848"),
	"tid":         oneOf("(0,0)", "(0,1)", "(1,0)", "(4294967295,65535)"),
	"xid8":        oneOf("0", "1", "18446744073709551615"),
}

func oneOf(list ...string) func(r *rand.Rand) string {
	return func(r *rand.Rand) string { return list[r.IntN(len(list))] }
}

func randomExactFloat(r *rand.Rand) string {
	switch r.IntN(25) {
	case 0:
		return []string{"NaN", "Infinity", "-Infinity"}[r.IntN(3)]
	case 1, 2, 3:
		return []string{"-0", "0"}[r.IntN(2)]
	}
	return strconv.FormatFloat(float64(r.IntN(1<<14)-1<<13)/64, 'g', -1, 64)
}

type oracle struct {
	conn    *pgx.Conn
	version int
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), embedded.NewDB(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	o := &oracle{conn: conn}
	if _, err := conn.Exec(t.Context(), `SET lc_messages = 'C'; SET timezone = 'UTC'; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')`); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int / 10000`).Scan(&o.version); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *oracle) typeOf(t *testing.T, sql string) *values.Type {
	t.Helper()
	var f values.Facts
	if err := o.conn.QueryRow(t.Context(), `SELECT oid, typname, typtype::text, typcategory::text FROM pg_type WHERE oid = $1::regtype`, sql).
		Scan(&f.OID, &f.Name, new(string), new(string)); err != nil {
		t.Fatalf("type %s: %v", sql, err)
	}
	if b := values.TypeOf(f.OID); b != nil {
		c := *b
		c.CCollation = true
		return &c
	}
	f.Schema, f.SQL, f.Typmod, f.TypType, f.CCollation = "pg_catalog", sql, -1, 'b', true
	if sql == "mood" {
		f.Schema, f.TypType, f.Labels = "public", 'e', []string{"sad", "ok", "happy"}
	}
	return values.NewType(f)
}

// query runs an expression over a group and returns its value in binary format,
// nil for NULL, or the error that Postgres raised.
func (o *oracle) query(t *testing.T, expression, argument string, group []*string) ([]byte, *pgconn.PgError) {
	t.Helper()
	sql := fmt.Sprintf(`SELECT %s FROM unnest($1::text[]) u(t), LATERAL (SELECT u.t::%s AS x) v`, expression, argument)
	rows, err := o.conn.Query(t.Context(), sql, pgx.QueryResultFormats{pgx.BinaryFormatCode}, group)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var value []byte
	for rows.Next() {
		value = slices.Clone(rows.RawValues()[0])
	}
	var raised *pgconn.PgError
	if err := rows.Err(); err != nil && !errors.As(err, &raised) {
		t.Fatalf("%s: %v", sql, err)
	}
	return value, raised
}

// decode reads the group's values, as Postgres reads their texts.
func (o *oracle) decode(t *testing.T, argument string, typ *values.Type, group []*string) []values.Datum {
	t.Helper()
	rows, err := o.conn.Query(t.Context(), fmt.Sprintf(`SELECT t::%s FROM unnest($1::text[]) WITH ORDINALITY u(t, o) ORDER BY o`, argument),
		pgx.QueryResultFormats{pgx.BinaryFormatCode}, group)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []values.Datum
	for rows.Next() {
		d := values.Null
		if b := rows.RawValues()[0]; b != nil {
			if d, err = values.DecodeBinary(typ, b); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// since is the version that brought min and max of a type.
var since = map[string]int{"xid8": 15, "bytea": 18}

func TestAggregatesEqualPostgres(t *testing.T) {
	o := newOracle(t)
	signatures := Signatures()
	slices.Sort(signatures)
	for _, signature := range signatures {
		name, argument, _ := strings.Cut(strings.TrimSuffix(signature, ")"), "(")
		if o.version < since[argument] || sequences[signature] {
			continue
		}
		t.Run(signature, func(t *testing.T) {
			var found int
			if err := o.conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
				WHERE pronamespace = 'pg_catalog'::regnamespace AND a.aggkind = 'n' AND proname = $1
				AND proargtypes[0] IS NOT DISTINCT FROM (SELECT oid FROM pg_type WHERE typname = nullif($2, ''))`, name, argument).Scan(&found); err != nil {
				t.Fatal(err)
			}
			if found != 1 {
				t.Errorf("in pg_aggregate %d times", found)
			}
			o.compare(t, signature, name, argument)
		})
	}
}

func (o *oracle) compare(t *testing.T, signature, name, argument string) {
	sqlType, expression := argument, name+"(x)"
	switch argument {
	case "":
		sqlType, expression = "int4", name+"(*)"
	case "any":
		sqlType = "int4"
	case "anyenum":
		sqlType = "mood"
	case "anyarray":
		sqlType = "int4[]"
	case "text", "bpchar":
		expression = name + `(x COLLATE "C")`
	}
	typ := o.typeOf(t, sqlType)
	var result string
	if err := o.conn.QueryRow(t.Context(), fmt.Sprintf(`SELECT pg_typeof(%s)::text FROM (SELECT NULL::%s AS x) s`, expression, sqlType)).Scan(&result); err != nil {
		t.Fatal(err)
	}
	resultType := o.typeOf(t, result)
	a := Lookup(signature, []*values.Type{typ}, resultType)
	if a == nil {
		t.Fatal("not native")
	}
	h := fnv.New64()
	fmt.Fprint(h, signature)
	r := rand.New(rand.NewPCG(h.Sum64(), 2))
	for i := range groupsPerSignature {
		group := make([]*string, r.IntN(1+i/4))
		for j := range group {
			if r.IntN(8) > 0 {
				s := texts[sqlType](r)
				group[j] = &s
			}
		}
		value, raised := o.query(t, expression, sqlType, group)
		rows := o.decode(t, sqlType, typ, group)
		if a.Linear != nil {
			checkLinear(t, a.Linear(), resultType, rows, value, raised)
		} else {
			checkFold(t, a, typ, rows, value)
		}
		if t.Failed() {
			shown := make([]string, len(group))
			for j, s := range group {
				shown[j] = "NULL"
				if s != nil {
					shown[j] = *s
				}
			}
			t.Fatalf("of %s", strings.Join(shown, " | "))
		}
	}
}

func checkLinear(t *testing.T, a Accumulator, resultType *values.Type, rows []values.Datum, value []byte, raised *pgconn.PgError) {
	t.Helper()
	for i := range rows {
		a.Add(rows[i:i+1], 1)
	}
	got := a.Result()
	switch {
	case raised != nil:
		if e := got.Err(); e == nil || e.SQLState != raised.Code || e.Message != raised.Message {
			t.Errorf("got %v, want the error %v", got, raised)
		}
	case value == nil:
		if !got.IsNull() {
			t.Errorf("got %v, want NULL", got)
		}
	default:
		want, err := values.DecodeBinary(resultType, value)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got %s, want %s", text(resultType, got), text(resultType, want))
		}
	}
}

func text(typ *values.Type, d values.Datum) string {
	b, err := values.AppendText(nil, typ, d)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// checkFold compares by equality: of equal values Postgres shows the one it met
// first or last.
func checkFold(t *testing.T, a *Aggregate, typ *values.Type, rows []values.Datum, value []byte) {
	t.Helper()
	e := newEntries(a, rows)
	got := a.Fold(e)
	if value == nil {
		if !got.IsNull() {
			t.Errorf("got %v, want NULL", got)
		}
		return
	}
	want, err := values.DecodeBinary(typ, value)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(values.AppendKey(nil, typ, got), values.AppendKey(nil, typ, want)) {
		t.Errorf("got %v, want %v", got, want)
	}
	slices.Reverse(rows)
	if again := a.Fold(newEntries(a, rows)); again != got {
		t.Errorf("got %v, in reverse order %v", got, again)
	}
}

// entries is a multiset sorted by OrderKey.
type entries struct {
	rows [][]values.Datum
	at   int
}

func newEntries(a *Aggregate, rows []values.Datum) *entries {
	e := &entries{}
	for i := range rows {
		if !a.SkipNull || !rows[i].IsNull() {
			e.rows = append(e.rows, rows[i:i+1:i+1])
		}
	}
	slices.SortStableFunc(e.rows, func(x, y []values.Datum) int {
		return bytes.Compare(a.OrderKey(nil, x), a.OrderKey(nil, y))
	})
	return e
}

func (e *entries) First() bool          { e.at = 0; return len(e.rows) > 0 }
func (e *entries) Last() bool           { e.at = len(e.rows) - 1; return len(e.rows) > 0 }
func (e *entries) Next() bool           { e.at++; return e.at < len(e.rows) }
func (e *entries) Prev() bool           { e.at--; return e.at >= 0 }
func (e *entries) Args() []values.Datum { return e.rows[e.at] }
func (e *entries) Weight() int64        { return 1 }
