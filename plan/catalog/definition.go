package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Definition is one of what a view means by name beside its tables: a user's function or
// aggregate, a domain, an enum, a database view, or which partitions a table has. It can be replaced in place, of which the stream
// tells nothing.
type Definition struct {
	Object
	Name string // with what it is
	Hash string // of what it means
}

// Object is something in a catalogue, which is a number as well.
type Object struct{ Class, OID uint32 }

// definedSQL walks from views' rules through what Postgres has noted that they depend on
// (postgresql.org/docs/current/catalog-pg-depend.html): database views by their rules,
// operators, and types through domains, arrays, composite types and the conditions of domains.
// Where a function has a body in standard SQL, what that calls is noted as well. Objects below
// 16384 are the server's own. A table's columns are as they are stored: nothing that their types
// become is done to them.
const definedSQL = `
	WITH RECURSIVE part(class, oid) AS (
		SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, u.oid FROM unnest($1::oid[]) AS u(oid)
		UNION
		SELECT x.class, x.oid FROM part p CROSS JOIN LATERAL (
			SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend d
			WHERE d.classid = p.class AND d.objid = p.oid AND d.classid <> 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid IN (
				'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass,
				'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass)
			UNION ALL
			SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid FROM pg_catalog.pg_rewrite r
			WHERE p.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND r.ev_class = p.oid AND r.rulename = '_RETURN'
			UNION ALL
			SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint k
			WHERE p.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND k.contypid = p.oid
			UNION ALL
			SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, f.atttypid FROM pg_catalog.pg_type t
			JOIN pg_catalog.pg_attribute f ON f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
			WHERE p.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = p.oid AND t.typtype = 'c'
		) x(class, oid) WHERE x.oid >= 16384
	)
	SELECT d.* FROM (SELECT array_agg(class), array_agg(oid) FROM part) AS p(classes, oids), LATERAL (` + definitionsSQL + `) d`

// definitionsSQL reads definitions by p.classes and p.oids. Costs, owners and privileges
// make no difference, nor do our own temporary views, which are made for each analysis.
// Names of functions would be shown as the session's search path has them: their numbers are not.
const definitionsSQL = `
	SELECT u.class, u.oid, format('function %I.%I', n.nspname, f.proname) AS name, pg_catalog.md5((pg_catalog.to_jsonb(f)
			- '{proowner,proacl,procost,prorows,prosupport,proparallel,proleakproof}'::text[])::text || coalesce(ROW(g.aggfinalfn::oid, g.aggtransfn::oid, g.agginitval)::text, '')) AS hash
	FROM unnest(p.classes, p.oids) AS u(class, oid) JOIN pg_catalog.pg_proc f ON f.oid = u.oid JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
	LEFT JOIN pg_catalog.pg_aggregate g ON g.aggfnoid = f.oid WHERE u.class = 'pg_catalog.pg_proc'::pg_catalog.regclass
	UNION ALL
	SELECT u.class, u.oid, format('domain %I.%I', n.nspname, t.typname), pg_catalog.md5(ROW(n.nspname, t.typname, t.typbasetype, t.typtypmod, t.typnotnull,
			(SELECT string_agg(k.conbin::text, E'\n' ORDER BY k.oid) FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid))::text)
	FROM unnest(p.classes, p.oids) AS u(class, oid) JOIN pg_catalog.pg_type t ON t.oid = u.oid AND t.typtype = 'd' JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
	WHERE u.class = 'pg_catalog.pg_type'::pg_catalog.regclass
	UNION ALL
	SELECT u.class, u.oid, format('enum %I.%I', n.nspname, t.typname), pg_catalog.md5(ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)::text)
	FROM unnest(p.classes, p.oids) AS u(class, oid) JOIN pg_catalog.pg_type t ON t.oid = u.oid AND t.typtype = 'e' JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
	WHERE u.class = 'pg_catalog.pg_type'::pg_catalog.regclass
	UNION ALL
	SELECT u.class, u.oid, format('view %I.%I', n.nspname, v.relname), pg_catalog.md5(r.ev_action::text)
	FROM unnest(p.classes, p.oids) AS u(class, oid) JOIN pg_catalog.pg_rewrite r ON r.oid = u.oid JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relpersistence <> 't'
	JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace WHERE u.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
	UNION ALL
	SELECT u.class, u.oid, format('the set of partitions of table %I.%I', n.nspname, r.relname), pg_catalog.md5((
		WITH RECURSIVE below(oid) AS (SELECT r.oid UNION SELECT i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid)
		SELECT string_agg(ROW(b.oid, x.relpartbound::text, k.partstrat, k.partattrs, k.partclass, k.partcollation, k.partexprs::text)::text, E'\n' ORDER BY b.oid)
		FROM below b JOIN pg_catalog.pg_class x ON x.oid = b.oid LEFT JOIN pg_catalog.pg_partitioned_table k ON k.partrelid = b.oid))
	FROM unnest(p.classes, p.oids) AS u(class, oid) JOIN pg_catalog.pg_class r ON r.oid = u.oid JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
	WHERE u.class = 'pg_catalog.pg_partitioned_table'::pg_catalog.regclass
	ORDER BY 1, 2`

// Defined are the definitions that a view depends on, given as the database views that it
// is, directly or through others.
func (c *Catalog) Defined(ctx context.Context, views ...uint32) ([]Definition, error) {
	rows, err := c.tx.Query(ctx, definedSQL, views)
	return collectDefinitions(rows, err)
}

// Partitions are the sets of partitions of tables, as definitions.
func (c *Catalog) Partitions(ctx context.Context, tables []uint32) ([]Definition, error) {
	rows, err := c.tx.Query(ctx, `SELECT d.* FROM (SELECT array_agg('pg_catalog.pg_partitioned_table'::pg_catalog.regclass::oid), array_agg(u.oid) FROM unnest($1::oid[]) AS u(oid)) AS p(classes, oids),
		LATERAL (`+definitionsSQL+`) d`, tables)
	return collectDefinitions(rows, err)
}

// ReadDefinitions reads the hashes of definitions as they are now. It waits for no lock.
// One that is gone has none.
func ReadDefinitions(ctx context.Context, conn *pgx.Conn, objects []Object) (map[Object]string, error) {
	var classes, oids []uint32
	for _, o := range objects {
		classes, oids = append(classes, o.Class), append(oids, o.OID)
	}
	rows, err := conn.Query(ctx, `SELECT d.* FROM (SELECT $1::oid[], $2::oid[]) AS p(classes, oids), LATERAL (`+definitionsSQL+`) d`, classes, oids)
	list, err := collectDefinitions(rows, err)
	if err != nil {
		return nil, err
	}
	hashes := make(map[Object]string, len(list))
	for _, d := range list {
		hashes[d.Object] = d.Hash
	}
	return hashes, nil
}

func collectDefinitions(rows pgx.Rows, err error) ([]Definition, error) {
	var list []Definition
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Definition])
	}
	if err != nil {
		return nil, fmt.Errorf("read the definitions that views depend on: %w", err)
	}
	return list, nil
}
