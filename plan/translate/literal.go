package translate

import (
	"bytes"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
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
	for _, l := range literals(text) {
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

// literals are the texts that a query quotes, each once, as '…', E'…' or $…$. An escape of E'…' other than
// of a backslash or a quote is left as it stands.
func literals(sql string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(text string) {
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	for at := 0; at < len(sql); {
		rest := sql[at:]
		size := 1
		switch {
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "/*"):
			size = comment(rest)
		case rest[0] == '"':
			size = quoted(rest, '"')
		case rest[0] == '\'':
			size = quoted(rest, '\'')
			add(strings.ReplaceAll(strings.TrimSuffix(rest[1:size], "'"), "''", "'"))
		case (rest[0] == 'e' || rest[0] == 'E') && strings.HasPrefix(rest[1:], "'") && (at == 0 || !wordByte(sql[at-1])):
			var text string
			text, size = escaped(rest)
			add(text)
		case rest[0] == '$' && (at == 0 || !wordByte(sql[at-1])):
			if tag := strings.IndexByte(rest[1:], '$') + 2; tag > 1 {
				if end := strings.Index(rest[tag:], rest[:tag]); end >= 0 {
					add(rest[tag : tag+end])
					size = tag + end + tag
				}
			}
		}
		at += size
	}
	return out
}

// escaped reads E'…' from the start of a text.
func escaped(sql string) (text string, size int) {
	var b strings.Builder
	for i := 2; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && i+1 < len(sql):
			if i++; sql[i] != '\\' && sql[i] != '\'' {
				b.WriteByte('\\')
			}
		case sql[i] == '\'' && i+1 < len(sql) && sql[i+1] == '\'':
			i++
		case sql[i] == '\'':
			return b.String(), i + 1
		}
		b.WriteByte(sql[i])
	}
	return b.String(), len(sql)
}

func wordByte(b byte) bool {
	return b == '_' || b == '$' || b >= 0x80 || '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
}
