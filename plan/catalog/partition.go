package catalog

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// PartitionQuery is a query of a partitioned table's columns, and, behind them, tableoid: of which partition
// without partitions each row is one. That follows from the partitions' conditions, which no two of them have in
// common (postgresql.org/docs/current/ddl-partitioning.html).
func (c *Catalog) PartitionQuery(ctx context.Context, rel *Relation) (string, error) {
	rows, err := c.tx.Query(ctx, `
		WITH RECURSIVE below(oid) AS (SELECT $1::oid UNION SELECT i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid)
		SELECT ' WHEN ' || coalesce(pg_catalog.pg_get_partition_constraintdef(c.oid), 'true') || ' THEN ' || c.oid || '::pg_catalog.oid'
		FROM below b JOIN pg_catalog.pg_class c ON c.oid = b.oid WHERE c.relkind <> 'p' ORDER BY c.oid`, rel.OID)
	var leaves []string
	if err == nil {
		leaves, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		return "", fmt.Errorf("read the partitions of %s: %w", rel.SQL(), err)
	}
	partition := "NULL::pg_catalog.oid"
	if len(leaves) > 0 {
		partition = "CASE" + strings.Join(leaves, "") + " END"
	}
	return "SELECT *, " + partition + ` AS "tableoid" FROM ` + rel.SQL(), nil
}
