package plan

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/plan/translate"
)

// A view of the database is adopted by the text that Postgres writes of it
// (pg_get_viewdef), declared anew. That text is not always the view: CUBE (1, 2) over two
// equal expressions is written with the expression twice, which then means the first of them
// both times; and a name in it can mean a maintained view. So the query trees of both are
// compared, and what differs is refused. Fields that are known to differ without a difference
// in meaning are left out; those that nobody thought of count.

// groupingSets is where a definition, as Postgres writes it, begins grouping sets.
var groupingSets = regexp.MustCompile(`\b(CUBE|ROLLUP|GROUPING SETS)\b`)

// faithful adds a problem to what the text of an adopted view means if the database's view
// means, or may mean, something else.
func (a *analyzer) faithful(v View, oid uint32, tree string, m *translate.Meaning) error {
	original, ok := a.adopted[v.Name]
	word := groupingSets.FindString(v.Query)
	if !ok || len(m.Problems()) > 0 {
		return nil
	}
	// IS DISTINCT FROM of rows within rows is read field by field, which is the same by another tree.
	if word == "" && strings.Contains(v.Query, "DISTINCT FROM ROW(") {
		return nil
	}
	stored, err := a.cat.ViewTree(a.ctx, original)
	if err != nil {
		return err
	}
	same, err := querytree.Same(stored, original, tree, oid)
	if err != nil {
		return fmt.Errorf("view %s: %w", v.Name, err)
	}
	if !same {
		construct := v.From
		if word != "" {
			construct = word + " over expressions"
		}
		m.Problem(translate.CodeUnsupported, construct, "what Postgres writes of "+v.From+" (pg_get_viewdef) is another query than the view itself, as CUBE (1, 2) is where both expressions are equal",
			"in place of from:, write the view's own query in query: or, if it is not materialized, SELECT * FROM "+v.From)
	}
	return nil
}

// unwritable says what is wrong with adopting a view whose text, as Postgres writes it, is
// another query; nil if nothing is.
func (a *analyzer) unwritable(v View, oid uint32) (*Problem, error) {
	text, err := a.cat.ViewTree(a.ctx, oid)
	if err != nil {
		return nil, fmt.Errorf("adopt %s: %w", v.From, err)
	}
	tree, err := pgtree.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("adopt %s: %w", v.From, err)
	}
	if !querytree.OrdersRecords(tree) {
		return nil, nil
	}
	const construct = "an order of rows within rows"
	return &Problem{View: v.Name, Code: translate.CodeUnsupported, Construct: construct,
		Message: "from: " + v.From + " has " + construct + ", which Postgres writes as if it were one of rows",
		Remedy:  "write its query instead"}, nil
}
