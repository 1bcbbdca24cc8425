package values

import (
	"strconv"
	"testing"
)

// typeFacts reads a type as the catalogue describes it.
func (s *server) typeFacts(name string) *Type {
	s.t.Helper()
	row := s.query(0, `SELECT t.oid, n.nspname, t.typname, t.typtype, t.typcategory, t.typsend = 0, t.typelem,
			(SELECT e.typname FROM pg_type e WHERE e.oid = t.typelem AND t.typcategory = 'A'), format_type(t.oid, -1), t.typcollation
		FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = $1::text::regtype`, []byte(name))[0]
	f := Facts{OID: s.oid(row[0]), Typmod: -1, Schema: string(row[1]), Name: string(row[2]), TypType: row[3][0], Category: row[4][0],
		NoBinary: string(row[5]) == "t", SQL: string(row[8]), Collation: s.oid(row[9])}
	if row[7] != nil {
		f.Elem = s.typeFacts(quoteIdent(string(row[7])))
	}
	if f.TypType == 'c' {
		for _, a := range s.query(0, `SELECT attname, format_type(atttypid, -1) FROM pg_attribute
			WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = $1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, row[0]) {
			f.Fields = append(f.Fields, Field{string(a[0]), s.typeFacts(string(a[1]))})
		}
	}
	if f.TypType == 'e' {
		for _, l := range s.query(0, `SELECT enumlabel FROM pg_enum WHERE enumtypid = $1 ORDER BY enumsortorder`, row[0]) {
			f.Labels = append(f.Labels, string(l[0]))
		}
	}
	return NewType(f)
}

func quoteIdent(s string) string { return `"` + s + `"` }

func (s *server) oid(b []byte) uint32 {
	s.t.Helper()
	v, err := strconv.ParseUint(string(b), 10, 32)
	if err != nil {
		s.t.Fatal(err)
	}
	return uint32(v)
}

// The built-in types are what the catalogue says of them.
func TestBuiltinTypesAgreeWithServer(t *testing.T) {
	s := newServer(t)
	for oid, want := range builtinTypes {
		got := s.typeFacts(strconv.Itoa(int(oid)))
		if got.OID != want.OID || got.Kind != want.Kind || got.Name != want.Name || got.Schema != want.Schema || got.SQL != want.SQL || got.Collation != want.Collation {
			t.Errorf("%d: %+v, the catalogue says %+v", oid, want, got)
		}
		if want.Elem != nil && got.Elem.OID != want.Elem.OID {
			t.Errorf("%s: elements %d, the catalogue says %d", want.Name, want.Elem.OID, got.Elem.OID)
		}
	}
}

// Types that only the catalogue knows: enums and their arrays, arrays of
// domains, types without a binary format, and what is carried unread.
func TestCatalogTypesAgreeWithServer(t *testing.T) {
	s := newServer(t)
	s.exec(`CREATE TYPE size AS ENUM ('s', 'm', 'l', 'xl', '2', '3', '4', '5', '6', '7', '1');
		ALTER TYPE size ADD VALUE 'between' BEFORE 'l';
		CREATE DOMAIN positive AS int CHECK (VALUE > 0);
		CREATE TYPE pair AS (a int, b text);
		CREATE TYPE sizes AS (s size, gone int, t size[], p pair, q pair[]);
		ALTER TYPE sizes DROP ATTRIBUTE gone;
		CREATE TYPE grants AS (a aclitem, b int, c aclitem[])`)
	for _, c := range []struct {
		name, value string
		kind        Kind
	}{
		{"size", "between", KindEnum},
		{"size[]", "{l,NULL,between}", KindArray},
		{"positive[]", "{1,2}", KindArray},
		{"varchar[]", "{a,b}", KindArray},
		{"pair", "(1,a)", KindRecord},
		{"pair[]", `{"(1,a)",NULL,"(,\"b c\")"}`, KindArray},
		{"sizes", `(l,"{m,NULL}","(2,)","{""(,x)""}")`, KindRecord},
		{"sizes[]", `{"(l,\"{m,NULL}\",\"(2,)\",\"{\"\"(,x)\"\"}\")","(,,,)"}`, KindArray},
	} {
		typ := s.typeFacts(c.name)
		if typ.Kind != c.kind {
			t.Errorf("%s has kind %d, want %d", c.name, typ.Kind, c.kind)
		}
		if c.name == "positive[]" {
			typ.Elem.Kind = KindInt4 // the catalogue's reader resolves domains
		}
		bin := s.query(1, "SELECT "+quote(c.value)+"::"+c.name)[0][0]
		checkCodecs(t, typ, bin, c.value)
	}
	for name, value := range map[string]string{"aclitem": "postgres=r/postgres", "aclitem[]": "{postgres=r/postgres,=w/postgres}",
		"grants": `(postgres=r/postgres,1,"{postgres=r/postgres,=w/postgres}")`, "grants[]": `{"(,,)",NULL}`} {
		typ := s.typeFacts(name)
		if !typ.NoBinary {
			t.Errorf("%s has a binary format", name)
		}
		checkCodecs(t, typ, s.query(0, "SELECT "+quote(value)+"::"+name)[0][0], value)
	}
	for _, name := range []string{"int4range", "int2vector", "oidvector", "point"} {
		typ := s.typeFacts(name)
		if typ.Kind != Opaque {
			t.Errorf("%s has kind %d", name, typ.Kind)
		}
	}
	// A label between others sorts where it stands.
	size := s.typeFacts("size")
	if Compare(size, String("between"), String("l")) >= 0 || Compare(size, String("m"), String("between")) >= 0 {
		t.Error("labels out of order")
	}
	if Compare(size, String("added later"), String("1")) <= 0 || Compare(size, String("1"), String("added later")) >= 0 {
		t.Error("a label not yet known does not sort last")
	}
	// The server takes our arrays back, relabelled or not.
	varchar, text := s.typeFacts("varchar[]"), s.typeFacts("text[]")
	d, err := DecodeBinary(varchar, s.query(1, "SELECT '{a,b}'::varchar[]")[0][0])
	if err != nil {
		t.Fatal(err)
	}
	r := s.conn.ExecParams(t.Context(), "SELECT $1::text[] = '{a,b}'", [][]byte{mustBinary(t, text, d)}, nil, []int16{1}, nil).Read()
	if r.Err != nil || string(r.Rows[0][0]) != "t" {
		t.Errorf("varchar[] as text[]: %v", r.Err)
	}
}
