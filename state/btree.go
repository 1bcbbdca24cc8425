package state

import (
	"bytes"
	"slices"
)

// tree is an ordered map from byte keys to byte values whose versions share
// what they have in common: a B+ tree with copy on write. Nodes belong to the
// owner that made them; a tree changes its own nodes in place and copies
// others, so that taking a snapshot costs a new owner and nothing else.
//
// Deleting does not merge nodes, it only drops empty ones: the tree may get
// sparse, never wrong, and bulk deletion followed by reuse fills it again.
type tree struct {
	root  *treeNode // nil when empty
	owner *treeOwner
	count int
	size  int // bytes of keys and values
}

type treeOwner struct{ _ byte } // not empty: pointers must differ

// treeFanout is the most entries or children a node has.
const treeFanout = 64

// treeNode is a leaf (kids nil: keys and their values) or an inner node (keys[i]
// is a lower bound of kids[i]).
type treeNode struct {
	owner  *treeOwner
	keys   [][]byte
	values [][]byte
	kids   []*treeNode
}

func newTree() *tree { return &tree{owner: &treeOwner{}} }

// snapshot is the tree as it is now; both go their own ways from here.
func (t *tree) snapshot() *treeNode {
	t.owner = &treeOwner{}
	return t.root
}

// mine returns a node that t may change in place of n.
func (t *tree) mine(n *treeNode) *treeNode {
	if n.owner == t.owner {
		return n
	}
	c := &treeNode{owner: t.owner, keys: roomy(n.keys)}
	if n.kids != nil {
		c.kids = roomy(n.kids)
	} else {
		c.values = roomy(n.values)
	}
	return c
}

// roomy copies a node's slice, with room for one more than a node may have: it is
// split once it has that many.
func roomy[T any](s []T) []T {
	c := make([]T, len(s), treeFanout+1)
	copy(c, s)
	return c
}

// search is the place of the first key ≥ key, and whether it is key.
func (n *treeNode) search(key []byte) (int, bool) {
	lo, hi := 0, len(n.keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := bytes.Compare(n.keys[mid], key); {
		case c == 0:
			return mid, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo, false
}

// kid is the child that key belongs to: the first one if key is below all.
func (n *treeNode) kid(key []byte) int {
	i, found := n.search(key)
	if !found && i > 0 {
		i--
	}
	return i
}

func (n *treeNode) get(key []byte) ([]byte, bool) {
	for n != nil {
		if n.kids == nil {
			i, found := n.search(key)
			if !found {
				return nil, false
			}
			return n.values[i], true
		}
		n = n.kids[n.kid(key)]
	}
	return nil, false
}

// at is where the value under key is, nil if there is none. It may be written to
// as long as the tree has never been shared; whoever does keeps size right.
func (t *tree) at(key []byte) *[]byte {
	n := t.root
	for n != nil {
		if n.kids == nil {
			i, found := n.search(key)
			if !found {
				return nil
			}
			return &n.values[i]
		}
		n = n.kids[n.kid(key)]
	}
	return nil
}

// set stores a value; the tree keeps the slices given (of the key, if it is new).
func (t *tree) set(key, value []byte) {
	if t.root == nil {
		t.root = &treeNode{owner: t.owner}
	}
	left, right := t.setIn(t.root, key, value)
	t.root = left
	if right != nil {
		t.root = &treeNode{
			owner: t.owner,
			keys:  [][]byte{left.keys[0], right.keys[0]},
			kids:  []*treeNode{left, right},
		}
	}
}

// setIn stores below n and returns what replaces it: itself or a copy, and a
// right half when it had to be split.
func (t *tree) setIn(n *treeNode, key, value []byte) (left, right *treeNode) {
	n = t.mine(n)
	if n.kids == nil {
		i, found := n.search(key)
		if found {
			t.size += len(value) - len(n.values[i])
			n.values[i] = value
			return n, nil
		}
		t.count++
		t.size += len(key) + len(value)
		n.keys = insertAt(n.keys, i, key)
		n.values = insertAt(n.values, i, value)
		return n, t.split(n)
	}
	i := n.kid(key)
	kid, extra := t.setIn(n.kids[i], key, value)
	n.kids[i] = kid
	if i == 0 && bytes.Compare(key, n.keys[0]) < 0 {
		n.keys[0] = key
	}
	if extra != nil {
		n.keys = insertAt(n.keys, i+1, extra.keys[0])
		n.kids = insertAt(n.kids, i+1, extra)
	}
	return n, t.split(n)
}

// split moves the upper half of an overfull node into a new one.
func (t *tree) split(n *treeNode) *treeNode {
	if len(n.keys) <= treeFanout {
		return nil
	}
	at := len(n.keys) / 2
	right := &treeNode{owner: t.owner, keys: roomy(n.keys[at:])}
	clear(n.keys[at:])
	n.keys = n.keys[:at]
	if n.kids != nil {
		right.kids = roomy(n.kids[at:])
		clear(n.kids[at:])
		n.kids = n.kids[:at]
	} else {
		right.values = roomy(n.values[at:])
		clear(n.values[at:])
		n.values = n.values[:at]
	}
	return right
}

func (t *tree) delete(key []byte) {
	if _, found := t.root.get(key); !found {
		return
	}
	t.root = t.deleteIn(t.root, key)
}

// deleteIn deletes below n and returns what replaces it, nil if nothing is left.
func (t *tree) deleteIn(n *treeNode, key []byte) *treeNode {
	n = t.mine(n)
	if n.kids == nil {
		i, _ := n.search(key)
		t.count--
		t.size -= len(n.keys[i]) + len(n.values[i])
		n.keys = removeAt(n.keys, i)
		n.values = removeAt(n.values, i)
	} else {
		i := n.kid(key)
		if kid := t.deleteIn(n.kids[i], key); kid != nil {
			n.kids[i] = kid
		} else {
			n.keys = removeAt(n.keys, i)
			n.kids = removeAt(n.kids, i)
		}
	}
	if len(n.keys) == 0 {
		return nil
	}
	return n
}

// deleteRange deletes the keys in [lower, upper).
func (t *tree) deleteRange(lower, upper []byte) {
	if t.root != nil && bytes.Compare(lower, upper) < 0 {
		t.root = t.deleteRangeIn(t.root, lower, upper)
	}
}

func (t *tree) deleteRangeIn(n *treeNode, lower, upper []byte) *treeNode {
	n = t.mine(n)
	end, _ := n.search(upper)
	if n.kids == nil {
		from, _ := n.search(lower)
		for i := from; i < end; i++ {
			t.count--
			t.size -= len(n.keys[i]) + len(n.values[i])
		}
		n.keys = slices.Delete(n.keys, from, end)
		n.values = slices.Delete(n.values, from, end)
	} else {
		first := n.kid(lower)
		kept := first
		for i := first; i < end; i++ {
			// Those between others are in the range as a whole.
			if i > first && i+1 < end {
				t.forget(n.kids[i])
				continue
			}
			if kid := t.deleteRangeIn(n.kids[i], lower, upper); kid != nil {
				n.keys[kept], n.kids[kept] = n.keys[i], kid
				kept++
			}
		}
		n.keys = slices.Delete(n.keys, kept, max(end, kept))
		n.kids = slices.Delete(n.kids, kept, max(end, kept))
	}
	if len(n.keys) == 0 {
		return nil
	}
	return n
}

// forget takes the entries below n out of the tree's counts.
func (t *tree) forget(n *treeNode) {
	for _, kid := range n.kids {
		t.forget(kid)
	}
	for i := range n.values {
		t.count--
		t.size -= len(n.keys[i]) + len(n.values[i])
	}
}

func insertAt[T any](s []T, i int, v T) []T {
	var zero T
	s = append(s, zero)
	copy(s[i+1:], s[i:])
	s[i] = v
	return s
}

func removeAt[T any](s []T, i int) []T {
	var zero T
	copy(s[i:], s[i+1:])
	s[len(s)-1] = zero
	return s[:len(s)-1]
}

// treeIter walks one version of a tree within bounds.
type treeIter struct {
	root         *treeNode
	lower, upper []byte // nil: open
	prefix       []byte // of SeekPrefix, else empty
	path         []treeStep
	valid        bool
}

type treeStep struct {
	n *treeNode
	i int
}

// seek stands on the first key ≥ key of the whole version.
func (it *treeIter) seek(key []byte) bool {
	it.path = it.path[:0]
	n := it.root
	if n == nil {
		return false
	}
	for n.kids != nil {
		i := n.kid(key)
		it.path = append(it.path, treeStep{n, i})
		n = n.kids[i]
	}
	i, _ := n.search(key)
	it.path = append(it.path, treeStep{n, i})
	if i < len(n.keys) {
		return true
	}
	it.path[len(it.path)-1].i--
	return it.move(1)
}

// move goes one key on (dir 1) or back (dir -1).
func (it *treeIter) move(dir int) bool {
	level := len(it.path) - 1
	for ; level >= 0; level-- {
		s := &it.path[level]
		if i := s.i + dir; i >= 0 && i < len(s.n.keys) {
			s.i = i
			break
		}
	}
	if level < 0 {
		return false
	}
	it.path = it.path[:level+1]
	for {
		s := it.path[len(it.path)-1]
		if s.n.kids == nil {
			return true
		}
		it.descend(s.n.kids[s.i], dir)
	}
}

// descend enters a node at its near end.
func (it *treeIter) descend(n *treeNode, dir int) {
	i := 0
	if dir < 0 {
		i = len(n.keys) - 1
	}
	it.path = append(it.path, treeStep{n, i})
}

// edge stands on the very first (dir 1) or last (dir -1) key.
func (it *treeIter) edge(dir int) bool {
	it.path = it.path[:0]
	if it.root == nil {
		return false
	}
	it.descend(it.root, dir)
	for {
		s := it.path[len(it.path)-1]
		if s.n.kids == nil {
			return true
		}
		it.descend(s.n.kids[s.i], dir)
	}
}

// settle keeps a position only within the bounds.
func (it *treeIter) settle(ok bool) bool {
	if ok {
		k := it.at().key
		ok = (it.lower == nil || bytes.Compare(k, it.lower) >= 0) &&
			(it.upper == nil || bytes.Compare(k, it.upper) < 0) && bytes.HasPrefix(k, it.prefix)
	}
	it.valid = ok
	return ok
}

type treeEntry struct{ key, value []byte }

func (it *treeIter) at() treeEntry {
	s := it.path[len(it.path)-1]
	return treeEntry{s.n.keys[s.i], s.n.values[s.i]}
}

func (it *treeIter) First() bool {
	it.prefix = it.prefix[:0]
	if it.lower != nil {
		return it.settle(it.seek(it.lower))
	}
	return it.settle(it.edge(1))
}

func (it *treeIter) Last() bool {
	it.prefix = it.prefix[:0]
	if it.upper != nil {
		return it.SeekLT(it.upper)
	}
	return it.settle(it.edge(-1))
}

// SeekPrefix implements Iterator. Any key with the prefix is under it: that no
// other has it is the contract of AddWeightUnder.
func (it *treeIter) SeekPrefix(prefix []byte) bool {
	it.prefix = append(it.prefix[:0], prefix...)
	return it.seekGE(prefix)
}

func (it *treeIter) SeekGE(key []byte) bool {
	it.prefix = it.prefix[:0]
	return it.seekGE(key)
}

func (it *treeIter) seekGE(key []byte) bool {
	if it.lower != nil && bytes.Compare(key, it.lower) < 0 {
		key = it.lower
	}
	return it.settle(it.seek(key))
}

func (it *treeIter) SeekLT(key []byte) bool {
	it.prefix = it.prefix[:0]
	if it.upper != nil && bytes.Compare(key, it.upper) > 0 {
		key = it.upper
	}
	if !it.seek(key) {
		return it.settle(it.edge(-1))
	}
	return it.settle(it.move(-1))
}

func (it *treeIter) Next() bool { return it.step(1) }
func (it *treeIter) Prev() bool { return it.step(-1) }

func (it *treeIter) step(dir int) bool { return it.valid && it.settle(it.move(dir)) }

func (it *treeIter) Valid() bool   { return it.valid }
func (it *treeIter) Key() []byte   { return it.at().key }
func (it *treeIter) Value() []byte { return it.at().value }
func (it *treeIter) Error() error  { return nil }
func (it *treeIter) Close() error  { it.valid = false; return nil }
