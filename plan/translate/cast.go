package translate

import (
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// relabel gives an expression another type that has the same images.
func (t *translator) relabel(e expr.Expr, ty *values.Type) expr.Expr {
	from := e.Type()
	same := ty.Unknown() || from.Kind == ty.Kind && (ty.Kind != values.Opaque && ty.Kind != values.KindRecord || from.BaseOID == ty.BaseOID)
	if !same {
		return t.remoteCast(e, ty)
	}
	switch e := e.(type) {
	case *expr.Const:
		return &expr.Const{V: e.V, T: ty}
	case *expr.Col:
		c := *e
		c.T = ty
		return &c
	}
	return &expr.Coalesce{Args: []expr.Expr{e}, T: ty}
}

// arrayCoerce translates a cast of an array, element by element. That of text of one
// name to another, which a list of values compared with a varchar is, changes nothing.
func (t *translator) arrayCoerce(n *pgtree.Node, e expr.Expr, ty *values.Type) expr.Expr {
	from, by := e.Type(), n.Node("elemexpr")
	if from.Elem != nil && ty.Elem != nil && from.Elem.Kind == values.KindText && ty.Elem.Kind == values.KindText &&
		by != nil && by.Tag == "RELABELTYPE" && by.Node("arg").Tag == "CASETESTEXPR" {
		return t.relabel(e, ty)
	}
	return t.remoteCast(e, ty)
}

// coerce brings a set operation's column to the common type.
func (t *translator) coerce(n *pgtree.Node, e expr.Expr, ty *values.Type) expr.Expr {
	from := e.Type()
	if from.OID == ty.OID {
		if from.Collation != ty.Collation {
			return t.relabel(e, ty)
		}
		return e
	}
	cast, err := t.cat.Cast(t.ctx, from.BaseOID, ty.BaseOID)
	if err != nil {
		t.fail(err)
		return e
	}
	switch cast.Method {
	case "b":
		return t.relabel(e, ty)
	case "i":
		return t.viaIO(n, e, ty)
	case "f":
		proc, err := t.cat.Proc(t.ctx, cast.Func)
		if err != nil {
			t.fail(err)
			return e
		}
		if t.stable(n, proc, []expr.Expr{e}) {
			if f := t.native(proc, []expr.Expr{e}, ty, ty.Collation); f != nil {
				return f
			}
		}
	}
	if from.BaseOID == ty.BaseOID {
		return t.relabel(e, ty)
	}
	return t.remoteCast(e, ty)
}

// viaIO translates a cast by way of the text form.
func (t *translator) viaIO(n *pgtree.Node, e expr.Expr, ty *values.Type) expr.Expr {
	if f := fn.CoerceViaIO(e.Type(), ty); f != nil && t.calls.Meets(f.Need) {
		return &expr.Native{Func: f, Name: "cast(" + e.Type().SQL + "," + ty.SQL + ")", Args: []expr.Expr{e}, T: ty}
	}
	if !t.settled(n, e.Type()) || !t.settled(n, ty) {
		return placeholder
	}
	return t.remoteCast(guardClock(e, ty), ty)
}

// guardClock fails a cast of text to a date or time that means the present
// ('now', 'today' …): its value would be that of the moment of evaluation.
func guardClock(e expr.Expr, ty *values.Type) expr.Expr {
	if !holdsTime(ty) {
		return e
	}
	strict := &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
		if word := clockWord(v.Str()); word != "" {
			return values.Errorf("0A000", "%q means a time that passes: %s", word, strings.TrimSpace(v.Str()))
		}
		return v
	}}
	return &expr.Native{Func: strict, Name: "not_the_present(text)", Args: []expr.Expr{e}, T: e.Type()}
}

// holdsTime says whether values of a type hold dates or times.
func holdsTime(ty *values.Type) bool {
	switch ty.Kind {
	case values.KindDate, values.KindTime, values.KindTimeTZ, values.KindTimestamp, values.KindTimestampTZ:
		return true
	case values.KindArray:
		return holdsTime(ty.Elem)
	case values.KindRecord:
		return slices.ContainsFunc(ty.Fields, func(f values.Field) bool { return holdsTime(f.Type) })
	case values.Opaque:
		// Ranges of them, of a user's own as well.
		return strings.HasSuffix(ty.Name, "range") && !strings.HasPrefix(ty.Name, "int") && !strings.HasPrefix(ty.Name, "num")
	}
	return false
}

// clockWord finds a word for the present in the text of a date or time. Words
// are what Postgres' own parser takes for them: runs of letters, in any case.
func clockWord(s string) string {
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' }) {
		switch w {
		case "now", "today", "tomorrow", "yesterday":
			return w
		}
	}
	return ""
}

func (t *translator) remoteCast(e expr.Expr, ty *values.Type) expr.Expr {
	return expr.NewRemote([]string{"CAST(", " AS " + ty.SQL + ")"}, []expr.Expr{e}, true, ty)
}
