package catalog

import (
	"context"
	"fmt"
)

// generatedSQL finds the generated columns of a relation that the stream leaves out and
// that can be computed from the others: virtual ones, and before 18 stored ones
// (postgresql.org/docs/18/ddl-generated-columns.html). A partition keeps the stored
// values of its own expression, which may be another one than its root's.
const generatedSQL = `
	WITH RECURSIVE part AS (
		SELECT $1::oid AS oid
		UNION ALL
		SELECT i.inhrelid FROM part p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition)
	SELECT a.attnum, d.adbin::text, a.attgenerated = 'v'
	FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
	  AND (a.attgenerated = 'v' OR a.attgenerated = 's' AND pg_catalog.current_setting('server_version_num')::int4 < 180000
	       AND NOT EXISTS (
	       SELECT FROM part p
	       JOIN pg_catalog.pg_attribute x ON x.attrelid = p.oid AND x.attname = a.attname AND NOT x.attisdropped
	       LEFT JOIN pg_catalog.pg_attrdef y ON y.adrelid = x.attrelid AND y.adnum = x.attnum
	       WHERE pg_catalog.pg_get_expr(y.adbin, y.adrelid) IS DISTINCT FROM pg_catalog.pg_get_expr(d.adbin, d.adrelid)))`

// readGenerated reads the expressions of the generated columns that are computed.
func (c *Catalog) readGenerated(ctx context.Context, r *Relation) error {
	rows, err := c.tx.Query(ctx, generatedSQL, r.OID)
	if err != nil {
		return fmt.Errorf("read generated columns of %s: %w", r.SQL(), err)
	}
	defer rows.Close()
	for rows.Next() {
		var num int
		var tree string
		var virtual bool
		if err := rows.Scan(&num, &tree, &virtual); err != nil {
			return fmt.Errorf("read generated columns of %s: %w", r.SQL(), err)
		}
		c := &r.Columns[r.Column(num)]
		c.Generation, c.Virtual = tree, virtual
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read generated columns of %s: %w", r.SQL(), err)
	}
	return nil
}
