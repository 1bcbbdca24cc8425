package pgtree

import "strconv"

// Raise is a copy of an expression as it reads some query levels further out:
// what refers that far, or further, counts so many levels less.
func Raise(n *Node, levels int) *Node { return raise(n, levels, 0).(*Node) }

func raise(v Value, levels, depth int) Value {
	switch v := v.(type) {
	case *Node:
		c := &Node{Tag: v.Tag, names: v.names, values: make([]Value, len(v.values))}
		inner := depth
		if v.Tag == "QUERY" {
			inner++
		}
		for i, f := range v.values {
			c.values[i] = raise(f, levels, inner)
			switch v.names[i] {
			case "varlevelsup", "agglevelsup", "ctelevelsup":
				if up := v.Int(v.names[i]); up >= levels+depth {
					c.values[i] = Token(strconv.Itoa(up - levels))
				}
			}
		}
		return c
	case List:
		c := make(List, len(v))
		for i, e := range v {
			c[i] = raise(e, levels, depth)
		}
		return c
	}
	return v
}
