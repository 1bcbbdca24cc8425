package replicationtest

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Open opens a pinned session that is closed with the test.
func Open(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := replication.OpenSession(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// Exec runs SQL, several statements in one implicit transaction unless the text
// says otherwise.
func Exec(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Ref names a table of schema public.
func Ref(name string, columns ...string) replication.TableRef {
	return replication.TableRef{Schema: "public", Name: name, Columns: columns}
}

// Table describes a table of schema public with the given columns in use, all of
// them if none are given; the identity's columns are added.
func Table(t testing.TB, conn *pgx.Conn, name string, columns ...string) decode.Table {
	t.Helper()
	ctx := t.Context()
	if len(columns) == 0 {
		rows, err := conn.Query(ctx, `SELECT attname::text FROM pg_attribute
			WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
			pgx.Identifier{"public", name}.Sanitize())
		if err == nil {
			columns, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	described, err := replication.DescribeTables(ctx, conn, []replication.TableRef{Ref(name, columns...)})
	if err != nil {
		t.Fatal(err)
	}
	d := described[0]
	table := decode.Table{OID: d.OID, Schema: "public", Name: name, Full: d.Full()}
	for _, key := range d.KeyColumns {
		if !slices.Contains(columns, key) {
			columns = append(columns, key)
		}
	}
	for _, c := range columns {
		table.Columns = append(table.Columns, decode.Column{
			Name: c, Type: columnType(t, conn, d.OID, c), Key: slices.Contains(d.KeyColumns, c),
		})
	}
	return table
}

func columnType(t testing.TB, conn *pgx.Conn, table uint32, column string) *values.Type {
	t.Helper()
	var oid uint32
	var typmod int32
	err := conn.QueryRow(t.Context(), "SELECT atttypid, atttypmod FROM pg_attribute WHERE attrelid = $1 AND attname = $2",
		table, column).Scan(&oid, &typmod)
	if err != nil {
		t.Fatalf("column %s: %v", column, err)
	}
	return typeOf(t, conn, oid, typmod)
}

func typeOf(t testing.TB, conn *pgx.Conn, oid uint32, typmod int32) *values.Type {
	t.Helper()
	f := values.Facts{OID: oid, Typmod: typmod}
	var elem uint32
	var typtype, category string
	err := conn.QueryRow(t.Context(), `
		SELECT b.oid, n.nspname::text, b.typname::text, format_type($1::oid, $2::int), b.typtype::text, b.typcategory::text,
		       CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE 0::oid END, b.typsend = 0,
		       coalesce((SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = b.oid), '{}')
		FROM pg_type t JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
		JOIN pg_namespace n ON n.oid = b.typnamespace
		WHERE t.oid = $1::oid`, oid, typmod,
	).Scan(&f.BaseOID, &f.Schema, &f.Name, &f.SQL, &typtype, &category, &elem, &f.NoBinary, &f.Labels)
	if err != nil {
		t.Fatalf("type %d: %v", oid, err)
	}
	f.TypType, f.Category = typtype[0], category[0]
	if elem != 0 {
		f.Elem = typeOf(t, conn, elem, -1)
	}
	if typtype == "c" {
		rows, err := conn.Query(t.Context(), `SELECT attname, atttypid, atttypmod FROM pg_attribute
			WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = $1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, f.BaseOID)
		if err != nil {
			t.Fatalf("type %d: %v", oid, err)
		}
		attrs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
			Name   string
			OID    uint32
			Typmod int32
		}])
		if err != nil {
			t.Fatalf("type %d: %v", oid, err)
		}
		for _, a := range attrs {
			f.Fields = append(f.Fields, values.Field{Name: a.Name, Type: typeOf(t, conn, a.OID, a.Typmod)})
		}
	}
	return values.NewType(f)
}
