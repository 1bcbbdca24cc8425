package pgtree

import "strconv"

// Raise is a copy of an expression as it reads some query levels further out:
// what refers that far, or further, counts so many levels less.
func Raise(n *Node, levels int) *Node { return shift(n, levels, -levels, 0).(*Node) }

// Lower is a copy of an expression as it reads some query levels further in: what
// refers to its own query, or further, counts so many levels more.
func Lower(n *Node, levels int) *Node { return shift(n, 0, levels, 0).(*Node) }

// shift adds to the levels of references to the query so many levels out, or further.
func shift(v Value, from, by, depth int) Value {
	switch v := v.(type) {
	case *Node:
		c := &Node{Tag: v.Tag, names: v.names, values: make([]Value, len(v.values))}
		inner := depth
		if v.Tag == "QUERY" {
			inner++
		}
		for i, f := range v.values {
			c.values[i] = shift(f, from, by, inner)
			switch v.names[i] {
			case "varlevelsup", "agglevelsup", "ctelevelsup":
				if up := v.Int(v.names[i]); up >= from+depth {
					c.values[i] = Token(strconv.Itoa(up + by))
				}
			}
		}
		return c
	case List:
		return v.Map(func(e Value) Value { return shift(e, from, by, depth) })
	}
	return v
}
