package translate

import (
	"bytes"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/constant"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/sqltext"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// constant reads a CONST: the image of the server's own datum.
func (t *translator) constant(n *pgtree.Node) expr.Expr {
	ty := t.typ(n.OID("consttype"), int32(n.Int("consttypmod")), n.OID("constcollid"))
	if ty.Schema == "pg_catalog" && ty.Name == "unknown" {
		// An undecorated literal for a parameter of type "any": such functions
		// take it as text.
		if n.Bool("constisnull") {
			return &expr.Const{T: values.TextType}
		}
		text := n.Bytes("constvalue")
		if i := bytes.IndexByte(text, 0); i >= 0 {
			text = text[:i]
		}
		return &expr.Const{V: values.String(string(text)), T: values.TextType}
	}
	if n.Bool("constisnull") {
		return &expr.Const{T: ty}
	}
	if ty.Name == "_record" && isRecord(ty) { // there is no other: elements have no input function
		ty = values.ArrayOf(values.RecordOf(nil))
		none, err := values.MakeArray(ty, nil)
		if err != nil {
			t.fail(err)
		}
		return &expr.Const{V: none, T: ty}
	}
	r := constant.NewReader(t.ctx, t.cat)
	v, err := r.Datum(ty, n.Bytes("constvalue"))
	if r.Err() != nil {
		t.fail(r.Err())
		return nil
	}
	if err != nil {
		if v, ok := t.literal(ty, n.Bytes("constvalue")); ok {
			return &expr.Const{V: v, T: ty}
		}
		if t.err != nil {
			return nil
		}
		t.problem(n, CodeType, "a constant of type "+ty.SQL,
			fmt.Sprintf("a constant of type %s cannot be read (%v)", ty.SQL, err),
			"write it as a cast of text, evaluated by Postgres: ('…'::text)::"+ty.SQL)
		return nil
	}
	if word := t.presentAsConstant(ty, v); word != "" {
		t.problem(n, CodeClock, "'"+word+"'", "'"+word+"' is the time at which the view is made, not the present", "write now() or current_date if you mean the present, else the date")
	}
	return &expr.Const{V: v, T: ty}
}

// presentAsConstant finds the word of a literal like 'today': Postgres takes it
// for a constant, the day on which the query was analyzed. That is seen by the
// value together with the word in the query.
func (t *translator) presentAsConstant(ty *values.Type, v values.Datum) string {
	const microsPerDay, daysTo2000 = 86_400_000_000, 10957
	var micros int64
	switch ty.Kind {
	case values.KindDate:
		micros = v.Int64() * microsPerDay
	case values.KindTimestamp, values.KindTimestampTZ:
		micros = v.Int64()
	case values.KindTime, values.KindTimeTZ:
		word, _ := sqltext.WordLiteral(t.query, "now")
		return word
	default:
		return ""
	}
	if away := micros - (t.now.UnixMicro() - daysTo2000*microsPerDay); away < -3*microsPerDay || away > 3*microsPerDay {
		return ""
	}
	word, _ := sqltext.WordLiteral(t.query, "now", "today", "tomorrow", "yesterday")
	return word
}
