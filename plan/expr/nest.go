package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Nest is the type of rows around rows to any depth, as a recursive query makes them:
//
//	WITH RECURSIVE t(r, n) AS (SELECT ROW('a'), 1 UNION ALL SELECT ROW(n, r), n + 1 FROM t WHERE n < 3)
//
// There is no end to the types of such rows, but it is a few kinds of levels that they are made of: here ROW(text), and
// ROW(integer, …) around a row. So a value is a row that stays a call (values.Pending), whose only argument is an array
// of levels, the innermost first: ROW(1, ROW('a')) is [('a'), (1)], each with the number of its kind. Postgres makes
// the row of them with a stack: a level takes the rows that it is around from there, and puts itself on it.
//
// The kinds are found while an expression is translated, so a Nest grows, and the query is to be translated again then.
type Nest struct {
	kinds  []*values.Type // with a field of type values.RecordOfUnknown for each row within; or a row that is a call itself
	known  int            // how many of them the type knows
	t      *values.Type
	failed bool
}

// NewNest makes one without any kinds of levels.
func NewNest() *Nest {
	n := &Nest{}
	n.Settled()
	return n
}

// Type is that of the values, with the kinds of levels that were known when it was asked whether they are settled.
func (n *Nest) Type() *values.Type { return n.t }

// Settled says whether the type knows all kinds of levels. If not, there is a new one that does.
func (n *Nest) Settled() bool {
	if n.t != nil && n.known == len(n.kinds) {
		return true
	}
	n.known = len(n.kinds)
	level := n.levels()
	n.t = values.Pending(values.Call{SQL: n.sql(level), Of: level}, []*values.Type{values.ArrayOf(level)})
	return false
}

// Failed says whether there was something that is no row of levels.
func (n *Nest) Failed() bool { return n.failed }

// Row makes a value of a row, which may be around others.
func (n *Nest) Row(e Expr) Expr {
	t, null := e.Type(), &Const{T: n.t}
	if c, ok := e.(*Const); ok && c.V.IsNull() || t.RecordOfNone() {
		return null
	}
	switch {
	case values.SameShape(t, n.t):
		return e
	case t.Variant:
		return ByVariant(e, n.t, null, n.Row)
	case t.Call == nil && (t.Kind != values.KindRecord || !t.Anonymous()):
		n.failed = true
		return null
	}
	made := n.level(e)
	if _, present := e.(*Row); present && t.Call == nil {
		return made
	}
	return &Case{Whens: []Expr{&NullTest{Arg: e, Not: true, T: values.BoolType}, made}, Else: null, T: n.t}
}

// level is a row that is not NULL, some fields of which are rows of the nest.
func (n *Nest) level(e Expr) Expr {
	args, kind := []Expr{e}, e.Type()
	if kind.Call == nil {
		args = slices.Clone(FieldsOf(e))
		fields := slices.Clone(kind.Fields)
		for i, f := range args {
			if n.within(f.Type()) {
				args[i], fields[i].Type = n.Row(f), values.RecordOfUnknown
			}
		}
		kind = values.RecordOf(fields)
	}
	k := n.kind(kind)
	if k >= n.known {
		return &Const{T: n.t}
	}
	levels := n.t.Fields[0].Type
	width, first := len(levels.Elem.Fields), 1
	for _, before := range n.kinds[:k] {
		first += len(held(before))
	}
	inner := make([]bool, len(args))
	for i, f := range held(n.kinds[k]) {
		inner[i] = f.Type.RecordOfNone()
	}
	return &Native{
		Name: fmt.Sprintf("around_%d(%s)", k+1, strings.Join(n.t.Call.SQL, "?")), Args: args, T: n.t,
		Func: &fn.Func{FN: func(args []values.Datum) values.Datum {
			own := make([]values.Datum, width)
			own[0] = values.Int(int64(k + 1))
			var all, row []values.Datum
			for i, a := range args {
				switch {
				case !inner[i]:
					own[first+i] = a
				case a.IsNull():
					none := make([]values.Datum, width)
					none[0] = values.Int(0)
					all = append(all, values.MakeRecord(none))
				default:
					var err error
					if row, err = values.Fields(row[:0], a); err == nil {
						var more []values.Datum
						more, err = values.Elements(nil, levels, row[0])
						all = append(all, more...)
					}
					if err != nil {
						return values.Errorf("XX000", "%v", err)
					}
				}
			}
			out, err := values.MakeArray(levels, append(all, values.MakeRecord(own)))
			if err != nil {
				return values.Errorf("54000", "%v", err)
			}
			return values.MakeRecord([]values.Datum{out})
		}},
	}
}

// within says whether rows of the nest are among the values of a type.
func (n *Nest) within(t *values.Type) bool {
	switch {
	case values.SameShape(t, n.t):
		return true
	case t.Kind == values.KindArray:
		return n.within(t.Elem)
	}
	return t.Kind == values.KindRecord && slices.ContainsFunc(t.Fields, func(f values.Field) bool { return n.within(f.Type) })
}

// kind is the number of a kind of levels.
func (n *Nest) kind(t *values.Type) int {
	collations := func(t *values.Type) (names []string) {
		for _, f := range held(t) {
			names = append(names, f.Type.Collate)
		}
		return names
	}
	k := slices.IndexFunc(n.kinds, func(have *values.Type) bool {
		return values.SameShape(have, t) && slices.Equal(collations(have), collations(t))
	})
	if k < 0 {
		k, n.kinds = len(n.kinds), append(n.kinds, t)
	}
	return k
}

// held are the fields that a level of some kind has in its value.
func held(kind *values.Type) []values.Field {
	if kind.Call != nil {
		return []values.Field{{Name: "row", Type: kind}}
	}
	return kind.Fields
}

// levels is the type of all levels: the number of the kind, 0 for a row that is NULL, and the fields of each kind.
func (n *Nest) levels() *values.Type {
	fields := []values.Field{{Name: "f1", Type: values.Int4Type}}
	for _, kind := range n.kinds {
		for _, f := range held(kind) {
			fields = append(fields, values.Field{Name: fmt.Sprintf("f%d", len(fields)+1), Type: f.Type})
		}
	}
	return values.RecordOf(fields)
}

// sql makes a row of the array of its levels. Of which type a level is, Postgres is told by the first SELECT of a UNION.
func (n *Nest) sql(level *values.Type) []string {
	var told []string
	for _, f := range level.Fields {
		told = append(told, "NULL::"+f.Type.SQL+collate(f.Type))
	}
	begin := "(WITH RECURSIVE given(a) AS (SELECT "
	var b strings.Builder
	b.WriteString("), levels(k, l) AS (SELECT NULL::pg_catalog.int4, ROW(" + strings.Join(told, ", ") + ") WHERE false" +
		" UNION ALL SELECT g.k, given.a[g.k] FROM given, pg_catalog.generate_series(1, pg_catalog.cardinality(given.a)) AS g(k))," +
		" made(k, s) AS (SELECT 0, '{}'::pg_catalog.record[] UNION ALL SELECT levels.k, CASE (levels.l).f1" +
		" WHEN 0 THEN pg_catalog.array_append(made.s, NULL::pg_catalog.record)")
	at := 1
	for k, kind := range n.kinds {
		begin, end, after := "", "", func(int) string { return "" }
		if kind.Call == nil {
			begin, end, after = rowAround(kind)
		}
		inner := 0
		for _, f := range held(kind) {
			if f.Type.RecordOfNone() {
				inner++
			}
		}
		left := "made.s"
		if inner > 0 {
			left = fmt.Sprintf("made.s[:pg_catalog.cardinality(made.s) - %d]", inner)
		}
		fmt.Fprintf(&b, " WHEN %d THEN pg_catalog.array_append(%s, %s", k+1, left, begin)
		for i, f := range held(kind) {
			if at++; f.Type.RecordOfNone() {
				inner--
				fmt.Fprintf(&b, "made.s[pg_catalog.cardinality(made.s) - %d]", inner)
			} else {
				fmt.Fprintf(&b, "(levels.l).f%d", at)
			}
			b.WriteString(after(i))
		}
		b.WriteString(end + ")")
	}
	b.WriteString(" END FROM made, levels WHERE levels.k = made.k + 1) SELECT made.s[1] FROM made ORDER BY made.k DESC LIMIT 1)")
	return []string{begin, b.String()}
}
