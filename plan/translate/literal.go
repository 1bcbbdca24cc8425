package translate

import (
	"bytes"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/plan/sqltext"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// literal finds the value of a constant whose image only its type's own functions can
// read, as those of an extension: it is looked for among the literals of the view's text. That it is this one and
// no other is proved by Postgres, which has to make the same image of it.
func (t *translator) literal(ty *values.Type, image []byte) (v values.Datum, ok bool) {
	text := t.query
	if len(t.expanded) > 0 {
		var err error
		if text, err = t.cat.ViewText(t.ctx, t.expanded[len(t.expanded)-1]); err != nil {
			t.fail(err)
			return values.Null, false
		}
	}
	for _, l := range sqltext.Literals(text) {
		sql := "CAST(" + catalog.Quote(l) + " AS " + ty.SQL + ")"
		same, found := t.images[sql]
		if !found {
			if same, ok = t.image(sql); !ok {
				return values.Null, false
			}
			t.images[sql] = same
		}
		if same == nil || !bytes.Equal(same, image) {
			continue
		}
		v, refused, err := t.cat.Value(t.ctx, sql, ty)
		if err != nil {
			t.fail(err)
		}
		return v, err == nil && refused == nil
	}
	return values.Null, false
}

// image is what Postgres makes of a literal; nil if that is no constant.
func (t *translator) image(sql string) (image []byte, ok bool) {
	tree, refused, err := t.cat.QueryTree(t.ctx, "SELECT "+sql+" AS literal")
	if err != nil {
		t.fail(err)
		return nil, false
	}
	if refused != nil {
		return nil, true
	}
	q, err := querytree.Parse(tree)
	if err != nil {
		t.fail(err)
		return nil, false
	}
	for _, target := range q.Nodes("targetList") {
		if e := target.Node("expr"); e != nil && e.Tag == "CONST" && !e.Bool("constisnull") {
			image = e.Bytes("constvalue")
		}
	}
	return image, true
}
