package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Publish puts a built table in the place of the view's live one, if there is any,
// and registers the view as live, in the transaction: readers see the old table
// before its commit and the new one after. Grants are carried over; the owner is the
// role of this connection.
//
// Views that a user has defined over the old table forbid to drop it; the error
// then names them.
func (tx *Tx) Publish(ctx context.Context, t *Table) error {
	if !t.building {
		return fmt.Errorf("publish output of view %q: it is live already", t.spec.Name)
	}
	s, spec := tx.s, t.spec
	var grants, defaults []string
	_, err := s.ownComment(ctx, s.conn, spec.Schema, spec.Name)
	live := quote(spec.Schema, spec.Name)
	switch {
	case err == nil:
		if grants, err = s.grants(ctx, spec.Schema, spec.Name, live); err != nil {
			return fmt.Errorf("read grants on output of view %q: %w", spec.Name, s.lost(err))
		}
		grants = append([]string{"DROP TABLE " + live}, grants...)
	case !errors.Is(err, ErrAbsent):
		return fmt.Errorf("publish output of view %q: %w", spec.Name, err)
	default:
		if defaults, err = s.defaultGrants(ctx, spec.Schema, live); err != nil {
			return fmt.Errorf("read default privileges for output of view %q: %w", spec.Name, s.lost(err))
		}
	}
	renames, err := s.freeNames(ctx, t)
	if err != nil {
		return fmt.Errorf("look for free names for output of view %q: %w", spec.Name, s.lost(err))
	}
	steps := []string{
		"CREATE SCHEMA IF NOT EXISTS " + quote(spec.Schema),
		fmt.Sprintf("ALTER TABLE %s SET SCHEMA %s", t.rel, quote(spec.Schema)),
		fmt.Sprintf("ALTER TABLE %s RENAME TO %s", quote(spec.Schema, t.name), quote(spec.Name)),
	}
	if len(grants) > 0 {
		steps = append(append([]string{grants[0]}, steps[1:]...), grants[1:]...)
	} else {
		var exists bool
		err := s.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, spec.Schema).Scan(&exists)
		if err != nil {
			return fmt.Errorf("look for schema %s: %w", quote(spec.Schema), s.lost(err))
		}
		if exists { // CREATE SCHEMA IF NOT EXISTS needs a right that a mere writer lacks
			steps = steps[1:]
		}
	}
	for _, sql := range slices.Concat(renames, steps, defaults) {
		if _, err := s.pg.Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("publish output of view %q: %w", spec.Name, s.lost(err))
		}
	}
	var n int64
	err = s.conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %s", live)).Scan(&n)
	if err != nil {
		return fmt.Errorf("count output of view %q: %w", spec.Name, s.lost(err))
	}
	if err := s.Register(ctx, spec, Live, n); err != nil {
		return err
	}
	schema, name := t.schema, t.name
	t.place(spec.Schema, spec.Name)
	t.building = false
	tx.undo = append(tx.undo, func() {
		t.place(schema, name)
		t.building = true
	})
	return nil
}

// freeNames renames the indexes of a built table whose names, which Postgres chose in the control
// schema, are taken where it goes: an earlier table may still be there, under another name.
func (s *Sink) freeNames(ctx context.Context, t *Table) ([]string, error) {
	rows, err := s.conn.Query(ctx, `SELECT format('ALTER INDEX %I.%I RENAME TO %I', n.nspname, x.relname, c.relname || '_' || x.oid)
		FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
		JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2 AND EXISTS (
			SELECT FROM pg_class o JOIN pg_namespace m ON m.oid = o.relnamespace WHERE m.nspname = $3 AND o.relname = x.relname)`,
		t.schema, t.name, t.spec.Schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// defaultGrants writes out the default privileges of a schema: a table that is moved
// into it does not get them by itself.
func (s *Sink) defaultGrants(ctx context.Context, schema, onto string) ([]string, error) {
	rows, err := s.conn.Query(ctx, `SELECT format('GRANT %s ON TABLE %s TO %s%s', p.privilege_type, $2::text,
			CASE WHEN p.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.grantee)) END,
			CASE WHEN p.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
		FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace CROSS JOIN LATERAL aclexplode(d.defaclacl) p
		WHERE n.nspname = $1 AND d.defaclobjtype = 'r' AND d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
		  AND p.grantee <> d.defaclrole
		ORDER BY 1`, schema, onto)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// grants reads the privileges on a table as the statements that grant them.
func (s *Sink) grants(ctx context.Context, schema, name, onto string) ([]string, error) {
	rows, err := s.conn.Query(ctx, `SELECT format('GRANT %s%s ON TABLE %s TO %s%s', p.privilege_type, p.col, $3::text,
			CASE WHEN p.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.grantee)) END,
			CASE WHEN p.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN LATERAL (
			SELECT x.*, '' AS col FROM aclexplode(c.relacl) x
			UNION ALL
			SELECT x.*, ' (' || quote_ident(a.attname) || ')' FROM pg_attribute a, aclexplode(a.attacl) x
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			  AND a.attname = ANY (ARRAY(SELECT b.attname FROM pg_attribute b WHERE b.attrelid = to_regclass($4)))
		) p
		WHERE n.nspname = $1 AND c.relname = $2 AND p.grantee <> c.relowner
		ORDER BY 1`, schema, name, onto, quote("stepping_cdc", buildName(name)))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Drop removes views from the control tables and, with outputs, their tables. A
// table that is not ours is left alone and reported.
func (s *Sink) Drop(ctx context.Context, outputs bool, views ...string) error {
	if err := s.Settle(ctx); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx pgx.Tx) error {
		for _, view := range views {
			var schema string
			err := tx.QueryRow(ctx, `DELETE FROM stepping_cdc.views WHERE name = $1 RETURNING schema`, view).Scan(&schema)
			if errors.Is(err, pgx.ErrNoRows) {
				continue
			}
			if err == nil {
				_, err = tx.Exec(ctx, `DELETE FROM stepping_cdc.errors WHERE view = $1`, view)
			}
			if err == nil && outputs {
				_, err = s.ownComment(ctx, tx, schema, view)
				if err == nil {
					_, err = tx.Exec(ctx, "DROP TABLE "+quote(schema, view), pgx.QueryExecModeSimpleProtocol)
				} else if errors.Is(err, ErrAbsent) {
					err = nil
				}
			}
			if err == nil {
				_, err = tx.Exec(ctx, "DROP TABLE IF EXISTS "+quote("stepping_cdc", buildName(view)), pgx.QueryExecModeSimpleProtocol)
			}
			if err != nil {
				return fmt.Errorf("drop view %q: %w", view, s.lost(err))
			}
		}
		return nil
	})
}

// Abandon drops a table that is not going to be published.
func (s *Sink) Abandon(ctx context.Context, t *Table) error {
	if !t.building {
		return fmt.Errorf("abandon output of view %q: it is live", t.spec.Name)
	}
	if _, err := s.pg.Exec(ctx, "DROP TABLE IF EXISTS "+t.rel).ReadAll(); err != nil {
		return fmt.Errorf("abandon output of view %q: %w", t.spec.Name, s.lost(err))
	}
	return nil
}

// keyNames are the names of the key columns; nil for a multiset.
func (v *ViewSpec) keyNames() []string {
	if v.Key == nil {
		return nil
	}
	names := make([]string, len(v.Key))
	for i, k := range v.Key {
		names[i] = v.Columns[k].Name
	}
	return names
}

// columnsJSON lists the columns as {"name":…,"type":…}.
func (v *ViewSpec) columnsJSON() ([]byte, error) {
	type column struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	cols := make([]column, len(v.Columns))
	for i, c := range v.Columns {
		cols[i] = column{c.Name, c.Type.SQL}
	}
	return json.Marshal(cols)
}
