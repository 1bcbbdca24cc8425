package replication

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// PublicationOptions say what is to be published.
type PublicationOptions struct {
	Name   string
	Slot   string // the slot that follows it; one that exists already limits what may be changed
	Tables []TableRef
	Manage bool // create it and keep it in step; else only verify a DBA's own

	// LockTimeout bounds the wait for each table's lock, and so how long writers of a
	// table may have to wait while it is added; 0 means 5 s.
	LockTimeout time.Duration
}

// Fingerprint identifies a publication and its tables as they are: whatever
// makes changes go missing changes it. It is stored with the state.
type Fingerprint struct {
	Publication string            `json:"publication"`
	Tables      map[string]string `json:"tables"` // schema.name → object numbers, filter, columns, identity
}

// EnsurePublication brings a publication in step with the tables in use, or,
// unmanaged, verifies that it is. It answers with its fingerprint.
//
// It must run before the slot is created. Where the slot exists and the
// publication does not, changes have been lost, and the answer is a StopError.
//
// Adding a table to a publication that a slot follows takes a lock on that table
// that waits for its writers and holds new ones up for a moment: a transaction
// that began to write before would go on unseen. The table has to be loaded from
// a snapshot taken afterwards.
func EnsurePublication(ctx context.Context, conn *pgx.Conn, options PublicationOptions) (Fingerprint, error) {
	if options.LockTimeout == 0 {
		options.LockTimeout = 5 * time.Second
	}
	state, err := readPublication(ctx, conn, options.Name)
	if err != nil {
		return Fingerprint{}, err
	}
	slot, err := SlotInfo(ctx, conn, options.Slot)
	if err != nil {
		return Fingerprint{}, err
	}
	switch {
	case state == nil && slot != nil:
		return Fingerprint{}, publicationMissing(options.Name, nil)
	case state == nil && !options.Manage:
		return Fingerprint{}, &StopError{
			Code: PublicationChanged, Message: fmt.Sprintf("publication %s does not exist", options.Name),
			Remedy: createPublication(options.Name, options.Tables, majorVersion(conn.PgConn())),
		}
	}
	if !options.Manage {
		if problems := verifyPublication(state, options.Name, options.Tables); len(problems) > 0 {
			var messages, remedies []string
			for _, p := range problems {
				messages = append(messages, p.Object+" "+p.Message)
				remedies = append(remedies, p.Remedy)
			}
			return Fingerprint{}, &StopError{
				Code: PublicationChanged, Message: strings.Join(messages, "; "), Remedy: strings.Join(remedies, "; "),
			}
		}
		return ReadFingerprint(ctx, conn, options.Name, options.Tables)
	}
	if state == nil {
		sql := createPublication(options.Name, options.Tables, majorVersion(conn.PgConn()))
		if err := options.change(ctx, conn, sql); err != nil {
			return Fingerprint{}, fmt.Errorf("create publication %s: %w", options.Name, err)
		}
	} else if err := keepPublication(ctx, conn, state, slot != nil, options); err != nil {
		return Fingerprint{}, err
	}
	return ReadFingerprint(ctx, conn, options.Name, options.Tables)
}

// createPublication writes the statement for a new publication. Unused columns
// are published too, so that they may come and go without a word.
func createPublication(name string, tables []TableRef, version int) string {
	sql := "CREATE PUBLICATION " + quote(name)
	for i, t := range tables {
		separator := ", "
		if i == 0 {
			separator = " FOR TABLE "
		}
		sql += separator + "ONLY " + t.sql()
	}
	sql += " WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true"
	if version >= 18 {
		sql += ", publish_generated_columns = stored"
	}
	return sql + ")"
}

// keepPublication adds and drops tables of a managed publication.
func keepPublication(ctx context.Context, conn *pgx.Conn, state *publicationState, followed bool, options PublicationOptions) error {
	if state.allTables || len(state.schemas) > 0 || !state.complete() || !state.viaRoot {
		return &StopError{
			Code:    PublicationChanged,
			Message: fmt.Sprintf("publication %s is not as it was created: %s", options.Name, state.oddity()),
			Remedy: "drop it to have it created anew, then " + resnapshot +
				"; or set source.manage_publication: false to use one of your own",
		}
	}
	wanted := map[string]bool{}
	for _, t := range options.Tables {
		wanted[t.String()] = true
		if have, ok := state.tables[t.String()]; ok {
			if have.filter || have.columns != nil {
				return &StopError{
					Code:    PublicationChanged,
					Message: fmt.Sprintf("publication %s gives out only part of table %s", options.Name, t),
					Remedy: "drop the table from it to have it added anew, then " + resnapshot +
						"; or set source.manage_publication: false to use one of your own",
				}
			}
			continue
		}
		add := "ALTER PUBLICATION " + quote(options.Name) + " ADD TABLE ONLY " + t.sql()
		if followed {
			add = "LOCK TABLE " + t.sql() + " IN SHARE ROW EXCLUSIVE MODE; " + add
		}
		if err := options.change(ctx, conn, add); err != nil {
			return fmt.Errorf("add table %s to publication %s: %w", t, options.Name, err)
		}
	}
	for name, t := range state.tables {
		if wanted[name] {
			continue
		}
		if err := options.change(ctx, conn, "ALTER PUBLICATION "+quote(options.Name)+" DROP TABLE "+t.sql); err != nil {
			return fmt.Errorf("drop table %s from publication %s: %w", name, options.Name, err)
		}
	}
	return nil
}

// change runs DDL in a transaction of its own, so that its locks are short, and
// waits for them no longer than the options allow: publishing a table takes a lock
// that a VACUUM or an index build in progress holds for hours.
func (o *PublicationOptions) change(ctx context.Context, conn *pgx.Conn, sql string) error {
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d; %s", o.LockTimeout.Milliseconds(), sql), pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

// DropPublication drops a publication; none there is no error.
func DropPublication(ctx context.Context, conn *pgx.Conn, name string) error {
	if _, err := conn.Exec(ctx, "DROP PUBLICATION IF EXISTS "+quote(name)); err != nil {
		return fmt.Errorf("drop publication %s: %w", name, err)
	}
	return nil
}

// Drift compares a stored fingerprint with the present one. Tables that are only
// in one of them are no drift: views come and go. The answer is a StopError or
// nil.
func Drift(stored, now Fingerprint) error {
	changed := func(code Code, what string) error {
		return &StopError{
			Code: code, Message: what + ": changes may have been lost meanwhile", Remedy: resnapshot,
		}
	}
	if stored.Publication != now.Publication {
		return changed(PublicationChanged, "publication was dropped and created anew, or its options changed")
	}
	for _, name := range slices.Sorted(maps.Keys(stored.Tables)) {
		is, ok := now.Tables[name]
		was := stored.Tables[name]
		if !ok {
			continue
		}
		was, wasLeaves, _ := strings.Cut(was, leavesMark)
		is, isLeaves, _ := strings.Cut(is, leavesMark)
		wasTable, _, _ := strings.Cut(was, " ")
		isTable, _, _ := strings.Cut(is, " ")
		if wasTable != isTable {
			return changed(TableChanged, "table "+name+" was dropped and created anew")
		}
		_, wasIdentity, _ := strings.Cut(was, " identity ")
		_, isIdentity, _ := strings.Cut(is, " identity ")
		if wasIdentity != isIdentity {
			return changed(IdentityChanged, "replica identity of table "+name+" changed")
		}
		if was != is {
			return changed(PublicationChanged, "table "+name+" was removed from the publication and added again, or its filter or columns changed")
		}
		if leavesDrift(leaves(wasLeaves), leaves(isLeaves), isIdentity) {
			return changed(IdentityChanged, "a partition of table "+name+" has another replica identity")
		}
	}
	return nil
}

// leavesDrift says whether a partition tells less of its old rows than it did, or,
// being new, than the root, whose identity begins with its letter. Which partitions
// there are is a matter of the storage.
func leavesDrift(was, is map[string]string, root string) bool {
	for oid, identity := range is {
		if identity != was[oid] && (was[oid] != "" || identity != root[:1] && identity != "f") {
			return true
		}
	}
	return false
}

// leaves reads the end of a table's fingerprint: "number:identity …".
func leaves(text string) map[string]string {
	m := map[string]string{}
	for _, leaf := range strings.Fields(text) {
		oid, identity, _ := strings.Cut(leaf, ":")
		m[oid] = identity
	}
	return m
}

// ReadFingerprint reads a publication's present fingerprint. A table that is not
// published, or does not exist any more, is an error.
func ReadFingerprint(ctx context.Context, conn *pgx.Conn, name string, tables []TableRef) (Fingerprint, error) {
	var f Fingerprint
	err := conn.QueryRow(ctx, "SELECT (to_jsonb(p) - 'pubname' - 'pubowner')::text FROM pg_publication p WHERE pubname = $1", name).Scan(&f.Publication)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, publicationMissing(name, nil)
	}
	if err != nil {
		return f, fmt.Errorf("read publication %s: %w", name, err)
	}
	schemas, names, keys := make([]string, len(tables)), make([]string, len(tables)), make([]string, len(tables))
	for i, t := range tables {
		schemas[i], names[i], keys[i] = t.Schema, t.Name, t.String()
	}
	rows, err := conn.Query(ctx, fingerprintSQL(majorVersion(conn.PgConn())), name, schemas, names, keys)
	if err != nil {
		return f, fmt.Errorf("read publication %s: %w", name, err)
	}
	f.Tables = make(map[string]string, len(tables))
	var table string
	var oid, entry *string
	_, err = pgx.ForEachRow(rows, []any{&table, &oid, &entry}, func() error {
		switch {
		case oid == nil:
			return tableChanged(table, "does not exist any more")
		case entry == nil:
			return &StopError{
				Code: PublicationChanged, Message: fmt.Sprintf("table %s is not in publication %s any more", table, name),
				Remedy: resnapshot,
			}
		}
		f.Tables[table] = *oid + " " + *entry
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("read publication %s: %w", name, err)
	}
	return f, nil
}

// leavesMark sets a table's partitions apart in its fingerprint, as new ones are no
// drift.
const leavesMark = " leaves "

// fingerprintSQL lists for each table its number and its entries in the
// publication. An entry has a number of its own, which tells that the table was
// removed and added again. The identity's index counts by its columns: REINDEX
// CONCURRENTLY gives it another number, and nothing is lost by that. Partitions are
// walked to in the catalogue: pg_partition_tree() would wait for locks on them.
func fingerprintSQL(version int) string {
	bySchema := ""
	if version >= 15 {
		bySchema = `
			UNION ALL
			SELECT 'schema ' || pn.oid FROM pg_publication_namespace pn
			WHERE pn.pnpubid = p.oid AND pn.pnnspid IN (SELECT relnamespace FROM pg_class WHERE oid IN
			      (SELECT c.oid UNION ALL SELECT relid FROM pg_partition_ancestors(c.oid)))`
	}
	return `
		SELECT u.key, c.oid::text, (
			SELECT string_agg(e.entry, '; ' ORDER BY e.entry) FROM (
				SELECT to_jsonb(pr)::text AS entry FROM pg_publication_rel pr
				WHERE pr.prpubid = p.oid AND pr.prrelid IN (SELECT c.oid UNION ALL SELECT relid FROM pg_partition_ancestors(c.oid))` +
		bySchema + `
			) e
		) || ' identity ' || c.relreplident::text || coalesce((
			SELECT ' key ' || string_agg(k.attnum::text, ' ' ORDER BY k.n)
			FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n)
			WHERE i.indrelid = c.oid AND k.n <= i.indnkeyatts
			  AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END), '') || coalesce((
			SELECT '` + leavesMark + `' || string_agg(l.oid || ':' || l.relreplident::text, ' ' ORDER BY l.oid)
			FROM (WITH RECURSIVE t AS (
					SELECT c.oid AS relid WHERE c.relkind = 'p'
					UNION ALL
					SELECT i.inhrelid FROM t JOIN pg_inherits i ON i.inhparent = t.relid AND NOT i.inhdetachpending)
				SELECT relid FROM t) t JOIN pg_class l ON l.oid = t.relid
			WHERE l.relkind <> 'p'), '')
		FROM unnest($2::text[], $3::text[], $4::text[]) AS u(schema, name, key)
		CROSS JOIN (SELECT oid FROM pg_publication WHERE pubname = $1) p
		LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace) ON n.nspname = u.schema AND c.relname = u.name`
}
