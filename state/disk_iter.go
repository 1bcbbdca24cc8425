package state

import "github.com/cockroachdb/pebble/v2"

// diskIter is Pebble's iterator without the keys whose weight is zero, with our
// classes of errors.
type diskIter struct {
	it    *pebble.Iterator
	value []byte
	valid bool
}

// ahead and back settle on a key that is there, going on from ok.
func (i *diskIter) ahead(ok bool) bool { return i.settle(ok, i.it.Next) }
func (i *diskIter) back(ok bool) bool  { return i.settle(ok, i.it.Prev) }

func (i *diskIter) settle(ok bool, move func() bool) bool {
	for ; ok; ok = move() {
		if i.value, ok = stored(i.it.Value()); ok {
			i.valid = true
			return true
		}
	}
	i.value, i.valid = nil, false
	return false
}

func (i *diskIter) First() bool            { return i.ahead(i.it.First()) }
func (i *diskIter) Last() bool             { return i.back(i.it.Last()) }
func (i *diskIter) SeekGE(key []byte) bool { return i.ahead(i.it.SeekGE(key)) }
func (i *diskIter) SeekLT(key []byte) bool { return i.back(i.it.SeekLT(key)) }
func (i *diskIter) Next() bool             { return i.ahead(i.it.Next()) }
func (i *diskIter) Prev() bool             { return i.back(i.it.Prev()) }
func (i *diskIter) Valid() bool            { return i.valid }
func (i *diskIter) Key() []byte            { return i.it.Key() }
func (i *diskIter) Value() []byte          { return i.value }
func (i *diskIter) Error() error           { return readError(i.it.Error()) }
func (i *diskIter) Close() error           { return readError(i.it.Close()) }

// failedIter is an iterator that could not be made; it is never valid.
type failedIter struct{ err error }

func (failedIter) First() bool        { return false }
func (failedIter) Last() bool         { return false }
func (failedIter) SeekGE([]byte) bool { return false }
func (failedIter) SeekLT([]byte) bool { return false }
func (failedIter) Next() bool         { return false }
func (failedIter) Prev() bool         { return false }
func (failedIter) Valid() bool        { return false }
func (failedIter) Key() []byte        { return nil }
func (failedIter) Value() []byte      { return nil }
func (i failedIter) Error() error     { return i.err }
func (failedIter) Close() error       { return nil }
