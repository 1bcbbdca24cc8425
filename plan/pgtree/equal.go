package pgtree

// Equal says whether two expressions are the same but for where they are written,
// as Postgres' own equal() has it.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case *Node:
		b, ok := b.(*Node)
		if !ok || a == nil || b == nil {
			return ok && a == b
		}
		if a.Tag != b.Tag || len(a.names) != len(b.names) {
			return false
		}
		for i, name := range a.names {
			if name != b.names[i] {
				return false
			}
			switch name {
			case "location", "list_start", "list_end", "stmt_location", "stmt_len":
				continue
			}
			if !Equal(a.values[i], b.values[i]) {
				return false
			}
		}
		return true
	case List:
		b, ok := b.(List)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case Bytes:
		b, ok := b.(Bytes)
		return ok && string(a) == string(b)
	}
	return a == b
}
