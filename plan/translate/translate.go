// Package translate turns Postgres' analyzed query trees into relational algebra, or
// says what of a view cannot be maintained, where it stands, and how to mend it.
//
// It knows query trees, the catalogue's entries that they refer to, and what of SQL can
// be maintained. It must not know of circuits: what a node of the algebra costs, and how
// it is computed.
package translate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/calls"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/plan/sqltext"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// View is a view as Postgres analyzed it.
type View struct {
	Name           string
	Query          string // its text
	Prefix         int    // bytes before it in what locations of the tree refer to
	Tree           string // of its rule
	RecursionLimit int64
	Reader         uint32 // the role as whom it reads tables; 0 for who asks
}

// Session is where the views were analyzed.
type Session struct {
	Catalog  *catalog.Catalog
	Settings Settings
	Now      time.Time
	Version  int // of the server, the major one
}

// Meaning is a view as algebra, or why it cannot be maintained.
type Meaning struct {
	Node    algebra.Node
	Tables  map[uint32]*catalog.Relation // that it reads, by number
	Whole   map[uint32]*catalog.Relation // those of which it reads rows as values, with all columns that they have
	Depends map[uint32]bool              // maintained views (their temporary views) that it reads
	Heirs   []catalog.Inheritance        // the tables that it reads with those that inherit from them, by number
	Parted  []uint32                     // those that it asks for the partitions of their rows
	Locks   bool                         // it has a locking clause
	Pinned  map[string]string            // settings that few views depend on and this one does, with their values
	t       *translator
}

// Problems are all that speaks against the view.
func (m *Meaning) Problems() []Problem { return m.t.problems }

// Problem adds one, about what the view's text calls construct.
func (m *Meaning) Problem(code Code, construct, message, remedy string) {
	m.t.problem(nil, code, construct, message, remedy)
}

// Translate turns the analyzed query of a view into algebra.
func (s Session) Translate(ctx context.Context, v View) (*Meaning, error) {
	t := &translator{
		ctx: ctx, cat: s.Catalog, calls: calls.New(ctx, s.Catalog, s.Settings.zone()), settings: s.Settings, now: s.Now, version: s.Version, view: v.Name, recursionLimit: v.RecursionLimit, reader: v.Reader,
		query: v.Query, prefix: v.Prefix, images: map[string][]byte{},
		tables: map[uint32]*catalog.Relation{}, heirs: map[uint32][]uint32{}, partitioned: map[uint32]bool{}, whole: map[uint32]*catalog.Relation{}, depends: map[uint32]bool{}, loops: map[loop]algebra.Node{}, working: map[*pgtree.Node]*working{},
		refs: map[*pgtree.Node][]outerRef{}, reading: map[*pgtree.Node]bool{}, cyclic: map[*pgtree.Node]bool{},
	}
	q, err := querytree.Parse(v.Tree)
	if err != nil {
		return nil, err
	}
	node := t.selection(q, nil, nil)
	m := &Meaning{Node: node, Tables: t.tables, Whole: t.whole, Depends: t.depends, Locks: t.locking, Pinned: t.pinned, t: t}
	for _, oid := range slices.Sorted(maps.Keys(t.heirs)) {
		m.Heirs = append(m.Heirs, catalog.Inheritance{Parent: t.tables[oid], Heirs: t.heirs[oid]})
	}
	m.Parted = slices.Sorted(maps.Keys(t.partitioned))
	return m, cmp.Or(t.err, t.calls.Err())
}

// translator turns the analyzed query tree of one view into algebra. What it
// cannot maintain it records as a problem and carries on, so that all problems
// of a view are told at once.
type translator struct {
	ctx      context.Context
	cat      *catalog.Catalog
	calls    *calls.Calls
	settings Settings
	now      time.Time // of the analysis
	version  int

	recursionLimit int64

	view     string
	query    string            // the view's text
	prefix   int               // bytes before it in what locations of the tree refer to
	images   map[string][]byte // what Postgres makes of literals; nil of what is none of the type
	within   string            // the nested view being expanded
	reader   uint32            // as whom its tables are read; 0 for who asks
	problems []Problem
	expanded []uint32 // views being expanded, outermost first
	tables   map[uint32]*catalog.Relation
	heirs    map[uint32][]uint32 // of the tables that are read with them
	// partitioned are the tables that are read with the partitions of their rows.
	partitioned map[uint32]bool
	whole       map[uint32]*catalog.Relation  // tables whose rows are read as values
	depends     map[uint32]bool               // maintained views (their temporary views) that are read
	loops       map[loop]algebra.Node         // recursive WITH queries
	working     map[*pgtree.Node]*working     // those being translated
	refs        map[*pgtree.Node][]outerRef   // of WITH queries
	reading     map[*pgtree.Node]bool         // WITH queries whose references are being found
	cyclic      map[*pgtree.Node]bool         // those of them that were met again
	locking     bool                          // a locking clause was met
	inlined     int                           // references to WITH queries so far
	shared      map[*pgtree.Node]algebra.Node // WITH queries that are translated once
	pinned      map[string]string             // settings that it depends on, beside the time zone
	// outerAggs are the aggregates in sub-queries that belong to a query around
	// them, as that query reads them.
	outerAggs map[*pgtree.Node]*pgtree.Node
	err       error // the first failure that is not the query's fault
}

// scope is the names that a query's expressions can refer to.
type scope struct {
	query  *pgtree.Node
	parent *scope
	rtes   []*pgtree.Node
	start  map[int]int // rtindex → first column in the FROM row
	cols   map[int]int // rtindex → number of columns
	ctes   map[string]*pgtree.Node
	domain *domain          // of a sub-query that refers to what is around it
	from   []algebra.Column // the FROM row: the domain's columns, then the relations'
	hidden int              // columns of the last relation that the query does not see
	parts  []part           // of FROM, those before the one that is being translated
	// sure is how many of parts stand outside all joins that would make up a row if the
	// relation that is being translated had none.
	sure int
	// within are the relations that are translated here, if these are a part of the query's: those of a join for
	// which what stands beside it is a domain.
	within  map[int]bool
	binding []*pgtree.Node // conditions between that join's left side and its domain
	whole   map[int]bool   // relations whose rows are read as values
	// tableOIDs are the relations whose rows are asked for their table.
	tableOIDs map[int]bool
	meets     []expr.Expr // which rows of correlated relations in FROM belong to which of the domain
	// node is the relation that expressions are over. Sub-queries in them add
	// columns behind those of the FROM row, or of the aggregate.
	node algebra.Node
	// kept has the rows of node, before sub-queries of expressions added columns;
	// base has them before conditions with sub-queries took some away. Domains
	// are made of these, which are the smaller plans.
	kept, base algebra.Node
	later      []*pgtree.Node             // conditions of inner joins that hold sub-queries
	inputOrder []inputKey                 // of the rows that aggregates and windows without ORDER BY read
	agg        *grouping                  // while translating above GROUP BY
	spread     map[*pgtree.Node]expr.Expr // set-returning calls of the target list → columns of node
	ordinals   []int                      // by depth, the columns of node that number what these calls make of a row
	windows    map[*pgtree.Node]expr.Expr // calls over windows, over node
	tests      []expr.Expr                // what CASE x WHEN compares, innermost last
	part       *pgtree.Node               // the array that is being translated for one of its elements
	guards     []expr.Expr                // what is true of the rows that the expression is evaluated for, by CASE and COALESCE around it
	linked     map[*pgtree.Node]expr.Expr // sub-queries that are compared with sub-queries, once they are answered
	answers    []*answers                 // of the sub-queries whose comparison is being translated
}

// discovering says that the expressions above GROUP BY are only looked through
// for the aggregates and columns that they read.
func (s *scope) discovering() bool { return s.agg != nil && !s.agg.complete }

// grouping collects the aggregates of a query while its expressions are
// translated: they read the aggregate's output row.
type grouping struct {
	group  []expr.Expr // over the FROM row
	keys   []string    // their identities
	domain int         // how many of them, the first, are the domain's columns
	aggs   []algebra.Agg
	names  []string // the aggregates' identities
	seen   map[*pgtree.Node]int
	// orderedSets are the calls whose direct arguments are of the group.
	orderedSets map[*pgtree.Node]*orderedSet
	at          map[int]int // tleSortGroupRef → group column
	labels      map[int]int // group column → that of its label, which is told apart in its place
	sets        [][]int     // grouping sets, of tleSortGroupRefs; none for a plain GROUP BY
	calls       [][]int     // arguments of GROUPING, of tleSortGroupRefs
	// asWritten are the group expressions that are known by how they are written: those
	// that hold sub-queries or set-returning calls.
	asWritten []groupedExpr
	// complete: all aggregates and group columns are known.
	complete bool
}

func (t *translator) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *translator) problem(n *pgtree.Node, code Code, construct, message, remedy string) {
	p := Problem{View: t.view, Code: code, Construct: construct, Message: message, Remedy: remedy}
	if len(t.expanded) > 0 {
		p.Message += " (in view " + t.within + ")"
	} else if at := t.place(n, construct); at >= 0 {
		p.Line, p.Col = sqltext.LineCol(t.query, at)
	}
	for _, q := range t.problems {
		if q == p {
			return
		}
	}
	t.problems = append(t.problems, p)
}

// place is the byte of the query at which a construct stands; -1 if unknown.
func (t *translator) place(n *pgtree.Node, construct string) int {
	if n != nil && n.Has("location") {
		if at := n.Int("location"); at >= t.prefix && at <= t.prefix+len(t.query) {
			return at - t.prefix
		}
	}
	return sqltext.Locate(t.query, construct)
}

// empty stands in for a relation that was refused.
func empty(cols []algebra.Column) algebra.Node { return &algebra.Values{Columns: cols} }

// relation translates one entry of the range table; with tableOID, a table has that column
// behind its own.
func (t *translator) relation(rte *pgtree.Node, s *scope, tableOID bool) algebra.Node {
	names := []string(nil)
	if e := rte.Node("eref"); e != nil {
		names = e.Strings("colnames")
	}
	switch kind := rte.Int("rtekind"); kind {
	case querytree.Relation:
		return t.table(rte, names, tableOID)
	case querytree.Subquery:
		return t.subquery(rte, s)
	case querytree.Function:
		return t.rangeFunction(rte, names, s)
	case querytree.Values:
		return t.values(rte, names, s)
	case querytree.CTE:
		return t.cte(rte, s)
	case querytree.Result:
		return oneRow()
	case querytree.TableFunc:
		return t.tableFunction(rte, names, s)
	default: // no view has another
		t.fail(fmt.Errorf("range table entry %q of kind %d", rte.Node("eref").Str("aliasname"), kind))
		return empty(t.unknownCols(names))
	}
}

// unknownCols are stand-ins for the columns of a relation that was refused.
func (t *translator) unknownCols(names []string) []algebra.Column {
	cols := make([]algebra.Column, len(names))
	for i, n := range names {
		cols[i] = algebra.Column{Name: n, Type: values.TextType}
	}
	return cols
}

// table translates a table, or expands a view by its own stored tree.
func (t *translator) table(rte *pgtree.Node, names []string, tableOID bool) algebra.Node {
	oid := rte.OID("relid")
	rel, err := t.cat.Relation(t.ctx, oid)
	if err != nil {
		t.fail(err)
		return empty(t.unknownCols(names))
	}
	if rte.Node("tablesample") != nil {
		t.problem(rte.Node("tablesample"), CodeVolatile, "TABLESAMPLE", "TABLESAMPLE is not a function of the data: its choice of rows depends on their physical place", "leave it out")
	}
	kinds := map[string]string{"m": "materialized view", "f": "foreign table", "S": "sequence"}
	switch rel.Kind {
	case "v":
		if isSystem(rel.Schema) {
			t.problem(nil, CodeRelation, rel.SQL(), "system view "+rel.SQL()+" is not replicated", "")
			return empty(t.relCols(rel))
		}
		if slices.Contains(t.expanded, oid) {
			t.problem(nil, CodeRelation, rel.SQL(), "view "+rel.SQL()+" refers to itself", "")
			return empty(t.unknownCols(names))
		}
		if rel.Temp {
			t.depends[oid] = true
		}
		return t.expand(rel)
	case "r", "p":
		if rel.Temp {
			t.problem(nil, CodeRelation, rel.SQL(), "temporary table "+rel.Name+" is not replicated", "use an ordinary table")
		}
		if isSystem(rel.Schema) {
			t.problem(nil, CodeRelation, rel.SQL(), "system table "+rel.SQL()+" is not replicated", "")
		}
		t.rowSecurity(rel)
		switch {
		case rel.Kind == "p" && !rte.Bool("inh"): // ONLY of it
			return t.ofTable(rel, empty(t.relCols(rel)), tableOID)
		case rel.Kind == "r" && rte.Bool("inh"):
			return t.inherited(rel, tableOID)
		case rel.Kind == "p" && tableOID:
			return t.ofPartitions(rel)
		}
		return t.generated(rel, t.ofTable(rel, t.scan(rel), tableOID), anyGenerated)
	default:
		remedy := ""
		if rel.Kind == "m" {
			remedy = "list it in the configuration by `from: " + rel.Schema + "." + rel.Name + "` and read the maintained view, or read what it reads"
		}
		t.problem(nil, CodeRelation, rel.SQL(), kinds[rel.Kind]+" "+rel.SQL()+" is not replicated", remedy)
		return empty(t.relCols(rel))
	}
}

// tableOIDColumn is TableOidAttributeNumber of Postgres' sysattr.h.
const tableOIDColumn = -6

// ofTable adds to the rows of a table the one system column that is not a matter of their
// storage: which table they are of
// (postgresql.org/docs/current/ddl-system-columns.html).
func (t *translator) ofTable(rel *catalog.Relation, rows algebra.Node, tableOID bool) algebra.Node {
	if !tableOID {
		return rows
	}
	p := algebra.Pick(rows, algebra.FirstN(len(rows.Cols())))
	p.Exprs = append(p.Exprs, &expr.Const{V: values.Int(int64(rel.OID)), T: values.OIDType})
	p.Names = append(p.Names, "tableoid")
	return p
}

// scan reads all columns of a table. Attribute numbers have gaps where columns were
// dropped: Var looks the column up by number, so there is one column for each live one.
func (t *translator) scan(rel *catalog.Relation) algebra.Node {
	t.tables[rel.OID] = rel
	return &algebra.Scan{Table: rel, Attrs: algebra.FirstN(len(rel.Columns))}
}

func isSystem(schema string) bool { return schema == "pg_catalog" || schema == "information_schema" }

func (t *translator) relCols(rel *catalog.Relation) []algebra.Column {
	cols := make([]algebra.Column, len(rel.Columns))
	for i, c := range rel.Columns {
		cols[i] = algebra.Column{Name: c.Name, Type: c.Type}
	}
	return cols
}

// expand translates the definition of a view in place of it.
func (t *translator) expand(rel *catalog.Relation) algebra.Node {
	tree, err := t.cat.ViewTree(t.ctx, rel.OID)
	if err != nil {
		t.fail(err)
		return empty(t.relCols(rel))
	}
	q, err := querytree.Parse(tree)
	if err != nil {
		t.fail(fmt.Errorf("view %s: %w", rel.SQL(), err))
		return empty(t.relCols(rel))
	}
	reader, err := t.cat.Reader(t.ctx, rel.OID)
	if err != nil {
		t.fail(err)
		return empty(t.relCols(rel))
	}
	within, as := t.within, t.reader
	t.within, t.reader = rel.SQL(), reader
	t.expanded = append(t.expanded, rel.OID)
	node := t.selection(q, nil, nil)
	t.expanded = t.expanded[:len(t.expanded)-1]
	t.within, t.reader = within, as
	return node
}

// rowSecurity refuses a table of which the role that a view reads it as does not see all
// rows: the changes of all of them are replicated. Whether we see them is checked with
// the source.
func (t *translator) rowSecurity(rel *catalog.Relation) {
	if !rel.RowSec || t.reader == 0 {
		return
	}
	hides, role, err := t.cat.HidesRows(t.ctx, rel.OID, t.reader)
	if err != nil {
		t.fail(err)
		return
	}
	if hides {
		t.problem(nil, CodeRelation, rel.SQL(), "row security hides rows of "+rel.SQL()+" from role "+role+", as whom the view reads it",
			"write the policy's condition into the query, over a view whose owner sees all rows")
	}
}

// oneRow is a relation of one row without columns: what a query without FROM
// reads.
func oneRow() algebra.Node { return &algebra.Values{Rows: [][]expr.Expr{{}}} }

// setOperation translates UNION, INTERSECT and EXCEPT; its leaves are sub-queries whose columns
// may still have to be brought to the common type.
func (t *translator) setOperation(n *pgtree.Node, s *scope) algebra.Node {
	if n.Tag == "RANGETBLREF" {
		return t.selection(s.rtes[n.Int("rtindex")-1].Node("subquery"), s, s.domain.inside())
	}
	left, right := t.setInput(n, "larg", s), t.setInput(n, "rarg", s)
	for i := range min(len(left.Exprs), len(right.Exprs)) {
		a, b := left.Exprs[i], right.Exprs[i]
		if to := values.CommonRecord([]*values.Type{a.Type(), b.Type()}); to != nil {
			left.Exprs[i], right.Exprs[i] = expr.AsVariant(a, to), expr.AsVariant(b, to)
		}
	}
	out := &algebra.UnionAll{Inputs: []algebra.Node{left, right}}
	op := map[int]string{1: "union", 2: "intersect", 3: "except"}[n.Int("op")]
	if n.Bool("all") {
		op += " all"
	}
	if op == "union all" {
		return out
	}
	cols := out.Cols()
	var key []int
	for i, in := range out.Inputs {
		out.Inputs[i], key = t.labelled(n, strings.ToUpper(op), in, s.domain.width())
	}
	if op == "union" {
		return without(&algebra.Distinct{In: alike(out, key, nil), Key: key}, cols)
	}
	errors := dissimilar(out, key, nil)
	return without(withErrors(algebra.SetDifference(op, out.Inputs[0], out.Inputs[1], key), errors), cols)
}

// setInput translates one side of a set operation, brought to its types.
func (t *translator) setInput(n *pgtree.Node, side string, s *scope) *algebra.Project {
	dw := s.domain.width()
	types, typmods, colls := n.Ints("colTypes"), n.Ints("colTypmods"), n.Ints("colCollations")
	in := t.setOperation(n.Node(side), s)
	p := &algebra.Project{In: in}
	for i, c := range in.Cols() {
		var e expr.Expr = &expr.Col{Index: i, Name: c.Name, T: c.Type}
		if k := i - dw; k >= 0 && k < len(types) {
			e = t.coerce(n, e, t.typ(uint32(types[k]), int32(typmods[k]), uint32(colls[k])))
		}
		p.Exprs = append(p.Exprs, e)
		p.Names = append(p.Names, c.Name)
	}
	return p
}

// checkKeys refuses what cannot be told equal or different natively.
func (t *translator) checkKeys(n *pgtree.Node, construct string, keys []expr.Expr) {
	for _, k := range keys {
		if k.Type().MixesVariants() {
			t.problem(n, CodeType, construct+" over rows of different fields", construct+" over rows of different fields: it is Postgres' plan that decides which of them it compares, or Postgres alone knows what is equal of a field",
				"cast them to one composite type, or to text")
			continue
		}
		if !values.Equatable(k.Type()) {
			t.problem(n, CodeType, construct+" over "+k.Type().SQL,
				construct+" over a value of type "+k.Type().SQL+" cannot be maintained: its equality is known to Postgres alone",
				"cast the value to text or another type with a plain equality")
		}
	}
}

func (t *translator) typ(oid uint32, typmod int32, collation uint32) *values.Type {
	ty, err := t.cat.Type(t.ctx, oid, typmod, collation)
	if err != nil {
		t.fail(err)
		return values.TextType
	}
	return ty
}
