package circuit

import (
	"bytes"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// distinct is set semantics. It is not linear; its incremental version needs
// the integral of its input, but only at the rows of the delta (the paper's
// proposition on the incremental distinct): the trace is prefix|key|row →
// weight, and of each key the first present row is the one shown.
type distinct struct {
	key   KeyFunc
	delta delta
	rep   repr
	memo  memo // key → the entry of the row shown
}

func (*distinct) kind() string { return "distinct" }
func (*distinct) keepsState()  {}

func (o *distinct) push(_ *step, _ *node, _ int, in *Batch) error {
	for i, w := range in.W {
		if err := o.delta.add(o.key, in.Row(i), w, nil); err != nil {
			return err
		}
	}
	return nil
}

func (o *distinct) idle() bool { return o.delta.len() == 0 }

func (o *distinct) finish(s *step, n *node) error {
	if o.delta.len() == 0 {
		return nil
	}
	o.delta.consolidate()
	o.rep.cur.open(s, n, n.prefix)
	if err := o.rep.cur.close(o.groups(s, n)); err != nil {
		return err
	}
	o.delta.write(s, n, n.prefix)
	o.delta.empty()
	return n.out.flush(s)
}

func (o *distinct) groups(s *step, n *node) error {
	for i := 0; i < o.delta.len(); {
		end := o.delta.groupEnd(i)
		key := o.delta.key(i)
		if o.stays(key, i, end) {
			i = end
			continue
		}
		rest := len(key)
		if o.key == nil {
			rest = 0
		}
		changed, err := o.rep.find(key, rest, &o.delta, i, end)
		if err != nil {
			return err
		}
		if o.rep.has {
			o.memo.set(key, o.rep.walk.key, o.rep.had)
		} else {
			o.memo.remove(key)
		}
		if changed {
			if o.rep.had {
				n.out.batch.Append(o.rep.old, -1)
			}
			if o.rep.has {
				n.out.batch.Append(o.rep.now, 1)
			}
			if err := n.out.flushFull(s); err != nil {
				return err
			}
		}
		i = end
	}
	return nil
}

// stays says whether it is known, without a look into the trace, that the row shown for a key stays: that
// it is there, and the entries of the delta add only to it and what comes behind it.
func (o *distinct) stays(key []byte, lo, hi int) bool {
	shown, ok := o.memo.get(key)
	if !ok || bytes.Compare(o.delta.bytes(lo), shown) < 0 {
		return false
	}
	for i := lo; i < hi; i++ {
		if o.delta.entries[i].w < 0 {
			return false
		}
	}
	return true
}

func (o *distinct) reset() { o.delta.empty() }

// repr finds the row that stands for a key, before and after a step: of those
// present, the one whose encoding is least.
type repr struct {
	cur      cursor
	walk     walk
	oldKey   []byte
	old, now []values.Datum
	had, has bool
}

// find looks at the entries of key, whose encoded rows begin at rest, and says
// whether the step's delta changes the row that stands for it.
func (r *repr) find(key []byte, rest int, d *delta, lo, hi int) (changed bool, err error) {
	r.walk.before(&r.cur, key)
	if r.had = r.walk.first(); r.had {
		r.old = append(r.old[:0], r.walk.args(rest)...)
		r.oldKey = append(r.oldKey[:0], r.walk.key...)
	}
	if r.walk.fail != nil {
		return false, r.walk.fail
	}
	r.walk.after(&r.cur, key, d, lo, hi)
	if r.has = r.walk.first(); r.has {
		r.now = append(r.now[:0], r.walk.args(rest)...)
	}
	if r.walk.fail != nil {
		return false, r.walk.fail
	}
	changed = r.had != r.has || r.had && !bytes.Equal(r.oldKey, r.walk.key)
	return changed, nil
}
