package translate

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Inheritance (postgresql.org/docs/current/ddl-inherit.html): a table is read with the
// rows of all that inherit from it, unless the query says ONLY. Replication tells the
// changes of each table as its own, so this is a UNION ALL of them, in which columns
// are known by their names. Nothing that the table says of its own rows holds of all of
// these, its keys least of all.

// inherited reads a table and its heirs.
func (t *translator) inherited(rel *catalog.Relation, tableOID bool) algebra.Node {
	heirs, err := t.cat.Heirs(t.ctx, rel.OID)
	if err != nil {
		t.fail(err)
		return empty(t.relCols(rel))
	}
	t.tables[rel.OID], t.heirs[rel.OID] = rel, heirs
	if len(heirs) == 0 {
		return t.generated(rel, t.ofTable(rel, t.scan(rel), tableOID), anyGenerated)
	}
	all := &algebra.UnionAll{Inputs: []algebra.Node{t.ofTable(rel, t.generated(rel, t.scan(rel), storedGenerated), tableOID)}}
	for _, oid := range heirs {
		heir, err := t.cat.Relation(t.ctx, oid)
		if err != nil {
			t.fail(err)
			return empty(t.relCols(rel))
		}
		if heir.Kind != "r" {
			t.problem(nil, CodeRelation, rel.SQL(), fmt.Sprintf("foreign table %s, which inherits from %s, is not replicated", heir.SQL(), rel.SQL()),
				"read ONLY "+rel.SQL()+", and of the tables that inherit from it those that are none")
			continue
		}
		if n := t.asParent(rel, heir); n != nil {
			all.Inputs = append(all.Inputs, t.ofTable(heir, n, tableOID))
		}
	}
	return t.generated(rel, all, virtualGenerated)
}

// asParent gives an heir's rows the columns of the table that it inherits from. Postgres
// lets neither name nor type of an inherited column differ.
func (t *translator) asParent(rel, heir *catalog.Relation) algebra.Node {
	in := t.generated(heir, t.scan(heir), storedGenerated)
	var cols []int
	for _, c := range rel.Columns {
		at := slices.IndexFunc(heir.Columns, func(h catalog.Column) bool { return h.Name == c.Name })
		if at < 0 || !sameType(heir.Columns[at].Type, c.Type) {
			t.fail(fmt.Errorf("table %s inherits from %s without its column %s", heir.SQL(), rel.SQL(), c.Name))
			return nil
		}
		cols = append(cols, at)
	}
	return algebra.Pick(in, cols)
}

func sameType(a, b *values.Type) bool {
	return a.OID == b.OID && a.Typmod == b.Typmod && a.Collation == b.Collation
}

// keyOfHeirs refuses a column of a table that is read with its heirs where it stands
// beside GROUP BY its primary key: Postgres takes the key to determine it, and then
// some row's value, if an heir has a row of the same key.
func (t *translator) keyOfHeirs(n *pgtree.Node, s *scope) {
	i := n.Int("varno")
	if n.Int("varlevelsup") > 0 || i < 1 || i > len(s.rtes) {
		return
	}
	rte := s.rtes[i-1]
	if rte.Int("rtekind") != querytree.Relation || !rte.Bool("inh") || len(t.heirs[rte.OID("relid")]) == 0 {
		return
	}
	rel, err := t.cat.Relation(t.ctx, rte.OID("relid"))
	if err != nil {
		t.fail(err)
		return
	}
	name := "tableoid"
	if i := rel.Column(n.Int("varattno")); i >= 0 {
		name = rel.Columns[i].Name
	}
	t.problem(n, CodeVolatile, name, fmt.Sprintf("column %s is not determined by what is grouped by: the primary key of %s does not hold for the tables that inherit from it", name, rel.SQL()),
		"group by the column as well, or take an aggregate of it")
}
