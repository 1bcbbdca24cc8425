package algebra

// Once is a relation beside which something is computed once, whatever rows there are: its errors are the relation's
// as well, its rows are of no account.
type Once struct{ In, Asked Node }

// Children are the relation and what is computed.
func (n *Once) Children() []Node { return []Node{n.In, n.Asked} }

// With computes another thing beside another relation.
func (n *Once) With(c []Node) Node { return &Once{In: c[0], Asked: c[1]} }

// Cols are the relation's.
func (n *Once) Cols() []Column { return n.In.Cols() }

// Label is the operator alone.
func (n *Once) Label() string { return "Once" }
