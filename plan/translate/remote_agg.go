package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// plainAggregate is the kind (pg_aggregate.aggkind) of all aggregates but the
// ordered-set and hypothetical-set ones, which are written WITHIN GROUP and have
// arguments of their own beside the rows'.
const plainAggregate = "n"

// aggregateCall is what an aggregate call reads and in which order.
type aggregateCall struct {
	proc    *catalog.Proc
	kind    string
	args    []expr.Expr // of each row: the aggregate's, then those of ORDER BY alone
	inputs  int         // how many are the aggregate's
	direct  []string    // the direct arguments of an ordered-set aggregate, if all are constants
	sort    []algebra.SortKey
	ops     []*catalog.Operator // by which sort compares
	unusual []bool              // of those of DISTINCT: what is equal is not what the type's default operator class says
}

// aggregateCall translates the arguments of a call. DISTINCT in it sorts as
// well: by ORDER BY and then by what of the arguments that leaves open.
func (t *translator) aggregateCall(n *pgtree.Node, proc *catalog.Proc, s *scope) *aggregateCall {
	c := &aggregateCall{proc: proc, kind: n.Str("aggkind")}
	at := map[int]int{}
	var junk []*pgtree.Node
	add := func(te *pgtree.Node) {
		if ref := te.Int("ressortgroupref"); ref > 0 {
			at[ref] = len(c.args)
		}
		c.args = append(c.args, t.expr(te.Node("expr"), s))
	}
	for _, te := range n.Nodes("args") {
		if te.Bool("resjunk") {
			junk = append(junk, te)
			continue
		}
		add(te)
	}
	c.inputs = len(c.args)
	for _, te := range junk {
		add(te)
	}
	order := n.Nodes("aggdistinct")
	for _, o := range order {
		c.unusual = append(c.unusual, !t.usualEquality(o, c.args[at[o.Int("tleSortGroupRef")]].Type()))
	}
	if len(order) == 0 {
		order = n.Nodes("aggorder")
	}
	for _, o := range order {
		t.sortArgument(c, o, at[o.Int("tleSortGroupRef")])
	}
	if len(order) == 0 && c.kind == plainAggregate && c.inputs > 0 {
		t.inInputOrder(c, s)
	}
	return c
}

// sortArgument adds an argument to what a call sorts by.
func (t *translator) sortArgument(c *aggregateCall, clause *pgtree.Node, arg int) {
	op, err := t.cat.Operator(t.ctx, clause.OID("sortop"))
	if err != nil {
		t.fail(err)
		return
	}
	c.sort = append(c.sort, algebra.SortKey{Col: arg, Desc: op.Name == ">", NullsFirst: clause.Bool("nulls_first")})
	c.ops = append(c.ops, op)
}

// guard makes arguments that can raise an error depend on FILTER: Postgres
// computes them for the rows that pass alone.
func guard(args []expr.Expr, filter expr.Expr) {
	for i, a := range args {
		if !expr.Total(a) {
			args[i] = &expr.Case{Whens: []expr.Expr{filter, a}, Else: &expr.Const{T: a.Type()}, T: a.Type()}
		}
	}
}

// signatureOf names an aggregate in labels: that of one outside pg_catalog has
// its schema.
func signatureOf(p *catalog.Proc) string {
	if p.Signature != "" {
		return p.Signature
	}
	return pgx.Identifier{p.Schema, p.Name}.Sanitize() + "(" + strings.Join(p.ArgTypes, ",") + ")"
}

// stableTransitions are the STABLE functions of aggregates in pg_catalog that
// depend on the text form of the arguments alone.
var stableTransitions = []string{"json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"}

// steady says whether an aggregate is a function of its rows, and records why not.
func (t *translator) steady(n *pgtree.Node, c *aggregateCall) bool {
	support, err := t.cat.Support(t.ctx, c.proc.OID)
	if err != nil {
		t.fail(err)
		return false
	}
	name := "aggregate " + describe(c.proc)
	for _, p := range support {
		switch {
		case p.Volatility == "i":
		case p.Volatility == "s" && p.Schema == "pg_catalog" && slices.ContainsFunc(stableTransitions, func(prefix string) bool { return strings.HasPrefix(p.Name, prefix) }):
			for _, a := range c.args {
				if !t.settled(n, a.Type()) {
					return false
				}
			}
		case p.Volatility == "v":
			t.problem(n, CodeVolatile, name, name+" calls "+p.Name+", which is VOLATILE: it is not a function of the data", "leave it out, or declare the function IMMUTABLE if it is so in truth")
			return false
		default:
			t.problem(n, CodeVolatile, name, name+" calls "+p.Name+", which is STABLE: it may depend on tables, on the session or on the clock", "declare the function IMMUTABLE if it depends on its arguments alone")
			return false
		}
	}
	return true
}

// remoteAggregate leaves an aggregate to Postgres: it is computed from all of a
// group's rows, sent as an array for each argument, whenever one of them changed.
// Without ORDER BY the rows come in the order of the arguments' keys; rows that
// ORDER BY leaves equal do, too.
func (t *translator) remoteAggregate(n *pgtree.Node, c *aggregateCall, a *algebra.Agg) bool {
	name := "aggregate " + describe(c.proc)
	c.countRows()
	if !t.steady(n, c) || !t.told(n, a.T) {
		return false
	}
	from, parts, arrays := t.rowsOf(c)
	a.Args = parts
	if t.err != nil {
		return false
	}
	from[0] = "(SELECT " + t.callOver(n, c) + from[0]
	from[len(from)-1] += ")"
	a.Remote = expr.NewRemote(from, arrays, false, a.T)
	a.Sort = nil
	empty, pgErr, err := t.cat.Value(t.ctx, a.Remote.Query(func(i int) string { return "('{}'::" + arrays[i].Type().SQL + ")" }), a.T)
	switch {
	case err != nil:
		t.fail(err)
		return false
	case pgErr != nil && pgErr.Code[:2] == "42":
		t.problem(n, CodeUnsupported, name, fmt.Sprintf("%s cannot be asked of Postgres by itself: %s", name, pgErr.Message), "")
		return false
	case pgErr != nil:
		empty = values.Errorf(pgErr.Code, "%s", pgErr.Message)
	}
	a.Empty = empty
	return true
}

// rowsOf writes the FROM clause that gives back the rows of a group as columns
// c1, c2 … and o, their number. What travels are the parts, an array for each.
// Arrays, of which there are no arrays, and what has no binary form travel as
// text.
func (t *translator) rowsOf(c *aggregateCall) (sql []string, parts, arrays []expr.Expr) {
	columns := make([]string, len(c.args))
	var names []string
	for i, e := range c.args {
		pieces, of := expr.Parts(e)
		columns[i] = pieces[0]
		for k, part := range of {
			ty := part.Type()
			name := fmt.Sprintf("p%d", len(parts)+1)
			column := "r." + name
			if ty.TextInArrays() {
				column = "CAST(" + column + " AS " + ty.SQL + ")"
				ty = values.TextType
			}
			columns[i] += column + t.collation(part, part.Type().Collation) + pieces[k+1]
			arrays = append(arrays, &expr.Col{Index: len(parts), Name: name, T: values.ArrayOf(ty)})
			parts, names = append(parts, part), append(names, name)
		}
		columns[i] += fmt.Sprintf(" AS c%d", i+1)
	}
	if len(parts) == 0 { // they are constants, which are written out: the rows alone travel
		arrays = append(arrays, &expr.Col{Name: "p1", T: values.ArrayOf(values.BoolType)})
		parts, names = append(parts, &expr.Const{V: values.True, T: values.BoolType}), append(names, "p1")
	}
	sql = []string{" FROM (SELECT " + strings.Join(columns, ", ") + ", r.o FROM ROWS FROM ("}
	for i := range parts {
		sql[i] += "pg_catalog.unnest("
		end := "), "
		if i == len(parts)-1 {
			end = ")"
		}
		sql = append(sql, end)
	}
	sql[len(sql)-1] += ") WITH ORDINALITY AS r(" + strings.Join(names, ", ") + ", o) ORDER BY r.o) AS u"
	return sql, parts, arrays
}

// countRows gives a call without arguments, which only counts, something to count.
func (c *aggregateCall) countRows() {
	if len(c.args) == 0 {
		c.args = append(c.args, &expr.Const{V: values.True, T: values.BoolType})
	}
}

// callOver writes the call over the columns of rowsOf.
func (t *translator) callOver(n *pgtree.Node, c *aggregateCall) string {
	if c.kind != plainAggregate {
		return c.name() + "(" + strings.Join(c.direct, ", ") + ") WITHIN GROUP (" + c.orderBy() + ")"
	}
	inputs := make([]string, c.inputs)
	for i := range inputs {
		inputs[i] = fmt.Sprintf("u.c%d", i+1)
	}
	if n.Bool("aggvariadic") {
		inputs[c.inputs-1] = "VARIADIC " + inputs[c.inputs-1]
	}
	call := c.name() + "("
	distinct := len(n.Nodes("aggdistinct")) > 0
	if distinct {
		call += "DISTINCT "
	}
	if call += strings.Join(inputs, ", "); c.inputs == 0 {
		call += "*"
	}
	if len(c.sort) > 0 {
		call += " " + c.orderBy()
		if !distinct {
			call += ", u.o"
		}
	}
	return call + ")"
}

func (c *aggregateCall) name() string {
	return pgx.Identifier{c.proc.Schema, c.proc.Name}.Sanitize()
}

// orderBy is what a call sorts by, over the columns of rowsOf.
func (c *aggregateCall) orderBy() string {
	order := make([]string, len(c.sort))
	for i, k := range c.sort {
		op := c.ops[i]
		order[i] = fmt.Sprintf("u.c%d USING OPERATOR(%s.%s) NULLS ", k.Col+1, pgx.Identifier{op.Schema}.Sanitize(), op.Name)
		if k.NullsFirst {
			order[i] += "FIRST"
		} else {
			order[i] += "LAST"
		}
	}
	return "ORDER BY " + strings.Join(order, ", ")
}

// literal writes a constant as SQL, or what Postgres makes of constants.
func literal(e expr.Expr) (string, bool) {
	parts := make([]string, len(e.Children()))
	for i, x := range e.Children() {
		var ok bool
		if parts[i], ok = literal(x); !ok {
			return "", false
		}
	}
	switch e := e.(type) {
	case *expr.ArrayOf:
		return "CAST(ARRAY[" + strings.Join(parts, ", ") + "] AS " + e.T.SQL + ")", true
	case *expr.Remote:
		return "(" + e.Query(func(i int) string { return "(" + parts[i] + ")" }) + ")", true
	}
	k, ok := e.(*expr.Const)
	if !ok || k.V.IsErr() {
		return "", false
	}
	if k.V.IsNull() {
		return "CAST(NULL AS " + k.T.SQL + ")", true
	}
	text, err := values.AppendText(nil, k.T, k.V)
	if err != nil {
		return "", false
	}
	return "CAST(" + catalog.Quote(string(text)) + " AS " + k.T.SQL + ")", true
}
