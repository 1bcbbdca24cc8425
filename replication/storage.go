package replication

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
)

// Storage says, by object number, where the rows of source tables are kept, and
// under which columns. The stream leaves out what is done to a table as a whole
// but for its own TRUNCATE: a partition that is truncated, attached or detached,
// ALTER TABLE ... TYPE ... USING, a column that takes the place of another one.
// All of that changes the storage.
type Storage map[uint32]TableStorage

// TableStorage is where the rows of one table are kept.
type TableStorage struct {
	Columns map[string]ColumnMark `json:"columns"` // those in use
	// Parts are the table itself and, of a partitioned one, everything below it.
	Parts map[uint32]Part `json:"parts"`
	// Generated are the expressions of generated columns, hashed: those that are not
	// in the stream are computed by them.
	Generated map[string]string `json:"generated,omitempty"`
}

// ColumnMark tells a column from another one of its name, and its values from
// those that ALTER TABLE ... TYPE gave it.
type ColumnMark struct {
	Number  int16  `json:"number"`
	Altered uint32 `json:"altered"` // the transaction that last did
	// Labels are those of the enum types in it, in their order, and the attributes of
	// its composite types: renaming one is not in the stream, and a new label may come
	// before others.
	Labels string `json:"labels,omitempty"`
}

// Part is a table, or a part of it, in one file.
type Part struct {
	Name string `json:"name"`
	// Parent is what it is a partition of, since Attached, a transaction; 0: it is
	// the table itself.
	Parent   uint32 `json:"parent,omitempty"`
	Attached uint32 `json:"attached,omitempty"`
	// File is 0 where there are only partitions. Changed is the transaction that
	// last changed the entry that names it.
	File    uint32 `json:"file,omitempty"`
	Changed uint32 `json:"changed"`
	// Logged is false of what is never replicated: foreign and unlogged tables.
	Logged bool `json:"logged"`
	// Born says that it was made as a partition, so no row came with it.
	Born bool `json:"born,omitempty"`
	// Empty says that its file has never had a row in it.
	Empty bool `json:"-"`
}

// Move is something that was done to a table as a whole without a word in the
// stream.
type Move struct {
	Table  uint32
	Column string // whose values alone it concerns; empty: whole rows
	What   string // to what, and what
}

// ReadStorage reads the storage of tables, with that of the columns in use. It
// sees what the session's transaction sees, and waits for no lock. A table that
// does not exist is left out.
func ReadStorage(ctx context.Context, conn *pgx.Conn, tables []decode.Table) (Storage, error) {
	s := Storage{}
	var oids, columnsOf []uint32
	columns := []string{}
	for i := range tables {
		t := &tables[i]
		if s[t.OID].Parts != nil {
			continue
		}
		oids = append(oids, t.OID)
		s[t.OID] = TableStorage{Columns: map[string]ColumnMark{}, Parts: map[uint32]Part{}}
	}
	for i := range tables {
		for _, c := range tables[i].Columns {
			columnsOf = append(columnsOf, tables[i].OID)
			columns = append(columns, c.Name)
		}
	}
	fail := func(err error) (Storage, error) { return nil, fmt.Errorf("read the source tables' storage: %w", err) }
	rows, err := conn.Query(ctx, partsSQL, oids)
	if err != nil {
		return fail(err)
	}
	var root, oid uint32
	var p Part
	_, err = pgx.ForEachRow(rows, []any{&root, &oid, &p.Name, &p.Parent, &p.Attached, &p.Born, &p.File, &p.Changed, &p.Logged}, func() error {
		s[root].Parts[oid] = p
		return nil
	})
	if err != nil {
		return fail(err)
	}
	rows, err = conn.Query(ctx, `
		SELECT DISTINCT u.oid, u.name, a.attnum, a.xmin::text::int8, COALESCE(l.labels, '')
		FROM unnest($1::oid[], $2::text[]) AS u(oid, name)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = u.oid AND a.attname = u.name AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN LATERAL (`+labelsSQL+`) l ON a.atttypid >= 16384`, columnsOf, columns)
	if err != nil {
		return fail(err)
	}
	var name string
	var mark ColumnMark
	_, err = pgx.ForEachRow(rows, []any{&oid, &name, &mark.Number, &mark.Altered, &mark.Labels}, func() error {
		s[oid].Columns[name] = mark
		return nil
	})
	if err != nil {
		return fail(err)
	}
	rows, err = conn.Query(ctx, `
		SELECT a.attrelid, a.attname, pg_catalog.md5(d.adbin::text)
		FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = ANY ($1::oid[]) AND a.attgenerated <> '' AND NOT a.attisdropped`, oids)
	if err != nil {
		return fail(err)
	}
	var hash string
	_, err = pgx.ForEachRow(rows, []any{&oid, &name, &hash}, func() error {
		t := s[oid]
		if t.Generated == nil {
			t.Generated = map[string]string{}
		}
		t.Generated[name] = hash
		s[oid] = t
		return nil
	})
	if err != nil {
		return fail(err)
	}
	maps.DeleteFunc(s, func(_ uint32, t TableStorage) bool { return len(t.Parts) == 0 })
	return s, nil
}

// labelsSQL lists the labels of the enum types, and the attributes of the composite
// types, that a column's type is made of: through domains, arrays and composite types.
// Those before 16384 are the server's own, which has no enum type.
const labelsSQL = `
	WITH RECURSIVE part AS (
		SELECT a.atttypid AS oid
		UNION
		SELECT x.oid FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid CROSS JOIN LATERAL (
			SELECT t.typbasetype UNION ALL SELECT t.typelem UNION ALL
			SELECT f.atttypid FROM pg_catalog.pg_attribute f WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
		) x(oid) WHERE x.oid >= 16384
	)
	SELECT string_agg(m.label, E'\n' ORDER BY m.type, m.place) AS labels FROM (
		SELECT e.enumtypid, e.enumsortorder, e.enumlabel::text FROM part JOIN pg_catalog.pg_enum e ON e.enumtypid = part.oid
		UNION ALL
		SELECT t.oid, f.attnum, f.attnum || ' ' || f.attname FROM part JOIN pg_catalog.pg_type t ON t.oid = part.oid AND t.typtype = 'c'
		JOIN pg_catalog.pg_attribute f ON f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
	) m(type, place, label)`

// partsSQL walks down from tables to their partitions. CREATE TABLE ... PARTITION
// OF makes the entry of the partition's system columns, which nothing changes
// later, and that of its place under the parent in one transaction, at most three
// commands apart; CREATE TABLE and ALTER TABLE ... ATTACH PARTITION are five or
// more apart, and another one with any row in between.
const partsSQL = `
WITH RECURSIVE part AS (
	SELECT c.oid AS root, c.oid, c.relkind, 0::oid AS parent, '0'::xid AS attached, false AS born
	FROM unnest($1::oid[]) AS u(oid) JOIN pg_catalog.pg_class c ON c.oid = u.oid
	UNION ALL
	SELECT p.root, c.oid, c.relkind, i.inhparent, i.xmin,
	       i.xmin = a.xmin AND i.cmin::text::int8 - a.cmin::text::int8 BETWEEN 0 AND 3
	FROM part p
	JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid AND NOT i.inhdetachpending
	JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
	JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = -6
	WHERE p.relkind = 'p'
)
SELECT p.root, p.oid, c.relname::text, p.parent, p.attached::text::int8, p.born, CASE WHEN c.relkind = 'p' THEN 0 ELSE c.relfilenode::int8 END,
       c.xmin::text::int8, c.relkind = 'p' OR c.relkind = 'r' AND c.relpersistence = 'p'
FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.oid`

// Storage reads tables' storage as the snapshot has it.
func (s *Snapshot) Storage(ctx context.Context, tables []decode.Table) (Storage, error) {
	return ReadStorage(ctx, s.conn, tables)
}

// probeEmpty is how long looking into new partitions may wait for a lock.
const probeEmpty = time.Second

// MarkEmpty looks which partitions that are new since an earlier storage, and were
// not made as partitions, have never had a row in them. One about which that
// cannot be known is not marked.
func (s Storage) MarkEmpty(ctx context.Context, conn *pgx.Conn, was Storage) error {
	var fresh []uint32
	for table, t := range s {
		for oid, p := range t.Parts {
			if _, known := was[table].Parts[oid]; !known && !p.Born && p.File == oid {
				fresh = append(fresh, oid)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	empty := map[uint32]bool{}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", probeEmpty.Milliseconds())); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT oid FROM unnest($1::oid[]) AS u(oid)
			WHERE pg_catalog.pg_relation_size(u.oid::pg_catalog.regclass) = 0 AND pg_catalog.pg_stat_get_tuples_deleted(u.oid) = 0`, fresh)
		if err != nil {
			return err
		}
		var oid uint32
		_, err = pgx.ForEachRow(rows, []any{&oid}, func() error {
			empty[oid] = true
			return nil
		})
		return err
	})
	if err != nil && sqlState(err) != stateLockUnavailable {
		return fmt.Errorf("look into new partitions: %w", err)
	}
	for _, t := range s {
		for oid, p := range t.Parts {
			if empty[oid] {
				p.Empty = true
				t.Parts[oid] = p
			}
		}
	}
	return nil
}

// Moves compares the storage that rows were read from with a later one.
// truncated says whether a transaction truncated a table as a whole, as the
// stream has told. What cannot be explained by that, or by new partitions
// without rows, counts as a move: VACUUM FULL of a partition too, which cannot be
// told from its TRUNCATE.
func (s Storage) Moves(now Storage, truncated func(table, xid uint32) bool) []Move {
	var moves []Move
	for _, table := range slices.Sorted(maps.Keys(s)) {
		is, ok := now[table]
		if !ok {
			continue // it is gone: the publication's fingerprint tells
		}
		was := s[table]
		move := func(column, format string, args ...any) {
			moves = append(moves, Move{Table: table, Column: column, What: fmt.Sprintf(format, args...)})
		}
		for _, name := range slices.Sorted(maps.Keys(was.Generated)) {
			if is.Generated[name] != was.Generated[name] {
				move("", "the expression of the generated column %s was changed", name)
			}
		}
		changed := was.changedPart(table, is, func(xid uint32) bool { return truncated(table, xid) })
		if changed != "" {
			move("", "%s", changed)
		}
		self, selfNow := was.Parts[table], is.Parts[table]
		rewritten := selfNow.File != 0 && self.File != selfNow.File && !truncated(table, selfNow.Changed)
		for _, name := range slices.Sorted(maps.Keys(was.Columns)) {
			old, col := was.Columns[name], is.Columns[name]
			switch {
			case col.Number == 0:
				move(name, "column %s was dropped or renamed", name)
			case col.Number != old.Number:
				move(name, "column %s was replaced by another one of its name", name)
			case col.Labels != old.Labels:
				move(name, "the enum or composite type of column %s was changed", name)
			case rewritten && col.Altered != old.Altered:
				// Alone, a new file is VACUUM FULL's, CLUSTER's or another column's.
				move(name, "column %s was altered and its values computed anew", name)
			}
		}
	}
	return moves
}

// changedPart finds a part whose rows may have come or gone unseen, and says what
// happened to it.
func (t TableStorage) changedPart(table uint32, now TableStorage, truncated func(xid uint32) bool) string {
	for _, oid := range slices.Sorted(maps.Keys(t.Parts)) {
		if _, ok := now.Parts[oid]; !ok && t.Parts[oid].File != 0 {
			return fmt.Sprintf("partition %s was detached or dropped", t.Parts[oid].Name)
		}
	}
	// inPlace: a part of partitions is where it was, or was made there.
	var inPlace func(oid uint32) bool
	inPlace = func(oid uint32) bool {
		if oid == table {
			return true
		}
		p := now.Parts[oid]
		if old, known := t.Parts[oid]; known {
			return old.Parent == p.Parent && old.Attached == p.Attached && inPlace(p.Parent)
		}
		return p.Born && inPlace(p.Parent)
	}
	for _, oid := range slices.Sorted(maps.Keys(now.Parts)) {
		p := now.Parts[oid]
		old, known := t.Parts[oid]
		switch {
		case oid == table || p.File == 0 && p.Logged:
		case !p.Logged && (!known || old.Logged):
			return fmt.Sprintf("partition %s is a foreign or unlogged table", p.Name)
		case !inPlace(oid) && !(p.Empty && !known):
			return fmt.Sprintf("partition %s was attached", p.Name)
		case truncated(p.Changed):
		case known && p.File != old.File, !known && p.File != oid:
			return fmt.Sprintf("partition %s was truncated or rewritten", p.Name)
		}
	}
	return ""
}

// Equal says whether there is any difference, harmless ones included.
func (s Storage) Equal(other Storage) bool {
	return maps.EqualFunc(s, other, func(a, b TableStorage) bool {
		return maps.Equal(a.Columns, b.Columns) && maps.EqualFunc(a.Parts, b.Parts, func(p, q Part) bool {
			p.Empty, q.Empty = false, false
			return p == q
		})
	})
}
