package translate

import (
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// The bits of frameOptions (Postgres' parsenodes.h).
const (
	frameRows           = 0x00004
	frameGroups         = 0x00008
	frameStartUnbounded = 0x00020
	frameEndUnbounded   = 0x00100
	frameStartCurrent   = 0x00200
	frameEndCurrent     = 0x00400
	frameStartPreceding = 0x00800
	frameEndPreceding   = 0x01000
	frameExcludeCurrent = 0x08000
	frameExcludeGroup   = 0x10000
	frameExcludeTies    = 0x20000
)

// windowFunc translates a call over a window: it adds the window's results to the
// row that the target list is over, all calls over one window at once.
func (t *translator) windowFunc(n *pgtree.Node, s *scope) expr.Expr {
	if s.discovering() {
		t.exprs(n.Nodes("args"), s)
		if f := n.Node("aggfilter"); f != nil {
			t.expr(f, s)
		}
		return &expr.Const{T: t.typ(n.OID("wintype"), -1, n.OID("wincollid"))}
	}
	if s.node == nil {
		return nil
	}
	if _, done := s.windows[n]; !done {
		t.window(n.Int("winref"), s)
	}
	e, ok := s.windows[n]
	if !ok {
		return nil // refused
	}
	return e
}

// window computes all calls over one window of a query.
func (t *translator) window(ref int, s *scope) {
	clauses := s.query.Nodes("windowClause")
	i := slices.IndexFunc(clauses, func(c *pgtree.Node) bool { return c.Int("winref") == ref })
	if i < 0 {
		return
	}
	clause := clauses[i]
	guards := s.guards
	s.guards = nil // a window reads all rows, whatever is around the call
	defer func() { s.guards = guards }()
	calls := windowCalls(s.query, ref)
	if len(s.inputOrder) == 0 || s.agg != nil || sortsForWindows(s.query) {
		t.windowOf(clause, calls, nil, s)
		return
	}
	var inOrder, rest []*pgtree.Node
	for _, c := range calls {
		if t.numbersRows(c) {
			inOrder = append(inOrder, c)
		} else {
			rest = append(rest, c)
		}
	}
	t.windowOf(clause, inOrder, s.inputOrder, s)
	t.windowOf(clause, rest, nil, s)
}

// sortsForWindows says that Postgres sorts a query's rows for one of its windows: the others may see them in that order.
func sortsForWindows(q *pgtree.Node) bool {
	return slices.ContainsFunc(q.Nodes("windowClause"), func(c *pgtree.Node) bool {
		return len(c.Nodes("partitionClause")) > 0 || len(c.Nodes("orderClause")) > 0
	})
}

// numbersRows says that a call over a window looks at its rows one by one, in their order, whichever of them are peers.
func (t *translator) numbersRows(call *pgtree.Node) bool {
	proc, err := t.cat.Proc(t.ctx, call.OID("winfnoid"))
	if err != nil {
		t.fail(err)
		return false
	}
	return proc.Schema == "pg_catalog" && slices.Contains([]string{"row_number", "ntile", "lag", "lead"}, proc.Name)
}

// windowOf computes calls over one window, whose rows are in the given order if the window says none.
func (t *translator) windowOf(clause *pgtree.Node, calls []*pgtree.Node, unsaid []inputKey, s *scope) {
	if len(calls) == 0 {
		return
	}

	// What the window reads are columns of its input.
	var read []expr.Expr
	place := func(e expr.Expr) int {
		read = append(read, e)
		return len(read) - 1
	}
	var partition []int
	for _, c := range clause.Nodes("partitionClause") {
		partition = append(partition, place(t.samenessBy(clause, "PARTITION BY", c, t.sortedBy(c, s))))
	}
	var order []algebra.SortKey
	var sorted []expr.Expr
	for _, c := range clause.Nodes("orderClause") {
		e := t.sortedBy(c, s)
		by, k := t.sortKey(c, e)
		k.Col, sorted = place(by), append(sorted, e)
		order = append(order, k)
	}
	for _, u := range unsaid {
		e := t.expr(u.column, s)
		by, k := t.sortKey(u.clause, e)
		k.Col, sorted = place(by), append(sorted, e)
		order = append(order, k)
	}
	frame, ok := t.frame(clause, s, place)
	var funcs []algebra.WindowFunc
	var of []windowCall
	var own []*ownCall
	for _, c := range calls {
		f, known := t.windowCall(c, s, place)
		ok = ok && known
		of = append(of, f)
		funcs = append(funcs, f.funcs...)
		if f.own != nil && ok {
			own = append(own, f.own)
			ok = t.askOwn(f.own, clause, frame, read, sorted, place)
		}
	}
	var asked *askedFrames
	if frame.By() != nil && len(funcs) > 0 && ok {
		asked, ok = t.inRange(clause, &frame, read, order, sorted, place)
	}
	if !ok {
		return
	}
	base := s.node.Cols()
	in := algebra.Pick(s.node, algebra.FirstN(len(base)))
	for _, e := range read {
		in.Exprs, in.Names = append(in.Exprs, e), append(in.Names, "window")
	}
	shift := len(base)
	w := &algebra.Window{In: in, Frame: frame.Shift(shift), Funcs: funcs, Partition: s.domain.partition(), Droppable: t.version >= framesDropped}
	for _, p := range partition {
		at := shift + p
		if c, ok := read[p].(*expr.Col); ok {
			at = c.Index // not its copy: conditions on the column are about whole partitions
		}
		w.Partition = append(w.Partition, at)
	}
	for _, k := range order {
		k.Col += shift
		w.Order = append(w.Order, k)
	}
	w.In = alike(in, w.Partition, sortedColumns(w.Order))
	for i := range w.Funcs {
		for j := range w.Funcs[i].Args {
			w.Funcs[i].Args[j] += shift
		}
		if w.Funcs[i].Filter >= 0 {
			w.Funcs[i].Filter += shift
		}
	}
	if len(own) > 0 {
		w.In = ownResults(w.In, shift, w.Partition, w.Order, own)
	}
	if asked != nil {
		w.In, w.Order, w.Frame = asked.answered(w.In, shift, w.Partition, w.Order, w.Frame)
	}
	node := algebra.Node(w)
	if len(funcs) == 0 {
		node = w.In
	}
	s.stand(node)
	at, cols := len(w.In.Cols()), node.Cols()
	for i, c := range of {
		s.windows[calls[i]] = c.result(cols, at)
		at += len(c.funcs)
	}
}

// windowCalls are the calls over a window.
func windowCalls(query *pgtree.Node, ref int) (calls []*pgtree.Node) {
	for _, te := range query.Nodes("targetList") {
		pgtree.Walk(te, func(n *pgtree.Node) bool {
			if n.Tag == "WINDOWFUNC" && n.Int("winref") == ref {
				calls = append(calls, n)
			}
			return n.Tag != "QUERY"
		})
	}
	return calls
}

// sortedBy translates the target list's expression that a clause sorts by.
func (t *translator) sortedBy(c *pgtree.Node, s *scope) expr.Expr {
	ref := c.Int("tleSortGroupRef")
	for _, te := range s.query.Nodes("targetList") {
		if te.Int("ressortgroupref") == ref {
			return t.targetExpr(te, s)
		}
	}
	return placeholder
}

// windowCall translates one call; place makes an expression a column.
func (t *translator) windowCall(n *pgtree.Node, s *scope, place func(expr.Expr) int) (windowCall, bool) {
	f := algebra.WindowFunc{Filter: -1, T: t.typ(n.OID("wintype"), -1, n.OID("wincollid"))}
	proc, err := t.cat.Proc(t.ctx, n.OID("winfnoid"))
	if err != nil {
		t.fail(err)
		return windowCall{}, false
	}
	f.Name = proc.Signature
	args := t.exprs(n.Nodes("args"), s)
	f.T = t.known(f.T, args)
	if filter := n.Node("aggfilter"); filter != nil {
		passes := t.expr(filter, s)
		guard(args, passes)
		f.Filter = place(expr.Hold(passes))
	}
	native := func(impl *agg.Aggregate, args ...expr.Expr) (windowCall, bool) {
		for _, e := range args {
			f.Args = append(f.Args, place(expr.Hold(e)))
		}
		if impl != nil {
			f.Agg = &algebra.Agg{Name: f.Name, Impl: impl, T: f.T}
		}
		return windowCall{funcs: []algebra.WindowFunc{f}}, true
	}
	if slices.Contains(algebra.WindowFuncs, f.Name) {
		f.By, f.Fixed = fixedNumber(f.Name, args)
		return native(nil, args...)
	}
	if proc.Kind == "a" {
		types := make([]*values.Type, len(args))
		for i, e := range args {
			types[i] = e.Type()
		}
		if impl := agg.Lookup(f.Name, types, f.T); impl != nil {
			return native(impl, args...)
		}
		if impl, label := t.rankedExtreme(proc, args); impl != nil {
			return native(impl, args[0], label)
		}
		return t.remoteWindow(n, proc, args, f.Filter, f.T, place)
	}
	return windowCall{own: &ownCall{node: n, proc: proc, args: args, t: f.T}}, true
}

// fixedNumber is how many rows away lag or lead look, how many buckets ntile makes, or which row
// nth_value shows, if that is the same for all rows.
func fixedNumber(name string, args []expr.Expr) (by int64, fixed bool) {
	which := 1
	switch {
	case name == "ntile(int4)":
		which = 0
	case strings.HasPrefix(name, "nth_value("):
	case !strings.HasPrefix(name, "lag(") && !strings.HasPrefix(name, "lead("):
		return 0, false
	case len(args) == 1:
		return 1, true
	}
	c, constant := args[which].(*expr.Const)
	if !constant || c.V.IsErr() {
		return 0, false
	}
	if c.V.IsNull() { // looks nowhere: the result is NULL
		return 0, true
	}
	return c.V.Int64(), true
}

// framesDropped is the version from which on Postgres gives windows over which only functions are
// called that look at no frame another one, so that offsets neither are computed nor can fail
// (optimize_window_clauses of its planner.c, and the functions' support functions).
const framesDropped = 16

// frameOptions are a window's frame, in bits: if nothing looks at it, constants are not refused either. Which
// calls nobody needs is known later (algebra.Window.Droppable).
func (t *translator) frameOptions(clause *pgtree.Node, s *scope) int {
	if t.version >= framesDropped && !slices.ContainsFunc(windowCalls(s.query, clause.Int("winref")), t.looksAtFrame) {
		return frameRows | frameStartUnbounded | frameEndCurrent
	}
	return clause.Int("frameOptions")
}

// looksAtFrame says whether a call's result may depend on the frame. If it cannot be known
// that it does not, an error is told where the call is translated.
func (t *translator) looksAtFrame(call *pgtree.Node) bool {
	proc, err := t.cat.Proc(t.ctx, call.OID("winfnoid"))
	return err != nil || !slices.Contains(algebra.FramelessFuncs, proc.Signature)
}

// frame reads the frame of a window. Offsets that are no constants become columns.
func (t *translator) frame(clause *pgtree.Node, s *scope, place func(expr.Expr) int) (algebra.Frame, bool) {
	o := t.frameOptions(clause, s)
	f := algebra.Frame{Mode: algebra.FrameRange}
	switch {
	case o&frameRows != 0:
		f.Mode = algebra.FrameRows
	case o&frameGroups != 0:
		f.Mode = algebra.FrameGroups
	}
	switch {
	case o&frameExcludeCurrent != 0:
		f.Exclude = algebra.ExcludeCurrent
	case o&frameExcludeGroup != 0:
		f.Exclude = algebra.ExcludeGroup
	case o&frameExcludeTies != 0:
		f.Exclude = algebra.ExcludeTies
	}
	ok := true
	bound := func(unbounded, current, preceding int, field, which string) algebra.Bound {
		switch {
		case o&unbounded != 0:
			return algebra.Bound{Unbounded: true}
		case o&current != 0:
			return algebra.Bound{}
		}
		e := t.expr(clause.Node(field), s)
		before := o&preceding != 0
		c, constant := e.(*expr.Const)
		switch {
		case !constant || c.V.IsErr():
			b := algebra.Bound{Preceding: before, Computed: &algebra.Computed{Number: place(checkedOffset(e, which, f.Mode)), Edge: -1}}
			if f.Mode == algebra.FrameRange {
				b.By = &expr.Const{T: e.Type()}
			}
			return b
		case c.V.IsNull() || f.Mode != algebra.FrameRange && c.V.Int64() < 0:
			t.problem(clause, CodeSyntax, "a frame offset", "a frame offset must be a number, and not negative", "write the number")
			ok = false
			return algebra.Bound{}
		case f.Mode == algebra.FrameRange:
			return algebra.Bound{By: c, Preceding: before}
		case before:
			return algebra.Bound{Offset: -c.V.Int64()}
		}
		return algebra.Bound{Offset: c.V.Int64()}
	}
	f.Start = bound(frameStartUnbounded, frameStartCurrent, frameStartPreceding, "startOffset", "starting")
	f.End = bound(frameEndUnbounded, frameEndCurrent, frameEndPreceding, "endOffset", "ending")
	return f, ok
}
