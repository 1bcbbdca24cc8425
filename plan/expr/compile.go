package expr

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Eval computes an expression over one row. It does not allocate beyond what
// the result itself needs, and is not safe for concurrent use.
type Eval func(row []values.Datum) values.Datum

// Compile turns an expression into a closure. Remote nodes must have been
// taken out first (Extract); one that is left yields an error Datum.
func Compile(e Expr) Eval {
	switch e := e.(type) {
	case *Col:
		i := e.Index
		return func(row []values.Datum) values.Datum { return row[i] }
	case *Const:
		v := e.V
		return func([]values.Datum) values.Datum { return v }
	case *Native:
		return compileNative(e)
	case *BoolOp:
		return compileBool(e)
	case *Case:
		return compileCase(e)
	case *Coalesce:
		args := compileAll(e.Args)
		return func(row []values.Datum) values.Datum {
			for _, a := range args {
				if v := a(row); !v.IsNull() {
					return v
				}
			}
			return values.Null
		}
	case *MinMax:
		return compileMinMax(e)
	case *NullIf:
		a, b, eq := Compile(e.A), Compile(e.B), Compile(e.Eq)
		pair := make([]values.Datum, 2)
		return func(row []values.Datum) values.Datum {
			pair[0], pair[1] = a(row), b(row)
			v := pair[0]
			if v.IsErr() {
				return v
			}
			r := eq(pair)
			switch {
			case r.IsErr():
				return r
			case r.IsTrue():
				return values.Null
			}
			return v
		}
	case *NullTest:
		arg, not := Compile(e.Arg), e.Not
		return func(row []values.Datum) values.Datum {
			v := arg(row)
			if v.IsErr() {
				return v
			}
			return values.Bool(v.IsNull() != not)
		}
	case *BoolTest:
		return compileBoolTest(e)
	case *Distinct:
		a, b, eq := Compile(e.A), Compile(e.B), Compile(e.Eq)
		pair := make([]values.Datum, 2)
		return func(row []values.Datum) values.Datum {
			pair[0], pair[1] = a(row), b(row)
			switch {
			case pair[0].IsErr():
				return pair[0]
			case pair[1].IsErr():
				return pair[1]
			case pair[0].IsNull() || pair[1].IsNull():
				return values.Bool(pair[0].IsNull() != pair[1].IsNull())
			}
			r := eq(pair)
			if r.IsErr() {
				return r
			}
			return values.Bool(!r.IsTrue())
		}
	case *Rescue:
		return compileRescue(e)
	case *Held:
		return Compile(e.Arg)
	case *Row:
		return compileRow(e)
	case *FieldOf:
		return compileField(e)
	case *AnyAll:
		return compileAnyAll(e)
	case *ArrayOf:
		elems, t := compileAll(e.Elems), e.T
		vals := make([]values.Datum, len(elems))
		return func(row []values.Datum) values.Datum {
			for i, f := range elems {
				vals[i] = f(row)
				if vals[i].IsErr() {
					return vals[i]
				}
			}
			v, err := values.MakeArray(t, vals)
			if err != nil {
				return values.Errorf("XX000", "building an array: %v", err)
			}
			return v
		}
	}
	err := values.Errorf("XX000", "expression %s was not prepared for evaluation", String(e))
	return func([]values.Datum) values.Datum { return err }
}

func compileAll(es []Expr) []Eval {
	out := make([]Eval, len(es))
	for i, e := range es {
		out[i] = Compile(e)
	}
	return out
}

// compileNative wraps a function with what it relies on: errors are handed on,
// and a strict function never sees a NULL. All arguments are evaluated first, as in Postgres: an
// error is one also beside a NULL, but for a constant NULL, of which its planner makes the result.
func compileNative(e *Native) Eval {
	f := e.Func
	args := compileAll(e.Args)
	strict := f.Strict
	isNull := func(a Expr) bool { c, ok := a.(*Const); return ok && c.V.IsNull() }
	switch {
	case strict && slices.ContainsFunc(e.Args, isNull):
		return func([]values.Datum) values.Datum { return values.Null }
	case f.F1 != nil:
		a, f1 := args[0], f.F1
		return func(row []values.Datum) values.Datum {
			v := a(row)
			if v.IsErr() || strict && v.IsNull() {
				return v
			}
			return f1(v)
		}
	case f.F2 != nil:
		if fast := compileBinary(e); fast != nil {
			return fast
		}
		a, b, f2 := args[0], args[1], f.F2
		return func(row []values.Datum) values.Datum {
			v := a(row)
			if v.IsErr() {
				return v
			}
			w := b(row)
			if w.IsErr() || strict && w.IsNull() {
				return w
			}
			if strict && v.IsNull() {
				return v
			}
			return f2(v, w)
		}
	case f.F3 != nil:
		a, b, c, f3 := args[0], args[1], args[2], f.F3
		return func(row []values.Datum) values.Datum {
			v, w, x := a(row), b(row), c(row)
			switch {
			case v.IsErr():
				return v
			case w.IsErr():
				return w
			case x.IsErr():
				return x
			case strict && (v.IsNull() || w.IsNull() || x.IsNull()):
				return values.Null
			}
			return f3(v, w, x)
		}
	}
	return compileVariadic(f, args)
}

// compileBinary spares a strict function of plain columns and constants the
// calls that would fetch them; nil for other operands.
func compileBinary(e *Native) Eval {
	f2 := e.Func.F2
	l, ok := e.Args[0].(*Col)
	if !ok || !e.Func.Strict {
		return nil
	}
	i := l.Index
	switch r := e.Args[1].(type) {
	case *Col:
		j := r.Index
		return func(row []values.Datum) values.Datum {
			v, w := &row[i], &row[j]
			if v.IsErr() {
				return *v
			}
			if w.IsErr() || w.IsNull() {
				return *w
			}
			if v.IsNull() {
				return *v
			}
			return f2(*v, *w)
		}
	case *Const:
		w := r.V
		if w.IsErr() || w.IsNull() {
			return nil
		}
		return func(row []values.Datum) values.Datum {
			v := &row[i]
			if v.IsErr() || v.IsNull() {
				return *v
			}
			return f2(*v, w)
		}
	}
	return nil
}

func compileVariadic(f *fn.Func, args []Eval) Eval {
	vals := make([]values.Datum, len(args))
	return func(row []values.Datum) values.Datum {
		null := false
		for i, a := range args {
			vals[i] = a(row)
			if vals[i].IsErr() {
				return vals[i]
			}
			null = null || vals[i].IsNull()
		}
		if null && f.Strict {
			return values.Null
		}
		return f.FN(vals)
	}
}

// compileBool evaluates AND and OR from the left until one decides, as Postgres does: an error
// before that is the outcome. (Conditions that its planner puts in an order of its own are
// expressions of their own.)
func compileBool(e *BoolOp) Eval {
	args := compileAll(e.Args)
	if e.Op == Not {
		a := args[0]
		return func(row []values.Datum) values.Datum {
			v := a(row)
			if v.IsErr() || v.IsNull() {
				return v
			}
			return values.Bool(!v.IsTrue())
		}
	}
	isAnd := e.Op == And
	return func(row []values.Datum) values.Datum {
		result := values.Bool(isAnd)
		for _, a := range args {
			v := a(row)
			switch {
			case v.IsErr():
				return v
			case v.IsNull():
				result = v
			case v.IsTrue() != isAnd:
				return v
			}
		}
		return result
	}
}

func compileCase(e *Case) Eval {
	whens, def := compileAll(e.Whens), Compile(e.Else)
	return func(row []values.Datum) values.Datum {
		for i := 0; i < len(whens); i += 2 {
			c := whens[i](row)
			if c.IsErr() {
				return c
			}
			if c.IsTrue() {
				return whens[i+1](row)
			}
		}
		return def(row)
	}
}

func compileMinMax(e *MinMax) Eval {
	args, t, greatest := compileAll(e.Args), e.T, e.Greatest
	return func(row []values.Datum) values.Datum {
		best := values.Null
		for _, a := range args {
			v := a(row)
			switch {
			case v.IsErr():
				return v
			case v.IsNull():
				continue
			case best.IsNull():
				best = v
				continue
			}
			if c := values.Compare(t, v, best); greatest && c > 0 || !greatest && c < 0 {
				best = v
			}
		}
		return best
	}
}

func compileBoolTest(e *BoolTest) Eval {
	arg := Compile(e.Arg)
	is := e.Is
	not := len(is) > 4 && is[:4] == "NOT "
	if not {
		is = is[4:]
	}
	return func(row []values.Datum) values.Datum {
		v := arg(row)
		if v.IsErr() {
			return v
		}
		var r bool
		switch is {
		case "TRUE":
			r = v.IsTrue()
		case "FALSE":
			r = !v.IsNull() && !v.IsTrue()
		default: // UNKNOWN
			r = v.IsNull()
		}
		return values.Bool(r != not)
	}
}

// compileAnyAll goes through the elements, which have all been evaluated, until one decides: true
// for ANY, false for ALL; else NULL if any comparison was NULL.
func compileAnyAll(e *AnyAll) Eval {
	left, op, all := Compile(e.Left), Compile(e.Op), e.All
	pair := make([]values.Datum, 2)
	// decide compares l with n elements, one after the other.
	decide := func(l values.Datum, n int, elem func(i int) values.Datum) values.Datum {
		if l.IsErr() {
			return l
		}
		result := values.Bool(all)
		for i := range n {
			pair[0], pair[1] = l, elem(i)
			r := op(pair)
			switch {
			case r.IsErr():
				return r
			case r.IsNull():
				result = values.Null
			case r.IsTrue() != all:
				return r
			}
		}
		return result
	}
	if list, ok := e.Array.(*ArrayOf); ok {
		elems := compileAll(list.Elems)
		vals := make([]values.Datum, len(elems))
		at := func(i int) values.Datum { return vals[i] }
		return func(row []values.Datum) values.Datum {
			l := left(row)
			for i, e := range elems {
				if vals[i] = e(row); vals[i].IsErr() && !l.IsErr() {
					return vals[i]
				}
			}
			return decide(l, len(elems), at)
		}
	}
	t := e.Array.Type()
	if c, ok := e.Array.(*Const); ok && !c.V.IsNull() && !c.V.IsErr() {
		if elems, err := values.Elements(nil, t, c.V); err == nil {
			if e.Member && len(elems) >= setSize {
				return compileMember(e, elems)
			}
			at := func(i int) values.Datum { return elems[i] }
			return func(row []values.Datum) values.Datum { return decide(left(row), len(elems), at) }
		}
	}
	array := Compile(e.Array)
	var elems []values.Datum
	at := func(i int) values.Datum { return elems[i] }
	return func(row []values.Datum) values.Datum {
		l, a := left(row), array(row)
		if l.IsErr() || a.IsErr() || a.IsNull() {
			if l.IsErr() {
				return l
			}
			return a
		}
		var err error
		if elems, err = values.Elements(elems[:0], t, a); err != nil {
			return values.Errorf("XX000", "reading an array: %v", err)
		}
		return decide(l, len(elems), at)
	}
}

// setSize is from how many constants on a set is faster than comparing each.
const setSize = 9

// compileMember looks the left side up in the set of the array's keys.
func compileMember(e *AnyAll, elems []values.Datum) Eval {
	elem, t := e.Array.Type().Elem, e.Left.Type()
	set := make(map[string]struct{}, len(elems))
	absent := values.Bool(e.All)
	for _, v := range elems {
		if v.IsNull() {
			absent = values.Null
			continue
		}
		set[string(values.AppendKey(nil, elem, v))] = struct{}{}
	}
	left, present := Compile(e.Left), values.Bool(!e.All)
	var key []byte
	return func(row []values.Datum) values.Datum {
		v := left(row)
		if v.IsErr() || v.IsNull() {
			return v
		}
		key = values.AppendKey(key[:0], t, v)
		if _, ok := set[string(key)]; ok {
			return present
		}
		return absent
	}
}

// Fold replaces every sub-expression without columns by its value or, if it
// depends on the time, by one Clock.
func Fold(e Expr) Expr {
	return Map(e, func(e Expr) Expr {
		if c := lift(e); c != nil {
			return c
		}
		switch e.(type) {
		case *Const, *Col, *Clock, *Remote:
			return e
		}
		for _, c := range e.Children() {
			if _, ok := c.(*Const); !ok {
				return e
			}
		}
		return &Const{V: Compile(e)(nil), T: e.Type()}
	})
}
