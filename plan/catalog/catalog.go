// Package catalog reads what the planner needs of Postgres' system catalogues:
// types, functions, operators, collations and relations, by object identifier.
//
// It knows pg_catalog and caches what it read for the length of one analysis.
// It must not know of query trees or circuits.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Catalog answers questions about one database, inside one transaction.
type Catalog struct {
	tx         pgx.Tx
	types      map[uint32]*values.Type
	typed      map[typeKey]*values.Type
	procs      map[uint32]*Proc
	operators  map[uint32]*Operator
	relations  map[uint32]*Relation
	collations map[uint32]*Collation
	layouts    map[uint32][2]int
	zone       *fn.Zone
	zoned      bool // zone was read
}

type typeKey struct {
	oid       uint32
	typmod    int32
	collation uint32
}

// New makes a catalogue that reads through tx.
func New(tx pgx.Tx) *Catalog {
	return &Catalog{
		tx: tx, types: map[uint32]*values.Type{}, typed: map[typeKey]*values.Type{},
		procs: map[uint32]*Proc{}, operators: map[uint32]*Operator{},
		relations: map[uint32]*Relation{}, collations: map[uint32]*Collation{}, layouts: map[uint32][2]int{},
	}
}

// Proc is a function as pg_proc has it.
type Proc struct {
	OID        uint32
	Schema     string
	Name       string
	ArgTypes   []string // typname, as declared
	Signature  string   // name(typname,…) for pg_catalog functions; "" for others
	Volatility string   // i, s or v
	Kind       string   // f function, a aggregate, w window, p procedure
	Strict     bool
	Leakproof  bool
	ReturnsSet bool
	Variadic   bool // its last argument is an array of the last ones that are written
}

// Operator is an operator as pg_operator has it.
type Operator struct {
	OID      uint32
	Schema   string
	Name     string
	Func     uint32 // oprcode
	Equal    bool   // a btree or hash equality: may serve as a join key
	NotEqual bool   // the negation of one
}

// Collation is a collation as pg_collation has it.
type Collation struct {
	OID              uint32
	Schema, Name     string
	ByBytes          bool // orders by bytes
	PlainClasses     bool // letters, digits and cases are ASCII's: C, POSIX
	NonDeterministic bool
	Version          string // of the library that it comes from; "" if unknown
}

// SQL is the collation's name as SQL writes it.
func (c *Collation) SQL() string { return pgx.Identifier{c.Schema, c.Name}.Sanitize() }

// Cast says how Postgres converts between two types: by a function, by input
// and output, or not at all because the images are the same.
type Cast struct {
	Method string // f function, i input and output, b binary-coercible, "" none
	Func   uint32
}

// Cast finds the implicit or explicit conversion of pg_cast.
func (c *Catalog) Cast(ctx context.Context, from, to uint32) (Cast, error) {
	var cast Cast
	err := c.tx.QueryRow(ctx, `SELECT castmethod::text, castfunc FROM pg_catalog.pg_cast WHERE castsource = $1 AND casttarget = $2`, from, to).
		Scan(&cast.Method, &cast.Func)
	if errors.Is(err, pgx.ErrNoRows) {
		return Cast{}, nil
	}
	if err != nil {
		return Cast{}, fmt.Errorf("read the cast of type %d to %d: %w", from, to, err)
	}
	return cast, nil
}

// Type is a type with a modifier and a collation.
func (c *Catalog) Type(ctx context.Context, oid uint32, typmod int32, collation uint32) (*values.Type, error) {
	key := typeKey{oid, typmod, collation}
	if t, ok := c.typed[key]; ok {
		return t, nil
	}
	base, err := c.baseType(ctx, oid)
	if err != nil {
		return nil, err
	}
	t := *base
	t.Typmod = typmod
	if typmod >= 0 {
		if err := c.tx.QueryRow(ctx, "SELECT "+typeName("$2"), oid, typmod).Scan(&t.SQL); err != nil {
			return nil, fmt.Errorf("name type %d: %w", oid, err)
		}
	}
	if collation != 0 {
		coll, err := c.Collation(ctx, collation)
		if err != nil {
			return nil, err
		}
		collate(&t, coll)
	}
	c.typed[key] = &t
	return &t, nil
}

// typeName is an expression for the name of type $1 that means the same in every
// session and database: format_type leaves out a schema that is in the search
// path of this one.
func typeName(typmod string) string {
	return `(SELECT CASE WHEN named_in.nspname <> 'pg_catalog' AND pg_catalog.pg_type_is_visible(named.oid)
			THEN pg_catalog.quote_ident(named_in.nspname) || '.' ELSE '' END || pg_catalog.format_type($1, ` + typmod + `)
		FROM pg_catalog.pg_type named JOIN pg_catalog.pg_namespace named_in ON named_in.oid = named.typnamespace WHERE named.oid = $1)`
}

// DefaultCollation is the pg_collation.oid of the database's own.
const DefaultCollation = 100

// collate gives a type, and the elements of an array, a collation.
func collate(t *values.Type, coll *Collation) {
	t.Collation, t.CCollation, t.NonDeterministic = coll.OID, coll.ByBytes, coll.NonDeterministic
	if coll.OID != DefaultCollation {
		t.Collate = coll.SQL()
	}
	if t.Elem != nil {
		elem := *t.Elem
		collate(&elem, coll)
		t.Elem = &elem
	}
}

func (c *Catalog) baseType(ctx context.Context, oid uint32) (*values.Type, error) {
	if t, ok := c.types[oid]; ok {
		return t, nil
	}
	var f values.Facts
	var typType, category string
	var elem, rowType uint32
	var temporary bool
	// A domain is followed to its base type, however deep.
	err := c.tx.QueryRow(ctx, `
		WITH RECURSIVE d(oid, base) AS (
			SELECT t.oid, t.oid FROM pg_catalog.pg_type t WHERE t.oid = $1
			UNION ALL
			SELECT d.oid, t.typbasetype FROM d JOIN pg_catalog.pg_type t ON t.oid = d.base WHERE t.typtype = 'd'
		)
		SELECT d.oid, t.oid, n.nspname, t.typname, t.typtype::text, t.typcategory::text, t.typsend = 0,
		       CASE WHEN t.typcategory = 'A' AND t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc THEN t.typelem ELSE 0 END,
		       t.typrelid, n.nspname LIKE 'pg\_temp%',
		       `+typeName("-1")+`,
		       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), `+ownOrder+`
		FROM d JOIN pg_catalog.pg_type t ON t.oid = d.base JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
		WHERE t.typtype <> 'd'`, oid).
		Scan(&f.OID, &f.BaseOID, &f.Schema, &f.Name, &typType, &category, &f.NoBinary, &elem, &rowType, &temporary, &f.SQL, &f.Labels, &f.OwnOrder)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("type %d does not exist", oid)
	}
	if err != nil {
		return nil, fmt.Errorf("read type %d: %w", oid, err)
	}
	if elem != 0 {
		if f.Elem, err = c.baseType(ctx, elem); err != nil {
			return nil, err
		}
	}
	if rowType != 0 {
		if f.Fields, err = c.fields(ctx, rowType); err != nil {
			return nil, err
		}
	}
	f.Typmod, f.TypType, f.Category = -1, typType[0], category[0]
	t := values.NewType(f)
	if t.Kind == values.KindJSONB {
		// jsonb orders its strings by the database's default collation.
		coll, err := c.Collation(ctx, DefaultCollation)
		if err != nil {
			return nil, err
		}
		t.CCollation = coll.ByBytes
	}
	if rowType != 0 && temporary {
		// The row type of a view that exists for the analysis alone: to other
		// sessions its rows are records.
		t = values.RecordOf(f.Fields)
	}
	c.types[oid] = t
	return t, nil
}

// ImmutableText says whether a type's input and output functions depend on
// nothing but their argument. Those of a range, array or row type, which are the functions of
// what is in it, are never marked so.
func (c *Catalog) ImmutableText(ctx context.Context, oid uint32) (bool, error) {
	var ok bool
	err := c.tx.QueryRow(ctx, `
		SELECT (SELECT pg_catalog.bool_and(p.provolatile = 'i') FROM pg_catalog.pg_proc p WHERE p.oid IN (t.typinput, t.typoutput))
		FROM pg_catalog.pg_type t WHERE t.oid = $1`, oid).Scan(&ok)
	if err != nil {
		return false, fmt.Errorf("read type %d: %w", oid, err)
	}
	return ok, nil
}

// Layout is the size of a type's values inside of others, 0 where it varies, and what
// they are aligned to (typlen and typalign of pg_type).
func (c *Catalog) Layout(ctx context.Context, oid uint32) (size, alignment int, err error) {
	if l, ok := c.layouts[oid]; ok {
		return l[0], l[1], nil
	}
	err = c.tx.QueryRow(ctx, `
		SELECT greatest(typlen, 0)::int4, CASE typalign WHEN 'c' THEN 1 WHEN 's' THEN 2 WHEN 'i' THEN 4 ELSE 8 END
		FROM pg_catalog.pg_type WHERE oid = $1`, oid).Scan(&size, &alignment)
	if err != nil {
		return 0, 0, fmt.Errorf("read the layout of type %d: %w", oid, err)
	}
	c.layouts[oid] = [2]int{size, alignment}
	return size, alignment, nil
}

// RangeSubtype is the type of the bounds of a range type, or a multirange type: which
// of them, many says. It is nil for other types.
func (c *Catalog) RangeSubtype(ctx context.Context, oid uint32) (bound *values.Type, many bool, err error) {
	var sub, coll uint32
	err = c.tx.QueryRow(ctx, `SELECT rngsubtype, rngcollation, rngmultitypid = $1 FROM pg_catalog.pg_range WHERE $1 IN (rngtypid, rngmultitypid)`, oid).Scan(&sub, &coll, &many)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read range type %d: %w", oid, err)
	}
	bound, err = c.Type(ctx, sub, -1, coll)
	return bound, many, err
}

// Collation reads a collation; the database's default is resolved to what it is.
func (c *Catalog) Collation(ctx context.Context, oid uint32) (*Collation, error) {
	if coll, ok := c.collations[oid]; ok {
		return coll, nil
	}
	coll := &Collation{OID: oid}
	var provider, collate, ctype string
	// Under provider d, what counts is the database's own locale. The column that
	// holds an ICU or builtin locale has changed its name between versions, so it
	// is read from a row turned to JSON. 14 knows no version of the default
	// collation, but one of any other with the same locale.
	err := c.tx.QueryRow(ctx, `
		SELECT n.nspname, c.collname, NOT c.collisdeterministic,
		       CASE c.collprovider WHEN 'd' THEN coalesce(pg_catalog.to_jsonb(d)->>'datlocprovider', 'c') ELSE c.collprovider::text END,
		       CASE c.collprovider WHEN 'd' THEN coalesce(d.datcollate::text, '') ELSE coalesce(c.collcollate::text, '') END,
		       CASE c.collprovider WHEN 'd' THEN coalesce(d.datctype::text, '') ELSE coalesce(c.collctype::text, '') END,
		       coalesce(pg_catalog.pg_collation_actual_version(c.oid),
		                (SELECT max(pg_catalog.pg_collation_actual_version(o.oid)) FROM pg_catalog.pg_collation o
		                 WHERE c.collprovider = 'd' AND o.collprovider = 'c' AND o.collcollate = d.datcollate), '')
		FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace,
		     pg_catalog.pg_database d
		WHERE c.oid = $1 AND d.datname = pg_catalog.current_database()`, oid).
		Scan(&coll.Schema, &coll.Name, &coll.NonDeterministic, &provider, &collate, &ctype, &coll.Version)
	if err != nil {
		return nil, fmt.Errorf("read collation %d: %w", oid, err)
	}
	// C.UTF-8 orders by code point, which in UTF-8 is by byte, both in glibc
	// (2.35 release notes) and in Postgres' builtin provider
	// (postgresql.org/docs/current/locale.html#LOCALE-PROVIDERS).
	plain := func(l string) bool { return l == "C" || l == "POSIX" }
	codePoint := collate == "C.UTF-8" || collate == "C.utf8"
	coll.ByBytes = provider == "c" && (plain(collate) || codePoint) || provider == "b"
	coll.PlainClasses = provider == "c" && plain(ctype)
	c.collations[oid] = coll
	return coll, nil
}

// Collate is the clause that a value of a type needs for what reads it to do so under a
// collation; "" where it does anyway.
func (c *Catalog) Collate(ctx context.Context, t *values.Type, oid uint32) (string, error) {
	if oid == 0 || oid == DefaultCollation || t.Collation == 0 {
		return "", nil
	}
	coll, err := c.Collation(ctx, oid)
	if err != nil {
		return "", err
	}
	return " COLLATE " + coll.SQL(), nil
}

// Proc reads a function or an aggregate.
func (c *Catalog) Proc(ctx context.Context, oid uint32) (*Proc, error) {
	if p, ok := c.procs[oid]; ok {
		return p, nil
	}
	p := &Proc{OID: oid}
	err := c.tx.QueryRow(ctx, `
		SELECT n.nspname, p.proname, p.provolatile::text, p.prokind::text, p.proisstrict, p.proleakproof, p.proretset, p.provariadic NOT IN (0, 2276), -- "any"
		       ARRAY(SELECT t.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY a(o, i) JOIN pg_catalog.pg_type t ON t.oid = a.o ORDER BY a.i)
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = $1`, oid).
		Scan(&p.Schema, &p.Name, &p.Volatility, &p.Kind, &p.Strict, &p.Leakproof, &p.ReturnsSet, &p.Variadic, &p.ArgTypes)
	if err != nil {
		return nil, fmt.Errorf("read function %d: %w", oid, err)
	}
	if p.Schema == "pg_catalog" {
		p.Signature = p.Name + "(" + strings.Join(p.ArgTypes, ",") + ")"
	}
	c.procs[oid] = p
	return p, nil
}

// Operator reads an operator.
func (c *Catalog) Operator(ctx context.Context, oid uint32) (*Operator, error) {
	if o, ok := c.operators[oid]; ok {
		return o, nil
	}
	o := &Operator{OID: oid}
	err := c.tx.QueryRow(ctx, `
		WITH equalities AS (
			SELECT a.amopopr AS oid FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_am m ON m.oid = a.amopmethod
			WHERE m.amname = 'btree' AND a.amopstrategy = 3 OR m.amname = 'hash' AND a.amopstrategy = 1)
		SELECT n.nspname, o.oprname, o.oprcode::oid, o.oid IN (SELECT oid FROM equalities), o.oprnegate IN (SELECT oid FROM equalities)
		FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid = $1`, oid).
		Scan(&o.Schema, &o.Name, &o.Func, &o.Equal, &o.NotEqual)
	if err != nil {
		return nil, fmt.Errorf("read operator %d: %w", oid, err)
	}
	c.operators[oid] = o
	return o, nil
}

// FamilyOperator is the operator of a btree family, by its strategy, between the
// types that another member of the family compares.
func (c *Catalog) FamilyOperator(ctx context.Context, family, member uint32, strategy int) (uint32, error) {
	var oid uint32
	err := c.tx.QueryRow(ctx, `
		SELECT a.amopopr FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_amop m USING (amopfamily, amoplefttype, amoprighttype)
		WHERE a.amopfamily = $1 AND m.amopopr = $2 AND a.amopstrategy = $3`, family, member, strategy).Scan(&oid)
	if err != nil {
		return 0, fmt.Errorf("read operator %d of family %d: %w", strategy, family, err)
	}
	return oid, nil
}

// EnumLabel is the label of an enum value by its own object identifier.
func (c *Catalog) EnumLabel(ctx context.Context, oid uint32) (string, error) {
	var label string
	if err := c.tx.QueryRow(ctx, `SELECT enumlabel::text FROM pg_catalog.pg_enum WHERE oid = $1`, oid).Scan(&label); err != nil {
		return "", fmt.Errorf("read enum value %d: %w", oid, err)
	}
	return label, nil
}

// Quote writes a text as SQL, whatever the server's standard_conforming_strings.
func Quote(text string) string {
	q := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(q, `\`) {
		q = "E" + strings.ReplaceAll(q, `\`, `\\`)
	}
	return q
}
