package circuit

import (
	"bytes"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// walk goes through the entries of one key in a trace as they were before the
// step or, given the step's delta, as they will be after it. Entries whose
// weight is not positive are not there. It reads no further than it is asked.
type walk struct {
	cur   *cursor
	group []byte // the key; entries are the longer keys in the trace

	d      *delta // nil: before the step
	lo, hi int    // the group's entries in d

	i     int    // next entry of d: forward lo … hi-1, backward the other way
	read  bool   // the trace's present entry is used up
	key   []byte // of the present entry; the cursor's or the delta's memory
	w     int64
	row   []values.Datum
	fresh bool // row was not decoded yet
	ok    bool // there is a present entry
	fail  error
}

// before prepares to walk a group as it was, after as it will be.
func (k *walk) before(cur *cursor, group []byte) {
	k.after(cur, group, nil, 0, 0)
}

func (k *walk) after(cur *cursor, group []byte, d *delta, lo, hi int) {
	k.cur, k.group, k.d, k.lo, k.hi = cur, group, d, lo, hi
	k.ok, k.fail = false, nil
}

func (k *walk) first() bool {
	k.cur.seek(k.group)
	k.i, k.read = k.lo, false
	return k.ahead()
}

func (k *walk) last() bool {
	k.cur.seekLast(k.group)
	k.i, k.read = k.hi-1, false
	return k.back()
}

// ahead takes the least of what the trace and the delta have next.
func (k *walk) ahead() bool {
	for k.fail == nil {
		if k.read {
			k.cur.next()
			k.read = false
		}
		old, changed := k.cur.under(k.group), k.i < k.hi
		if !old && !changed {
			break
		}
		c := 0
		switch {
		case !changed:
			c = -1
		case !old:
			c = 1
		default:
			c = bytes.Compare(k.cur.key(), k.d.bytes(k.i))
		}
		if k.take(c, 1) {
			return true
		}
	}
	k.ok = false
	return false
}

// back takes the greatest of what the trace and the delta have next.
func (k *walk) back() bool {
	for k.fail == nil {
		if k.read {
			k.cur.prev()
			k.read = false
		}
		old, changed := k.cur.under(k.group), k.i >= k.lo && k.hi > k.lo
		if !old && !changed {
			break
		}
		c := 0
		switch {
		case !changed:
			c = -1
		case !old:
			c = 1
		default:
			c = -bytes.Compare(k.cur.key(), k.d.bytes(k.i))
		}
		if k.take(c, -1) {
			return true
		}
	}
	k.ok = false
	return false
}

// take uses the trace's entry (c < 0), the delta's (c > 0) or both, and says
// whether what they make is there. The cursor itself stays, so that a walk
// after the step can begin where the one before it looked.
func (k *walk) take(c, step int) bool {
	k.w = 0
	if c <= 0 {
		k.key, k.read = k.cur.key(), true
		k.w, k.fail = k.cur.weight()
	}
	if c >= 0 {
		k.key = k.d.bytes(k.i)
		k.w += k.d.entries[k.i].w
		k.i += step
	}
	k.ok, k.fresh = k.fail == nil && k.w > 0, true
	return k.ok
}

// args is the row of the present entry, rest its place in it.
func (k *walk) args(rest int) []values.Datum {
	if k.fresh && k.ok {
		var err error
		if k.row, err = values.DecodeRow(k.key[rest:], k.row[:0]); err != nil && k.fail == nil {
			k.fail = err
		}
		k.fresh = false
	}
	return k.row
}
