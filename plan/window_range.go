package plan

import (
	"math"
	"sort"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// RANGE with an offset: a frame ends where the ordering column is so far from its
// value in the current row
// (postgresql.org/docs/current/sql-expressions.html#SYNTAX-WINDOW-FUNCTIONS, and
// for what far means of each type, #BTREE-SUPPORT-FUNCS in_range of xindex).

// reach computes how far a frame goes from a value. Beyond all values (above or
// below them) it is past; all says that every number is within reach, as that
// from one infinity by another.
type reach func(base values.Datum) (bound values.Datum, past int, all bool)

// newReach makes the function for one bound: base ± offset, in the type that
// comparable gives for a value of the column; nil where that is Postgres' alone.
func newReach(t *values.Type, by *expr.Const, sub bool) (r reach, comparable func(values.Datum) values.Datum, in *values.Type) {
	same := func(v values.Datum) values.Datum { return v }
	switch t.Kind {
	case values.KindInt2, values.KindInt4, values.KindInt8:
		if k := by.T.Kind; k != values.KindInt2 && k != values.KindInt4 && k != values.KindInt8 {
			return nil, nil, nil
		}
		offset := by.V.Int64()
		return func(base values.Datum) (values.Datum, int, bool) {
			b := base.Int64()
			switch {
			case sub && b-offset > b:
				return values.Null, -1, false
			case sub:
				return values.Int(b - offset), 0, false
			case b+offset < b:
				return values.Null, 1, false
			}
			return values.Int(b + offset), 0, false
		}, same, values.Int8Type
	case values.KindFloat4, values.KindFloat8:
		offset := by.V.Float64()
		return func(base values.Datum) (values.Datum, int, bool) {
			b := base.Float64()
			sum := b + offset
			if sub {
				sum = b - offset
			}
			return values.Float(sum), 0, sum != sum && b == b
		}, same, values.Float8Type
	case values.KindTime, values.KindTimeTZ:
		// Beyond midnight there are no times, but there is room in a number.
		_, _, micros := by.V.Interval()
		if sub {
			micros = -micros
		}
		return func(base values.Datum) (values.Datum, int, bool) {
			const far = 1 << 62
			at := base.Int64() + min(max(micros, -far), far)
			if t.Kind == values.KindTimeTZ {
				return values.Make("", at, base.Aux()), 0, false
			}
			return values.Int(at), 0, false
		}, same, t
	}
	op := "_pl_interval("
	if sub {
		op = "_mi_interval("
	}
	name, result := "", t
	switch t.Kind {
	case values.KindNumeric:
		name = "numeric_add(numeric,numeric)"
		if sub {
			name = "numeric_sub(numeric,numeric)"
		}
	case values.KindInterval:
		name = "interval_pl(interval,interval)"
		if sub {
			name = "interval_mi(interval,interval)"
		}
	case values.KindTimestamp, values.KindTimestampTZ:
		name = t.Name + op + t.Name + ",interval)"
	case values.KindDate:
		name, result = "date"+op+"date,interval)", values.TimestampType
		cast := fn.Lookup("timestamp(date)", []*values.Type{t}, result)
		if cast == nil {
			return nil, nil, nil
		}
		same = cast.F1
	default:
		return nil, nil, nil
	}
	f := fn.Lookup(name, []*values.Type{t, by.T}, result)
	if f == nil || f.F2 == nil {
		return nil, nil, nil
	}
	nan := func(v values.Datum) bool {
		return t.Kind == values.KindNumeric && !v.IsErr() && values.NumericCmp(v, values.ParseNumeric("NaN")) == 0
	}
	return func(base values.Datum) (values.Datum, int, bool) {
		sum := f.F2(base, by.V)
		return sum, 0, nan(sum) && !nan(base)
	}, same, result
}

// inRange says whether the frame's offsets are of a type that Go reaches with,
// and records if not. Where a time zone decides how far a day or a month goes,
// Postgres computes the edges of the frames.
func (t *translator) inRange(clause *pgtree.Node, frame *algebra.Frame, read []expr.Expr, order []algebra.SortKey, place func(expr.Expr) int) bool {
	if len(order) != 1 {
		return false // Postgres has refused it
	}
	key := order[0]
	value := read[key.Col]
	ty := value.Type()
	construct := "RANGE with an offset over " + ty.SQL
	if r, _, _ := newReach(ty, frame.By(), true); r == nil {
		t.refuse(clause, CodeUnsupported, construct, "use ROWS or GROUPS with a number")
		return false
	}
	for _, b := range []*algebra.Bound{&frame.Start, &frame.End} {
		if b.By == nil {
			continue
		}
		if b.Computed == nil && backwards(ty, b.By.T, b.By.V) {
			t.problem(clause, CodeSyntax, construct, "invalid preceding or following size in window function", "")
			return false
		}
		var by expr.Expr = b.By
		if b.Computed != nil {
			// What the offset must not be depends on the column's type.
			by = inOrder(ty, read[b.Computed.Number])
			b.Computed.Number = place(by)
		}
		if ty.Kind != values.KindTimestampTZ || t.settings.UTC() || b.Computed == nil && onlyTime(b.By.V) {
			continue
		}
		name := "timestamptz_pl_interval(timestamptz,interval)"
		if b.Preceding != key.Desc {
			name = "timestamptz_mi_interval(timestamptz,interval)"
		}
		if b.Computed == nil {
			b.Computed = &algebra.Computed{Number: -1}
		}
		b.Computed.Edge = place(t.builtin(name, ty, value, by))
	}
	return true
}

// onlyTime says that an interval has neither days nor months.
func onlyTime(v values.Datum) bool {
	months, days, _ := v.Interval()
	return months == 0 && days == 0
}

// backwards says whether an offset is less than nothing, or no number. To a time of
// day, days and months are nothing.
func backwards(ty, of *values.Type, by values.Datum) bool {
	switch of.Kind {
	case values.KindInt2, values.KindInt4, values.KindInt8:
		return by.Int64() < 0
	case values.KindFloat4, values.KindFloat8:
		return !(by.Float64() >= 0)
	case values.KindNumeric:
		return values.NumericCmp(by, values.ParseNumeric("0")) < 0 || values.NumericCmp(by, values.ParseNumeric("NaN")) == 0
	}
	if ty.Kind == values.KindTime || ty.Kind == values.KindTimeTZ {
		_, _, micros := by.Interval()
		return micros < 0
	}
	return values.Compare(of, by, values.MakeInterval(0, 0, 0)) < 0
}

// inOrder fails offsets that are backwards.
func inOrder(ty *values.Type, e expr.Expr) expr.Expr {
	of := e.Type()
	return &expr.Native{
		Name: "range_offset(" + ty.SQL + ")", Args: []expr.Expr{e}, T: of,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			if backwards(ty, of, v) {
				return values.Errorf(invalidFrameSize, "invalid preceding or following size in window function")
			}
			return v
		}},
	}
}

// The SQLSTATEs of offsets that are no good.
const (
	nullNotAllowed   = "22004"
	invalidFrameSize = "22013"
)

// checkedOffset fails offsets that are NULL or, in rows and groups, negative.
func checkedOffset(e expr.Expr, which string, mode algebra.FrameMode) expr.Expr {
	return &expr.Native{
		Name: "frame_offset(" + which + ", " + string(mode) + ")", Args: []expr.Expr{e}, T: e.Type(),
		Func: &fn.Func{F1: func(v values.Datum) values.Datum {
			switch {
			case v.IsNull():
				return values.Errorf(nullNotAllowed, "frame %s offset must not be null", which)
			case mode != algebra.FrameRange && v.Int64() < 0:
				return values.Errorf(invalidFrameSize, "frame %s offset must not be negative", which)
			}
			return v
		}},
	}
}

// spans finds the frames of all peer groups under RANGE with an offset. A NULL is
// near to other NULLs alone. A bound that cannot be computed is an error.
func (p *partition) spans(n *algebra.Window) {
	key := n.Order[0]
	t := n.In.Cols()[key.Col].Type
	groups := len(p.starts) - 1
	value := func(g int) values.Datum { return p.rows[p.starts[g]][key.Col] }
	// The groups that are not NULL, [first, last).
	first, last := 0, groups
	if groups > 0 && value(0).IsNull() {
		first = 1
	}
	if last > first && value(last-1).IsNull() {
		last--
	}
	p.span = make([]span, groups)
	for g := range p.span {
		s := &p.span[g]
		from, to := g, g+1 // the current row and its peers, all of them if NULL
		if by := n.Frame.Start; by.By != nil && g >= first && g < last {
			from = p.edge(by, true, key, t, g, first, last, s)
		}
		if by := n.Frame.End; by.By != nil && g >= first && g < last {
			to = p.edge(by, false, key, t, g, first, last, s)
		}
		s.from, s.to = p.starts[from], p.starts[to]
	}
}

// infinity is the greatest number but NaN, or the least one.
func infinity(t *values.Type, greatest bool) values.Datum {
	sign, text := 1, "Infinity"
	if !greatest {
		sign, text = -1, "-Infinity"
	}
	if t.Kind == values.KindNumeric {
		return values.ParseNumeric(text)
	}
	return values.Float(math.Inf(sign))
}

// span is a frame, or why there is none.
type span struct {
	from, to int
	failed   values.Datum
}

// edge is the group with which the frame of group g starts, or the one behind it;
// [first, last) are those that are not NULL.
func (p *partition) edge(b algebra.Bound, start bool, key algebra.SortKey, t *values.Type, g, first, last int, s *span) int {
	row := p.rows[p.starts[g]]
	by := b.By
	if c := b.Computed; c != nil && c.Number >= 0 {
		by = &expr.Const{V: row[c.Number], T: by.T}
	}
	r, comparable, in := newReach(t, by, b.Preceding != key.Desc)
	var bound values.Datum
	var past int
	var all bool
	if c := b.Computed; c != nil && c.Edge >= 0 {
		bound = row[c.Edge]
	} else {
		bound, past, all = r(row[key.Col])
	}
	if bound.IsErr() {
		s.failed = bound
		return g
	}
	if all { // but NaN, which is above the infinity that the frame goes to
		bound = infinity(in, start == key.Desc)
	}
	// The values before the bound, in the order of the rows.
	return first + sort.Search(last-first, func(i int) bool {
		c := -past
		if past == 0 {
			c = values.Compare(in, comparable(p.rows[p.starts[first+i]][key.Col]), bound)
		}
		if key.Desc {
			c = -c
		}
		if start {
			return c >= 0
		}
		return c > 0
	})
}
