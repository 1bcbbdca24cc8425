package circuit

// The lifted linear operators. For a linear Q the incremental version is Q
// itself (Q^Δ = Q: "Linear" in the paper's section on incremental circuits), so
// they keep no state and treat each part of a delta as it comes.

// mapper applies a function to batches: filter, projection, expansion.
type mapper struct{ f BatchFunc }

func (*mapper) kind() string { return "map" }

func (o *mapper) push(s *step, n *node, _ int, in *Batch) error {
	if err := o.f(s.ctx, in, &n.out.batch); err != nil {
		return err
	}
	return n.out.flush(s)
}

// mapper2 is a mapper with a second output, which is a node of its own.
type mapper2 struct {
	f      BatchFunc2
	second *node
}

func (*mapper2) kind() string { return "map2" }

func (o *mapper2) push(s *step, n *node, _ int, in *Batch) error {
	if err := o.f(s.ctx, in, &n.out.batch, &o.second.out.batch); err != nil {
		return err
	}
	if err := n.out.flush(s); err != nil {
		return err
	}
	return o.second.out.flush(s)
}

// secondOutput stands for the second output of a mapper2.
type secondOutput struct{}

func (*secondOutput) kind() string                         { return "second" }
func (*secondOutput) push(*step, *node, int, *Batch) error { return nil }

// sum is addition of Z-sets.
type sum struct{}

func (*sum) kind() string { return "sum" }

func (*sum) push(s *step, n *node, _ int, in *Batch) error { return n.out.send(s, in) }

// neg is negation of Z-sets.
type neg struct{ w []int64 }

func (*neg) kind() string { return "neg" }

func (o *neg) push(s *step, n *node, _ int, in *Batch) error {
	o.w = o.w[:0]
	for _, w := range in.W {
		o.w = append(o.w, -w)
	}
	return n.out.send(s, &Batch{Width: in.Width, Data: in.Data, W: o.w})
}
