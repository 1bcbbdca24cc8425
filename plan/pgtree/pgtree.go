// Package pgtree reads the text form of Postgres' node trees (pg_node_tree), as
// stored in pg_rewrite.ev_action.
//
// It knows the notation (src/backend/nodes/outfuncs.c of Postgres): nodes
// {TAG :field value …}, lists (…), tokens, <> for nothing, and the bytes of a
// datum. It must not know what any node means: fields are looked up by name, and
// unknown ones are kept, so that one reader serves every server version.
package pgtree

import (
	"fmt"
	"strconv"
	"strings"
)

// Value is a *Node, a List, a Token, a Bytes or nil (<>).
type Value any

// Token is a bare or quoted word, escapes resolved.
type Token string

// List is a parenthesised list; of integers, oids or a bitmap set, its first
// element is the Token "i", "o", "x" or "b".
type List []Value

// Bytes is the image of a datum.
type Bytes []byte

// Node is one {TAG …}.
type Node struct {
	Tag    string
	names  []string
	values []Value
}

// maxDepth bounds the nesting of a tree; Postgres' own stack limit is reached
// long before.
const maxDepth = 10000

// Parse reads one value, which must be all of src.
func Parse(src string) (Value, error) {
	p := &parser{src: src}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.pos < len(src) {
		return nil, p.errorf("text after the end of the tree")
	}
	return v, nil
}

type parser struct {
	src string
	pos int
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("node tree, byte %d: %s", p.pos, fmt.Sprintf(format, args...))
}

func (p *parser) skip() {
	for p.pos < len(p.src) && (p.src[p.pos] == ' ' || p.src[p.pos] == '\n' || p.src[p.pos] == '\t') {
		p.pos++
	}
}

func (p *parser) value(depth int) (Value, error) {
	if depth > maxDepth {
		return nil, p.errorf("nested too deeply")
	}
	p.skip()
	if p.pos >= len(p.src) {
		return nil, p.errorf("unexpected end")
	}
	switch p.src[p.pos] {
	case '{':
		return p.node(depth)
	case '(':
		return p.list(depth)
	}
	tok, quoted, err := p.token()
	if err != nil {
		return nil, err
	}
	if tok == "<>" && !quoted {
		return nil, nil
	}
	return Token(tok), nil
}

// token reads a word. Postgres writes a backslash before every character that
// would end it, and puts String nodes between double quotes.
func (p *parser) token() (tok string, quoted bool, err error) {
	if p.src[p.pos] == '"' {
		p.pos++
		var out []byte
		for p.pos < len(p.src) {
			switch c := p.src[p.pos]; {
			case c == '\\' && p.pos+1 < len(p.src):
				out = append(out, p.src[p.pos+1])
				p.pos += 2
			case c == '"' && (p.pos+1 == len(p.src) || delimits(p.src[p.pos+1])): // within, quotes are as they are
				p.pos++
				return string(out), true, nil
			default:
				out = append(out, c)
				p.pos++
			}
		}
		return "", false, p.errorf("unterminated string")
	}
	start := p.pos
	var out []byte
	escaped := false
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if delimits(c) {
			break
		}
		if c == '\\' && p.pos+1 < len(p.src) {
			if !escaped {
				out = append(out, p.src[start:p.pos]...)
				escaped = true
			}
			out = append(out, p.src[p.pos+1])
			p.pos += 2
			continue
		}
		if escaped {
			out = append(out, c)
		}
		p.pos++
	}
	if p.pos == start {
		return "", false, p.errorf("unexpected %q", p.src[p.pos])
	}
	if escaped {
		return string(out), true, nil
	}
	return p.src[start:p.pos], false, nil
}

// delimits says whether a character ends a token, unless it is escaped.
func delimits(c byte) bool { return strings.IndexByte(" \n\t(){}", c) >= 0 }

func (p *parser) node(depth int) (*Node, error) {
	p.pos++ // {
	p.skip()
	if p.pos >= len(p.src) {
		return nil, p.errorf("unexpected end of a node")
	}
	tag, _, err := p.token()
	if err != nil {
		return nil, err
	}
	n := &Node{Tag: tag}
	for {
		p.skip()
		if p.pos >= len(p.src) {
			return nil, p.errorf("unexpected end of node %s", tag)
		}
		switch p.src[p.pos] {
		case '}':
			p.pos++
			return n, nil
		case ':':
		default:
			return nil, p.errorf("field expected in node %s", tag)
		}
		p.pos++
		name, _, err := p.token()
		if err != nil {
			return nil, err
		}
		v, err := p.fieldValue(depth + 1)
		if err != nil {
			return nil, err
		}
		n.names = append(n.names, name)
		n.values = append(n.values, v)
	}
}

// fieldValue reads the value of a field: one value, or a datum's "length [ byte
// byte … ]", or several tokens (an array of integers), which become a List. A
// field that Postgres left empty is nil.
func (p *parser) fieldValue(depth int) (Value, error) {
	p.skip()
	if p.pos < len(p.src) && (p.src[p.pos] == ':' || p.src[p.pos] == '}') {
		return nil, nil
	}
	v, err := p.value(depth)
	if err != nil {
		return nil, err
	}
	var more List
	for {
		p.skip()
		if p.pos >= len(p.src) || p.src[p.pos] == ':' || p.src[p.pos] == '}' {
			break
		}
		if p.src[p.pos] == '[' && more == nil {
			return p.bytes()
		}
		w, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		more = append(more, w)
	}
	if more != nil {
		return append(List{v}, more...), nil
	}
	return v, nil
}

func (p *parser) bytes() (Bytes, error) {
	p.pos++ // [
	out := Bytes{}
	for {
		p.skip()
		if p.pos >= len(p.src) {
			return nil, p.errorf("unterminated datum")
		}
		if p.src[p.pos] == ']' {
			p.pos++
			return out, nil
		}
		tok, _, err := p.token()
		if err != nil {
			return nil, err
		}
		b, err := strconv.Atoi(tok)
		if err != nil || b < -128 || b > 255 {
			return nil, p.errorf("%q is not a byte", tok)
		}
		out = append(out, byte(b))
	}
}

func (p *parser) list(depth int) (List, error) {
	p.pos++ // (
	out := List{}
	for {
		p.skip()
		if p.pos >= len(p.src) {
			return nil, p.errorf("unterminated list")
		}
		if p.src[p.pos] == ')' {
			p.pos++
			return out, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}
