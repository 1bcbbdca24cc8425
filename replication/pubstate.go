package replication

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// publicationState is a publication as it is.
type publicationState struct {
	allTables, viaRoot               bool
	insert, update, delete, truncate bool
	generated                        bool // stored generated columns too; since 18
	schemas                          []string
	tables                           map[string]publishedTable // by schema.name
}

// publishedTable is a table listed in a publication, or through a schema.
type publishedTable struct {
	sql         string
	partitioned bool
	filter      bool
	columns     []string // nil for all
}

func (p *publicationState) complete() bool { return p.insert && p.update && p.delete && p.truncate }

// oddity words what sets it apart from one of our own making.
func (p *publicationState) oddity() string {
	switch {
	case p.allTables:
		return "it is FOR ALL TABLES"
	case len(p.schemas) > 0:
		return "it publishes whole schemas"
	case !p.viaRoot:
		return "publish_via_partition_root is off"
	}
	return "it does not publish all kinds of changes"
}

// readPublication reads a publication; nil when there is none.
func readPublication(ctx context.Context, conn *pgx.Conn, name string) (*publicationState, error) {
	p := &publicationState{tables: map[string]publishedTable{}}
	var oid uint32
	err := conn.QueryRow(ctx, `
		SELECT oid, puballtables, pubviaroot, pubinsert, pubupdate, pubdelete, pubtruncate,
		       coalesce(to_jsonb(p)->>'pubgencols' = 's', false)
		FROM pg_publication p WHERE pubname = $1`, name,
	).Scan(&oid, &p.allTables, &p.viaRoot, &p.insert, &p.update, &p.delete, &p.truncate, &p.generated)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read publication %s: %w", name, err)
	}
	listed := "SELECT prrelid, false, NULL::text[] FROM pg_publication_rel WHERE prpubid = $1"
	if majorVersion(conn.PgConn()) >= 15 {
		listed = `
			SELECT prrelid, prqual IS NOT NULL, (
				SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = prrelid AND attnum = ANY (prattrs::int2[]))
			FROM pg_publication_rel WHERE prpubid = $1
			UNION ALL
			SELECT c.oid, false, NULL FROM pg_publication_namespace pn JOIN pg_class c ON c.relnamespace = pn.pnnspid
			WHERE pn.pnpubid = $1 AND c.relkind IN ('r', 'p')`
		rows, err := conn.Query(ctx, `
			SELECT nspname::text FROM pg_publication_namespace JOIN pg_namespace n ON n.oid = pnnspid WHERE pnpubid = $1`, oid)
		if err == nil {
			p.schemas, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			return nil, fmt.Errorf("read publication %s: %w", name, err)
		}
	}
	rows, err := conn.Query(ctx, `
		SELECT n.nspname::text, c.relname::text, c.relkind = 'p', l.filter, l.columns
		FROM (`+listed+`) l(relid, filter, columns) JOIN pg_class c ON c.oid = l.relid JOIN pg_namespace n ON n.oid = c.relnamespace`, oid)
	if err != nil {
		return nil, fmt.Errorf("read publication %s: %w", name, err)
	}
	var ref TableRef
	var t publishedTable
	_, err = pgx.ForEachRow(rows, []any{&ref.Schema, &ref.Name, &t.partitioned, &t.filter, &t.columns}, func() error {
		t.sql = ref.sql()
		p.tables[ref.String()] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read publication %s: %w", name, err)
	}
	return p, nil
}

// publication checks the publication as far as it is there, and the right to
// make it where it is not.
func (s *source) publication(ctx context.Context) error {
	state, err := readPublication(ctx, s.conn, s.Publication)
	if err != nil {
		return err
	}
	s.published = state
	if !s.ManagePublication {
		if state == nil {
			s.report("publication_missing", s.Publication, createPublication(s.Publication, s.Tables, s.version), "publication does not exist")
			return nil
		}
		s.found = append(s.found, verifyPublication(state, s.Publication, s.Tables)...)
		return nil
	}
	if state != nil && state.allTables {
		s.report("publication_all_tables", s.Publication, "drop it, or choose another name for source.publication", allTablesMessage)
	}
	var mayCreate bool
	err = s.conn.QueryRow(ctx, "SELECT has_database_privilege(current_database(), 'CREATE')").Scan(&mayCreate)
	if err != nil {
		return err
	}
	if state == nil && !mayCreate {
		s.report("publication_privilege", s.Publication,
			fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s; or set source.manage_publication: false and run, as a superuser: %s",
				quote(s.conn.Config().Database), quote(s.role), createPublication(s.Publication, s.Tables, s.version)),
			"role %s may not create a publication", s.role)
	}
	for i := range s.tables {
		d := &s.tables[i]
		if d.OID == 0 || d.Owned {
			continue
		}
		if state != nil {
			if _, ok := state.tables[s.Tables[i].String()]; ok {
				continue
			}
		}
		s.report("table_owner", s.Tables[i].String(),
			fmt.Sprintf("GRANT %s TO %s; or set source.manage_publication: false and publish it yourself", quote(d.Owner), quote(s.role)),
			"role %s does not own it, so it may not publish it", s.role)
	}
	return nil
}

const allTablesMessage = "publication is FOR ALL TABLES: it would publish our own output tables, " +
	"and make updates of tables without a key fail"

// verifyPublication tells what a publication lacks for the tables in use.
func verifyPublication(state *publicationState, name string, tables []TableRef) []Problem {
	var found []Problem
	report := func(code, object, remedy, message string) {
		found = append(found, Problem{Code: code, Object: object, Message: message, Remedy: remedy})
	}
	alter := "ALTER PUBLICATION " + quote(name)
	if state.allTables {
		report("publication_all_tables", name, "publish the tables in use only", allTablesMessage)
	}
	if !state.complete() {
		report("publication_operations", name, alter+" SET (publish = 'insert, update, delete, truncate')",
			"publication leaves out some kinds of changes")
	}
	// It makes no difference to tables that are not partitioned.
	if !state.viaRoot && slices.ContainsFunc(tables, func(t TableRef) bool { return state.tables[t.String()].partitioned }) {
		report("publication_via_root", name, alter+" SET (publish_via_partition_root = true)",
			"publication gives changes of partitions out as theirs, not as the partitioned table's")
	}
	for _, t := range tables {
		p, ok := state.tables[t.String()]
		switch {
		case state.allTables:
		case !ok:
			report("publication_table", t.String(), alter+" ADD TABLE ONLY "+t.sql(), "table is not in publication "+name)
		case p.filter:
			report("publication_filter", t.String(), "publish it without a WHERE clause", "publication filters its rows")
		case p.columns != nil:
			for _, c := range t.Columns {
				if !slices.Contains(p.columns, c) {
					report("publication_columns", t.String()+"."+c, "publish it without a column list", "column is not published")
				}
			}
		}
	}
	return found
}
