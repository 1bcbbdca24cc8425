package pgtree

import (
	"maps"
	"slices"
	"strconv"
)

// Get is a field's value; nil where the node has none of that name.
func (n *Node) Get(name string) Value {
	for i, f := range n.names {
		if f == name {
			return n.values[i]
		}
	}
	return nil
}

// Has says whether the node has the field at all: which ones it has differs by
// server version.
func (n *Node) Has(name string) bool {
	for _, f := range n.names {
		if f == name {
			return true
		}
	}
	return false
}

// Node is a field that holds a node; nil where it holds none.
func (n *Node) Node(name string) *Node {
	c, _ := n.Get(name).(*Node)
	return c
}

// Nodes is a field that holds a list of nodes.
func (n *Node) Nodes(name string) []*Node {
	l, _ := n.Get(name).(List)
	var out []*Node
	for _, v := range l {
		if c, ok := v.(*Node); ok {
			out = append(out, c)
		}
	}
	return out
}

// Str is a field that holds a word; "" where it holds none.
func (n *Node) Str(name string) string {
	t, _ := n.Get(name).(Token)
	return string(t)
}

// Int is a field that holds a number; 0 where it holds none.
func (n *Node) Int(name string) int {
	i, _ := strconv.ParseInt(n.Str(name), 10, 64)
	return int(i)
}

// OID is a field that holds an object identifier; 0 where it holds none.
func (n *Node) OID(name string) uint32 {
	i, _ := strconv.ParseUint(n.Str(name), 10, 32)
	return uint32(i)
}

// Bool is a field that holds true or false.
func (n *Node) Bool(name string) bool { return n.Str(name) == "true" }

// Bytes is a field that holds the image of a datum.
func (n *Node) Bytes(name string) []byte {
	b, _ := n.Get(name).(Bytes)
	return b
}

// Strings is a field that holds a list of names.
func (n *Node) Strings(name string) []string {
	l, _ := n.Get(name).(List)
	var out []string
	for _, v := range l {
		if t, ok := v.(Token); ok {
			out = append(out, string(t))
		}
	}
	return out
}

// Ints is a field that holds a list of integers or oids.
func (n *Node) Ints(name string) []int {
	l, _ := n.Get(name).(List)
	var out []int
	for _, v := range l {
		if t, ok := v.(Token); ok {
			if i, err := strconv.Atoi(string(t)); err == nil {
				out = append(out, i)
			}
		}
	}
	return out
}

// With is a copy of the node with another value of a field, which it need not have had.
func (n *Node) With(name string, v Value) *Node {
	c := &Node{Tag: n.Tag, names: n.names, values: slices.Clone(n.values)}
	if i := slices.Index(n.names, name); i >= 0 {
		c.values[i] = v
	} else {
		c.names, c.values = append(slices.Clip(n.names), name), append(c.values, v)
	}
	return c
}

// Map is a copy of a node whose fields are what f makes of them.
func (n *Node) Map(f func(Value) Value) *Node {
	c := &Node{Tag: n.Tag, names: n.names, values: make([]Value, len(n.values))}
	for i, v := range n.values {
		c.values[i] = f(v)
	}
	return c
}

// Map is a list of what f makes of the elements.
func (l List) Map(f func(Value) Value) List {
	out := make(List, len(l))
	for i, v := range l {
		out[i] = f(v)
	}
	return out
}

// Walk visits every node of a value, parents first, until f says false for one:
// then its children are not visited.
func Walk(v Value, f func(*Node) bool) {
	switch v := v.(type) {
	case *Node:
		if f(v) {
			for _, c := range v.values {
				Walk(c, f)
			}
		}
	case List:
		for _, c := range v {
			Walk(c, f)
		}
	}
}

// Values are the values of all fields.
func (n *Node) Values() []Value { return n.values }

// NewNode makes a node of number fields.
func NewNode(tag string, fields map[string]int) *Node {
	n := &Node{Tag: tag}
	for _, name := range slices.Sorted(maps.Keys(fields)) { // nodes of the same fields are equal
		n.names = append(n.names, name)
		n.values = append(n.values, Token(strconv.Itoa(fields[name])))
	}
	return n
}
