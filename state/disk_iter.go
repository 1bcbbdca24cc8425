package state

import "github.com/cockroachdb/pebble/v2"

// diskIter is Pebble's iterator without the keys whose weight is zero, with our
// classes of errors.
type diskIter struct {
	it     *pebble.Iterator
	key    []byte
	value  []byte
	valid  bool
	sought []byte // scratch
}

// ahead and back settle on a key that is there, going on from ok.
func (i *diskIter) ahead(ok bool) bool { return i.settle(ok, i.it.Next) }
func (i *diskIter) back(ok bool) bool  { return i.settle(ok, i.it.Prev) }

func (i *diskIter) settle(ok bool, move func() bool) bool {
	for ; ok; ok = move() {
		if i.value, ok = stored(i.it.Value()); ok {
			i.key, i.valid = bare(i.it.Key()), true
			return true
		}
	}
	i.key, i.value, i.valid = nil, nil, false
	return false
}

func (i *diskIter) First() bool            { return i.ahead(i.it.First()) }
func (i *diskIter) Last() bool             { return i.back(i.it.Last()) }
func (i *diskIter) SeekGE(key []byte) bool { return i.ahead(i.it.SeekGE(i.whole(key))) }
func (i *diskIter) SeekLT(key []byte) bool { return i.back(i.it.SeekLT(i.whole(key))) }

func (i *diskIter) SeekPrefix(prefix []byte) bool {
	return i.ahead(i.it.SeekPrefixGE(i.whole(prefix)))
}

func (i *diskIter) Next() bool    { return i.ahead(i.it.Next()) }
func (i *diskIter) Prev() bool    { return i.back(i.it.Prev()) }
func (i *diskIter) Valid() bool   { return i.valid }
func (i *diskIter) Key() []byte   { return i.key }
func (i *diskIter) Value() []byte { return i.value }
func (i *diskIter) Error() error  { return readError(i.it.Error()) }
func (i *diskIter) Close() error  { return readError(i.it.Close()) }

func (i *diskIter) whole(key []byte) []byte {
	i.sought = appendWhole(i.sought[:0], key)
	return i.sought
}

// failedIter is an iterator that could not be made; it is never valid.
type failedIter struct{ err error }

func (failedIter) First() bool            { return false }
func (failedIter) Last() bool             { return false }
func (failedIter) SeekGE([]byte) bool     { return false }
func (failedIter) SeekLT([]byte) bool     { return false }
func (failedIter) SeekPrefix([]byte) bool { return false }
func (failedIter) Next() bool             { return false }
func (failedIter) Prev() bool             { return false }
func (failedIter) Valid() bool            { return false }
func (failedIter) Key() []byte            { return nil }
func (failedIter) Value() []byte          { return nil }
func (i failedIter) Error() error         { return i.err }
func (failedIter) Close() error           { return nil }
