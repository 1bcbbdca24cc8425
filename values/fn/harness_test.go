package fn

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Every registered function is called natively and in Postgres with the same
// arguments, drawn from pools of edge and random values of each type
// (pools_test.go); results and errors must be the same to the byte. What the
// registry says of a function is compared with pg_proc.

// rowsPerSignature is how many calls of a signature are compared.
const rowsPerSignature = 400

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

// oracle is a Postgres session that evaluates functions.
type oracle struct {
	t     *testing.T
	conn  *pgx.Conn
	types map[string]*values.Type // by SQL name
	pools map[string][]arg        // by SQL name
	evs   int
}

// arg is one argument: how SQL is given it, and what native code is given.
type arg struct {
	text  *string
	datum values.Datum
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	// A database of its own: jsonb sorts strings by the database's collation.
	admin := connect(t, embedded.NewDB(t))
	const name = "function_oracle"
	for _, sql := range []string{
		`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`,
		`CREATE DATABASE ` + name + ` TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`,
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	conn := connect(t, embedded.ForTest(t).DSN(name))
	o := &oracle{t: t, conn: conn, types: map[string]*values.Type{}, pools: map[string][]arg{}}
	o.exec(`SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';
		SET bytea_output = 'hex'; SET lc_messages = 'C'; SET client_min_messages = 'warning';
		CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'Großartig', 'a b', '1', '2', '3', '4', '5');
		CREATE TYPE triple AS (i int4, t text, n numeric)`)
	var version int
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int / 10000`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	SetServerVersion(version)
	return o
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
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
	return conn
}

func (o *oracle) exec(sql string) {
	o.t.Helper()
	if _, err := o.conn.Exec(o.t.Context(), sql); err != nil {
		o.t.Fatalf("%s: %v", sql, err)
	}
}

// typeOf reads a type by its SQL name. Text is under collation C.
func (o *oracle) typeOf(sql string) *values.Type {
	o.t.Helper()
	if t, ok := o.types[sql]; ok {
		return t
	}
	var oid uint32
	var cDefault bool
	if err := o.conn.QueryRow(o.t.Context(), `SELECT $1::regtype::oid, datcollate IN ('C', 'POSIX') FROM pg_database
		WHERE datname = current_database()`, sql).Scan(&oid, &cDefault); err != nil {
		o.t.Fatalf("type %s: %v", sql, err)
	}
	var typ *values.Type
	if b := values.TypeOf(oid); b != nil {
		c := *b
		c.CCollation = c.Kind != values.KindJSONB || cDefault
		typ = &c
	} else if strings.HasPrefix(sql, "mood") {
		var labels []string
		if err := o.conn.QueryRow(o.t.Context(), `SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum
			WHERE enumtypid = 'mood'::regtype`).Scan(&labels); err != nil {
			o.t.Fatal(err)
		}
		typ = values.NewType(values.Facts{OID: oid, Typmod: -1, Schema: "public", Name: "mood", SQL: sql, TypType: 'e', Category: 'E', Labels: labels})
	} else if sql == "triple" {
		var fields []values.Field
		for _, name := range []string{"int4", "text", "numeric"} {
			fields = append(fields, values.Field{Name: name, Type: o.typeOf(name)})
		}
		typ = values.NewType(values.Facts{OID: oid, Typmod: -1, Schema: "public", Name: sql, SQL: sql, TypType: 'c', Category: 'C', Fields: fields})
	} else if strings.HasSuffix(sql, "range") {
		typ = values.NewType(values.Facts{OID: oid, Typmod: -1, Schema: "pg_catalog", Name: sql, SQL: sql, TypType: 'r', Category: 'R'})
	} else {
		o.t.Fatalf("type %s is not native", sql)
	}
	o.types[sql] = typ
	return typ
}

// pool is the arguments of a type, as both sides are given them.
func (o *oracle) pool(sql string, texts []string) []arg {
	o.t.Helper()
	rows, err := o.conn.Query(o.t.Context(), fmt.Sprintf(`SELECT x::%s FROM unnest($1::text[]) WITH ORDINALITY u(x, o) ORDER BY o`, sql),
		pgx.QueryResultFormats{pgx.BinaryFormatCode}, texts)
	if err != nil {
		o.t.Fatalf("pool of %s: %v", sql, err)
	}
	defer rows.Close()
	typ := o.typeOfLater(sql)
	var args []arg
	var raw [][]byte
	for rows.Next() {
		raw = append(raw, slices.Clone(rows.RawValues()[0]))
	}
	if err := rows.Err(); err != nil {
		o.t.Fatalf("pool of %s: %v", sql, err)
	}
	for i, b := range raw {
		d, err := values.DecodeBinary(typ(), b)
		if err != nil {
			o.t.Fatalf("decode %s %q: %v", sql, texts[i], err)
		}
		args = append(args, arg{&texts[i], d})
	}
	return args
}

// typeOfLater reads the type after the running query is done.
func (o *oracle) typeOfLater(sql string) func() *values.Type {
	return func() *values.Type { return o.typeOf(sql) }
}

func (o *oracle) poolOf(sql string, texty bool) []arg {
	key := sql
	if texty {
		key += " beside text"
	}
	p, ok := o.pools[key]
	if !ok {
		p = o.pool(sql, poolTexts(sql, texty))
		o.pools[key] = p
	}
	return p
}

// evaluate calls a function in Postgres with columns of arguments. Each result
// is nil for NULL, "V:" and the value, or "E:" and the error.
func (o *oracle) evaluate(call string, types []string, columns [][]*string) []*string {
	o.t.Helper()
	o.evs++
	names := make([]string, len(types))
	params := make([]string, len(types))
	casts := make([]string, len(types))
	unnests := make([]string, len(types))
	binds := make([]any, len(types))
	for i, t := range types {
		names[i] = fmt.Sprintf("a%d", i)
		params[i] = names[i] + " " + t
		casts[i] = fmt.Sprintf("u.a%d::%s", i, t)
		unnests[i] = fmt.Sprintf("$%d::text[]", i+1)
		binds[i] = columns[i]
	}
	o.exec(fmt.Sprintf(`CREATE FUNCTION pg_temp.ev_%d(%s) RETURNS text LANGUAGE plpgsql AS $ev$
		BEGIN
			RETURN (SELECT CASE WHEN x IS NOT NULL THEN 'V:' || format('%%s', x) END FROM (SELECT %s AS x OFFSET 0) s);
		EXCEPTION WHEN OTHERS THEN
			RETURN 'E:' || SQLSTATE || ' ' || SQLERRM;
		END $ev$`, o.evs, strings.Join(params, ", "), call))
	sql := fmt.Sprintf(`SELECT pg_temp.ev_%d()`, o.evs)
	if len(types) > 0 {
		sql = fmt.Sprintf(`SELECT pg_temp.ev_%d(%s) FROM unnest(%s) WITH ORDINALITY u(%s, o) ORDER BY o`,
			o.evs, strings.Join(casts, ", "), strings.Join(unnests, ", "), strings.Join(names, ", "))
	}
	rows, err := o.conn.Query(o.t.Context(), sql, binds...)
	if err != nil {
		o.t.Fatalf("%s: %v", call, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[*string])
	if err != nil {
		o.t.Fatalf("%s: %v", call, err)
	}
	return out
}

// invoke calls a native function as the evaluator does.
func invoke(f *Func, args []values.Datum) values.Datum {
	if f.Strict {
		for _, a := range args {
			if a.IsNull() {
				return values.Null
			}
		}
	}
	switch {
	case f.F1 != nil:
		return f.F1(args[0])
	case f.F2 != nil:
		return f.F2(args[0], args[1])
	case f.F3 != nil:
		return f.F3(args[0], args[1], args[2])
	}
	return f.FN(args)
}

// show writes a native result as evaluate writes Postgres'.
func show(t *values.Type, d values.Datum) (string, error) {
	if d.IsNull() {
		return "NULL", nil
	}
	if e := d.Err(); e != nil {
		return "E:" + e.SQLState + " " + e.Message, nil
	}
	if values.RangeElem(t) != nil { // see sent
		t = values.ByteaType
	}
	b, err := values.AppendText([]byte("V:"), t, d)
	return string(b), err
}

// sent is a call whose result can be shown: a range as it is sent.
func sent(call string, result *values.Type) string {
	if values.RangeElem(result) != nil {
		return "pg_catalog.range_send(" + call + ")"
	}
	return call
}

// compare evaluates rows of arguments on both sides.
func (o *oracle) compare(t *testing.T, f *Func, call string, types []string, result *values.Type, rows [][]arg) {
	t.Helper()
	columns := make([][]*string, len(types))
	for i := range types {
		for _, row := range rows {
			columns[i] = append(columns[i], row[i].text)
		}
	}
	wrong := 0
	for i, want := range o.evaluate(sent(call, result), types, columns) {
		args := make([]values.Datum, len(types))
		shown := make([]string, len(types))
		for j, a := range rows[i] {
			args[j] = a.datum
			shown[j] = "NULL"
			if a.text != nil {
				shown[j] = fmt.Sprintf("%q", *a.text)
			}
		}
		expected := "NULL"
		if want != nil {
			expected = *want
		}
		got, err := show(result, invoke(f, args))
		if err != nil {
			got = "cannot print: " + err.Error()
		}
		if got != expected {
			if wrong++; wrong <= 4 {
				t.Errorf("%s of (%s):\n got %.300q\nwant %.300q", call, strings.Join(shown, ", "), got, expected)
			}
		}
	}
	if wrong > 4 {
		t.Errorf("%d of %d calls differ", wrong, len(rows))
	}
}

// polymorphic lists what pseudo-types are tried as.
var polymorphic = []map[string]string{
	{"anyenum": "mood", "anyarray": "int4[]", "anycompatiblearray": "int4[]", "anycompatible": "int4", "anyelement": "int4"},
	{"anyenum": "mood", "anyarray": "text[]", "anycompatiblearray": "text[]", "anycompatible": "text", "anyelement": "text"},
	{"anyenum": "mood", "anyarray": "numeric[]", "anycompatiblearray": "numeric[]", "anycompatible": "numeric", "anyelement": "numeric"},
	{"anyenum": "mood", "anyarray": "float8[]", "anycompatiblearray": "float8[]", "anycompatible": "float8", "anyelement": "float8"},
}

// ranges lists what pseudo-types are tried as beside anyrange.
var ranges = []map[string]string{
	{"anyrange": "int4range", "anyelement": "int4"},
	{"anyrange": "int8range", "anyelement": "int8"},
	{"anyrange": "numrange", "anyelement": "numeric"},
	{"anyrange": "daterange", "anyelement": "date"},
	{"anyrange": "tsrange", "anyelement": "timestamp"},
	{"anyrange": "tstzrange", "anyelement": "timestamptz"},
}

// triedAs lists what pseudo-types of a signature are tried as.
func triedAs(signature string) []map[string]string {
	if strings.Contains(signature, "anyrange") {
		return ranges
	}
	return polymorphic
}

// sqlType turns pg_type.typname into a type's name in SQL.
func sqlType(typname string, as map[string]string) string {
	switch {
	case strings.HasPrefix(typname, "any"):
		return as[typname]
	case strings.HasPrefix(typname, "_"):
		return typname[1:] + "[]"
	case typname == "record":
		return "triple"
	}
	return typname
}

func splitSignature(signature string) (name string, types []string) {
	open := strings.IndexByte(signature, '(')
	name = signature[:open]
	if inner := signature[open+1 : len(signature)-1]; inner != "" {
		types = strings.Split(inner, ",")
	}
	return name, types
}

// variadic are functions whose last argument is an array only if the call says so.
var variadic = map[string]bool{
	"json_extract_path": true, "json_extract_path_text": true, "jsonb_extract_path": true, "jsonb_extract_path_text": true,
}

var collatable = []string{"text", "varchar", "bpchar", "text[]"}

func TestFunctionsEqualPostgres(t *testing.T) {
	o := newOracle(t)
	signatures := Signatures()
	slices.Sort(signatures)
	for _, signature := range signatures {
		t.Run(signature, func(t *testing.T) {
			o.t = t
			name, typnames := splitSignature(signature)
			bound := 0
			for _, as := range triedAs(signature) {
				bound += o.compareAs(t, signature, name, typnames, as)
				if !strings.Contains(signature, "any") {
					break
				}
			}
			if bound == 0 {
				t.Error("native for no types")
			}
		})
	}
}

func (o *oracle) compareAs(t *testing.T, signature, name string, typnames []string, as map[string]string) int {
	types := make([]string, len(typnames))
	native := make([]*values.Type, len(typnames))
	nulls := make([]string, len(typnames))
	params := make([]string, len(typnames))
	texty := false
	for i, n := range typnames {
		types[i] = sqlType(n, as)
		native[i] = o.typeOf(types[i])
		nulls[i] = "NULL::" + types[i]
		params[i] = fmt.Sprintf("a%d", i)
		if slices.Contains(collatable, types[i]) {
			params[i] += ` COLLATE "C"`
		}
		texty = texty || slices.Contains(collatable, types[i]) || types[i] == "bytea"
	}
	if signature == "array_position(anycompatiblearray,anycompatible)" {
		texty = true
	}
	if rangeBounds[name] != "" && len(nulls) == 3 {
		nulls[2] = "'[]'" // NULL is an error
	}
	call := `pg_catalog."` + name + `"`
	if variadic[name] {
		last := len(types) - 1
		nulls[last], params[last] = "VARIADIC "+nulls[last], "VARIADIC "+params[last]
	}
	var result string
	if err := o.conn.QueryRow(t.Context(), fmt.Sprintf(`SELECT pg_typeof(%s(%s))::text`, call, strings.Join(nulls, ", "))).Scan(&result); err != nil {
		t.Fatalf("result type: %v", err)
	}
	f := Lookup(signature, native, o.typeOf(result))
	if f == nil {
		return 0
	}
	h := fnv.New64()
	fmt.Fprint(h, signature)
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	pools := make([][]arg, len(types))
	for i, sql := range types {
		pools[i] = o.poolOf(sql, texty)
		if extra := extraArgs[argKey{name, i}]; len(extra) > 0 {
			if given := o.pool(sql, extra); onlyExtra[argKey{name, i}] {
				pools[i] = given
			} else {
				pools[i] = weigh(pools[i], given)
			}
		}
	}
	rows := 1
	if len(types) > 0 {
		rows = rowsPerSignature
	}
	drawn := make([][]arg, rows)
	for i := range drawn {
		drawn[i] = make([]arg, len(types))
		for j := range types {
			switch {
			case r.IntN(20) == 0: // NULL
			case j > 0 && types[j] == types[j-1] && r.IntN(6) == 0:
				drawn[i][j] = drawn[i][j-1]
			default:
				drawn[i][j] = pools[j][r.IntN(len(pools[j]))]
			}
		}
	}
	o.compare(t, f, call+"("+strings.Join(params, ", ")+")", types, o.typeOf(result), drawn)
	return 1
}

// weigh mixes two pools in about equal parts.
func weigh(pool, extra []arg) []arg {
	mixed := slices.Clone(pool)
	for len(mixed) < 2*len(pool) {
		mixed = append(mixed, extra...)
	}
	return mixed
}

// TestRegistryAgreesWithCatalogue compares strictness, volatility and the number
// of arguments with pg_proc.
func TestRegistryAgreesWithCatalogue(t *testing.T) {
	o := newOracle(t)
	rows, err := o.conn.Query(t.Context(), `
		SELECT proname || '(' || coalesce(string_agg(typname, ',' ORDER BY n), '') || ')', provolatile::text, proisstrict, proretset
		FROM pg_proc p
		LEFT JOIN LATERAL unnest(proargtypes::oid[]) WITH ORDINALITY a(type, n) ON true
		LEFT JOIN pg_type t ON t.oid = a.type
		WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
		GROUP BY p.oid, proname, provolatile, proisstrict, proretset`)
	if err != nil {
		t.Fatal(err)
	}
	type fact struct {
		volatile    string
		strict, set bool
	}
	facts := map[string]fact{}
	for rows.Next() {
		var signature string
		var f fact
		if err := rows.Scan(&signature, &f.volatile, &f.strict, &f.set); err != nil {
			t.Fatal(err)
		}
		facts[signature] = f
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, signature := range Signatures() {
		fact, ok := facts[signature]
		if !ok {
			t.Errorf("%s is not in pg_proc", signature)
			continue
		}
		if fact.volatile == "v" || fact.set {
			t.Errorf("%s is volatile or returns a set", signature)
		}
		_, typnames := splitSignature(signature)
		native := make([]*values.Type, len(typnames))
		for i, n := range typnames {
			native[i] = o.typeOf(sqlType(n, triedAs(signature)[0]))
		}
		f := Lookup(signature, native, values.ArrayOf(values.Int4Type))
		if f == nil {
			t.Errorf("%s is native for no types", signature)
			continue
		}
		if f.Strict != fact.strict {
			t.Errorf("%s: strict %v, in pg_proc %v", signature, f.Strict, fact.strict)
		}
		want := len(typnames)
		if want == 0 || want > 3 {
			want = 4
		}
		for n, set := range map[int]bool{1: f.F1 != nil, 2: f.F2 != nil, 3: f.F3 != nil, 4: f.FN != nil} {
			if set != (n == want) {
				t.Errorf("%s takes %d arguments but has F%d set: %v", signature, len(typnames), n, set)
			}
		}
	}
}
