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
	sort sorter
}

func (*output) kind() string { return "output" }

func (o *output) push(_ *step, _ *node, _ int, in *Batch) error {
	if o.sent {
		o.reset()
	}
	if in.Width != o.rows.Width {
		return fmt.Errorf("rows of %d columns where %d are expected", in.Width, o.rows.Width)
	}
	o.rows.Data = append(o.rows.Data, in.Data...)
	o.rows.W = append(o.rows.W, in.W...)
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
	o.sent = false
}
