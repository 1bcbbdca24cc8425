package circuit

import "fmt"

// source is an input of the circuit; Step sends its delta.
type source struct{ name string }

func (*source) kind() string                         { return "source" }
func (*source) push(*step, *node, int, *Batch) error { return nil }

// constant emits its rows at the first step: the stream whose integral is the
// same Z-set at all times (δ₀ of the paper applied to it).
type constant struct{ rows *Batch }

func (*constant) kind() string                         { return "constant" }
func (*constant) push(*step, *node, int, *Batch) error { return nil }

func (o *constant) start(s *step, n *node) error { return n.out.send(s, o.rows) }

// output gathers a stream's delta for the caller of Step.
type output struct {
	name string
	rows Batch
	sent bool // rows are of the step before
	kept bool // they are not wanted in parts
	sort sorter
}

func (*output) kind() string { return "output" }

func (o *output) push(s *step, _ *node, _ int, in *Batch) error {
	if o.sent {
		o.reset()
	}
	if in.Width != o.rows.Width {
		return fmt.Errorf("rows of %d columns where %d are expected", in.Width, o.rows.Width)
	}
	o.rows.Data = append(o.rows.Data, in.Data...)
	o.rows.W = append(o.rows.W, in.W...)
	if s.parts.Take == nil || o.kept || o.rows.Len() < s.parts.Rows {
		return nil
	}
	return o.part(s)
}

// part hands out what has gathered. Rows that came and went are no reason to.
func (o *output) part(s *step) error {
	if err := o.sort.consolidate(&o.rows); err != nil || o.rows.Len() < max(s.parts.Rows/2, 1) {
		return err
	}
	taken, err := s.parts.Take(o.name, &o.rows)
	if err != nil {
		return fmt.Errorf("part of output %q: %w", o.name, err)
	}
	if taken {
		o.rows.Reset()
	}
	o.kept = !taken
	return nil
}

func (o *output) idle() bool { return o.rows.Len() == 0 }

func (o *output) finish(*step, *node) error {
	if o.sent {
		o.reset()
	}
	o.sent = true
	return o.sort.consolidate(&o.rows)
}

func (o *output) reset() {
	const keep = 1 << 18 // Datums
	if cap(o.rows.Data) > keep {
		o.rows, o.sort = Batch{Width: o.rows.Width}, sorter{}
	}
	o.rows.Reset()
	o.sent, o.kept = false, false
}
