package state

import "github.com/cockroachdb/pebble/v2"

// diskIter is Pebble's iterator with our classes of errors.
type diskIter struct{ it *pebble.Iterator }

func (i diskIter) First() bool            { return i.it.First() }
func (i diskIter) Last() bool             { return i.it.Last() }
func (i diskIter) SeekGE(key []byte) bool { return i.it.SeekGE(key) }
func (i diskIter) SeekLT(key []byte) bool { return i.it.SeekLT(key) }
func (i diskIter) Next() bool             { return i.it.Next() }
func (i diskIter) Prev() bool             { return i.it.Prev() }
func (i diskIter) Valid() bool            { return i.it.Valid() }
func (i diskIter) Key() []byte            { return i.it.Key() }
func (i diskIter) Value() []byte          { return i.it.Value() }
func (i diskIter) Error() error           { return readError(i.it.Error()) }
func (i diskIter) Close() error           { return readError(i.it.Close()) }

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
