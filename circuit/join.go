package circuit

import "bytes"

// join is the incremental version of the bilinear join of two streams. With Δ
// for a step's delta and z⁻¹I for the integral up to the step before,
//
//	(l ⋈ r)^Δ = Δl ⋈ Δr + z⁻¹I(l) ⋈ Δr + Δl ⋈ z⁻¹I(r)
//
// (the paper's theorem on bilinear operators), so its work is in proportion to
// the deltas and the pairs they make, not to the integrals.
//
// In a loop the delta of an index from outside is there at the first pass only,
// and the integrals that can be read hold the deltas already. So, with them,
//
//	(l ⋈ r)^Δ = Δl ⋈ I(r) + I(l) ⋈ Δr - Δl ⋈ Δr
type join struct {
	f           JoinFunc
	left, right *index
	leftN       *node
	rightN      *node
	turns       [2]uint64 // the last deltas taken of left and right
	cur         cursor
	rows        Batch // the rows of one key in a delta, decoded
	row         Batch // the row in hand from the other side
}

func (*join) kind() string                         { return "join" }
func (*join) push(*step, *node, int, *Batch) error { return nil }

func (o *join) reads() (l, r *node) { return o.leftN, o.rightN }

func (o *join) idle() bool { return o.left.idle() && o.right.idle() }

func (o *join) finish(s *step, n *node) error {
	l, r := o.left.turn != o.turns[0], o.right.turn != o.turns[1]
	o.turns = [2]uint64{o.left.turn, o.right.turn}
	if l {
		if err := o.probe(s, n, o.left, o.rightN, o.right, false); err != nil {
			return err
		}
	}
	if r {
		if err := o.probe(s, n, o.right, o.leftN, o.left, true); err != nil {
			return err
		}
	}
	if l && r {
		sign := int64(1)
		if n.looped {
			sign = -1
		}
		if err := o.product(s, n, sign); err != nil {
			return err
		}
	}
	return n.out.flush(s)
}

// probe joins an index's delta with the trace of another one.
func (o *join) probe(s *step, n *node, of *index, trace *node, with *index, swapped bool) error {
	d := &of.delta
	if d.len() == 0 {
		return nil
	}
	n.stats.RowsIn += int64(d.len())
	o.cur.open(s, n, trace.prefix)
	o.cur.expect(d.len())
	return o.cur.close(o.probeAll(s, n, of, with, swapped))
}

func (o *join) probeAll(s *step, n *node, of, with *index, swapped bool) error {
	d := &of.delta
	for i := 0; i < d.len(); {
		key, end := d.key(i), d.groupEnd(i)
		o.cur.seek(key)
		if o.cur.ended() {
			return nil // nor has any later key a partner
		}
		if o.cur.under(key) {
			if err := o.decode(of, i, end); err != nil {
				return err
			}
		}
		for ; o.cur.under(key); o.cur.next() {
			w, err := o.cur.weight()
			if err != nil {
				return err
			}
			if o.row.Data, err = with.decode(o.cur.key()[len(key):], o.row.Data[:0]); err != nil {
				return err
			}
			for j, dw := range o.rows.W {
				if swapped {
					o.f(o.row.Data, o.rows.Row(j), &n.out.batch, w*dw)
				} else {
					o.f(o.rows.Row(j), o.row.Data, &n.out.batch, w*dw)
				}
				if err := n.out.flushFull(s); err != nil {
					return err
				}
			}
		}
		i = end
	}
	return nil
}

// product joins the two deltas, merging them by key.
func (o *join) product(s *step, n *node, sign int64) error {
	l, r := &o.left.delta, &o.right.delta
	for i, j := 0, 0; i < l.len() && j < r.len(); {
		switch c := bytes.Compare(l.key(i), r.key(j)); {
		case c < 0:
			i++
			continue
		case c > 0:
			j++
			continue
		}
		iEnd, jEnd := l.groupEnd(i), r.groupEnd(j)
		if err := o.decode(o.right, j, jEnd); err != nil {
			return err
		}
		for ; i < iEnd; i++ {
			var err error
			if o.row.Data, err = o.left.decode(l.row(i), o.row.Data[:0]); err != nil {
				return err
			}
			for k, w := range o.rows.W {
				o.f(o.row.Data, o.rows.Row(k), &n.out.batch, sign*l.entries[i].w*w)
				if err := n.out.flushFull(s); err != nil {
					return err
				}
			}
		}
		j = jEnd
	}
	return nil
}

// decode fills rows with the entries i … end-1 of an index's delta.
func (o *join) decode(of *index, i, end int) error {
	o.rows.Reset()
	o.rows.Width = of.width
	for ; i < end; i++ {
		data, err := of.decode(of.delta.row(i), o.rows.Data)
		if err != nil {
			return err
		}
		o.rows.Data, o.rows.W = data, append(o.rows.W, of.delta.entries[i].w)
	}
	return nil
}
