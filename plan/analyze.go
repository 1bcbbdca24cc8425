// Package plan turns the views of a configuration into one circuit: Postgres
// analyzes them (here), their query trees (querytree) become relational algebra
// (translate), which is rewritten (algebra) and compiled (compile).
//
// It knows how Postgres is made to analyze views, and what they depend on. It must
// not know of replication, of the sink, or of where state lies. All it does to
// the database is one transaction that is rolled back.
package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/sqltext"
	"github.com/stepping-cdc/stepping-cdc/plan/translate"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// View is a view to maintain: by its query, or by the name of an existing view
// whose definition is adopted.
type View struct {
	Name  string
	Query string
	From  string // schema.name or name; "" when Query is given
	// RecursionLimit is the number of iterations after which a recursion is taken to
	// have no end: its rows that come later are errors in the data. 0 is
	// DefaultRecursionLimit.
	RecursionLimit int64
}

// DefaultRecursionLimit is the number of iterations that a recursion has at most,
// unless a view says otherwise.
const DefaultRecursionLimit = 10_000

// Output is one analyzed view.
type Output struct {
	Name    string
	Query   string                       // as analyzed: the definition, for an adopted view
	Columns []algebra.Column             // exactly the output table's
	Plan    algebra.Node                 // optimized
	Key     []int                        // columns that identify a row; empty: one row at most; nil: a multiset
	Clock   bool                         // it depends on the present time
	Locks   bool                         // its query locks rows, which is without effect on the output
	Pinned  map[string]string            // settings that it depends on and few do, with their values
	Views   []string                     // maintained views that it reads, directly or through others
	Heirs   []catalog.Inheritance        // the tables that it reads with those that inherit from them
	Whole   map[uint32]*catalog.Relation // the tables whose rows it reads as values, with all columns that they have
	Defined []catalog.Definition         // functions, domains and database views of the user's that it depends on, and partitions
}

// Analysis is what all views mean.
type Analysis struct {
	Outputs  []*Output
	Tables   []*catalog.Relation // every source table that is read, by name
	Settings Settings
	Problems []Problem
}

// Reserved are the schemas whose tables a view may not read: they are ours.
type Reserved []string

// Analyze asks the database what the views mean. Problems of the views are in
// the result; the error is for everything else (no connection, no privilege).
func Analyze(ctx context.Context, conn *pgx.Conn, views []View, reserved Reserved) (*Analysis, error) {
	// The role may preset transactions that cannot declare views.
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite, DeferrableMode: pgx.NotDeferrable})
	if err != nil {
		return nil, fmt.Errorf("begin the analysis: %w", err)
	}
	// The transaction leaves nothing behind, whatever happens.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, noTimeouts, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, fmt.Errorf("begin the analysis: %w", err)
	}
	a := &analyzer{ctx: ctx, tx: tx, cat: catalog.New(tx), reserved: reserved, oids: map[string]uint32{}, names: map[uint32]string{}, readers: map[string]uint32{}, adopted: map[string]uint32{}}
	s := &a.result.Settings
	err = tx.QueryRow(ctx, `SELECT pg_catalog.now(), pg_catalog.current_setting('TimeZone'), pg_catalog.current_setting('search_path'), pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000,
		(SELECT pg_catalog.json_object_agg(name, pg_catalog.current_setting(name)) FROM pg_catalog.unnest($1::text[]) AS u(name))`, translate.RareSettings).
		Scan(&a.now, &s.TimeZone, &s.SearchPath, &a.version, &s.Rare)
	if err != nil {
		return nil, fmt.Errorf("read the session's settings: %w", err)
	}
	fn.SetServerVersion(a.version)
	if err := a.adopt(views); err != nil {
		return nil, err
	}
	if err := a.declare(); err != nil {
		return nil, err
	}
	if err := a.translate(); err != nil {
		return nil, err
	}
	return &a.result, nil
}

// noTimeouts takes off what a role may preset: many views take many questions. The last
// setting came with 17.
const noTimeouts = `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
	SELECT pg_catalog.set_config('transaction_timeout', '0', true) WHERE pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000`

type analyzer struct {
	ctx      context.Context
	tx       pgx.Tx
	cat      *catalog.Catalog
	reserved Reserved
	now      time.Time
	version  int    // of the server
	views    []View // with queries
	oids     map[string]uint32
	names    map[uint32]string
	readers  map[string]uint32 // as whom adopted views read their tables
	adopted  map[string]uint32 // the database views whose definitions views are
	result   Analysis
}

func (a *analyzer) problem(p Problem) { a.result.Problems = append(a.result.Problems, p) }

// adopt replaces `from: name` by the named view's definition.
func (a *analyzer) adopt(views []View) error {
	for _, v := range views {
		if v.From == "" {
			v.Query = strings.TrimRight(strings.TrimSpace(v.Query), "; \t\r\n")
			a.views = append(a.views, v)
			continue
		}
		sub, err := a.tx.Begin(a.ctx)
		if err != nil {
			return fmt.Errorf("adopt %s: %w", v.From, err)
		}
		var kind, query string
		var oid uint32
		err = sub.QueryRow(a.ctx, `
			SELECT c.oid, c.relkind::text, coalesce(pg_catalog.pg_get_viewdef(c.oid), '')
			FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.regclass`, v.From).Scan(&oid, &kind, &query)
		if rollback := sub.Rollback(a.ctx); rollback != nil {
			return fmt.Errorf("adopt %s: %w", v.From, rollback)
		}
		var pgErr *pgconn.PgError
		switch {
		case errors.As(err, &pgErr):
			a.problem(Problem{View: v.Name, Code: translate.CodeName, Construct: v.From, SQLState: pgErr.Code, Message: "from: " + pgErr.Message,
				Remedy: "give the schema and name of an existing view or materialized view"})
			continue
		case err != nil:
			return fmt.Errorf("adopt %s: %w", v.From, err)
		case kind != "v" && kind != "m":
			a.problem(Problem{View: v.Name, Code: translate.CodeName, Construct: v.From, Message: "from: " + v.From + " is not a view or materialized view",
				Remedy: "write a query: SELECT * FROM " + v.From})
			continue
		}
		if a.readers[v.Name], err = a.cat.Reader(a.ctx, oid); err != nil {
			return err
		}
		if p, err := a.unwritable(v, oid); err != nil {
			return err
		} else if p != nil {
			a.problem(*p)
			continue
		}
		a.adopted[v.Name] = oid
		v.Query = sqltext.ComparingRecords(strings.TrimRight(strings.TrimSpace(query), ";"))
		a.views = append(a.views, v)
	}
	return nil
}

// declare creates a temporary view for each view. One that reads another view
// can only be declared after it, so those that fail on a missing relation are
// tried again until no more succeed.
func (a *analyzer) declare() error {
	pending := a.views
	for len(pending) > 0 {
		var again []View
		var failures []Problem
		for _, v := range pending {
			p, err := a.declareOne(v)
			if err != nil {
				return err
			}
			if p == nil {
				continue
			}
			const undefinedTable = "42P01"
			if p.SQLState == undefinedTable {
				again = append(again, v)
				failures = append(failures, *p)
			} else {
				a.problem(*p)
			}
		}
		if len(again) == len(pending) {
			for i := range failures {
				a.explainAbsence(pending, failures, i)
				a.problem(failures[i])
			}
			return nil
		}
		pending = again
	}
	return nil
}

func (a *analyzer) declareOne(v View) (*Problem, error) {
	sub, err := a.tx.Begin(a.ctx)
	if err != nil {
		return nil, fmt.Errorf("declare view %s: %w", v.Name, err)
	}
	prefix := createPrefix(v.Name)
	// The extended protocol takes one statement only, whatever the query holds;
	// pgx itself would use the simple one for a statement without parameters.
	err = sub.Conn().PgConn().ExecParams(a.ctx, prefix+v.Query, nil, nil, nil, nil).Read().Err
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		if rollback := sub.Rollback(a.ctx); rollback != nil {
			return nil, fmt.Errorf("declare view %s: %w", v.Name, rollback)
		}
		const insufficientPrivilege = "42501"
		p := &Problem{View: v.Name, Code: translate.CodeSyntax, Construct: "query", SQLState: pgErr.Code, Message: pgErr.Message, Remedy: pgErr.Hint}
		if pgErr.Position > 0 {
			// The server counts characters, from 1.
			chars := []rune(prefix + v.Query)
			at := min(int(pgErr.Position)-1, len(chars))
			if at >= len([]rune(prefix)) {
				p.Line, p.Col = sqltext.LineCol(string(chars[len([]rune(prefix)):]), len(string(chars[len([]rune(prefix)):at])))
			}
		}
		if pgErr.Code == insufficientPrivilege && p.Remedy == "" {
			p.Remedy = "grant the role SELECT on what the view reads, and TEMPORARY on the database"
		}
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("declare view %s: %w", v.Name, err)
	}
	if err := sub.Commit(a.ctx); err != nil {
		return nil, fmt.Errorf("declare view %s: %w", v.Name, err)
	}
	var oid uint32
	err = a.tx.QueryRow(a.ctx, `SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relname = $1 AND c.relnamespace = pg_catalog.pg_my_temp_schema()`, v.Name).Scan(&oid)
	if err != nil {
		return nil, fmt.Errorf("find view %s: %w", v.Name, err)
	}
	a.oids[v.Name] = oid
	a.names[oid] = v.Name
	return nil, nil
}

func createPrefix(name string) string {
	return "CREATE TEMPORARY VIEW " + pgx.Identifier{name}.Sanitize() + " AS "
}

// translate turns every declared view into algebra.
func (a *analyzer) translate() error {
	session := translate.Session{Catalog: a.cat, Settings: a.result.Settings, Now: a.now, Version: a.version}
	tables := map[uint32]*catalog.Relation{}
	for _, v := range a.views {
		oid, ok := a.oids[v.Name]
		if !ok {
			continue
		}
		tree, err := a.cat.ViewTree(a.ctx, oid)
		if err != nil {
			return err
		}
		m, err := session.Translate(a.ctx, translate.View{
			Name: v.Name, Query: v.Query, Prefix: len(createPrefix(v.Name)), Tree: tree,
			RecursionLimit: cmp.Or(v.RecursionLimit, DefaultRecursionLimit), Reader: a.readers[v.Name],
		})
		if err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
		out := &Output{Name: v.Name, Query: v.Query, Locks: m.Locks, Heirs: m.Heirs, Whole: m.Whole, Pinned: m.Pinned}
		if err := a.columns(oid, out); err != nil {
			return err
		}
		if err := a.checkNames(v, m); err != nil {
			return err
		}
		if err := a.faithful(v, oid, tree, m); err != nil {
			return err
		}
		for _, c := range out.Columns {
			if c.Type.Anonymous() {
				m.Problem(translate.CodeType, c.Name, fmt.Sprintf("column %q has the row type of another maintained view, which no table can have", c.Name), "name its columns")
			}
		}
		a.result.Problems = append(a.result.Problems, m.Problems()...)
		if len(m.Problems()) > 0 {
			continue
		}
		out.Plan = algebra.Optimize(named(m.Node, out.Columns))
		out.Key = algebra.BestKey(out.Plan)
		out.Clock = algebra.DependsOnClock(out.Plan)
		if out.Defined, err = a.cat.Defined(a.ctx, oid, a.adopted[v.Name]); err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
		if len(m.Parted) > 0 {
			parted, err := a.cat.Partitions(a.ctx, m.Parted)
			if err != nil {
				return fmt.Errorf("view %s: %w", v.Name, err)
			}
			out.Defined = append(out.Defined, parted...)
		}
		for oid := range m.Depends {
			if name, ok := a.names[oid]; ok {
				out.Views = append(out.Views, name)
			}
		}
		slices.Sort(out.Views)
		a.result.Outputs = append(a.result.Outputs, out)
		for oid, rel := range m.Tables {
			tables[oid] = rel
		}
	}
	for _, rel := range tables {
		a.result.Tables = append(a.result.Tables, rel)
	}
	slices.SortFunc(a.result.Tables, func(x, y *catalog.Relation) int { return strings.Compare(x.SQL(), y.SQL()) })
	return nil
}

// named gives a plan the output's column names and declared types.
func named(n algebra.Node, cols []algebra.Column) algebra.Node {
	p := &algebra.Project{In: n}
	for i, c := range n.Cols() {
		p.Exprs = append(p.Exprs, &expr.Col{Index: i, Name: c.Name, T: c.Type})
		p.Names = append(p.Names, cols[i].Name)
	}
	return p
}

// columns reads the output's columns as Postgres declared them.
func (a *analyzer) columns(oid uint32, out *Output) error {
	rel, err := a.cat.Relation(a.ctx, oid)
	if err != nil {
		return fmt.Errorf("view %s: %w", out.Name, err)
	}
	for _, c := range rel.Columns {
		out.Columns = append(out.Columns, algebra.Column{Name: c.Name, Type: c.Type})
	}
	return nil
}

// checkNames refuses what the names of a view's relations leave ambiguous: the
// name of a maintained view that is also a relation of the source, and tables
// in the schemas that we write.
func (a *analyzer) checkNames(v View, m *translate.Meaning) error {
	ambiguous := func(view, schema string) {
		m.Problem(translate.CodeName, view, fmt.Sprintf("%q can mean the maintained view or the relation %s.%s", view, schema, view),
			fmt.Sprintf("write %s.%s for the relation, or rename the maintained view", schema, view))
	}
	for oid := range m.Depends {
		name, ok := a.names[oid]
		if !ok {
			continue
		}
		var hidden string
		err := a.tx.QueryRow(a.ctx, `
			SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relname = $1 AND n.nspname = ANY (pg_catalog.current_schemas(false)) LIMIT 1`, name).Scan(&hidden)
		if errors.Is(err, pgx.ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
		ambiguous(name, hidden)
	}
	// A view declared before the one of its table's name has read the table.
	for _, rel := range m.Tables {
		if oid, ok := a.oids[rel.Name]; ok && rel.Name != v.Name {
			now, err := a.readsNow(v, oid)
			if err != nil {
				return err
			}
			if now && !m.Depends[oid] {
				ambiguous(rel.Name, rel.Schema)
			}
		}
	}
	for _, rel := range m.Tables {
		if slices.Contains(a.reserved, rel.Schema) {
			m.Problem(translate.CodeRelation, rel.SQL(), "table "+rel.SQL()+" is in a schema that stepping-cdc writes to itself",
				"read a maintained view by its own name, without a schema; if the table is yours, let sink.schema be another one")
		}
	}
	return nil
}

// readsNow says whether a view, if it were declared now that all are, would read
// the given one.
func (a *analyzer) readsNow(v View, oid uint32) (bool, error) {
	sub, err := a.tx.Begin(a.ctx)
	if err != nil {
		return false, fmt.Errorf("view %s: %w", v.Name, err)
	}
	defer func() { _ = sub.Rollback(a.ctx) }()
	const probe = "stepping-cdc probe"
	if err := sub.Conn().PgConn().ExecParams(a.ctx, createPrefix(probe)+v.Query, nil, nil, nil, nil).Read().Err; err != nil {
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) {
			return true, nil // the maintained view has other columns than the table
		}
		return false, fmt.Errorf("view %s: %w", v.Name, err)
	}
	var reads bool
	err = sub.QueryRow(a.ctx, `
		SELECT EXISTS (SELECT FROM pg_catalog.pg_depend d
			JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
			JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
			WHERE c.relname = $1 AND c.relnamespace = pg_catalog.pg_my_temp_schema()
			  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $2)`, probe, oid).Scan(&reads)
	if err != nil {
		return false, fmt.Errorf("view %s: %w", v.Name, err)
	}
	return reads, nil
}
