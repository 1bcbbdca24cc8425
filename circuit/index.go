package circuit

import "github.com/stepping-cdc/stepping-cdc/values"

// index keeps the integral of a stream, arranged by a key, as a trace
// prefix|key|columns of the row → weight. It sends nothing: the joins that read it look at its
// delta of the step and at its trace of the steps before.
type index struct {
	key   KeyFunc
	width int // of the rows
	kept  kept
	delta delta
	stale bool   // delta is of the step, or the pass of a loop, before
	turn  uint64 // counts the deltas, so that a join takes each one once
}

func (*index) kind() string { return "index" }
func (*index) keepsState()  {}

func (o *index) push(_ *step, _ *node, _ int, in *Batch) error {
	if o.stale {
		o.reset()
	}
	for i, w := range in.W {
		if err := o.delta.add(o.key, in.Row(i), w, &o.kept); err != nil {
			return err
		}
	}
	return nil
}

// decode appends a row of the trace or the delta.
func (o *index) decode(src []byte, dst []values.Datum) ([]values.Datum, error) {
	return o.kept.decode(src, o.width, dst)
}

func (o *index) idle() bool { return o.delta.len() == 0 }

func (o *index) finish(s *step, n *node) error {
	if o.stale {
		o.reset()
	}
	o.stale = true
	if o.delta.len() == 0 {
		return nil
	}
	o.turn++
	o.delta.consolidate()
	n.out.wake(s)
	o.delta.write(s, n, n.prefix)
	return nil
}

func (o *index) reset() {
	o.delta.empty()
	o.stale = false
}
