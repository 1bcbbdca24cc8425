package translate

import (
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// The expressions of SQL/XML are evaluated by Postgres
// (postgresql.org/docs/current/functions-xml.html).

// The kinds of XMLEXPR (XmlExprOp of Postgres' primnodes.h).
const (
	xmlConcat = iota
	xmlElement
	xmlForest
	xmlParse
	xmlPI
	xmlRoot
	xmlSerialize
	xmlIsDocument
)

var xmlNames = []string{"XMLCONCAT", "XMLELEMENT", "XMLFOREST", "XMLPARSE", "XMLPI", "XMLROOT", "XMLSERIALIZE", "IS DOCUMENT"}

// xmlCall translates an expression of SQL/XML.
func (t *translator) xmlCall(n *pgtree.Node, s *scope) expr.Expr {
	kind := n.Int("op")
	if kind < 0 || kind >= len(xmlNames) {
		return t.unknown(n)
	}
	args := t.exprs(n.Nodes("args"), s)
	call := &sqlCall{}
	ty := t.typ(n.OID("type"), int32(n.Int("typmod")), 0)
	switch kind {
	case xmlIsDocument:
		ty = values.BoolType
	case xmlSerialize:
		ty = t.typ(n.OID("type"), int32(n.Int("typmod")), catalog.DefaultCollation)
	}
	if kind != xmlIsDocument {
		call.text(xmlNames[kind] + "(")
	}
	if kind == xmlParse || kind == xmlSerialize {
		call.text([]string{"DOCUMENT ", "CONTENT "}[min(n.Int("xmloption"), 1)])
	}
	written := 0
	if name := n.Str("name"); name != "" {
		call.text("NAME " + xmlIdentifier(name))
		written++
	}
	if named := n.Nodes("named_args"); len(named) > 0 {
		names := n.Strings("arg_names")
		call.separate(written)
		written++
		if kind == xmlElement {
			call.text("XMLATTRIBUTES(")
		}
		for i, a := range named {
			call.separate(i)
			call.arg(t.expr(a, s))
			call.text(" AS " + xmlIdentifier(names[i]))
		}
		if kind == xmlElement {
			call.text(")")
		}
	}
	if !t.xmlArgs(n, kind, args, written, call) {
		return nil
	}
	switch kind {
	case xmlSerialize:
		call.text(" AS " + ty.SQL)
		if n.Bool("indent") {
			call.text(" INDENT")
		}
		call.text(")")
	case xmlIsDocument:
		call.text(" IS DOCUMENT")
	default:
		call.text(")")
	}
	if !t.understood(n, xmlNames[kind], call, ty) {
		return nil
	}
	return expr.NewRemote(call.sql, call.args, false, ty)
}

// xmlArgs writes the arguments without names.
func (t *translator) xmlArgs(n *pgtree.Node, kind int, args []expr.Expr, written int, call *sqlCall) bool {
	switch kind {
	case xmlParse: // the second is whether whitespace is kept
		call.arg(args[0])
		if c, ok := args[1].(*expr.Const); ok && c.V.IsTrue() {
			call.text(" PRESERVE WHITESPACE")
		}
	case xmlRoot: // the second is the version, the third says what of STANDALONE
		call.arg(args[0])
		call.text(", VERSION ")
		if c, ok := args[1].(*expr.Const); ok && c.V.IsNull() {
			call.text("NO VALUE")
		} else {
			call.arg(args[1])
		}
		c, ok := args[2].(*expr.Const)
		if !ok || c.V.IsNull() {
			t.unknown(n)
			return false
		}
		standalone := []string{", STANDALONE YES", ", STANDALONE NO", ", STANDALONE NO VALUE"}
		if i := int(c.V.Int64()); i >= 0 && i < len(standalone) {
			call.text(standalone[i])
		}
	default:
		for i, a := range args {
			call.separate(written + i)
			call.arg(a)
		}
	}
	return true
}

// escapedInName is how Postgres keeps a character that no XML name can have.
var escapedInName = regexp.MustCompile(`_x[0-9A-F]{4,8}_`)

// xmlIdentifier is the identifier that an XML name was made from.
func xmlIdentifier(name string) string {
	plain := escapedInName.ReplaceAllStringFunc(name, func(s string) string {
		code, err := strconv.ParseInt(s[2:len(s)-1], 16, 32)
		if err != nil {
			return s
		}
		return string(rune(code))
	})
	return pgx.Identifier{plain}.Sanitize()
}
