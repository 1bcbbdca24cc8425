package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A layer of a load goes to the disk as tables: files of Pebble's own form, which
// Pebble takes in with one edit of its manifest. As a batch, all of it would be copied
// into memory once more, indexed, and merged with nothing while it is flushed.

const (
	// tableBytes is how much of keys and values goes to one table, which takes about 4 MB.
	tableBytes = 6 << 20
	// ownTableBytes is from how many on a trace has tables of its own, and others share one no
	// longer. Whoever searches another trace then passes over the table without asking its Bloom
	// filter, and a table that overlaps with no other lies in the last level at once.
	ownTableBytes = 256 << 10
	// tablePattern names tables that Pebble has not taken in. Pebble's own names
	// begin with digits, and it leaves others alone.
	tablePattern = "load-%06d.table"
)

// tableWriter writes entries, in the order of their keys, to as many tables as they need.
type tableWriter struct {
	d     *Disk
	names *atomic.Int64 // how many tables there are, of all who write some
	files []*spilled    // of which the entries are …
	runs  []*run        // … and of these
	paths []string
	w     *sstable.Writer // nil: no table is open
	bytes int             // in it
	meta  bool            // it is of metadata, as metaApart has it
	trace []byte          // how the last key begins
}

func (t *tableWriter) add(e treeEntry) error {
	meta := bytes.Compare(e.key, metaEnd) < 0
	full := t.bytes > tableBytes || t.meta && !meta
	if t.d.trace != nil && !meta {
		if trace := e.key[:t.d.trace(e.key)]; !bytes.Equal(trace, t.trace) {
			t.trace = append(t.trace[:0], trace...)
			full = full || t.bytes > ownTableBytes || t.sizeOf(t.trace) > ownTableBytes
		}
	}
	if full {
		if err := t.end(); err != nil {
			return err
		}
	}
	if t.w == nil {
		if err := t.begin(); err != nil {
			return err
		}
	}
	t.bytes, t.meta = t.bytes+len(e.key)+len(e.value), meta
	switch e.value[0] {
	case entryAdd:
		return t.w.Merge(e.key, e.value[1:])
	case entryGone:
		return t.w.Delete(e.key)
	}
	return t.w.Set(e.key, e.value[1:]) // a table has no key twice: so a weight hides what is below as a value does
}

// sizeOf is how many bytes of a trace there are to be written.
func (t *tableWriter) sizeOf(trace []byte) int {
	size := sizeOf(t.runs, trace)
	for _, s := range t.files {
		size += s.traces[string(trace)]
	}
	return size
}

func (t *tableWriter) begin() error {
	if len(t.files) > 0 { // it may be gigabytes, and is lost if the store is closed now, as after a crash
		select {
		case <-t.d.stop:
			return ErrClosed
		default:
		}
	}
	fs := t.d.fs
	path := fs.PathJoin(t.d.dir, fmt.Sprintf(tablePattern, t.names.Add(1)))
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	t.paths, t.bytes = append(t.paths, path), 0
	t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), t.d.tables)
	return nil
}

// end completes a table: what is in it is on the disk.
func (t *tableWriter) end() error {
	if t.w == nil {
		return nil
	}
	err := t.w.Close()
	t.w, t.bytes = nil, 0
	return err
}

// ingestLayer has Pebble take in a frozen layer of a load, behind what was spilled, all of it or, if there is an
// error, nothing. Much of it is written by several goroutines.
func (d *Disk) ingestLayer(b *bulk, seq uint64) error {
	last := newRun(16, 1)
	var number [9]byte
	last.add(appendWhole(nil, commitKey), entrySet, append(binary.BigEndian.AppendUint64(number[:0], seq), setTag))
	files, runs := d.front.spilled, append(b.runs[:len(b.runs):len(b.runs)], last)
	var names atomic.Int64
	var bounds [][]byte
	if len(files) > 0 {
		bounds = splitSpilled(files, runtime.GOMAXPROCS(0))
	}
	writers := make([]tableWriter, len(bounds)+1)
	errs := make([]error, len(writers))
	var all sync.WaitGroup
	for i := range writers {
		t := &writers[i]
		*t = tableWriter{d: d, names: &names, files: files, runs: runs}
		var lower, upper []byte
		if i > 0 {
			lower = bounds[i-1]
		}
		if i < len(bounds) {
			upper = bounds[i]
		}
		all.Go(func() {
			err := mergeAll(files, runs, lower, upper, func(of *run, i, j int) error {
				for ; i < j; i++ {
					if err := t.add(of.at(i)); err != nil {
						return err
					}
				}
				return nil
			})
			errs[i] = errors.Join(err, t.end())
		})
	}
	all.Wait()
	err := errors.Join(errs...)
	var paths []string
	for i := range writers {
		paths = append(paths, writers[i].paths...)
	}
	if err == nil {
		err = d.db.Ingest(context.Background(), paths)
	}
	if err == nil {
		return nil
	}
	for _, path := range paths {
		_ = d.fs.Remove(path) // or when the store is opened
	}
	return err
}

// tablesFailed says that tables could not be written, and what comes of it.
func (d *Disk) tablesFailed(err error, so string) {
	err = readError(err)
	d.lastErr.Store(&err)
	d.onEvent(Event{Name: "error", Text: "files of a load could not be written; " + so, Err: err})
}

// removeTables removes what a crash left of tables that Pebble has not taken in, or of
// their second names, and of layers that were spilled.
func removeTables(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		var n int
		_, table := fmt.Sscanf(name, tablePattern, &n)
		if _, run := fmt.Sscanf(name, spilledPattern, &n); table != nil && run != nil {
			continue
		}
		if err := fs.Remove(fs.PathJoin(dir, name)); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return nil
}

// batched notes that something was written to Pebble as a batch; drain is held. What Pebble
// keeps in memory has to be on the disk before tables are taken in, as they are at once; so
// a load has it flushed.
func (d *Disk) batched() {
	f := &d.front
	f.inMemory, f.flushed = true, nil
	if !d.loading.Load() {
		return
	}
	flushed, err := d.db.AsyncFlush()
	if err != nil {
		d.lastErr.Store(&err) // what is written next is a batch, too
		return
	}
	f.flushed = flushed
}

// takesTables says whether all that was written to Pebble is on the disk; drain is held. It does
// not wait, as a full disk may take long.
func (d *Disk) takesTables() bool {
	f := &d.front
	if f.inMemory && f.flushed != nil {
		select {
		case <-f.flushed:
			f.inMemory, f.flushed = false, nil
		default:
		}
	}
	return !f.inMemory
}

func tableOptions(o *pebble.Options) sstable.WriterOptions {
	o = o.Clone()
	o.EnsureDefaults()
	return o.MakeWriterOptions(0, o.FormatMajorVersion.MaxTableFormat())
}
