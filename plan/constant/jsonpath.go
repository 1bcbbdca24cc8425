package constant

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// The image of a jsonpath (src/include/utils/jsonpath.h) is a tree of items. Each
// one names those under it, and the one that follows it in the path, by their
// distance from itself. It is sent as text, so what is written here is a path that
// Postgres reads as the same tree, with more parentheses than needed.

// Items by their number on disk (JsonPathItemType).
const (
	pathNull, pathString, pathNumeric, pathBool       = 0, 1, 2, 3
	pathAnd, pathMod                                  = 4, 18 // the first and the last of pathInfix but starts with
	pathNot, pathIsUnknown                            = 6, 7
	pathPlus, pathMinus                               = 19, 20
	pathAnyArray, pathAnyKey, pathIndexArray, pathAny = 21, 22, 23, 24
	pathKey, pathCurrent, pathRoot, pathVariable      = 25, 26, 27, 28
	pathFilter, pathExists                            = 29, 30
	pathDatetime                                      = 37
	pathLast, pathStartsWith, pathLikeRegex           = 40, 41, 42
	pathDecimal                                       = 46
	pathTime, pathTimestampTZ                         = 50, 53
)

// pathInfix are the operators between two operands.
var pathInfix = map[byte]string{
	pathAnd: "&&", 5: "||", 8: "==", 9: "!=", 10: "<", 11: ">", 12: "<=", 13: ">=",
	14: "+", 15: "-", 16: "*", 17: "/", pathMod: "%", pathStartsWith: "starts with",
}

// pathMethods are the methods, those with arguments too.
var pathMethods = map[byte]string{
	31: "type", 32: "size", 33: "abs", 34: "floor", 35: "ceiling", 36: "double", pathDatetime: "datetime", 38: "keyvalue",
	43: "bigint", 44: "boolean", 45: "date", pathDecimal: "decimal", 47: "integer", 48: "number", 49: "string",
	pathTime: "time", 51: "time_tz", 52: "timestamp", pathTimestampTZ: "timestamp_tz",
}

// pathDepth bounds the items within one another.
const pathDepth = 1000

// jsonpathConstant reads the image of a jsonpath, and has Postgres write it as it
// shows that path elsewhere.
func (r *Reader) jsonpathConstant(ty *values.Type, img []byte) (values.Datum, error) {
	text, err := jsonpathText(img)
	if err != nil {
		return values.Null, err
	}
	return r.rewritten(ty, text)
}

// rewritten is a value by its text, in the form in which Postgres sends it.
func (r *Reader) rewritten(ty *values.Type, text string) (values.Datum, error) {
	v, pgErr, err := r.cat.Value(r.ctx, catalog.Quote(text)+"::"+ty.SQL, ty)
	switch {
	case err != nil:
		r.err = err
		return values.Null, err
	case pgErr != nil:
		return values.Null, errOpaque
	}
	return v, nil
}

// jsonpathText writes a path by its image.
func jsonpathText(img []byte) (string, error) {
	const lax, version = 0x80000000, 1
	data, err := varlena(img)
	if err != nil || len(data) < 4 {
		return "", errOpaque
	}
	header := binary.LittleEndian.Uint32(data)
	if header&^uint32(lax) != version {
		return "", errOpaque
	}
	p := &pathImage{data: data[4:]}
	if header&lax == 0 {
		p.text.WriteString("strict ")
	}
	p.item(0, 0)
	return p.text.String(), p.err
}

// pathImage is a jsonpath that is being read.
type pathImage struct {
	data []byte
	text strings.Builder
	err  error
}

// word reads the i-th aligned word of the item at a place: behind its type.
func (p *pathImage) word(at, i int) int {
	at = (at+1+3)&^3 + 4*i
	if at < 0 || at+4 > len(p.data) {
		p.damaged()
		return 0
	}
	return int(int32(binary.LittleEndian.Uint32(p.data[at:])))
}

// bytes reads so many bytes behind the item's first n words.
func (p *pathImage) bytes(at, n, size int) []byte {
	at = (at+1+3)&^3 + 4*n
	if size < 0 || at < 0 || at+size > len(p.data) {
		p.damaged()
		return nil
	}
	return p.data[at : at+size]
}

func (p *pathImage) damaged() {
	if p.err == nil {
		p.err = errOpaque
	}
}

// item writes the item at a place and those that follow it.
func (p *pathImage) item(at, depth int) {
	if depth > pathDepth || at < 0 || at >= len(p.data) {
		p.damaged()
	}
	if p.err != nil {
		return
	}
	w := &p.text
	next := p.word(at, 0)
	under := func(before string, i int, after string) {
		w.WriteString(before)
		p.item(at+p.word(at, i), depth+1)
		w.WriteString(after)
	}
	switch kind := p.data[at]; kind {
	case pathNull:
		w.WriteString("null")
	case pathString:
		p.quoted(p.bytes(at, 2, p.word(at, 1)))
	case pathNumeric:
		p.numeric(p.bytes(at, 1, len(p.data)-(at+1+3)&^3-4), next != 0)
	case pathBool:
		fmt.Fprint(w, len(p.bytes(at, 1, 1)) == 1 && p.bytes(at, 1, 1)[0] != 0)
	case pathNot:
		under("(!(", 1, "))")
	case pathIsUnknown:
		under("((", 1, ") is unknown)")
	case pathPlus:
		under("(+(", 1, "))")
	case pathMinus:
		under("(-(", 1, "))")
	case pathFilter:
		under("?(", 1, ")")
	case pathExists:
		under("(exists(", 1, "))")
	case pathCurrent:
		w.WriteString("@")
	case pathRoot:
		w.WriteString("$")
	case pathLast:
		w.WriteString("last")
	case pathVariable:
		w.WriteString("$")
		p.quoted(p.bytes(at, 2, p.word(at, 1)))
	case pathKey:
		w.WriteString(".")
		p.quoted(p.bytes(at, 2, p.word(at, 1)))
	case pathAnyKey:
		w.WriteString(".*")
	case pathAnyArray:
		w.WriteString("[*]")
	case pathIndexArray:
		p.subscripts(at, depth)
	case pathAny:
		fmt.Fprintf(w, ".**{%s to %s}", level(p.word(at, 1)), level(p.word(at, 2)))
	case pathLikeRegex:
		under("(", 2, " like_regex ")
		p.quoted(p.bytes(at, 4, p.word(at, 3)))
		w.WriteString(` flag "`)
		for i, flag := range "ismxq" {
			if p.word(at, 1)&(1<<i) != 0 {
				w.WriteRune(flag)
			}
		}
		w.WriteString(`")`)
	default:
		p.operation(at, kind, depth)
	}
	if next != 0 {
		p.item(at+next, depth)
	}
}

// operation writes an operator with its operands, or a method with its arguments.
func (p *pathImage) operation(at int, kind byte, depth int) {
	w := &p.text
	if op, ok := pathInfix[kind]; ok {
		w.WriteString("(")
		p.item(at+p.word(at, 1), depth+1)
		w.WriteString(" " + op + " ")
		p.item(at+p.word(at, 2), depth+1)
		w.WriteString(")")
		return
	}
	name, ok := pathMethods[kind]
	if !ok {
		p.damaged() // of a version to come
		return
	}
	args := 0
	switch {
	case kind == pathDecimal:
		args = 2
	case kind == pathDatetime || kind >= pathTime && kind <= pathTimestampTZ:
		args = 1
	}
	w.WriteString("." + name + "(")
	for i := 1; i <= args; i++ {
		if arg := p.word(at, i); arg != 0 {
			w.WriteString(map[bool]string{true: ", "}[i > 1])
			p.item(at+arg, depth+1)
		}
	}
	w.WriteString(")")
}

// subscripts writes [1, 2 to last].
func (p *pathImage) subscripts(at, depth int) {
	p.text.WriteString("[")
	for i := range p.word(at, 1) {
		if p.err != nil {
			return
		}
		if i > 0 {
			p.text.WriteString(", ")
		}
		p.item(at+p.word(at, 2+2*i), depth+1)
		if to := p.word(at, 3+2*i); to != 0 {
			p.text.WriteString(" to ")
			p.item(at+to, depth+1)
		}
	}
	p.text.WriteString("]")
}

// level writes a bound of .**: the greatest number is the last level.
func level(n int) string {
	if uint32(n) == ^uint32(0) {
		return "last"
	}
	return fmt.Sprint(uint32(n))
}

// numeric writes a number, in parentheses if something follows it.
func (p *pathImage) numeric(img []byte, followed bool) {
	data, err := varlena(img)
	if err != nil {
		p.damaged()
		return
	}
	v, err := numericConstant(values.NumericType, data)
	if err != nil {
		p.err = err
		return
	}
	text, err := values.AppendText(nil, values.NumericType, v)
	if err != nil {
		p.err = err
		return
	}
	if followed {
		text = append(append([]byte("("), text...), ')')
	}
	p.text.Write(text)
}

// quoted writes a string as JSON does.
func (p *pathImage) quoted(s []byte) {
	p.text.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			p.text.WriteByte('\\')
			p.text.WriteByte(c)
		case c < ' ':
			fmt.Fprintf(&p.text, `\u%04x`, c)
		default:
			p.text.WriteByte(c)
		}
	}
	p.text.WriteByte('"')
}
