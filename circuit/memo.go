package circuit

import "sync/atomic"

// StartLoad begins a load: until EndLoad, the caller commits each step that succeeds before it makes another one, or
// throws the circuit away. So operators that come back to the same keys with every step may remember, up to about
// so many bytes in all, what is there, and need not look it up in the state.
func (c *Circuit) StartLoad(bytes int) {
	room := new(atomic.Int64)
	room.Store(int64(bytes))
	c.setMemos(func(n *node) memo {
		if n.looped { // it reads its own writes
			return memo{}
		}
		return memo{room: room}
	})
}

// EndLoad ends it: from now on the caller may leave steps uncommitted again.
func (c *Circuit) EndLoad() { c.setMemos(func(*node) memo { return memo{} }) }

func (c *Circuit) setMemos(of func(n *node) memo) {
	for _, n := range c.nodes {
		if m := n.memo(); m != nil {
			m.forget()
			*m = of(n)
		}
	}
}

func (n *node) memo() *memo {
	switch op := n.op.(type) {
	case *distinct:
		return &op.memo
	case *aggregate:
		return &op.memo
	}
	return nil
}

// memo is what an operator remembers of its state during a load: of some keys, what lies under them. What is in the memo
// is in the state, or will be with the step's batch; a step that fails ends with forget.
//
// Most keys of a snapshot are met once, or in one step alone. So a key is remembered from when it is met again on.
type memo struct {
	room   *atomic.Int64 // what there still is for all of them; nil: nothing is remembered
	values map[string][]byte
	taken  int64
}

// memoBytes is what a key takes besides its bytes and its value's.
const memoBytes = 96

func (m *memo) get(key []byte) (value []byte, ok bool) {
	value, ok = m.values[string(key)]
	return value, ok
}

// set notes what lies under a key now, if it was there before the step, or is remembered anyway.
func (m *memo) set(key, value []byte, before bool) {
	if m.room == nil {
		return
	}
	old, known := m.values[string(key)]
	if !known && !before {
		return
	}
	grows := int64(len(value) - cap(old))
	if !known {
		grows = int64(memoBytes + len(key) + len(value))
	}
	if grows > 0 {
		if m.room.Add(-grows) < 0 {
			m.room.Add(grows)
			m.remove(key)
			return
		}
		m.taken += grows
	}
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	m.values[string(key)] = append(old[:0], value...)
}

// remove is of a key under which there is nothing any more, or nothing that is known.
func (m *memo) remove(key []byte) { delete(m.values, string(key)) }

// forget forgets all.
func (m *memo) forget() {
	if m.room != nil {
		m.room.Add(m.taken)
	}
	m.values, m.taken = nil, 0
}
