package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options of a store on disk. The zero value is usable.
type Options struct {
	// Memory is the budget in bytes of block cache and memtables together;
	// default 256 MB, at least 16 MB.
	Memory int64
	// OnDurable is told, from a goroutine of the store, each time Durable grows.
	OnDurable func(seq uint64)
	// OnEvent is told what happens inside; it must not block or call the store.
	OnEvent func(Event)
	// Trace says how many of a key's first bytes name the trace that it belongs to, or whatever
	// else is searched for itself; nil: none.
	Trace func(key []byte) int
	// FS replaces the file system, for fault injection.
	FS vfs.FS
}

// Event is something the store did or suffered in the background.
type Event struct {
	Name string // "flush", "compaction", "stall", "disk slow", "disk low", "error", "fatal"
	Text string
	Err  error
}

// Disk is a Store in a directory, kept by Pebble, a log-structured merge tree.
//
// Commits gather in a layer before Pebble (front says how), which goes to Pebble
// as one batch, or, large ones, go there each as one. Pebble's write-ahead log is off: a batch is
// applied to a memtable, or is one if it is large, and memtables reach the disk whole and in order, each
// with one atomic edit of the manifest. A batch never straddles two memtables. A layer of a
// load goes to Pebble as files, with one such edit, when no memtable holds anything.
// That is what makes a crash leave a prefix of the commits.
type Disk struct {
	db        *pebble.DB
	fs        vfs.FS
	dir       string
	trace     func(key []byte) int
	tables    sstable.WriterOptions // of those that Pebble takes in
	front     front
	cache     *pebble.Cache
	lock      *pebble.Lock
	onDurable func(uint64)
	onEvent   func(Event)
	changed   chan struct{} // a flush or compaction ended: look what is durable now
	done      chan struct{} // the watcher of changed has ended
	committed atomic.Uint64
	lastErr   atomic.Pointer[error]

	opened      atomic.Bool   // merging may begin
	loading     atomic.Bool   // between StartLoad and EndLoad
	compacted   atomic.Uint64 // bytes read by compactions
	swept       chan struct{} // the sweeper has ended
	stop        chan struct{} // asks them, and the drainer, to end
	sweptAt     uint64        // compacted at the last sweep
	sweepFactor uint64
	settles     uint64 // bytes of files that the end of a load merges

	mu      sync.Mutex
	durable uint64
	grown   chan struct{} // closed and replaced when durable grows, or never will
	closed  bool          // written under life as well

	life sync.RWMutex // held for reading while db is used: Pebble panics once closed
}

// Open opens the store in dir, creating it if dir is missing or empty. Errors
// are of the classes ErrCorrupt, ErrNewer, ErrForeign and ErrLocked, or the
// operating system's.
func Open(dir string, o Options) (*Disk, error) {
	d, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", dir, err)
	}
	return d, nil
}

func open(dir string, o Options) (*Disk, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if _, err := readMarker(o.FS, dir); err != nil {
		return nil, err
	}
	if err := o.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create directory: %w", err)
	}
	lock, err := pebble.LockDirectory(dir, o.FS)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOSPC) {
			return nil, fmt.Errorf("lock directory: %w", err)
		}
		return nil, fmt.Errorf("%w (%w)", ErrLocked, err)
	}
	d, err := openLocked(dir, o, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

func openLocked(dir string, o Options, lock *pebble.Lock) (*Disk, error) {
	// Once more, now that nobody else can be writing it.
	marker, err := readMarker(o.FS, dir)
	if err != nil {
		return nil, err
	}
	if marker == markerAbsent {
		if err := writeMarker(o.FS, dir, false); err != nil {
			return nil, err
		}
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	d := &Disk{
		lock:      lock,
		fs:        o.FS,
		dir:       dir,
		onDurable: o.OnDurable,
		onEvent:   o.OnEvent,
		trace:     o.Trace,
		changed:   make(chan struct{}, 1),
		done:      make(chan struct{}),
		grown:     make(chan struct{}),
		stop:      make(chan struct{}),
		swept:     make(chan struct{}),

		sweepFactor: sweepMinFactor,
		settles:     uint64(o.memory() / 4),
	}
	d.front.init(o.memory())
	if err := removeTables(o.FS, dir); err != nil {
		return nil, err
	}
	opts := d.pebbleOptions(o, marker == markerReady)
	d.cache = opts.Cache
	defer d.cache.Unref() // Pebble has a reference of its own while it is open
	d.tables = tableOptions(opts)
	if d.db, err = pebble.Open(dir, opts); err != nil {
		return nil, openError(err)
	}
	d.opened.Store(true)
	if err := d.start(); err != nil {
		return nil, errors.Join(err, d.db.Close())
	}
	if marker != markerReady {
		if err := writeMarker(o.FS, dir, true); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// start reads how far the store got and begins to follow its flushes.
func (d *Disk) start() error {
	seq, err := d.readDurable()
	if err != nil {
		return err
	}
	d.durable = seq
	d.committed.Store(seq)
	d.front.drained, d.front.stowed, d.front.below = seq, seq, d.db
	d.crowding()
	go d.watch()
	go d.sweeper(d.stop)
	go d.drainer()
	return nil
}

// memory is the budget.
func (o *Options) memory() int64 {
	if o.Memory <= 0 {
		return 256 << 20
	}
	return max(o.Memory, 16<<20)
}

// memtables is how many of them there are at most: writes wait where the last one is full.
const memtables = 3

func memtableSize(memory int64) int64 { return min(memory/8, 64<<20) }

func (d *Disk) pebbleOptions(o Options, exists bool) *pebble.Options {
	memory := o.memory()
	// Two layers, and one that is on its way, take three sixteenths. The cache has the
	// rest, and what takes part of it for a while makes it smaller by as much: Pebble sees to its memtables,
	// which come to three eighths at most (one filling, the others being flushed), and
	// turnLayer to a load, which fills none.
	memtable := memtableSize(memory)
	opts := &pebble.Options{
		FS:                          o.FS,
		Lock:                        d.lock,
		DisableWAL:                  true,
		ErrorIfNotExists:            exists,
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		Merger:                      weightMerger,
		Comparer:                    keyComparer,
		Cache:                       pebble.NewCache(memory - 3*int64(d.front.limit)),
		MemTableSize:                uint64(memtable),
		MemTableStopWritesThreshold: memtables,
		L0CompactionThreshold:       12,
		L0StopWritesThreshold:       neverStop, // front.crowding does better
		LBaseMaxBytes:               firstLevel,
		MaxOpenFiles:                1000,
		MaxManifestFileSize:         4 << 20, // is read to open the store
		Logger:                      pebbleLogger{o.OnEvent},
		EventListener:               d.listener(o.OnEvent),
	}
	opts.CompactionConcurrencyRange = d.mergers
	opts.Experimental.L0CompactionConcurrency = settledAt
	// Reads are mostly searches: an index in one piece saves each a block, and
	// larger blocks make the index small.
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		opts.Levels[i].BlockSize = 8 << 10
		opts.Levels[i].IndexBlockSize = 256 << 10
	}
	opts.Experimental.SpanPolicyFunc = metaApart
	// A merged file may begin in one trace and end in another. Tables that are taken in, which are those of
	// loads, would lie above it where they are for between these two, and be merged with it, were it not cut there.
	opts.Experimental.IngestSplit = func() bool { return true }
	// The Bloom filter of a file is one block. Where the state is larger than the cache, large ones
	// push each other out of it, and to read one again takes longer than the search that it saves:
	// so files are small, but in the last levels of large states, where they would be too many.
	for i := range opts.TargetFileSizes[:3] {
		opts.TargetFileSizes[i] = 4 << 20
	}
	return opts
}

// firstLevel is how large the level becomes that takes in what was flushed. A flush has a few keys of nearly every part
// of a trace, so what it has is merged with all of that level: that must be little, or some hundred kilobytes
// wait for the rewriting of the whole state, and searches meanwhile look through all files that are flushed.
const firstLevel = 16 << 20

// neverStop is more sub-levels than there will be.
const neverStop = 1 << 20

// readDurable reads the number of the last commit that reached the disk.
func (d *Disk) readDurable() (uint64, error) {
	it, err := d.db.NewIter(&pebble.IterOptions{
		LowerBound:                appendWhole(nil, commitKey),
		UpperBound:                appendWhole(nil, PrefixEnd(commitKey)),
		OnlyReadGuaranteedDurable: true,
	})
	if err != nil {
		return 0, readError(err)
	}
	var seq uint64
	if it.First() {
		if v, _ := stored(it.Value()); len(v) == 8 {
			seq = binary.BigEndian.Uint64(v)
		} else {
			err = corruptf("commit number of %d bytes", len(v))
		}
	}
	return seq, readError(errors.Join(err, it.Close()))
}

// watch follows flushes and compactions: what is durable after each is read from
// the disk's own view of itself rather than guessed.
func (d *Disk) watch() {
	defer close(d.done)
	for {
		select {
		case <-d.stop:
			return
		case <-d.changed:
		}
		// What a flush or compaction has replaced is not to be held on to.
		err := d.front.iters.clear()
		d.crowding()
		seq, readErr := d.readDurable()
		if err = errors.Join(err, readErr); err != nil {
			d.lastErr.Store(&err)
			continue
		}
		d.mu.Lock()
		grew := seq > d.durable
		if grew {
			d.durable = seq
			d.wakeLocked()
		}
		d.mu.Unlock()
		if grew && d.onDurable != nil {
			d.onDurable(seq)
		}
	}
}

// Get implements Store.
func (d *Disk) Get(dst, key []byte) ([]byte, bool, error) {
	d.life.RLock()
	defer d.life.RUnlock()
	if d.closed {
		return dst, false, ErrClosed
	}
	// The room behind dst serves for the key until the value comes there.
	key = appendWhole(dst, key)[len(dst):]
	if err := d.front.rlock(); err != nil {
		return dst, false, readError(err)
	}
	defer d.front.mu.RUnlock()
	value, ok, err := d.front.get(dst, key)
	return value, ok, readError(err)
}

// NewIter implements Store.
func (d *Disk) NewIter(lower, upper []byte) Iterator {
	d.life.RLock()
	defer d.life.RUnlock()
	if d.closed {
		return failedIter{ErrClosed}
	}
	var from, to []byte
	if lower != nil {
		from = appendWhole(nil, lower)
	}
	if upper != nil {
		to = appendWhole(nil, upper)
	}
	it, err := d.front.newIter(from, to)
	if err != nil {
		return failedIter{readError(err)}
	}
	return it
}

// NewBatch implements Store.
func (d *Disk) NewBatch() Batch { return &diskBatch{d: d, b: d.newBatch(), raw: newRun(0, 0)} }

func (d *Disk) newBatch() *pebble.Batch {
	return d.db.NewBatch(pebble.WithMaxRetainedSizeBytes(2 * d.front.limit))
}

// Committed implements Store.
func (d *Disk) Committed() uint64 { return d.committed.Load() }

// Durable implements Store.
func (d *Disk) Durable() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.durable
}

// StartFlush implements Store.
func (d *Disk) StartFlush() error {
	if d.Durable() >= d.Committed() {
		return nil
	}
	d.life.RLock()
	defer d.life.RUnlock()
	if d.closed {
		return fmt.Errorf("flush state: %w", ErrClosed)
	}
	if err := d.front.startFlush(d.Committed()); err != nil {
		return fmt.Errorf("flush state: %w", readError(err))
	}
	return nil
}

// Flush implements Store. While the disk is full or failing it waits, since
// Pebble retries, until ctx ends; the error then tells the cause. What broke the store
// is told at once.
func (d *Disk) Flush(ctx context.Context) error {
	target := d.Committed()
	if err := d.StartFlush(); err != nil {
		return err
	}
	for {
		d.mu.Lock()
		done, closed, grown := d.durable >= target, d.closed, d.grown
		d.mu.Unlock()
		if done {
			return nil
		}
		if closed {
			return fmt.Errorf("flush state: %w", ErrClosed)
		}
		if err := d.front.failed(); err != nil {
			return fmt.Errorf("flush state: %w", readError(err))
		}
		select {
		case <-grown:
		case <-ctx.Done():
			err := ctx.Err()
			if last := d.lastErr.Load(); last != nil {
				err = errors.Join(err, *last)
			}
			return fmt.Errorf("flush state: %w", err)
		}
	}
}

// SizeOf implements Store.
func (d *Disk) SizeOf(lower, upper []byte) (uint64, error) {
	if lower == nil {
		lower = []byte{}
	}
	if upper == nil {
		upper = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	}
	d.life.RLock()
	defer d.life.RUnlock()
	if d.closed {
		return 0, ErrClosed
	}
	n, err := d.db.EstimateDiskUsage(appendWhole(nil, lower), appendWhole(nil, upper))
	return n, readError(err)
}

// Metrics implements Store.
func (d *Disk) Metrics() Metrics {
	d.life.RLock()
	defer d.life.RUnlock()
	if d.closed {
		return Metrics{Committed: d.Committed(), Durable: d.Durable(), LastError: ErrClosed}
	}
	m := d.db.Metrics()
	total := m.Total()
	layers := d.front.used()
	out := Metrics{
		DiskBytes:         m.DiskSpaceUsage(),
		MemoryBytes:       uint64(m.BlockCache.Size) + m.MemTable.Size + m.MemTable.ZombieSize + layers,
		UnflushedBytes:    m.MemTable.Size + layers,
		Committed:         d.Committed(),
		Durable:           d.Durable(),
		Flushes:           m.Flush.Count + int64(m.Ingest.Count),
		Compactions:       m.Compact.Count,
		FlushedBytes:      m.Levels[0].TableBytesFlushed + total.TableBytesIngested, // the total of flushes counts what a log would have had
		MergedBytes:       total.TableBytesCompacted,
		CacheHits:         m.BlockCache.Hits,
		CacheMisses:       m.BlockCache.Misses,
		ReadAmplification: m.ReadAmp(),
	}
	if last := d.lastErr.Load(); last != nil {
		out.LastError = *last
	}
	return out
}

// Close implements Store.
func (d *Disk) Close() error {
	if !d.shut() {
		return nil
	}
	close(d.stop)
	<-d.swept
	<-d.done
	<-d.front.ended
	d.front.mu.Lock()
	d.front.waitForRun()
	d.front.removeSpilled()
	d.front.mu.Unlock()
	if err := errors.Join(d.front.iters.clear(), d.db.Close(), d.lock.Close()); err != nil {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}

// shut lets nobody use db any more and wakes those who wait for a flush. It
// says whether it was the first to do so.
func (d *Disk) shut() bool {
	d.life.Lock()
	defer d.life.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.closed = true
	d.wakeLocked()
	return true
}

// wakeFlushers has those who wait for a flush look again; wakeLocked, with mu held.
func (d *Disk) wakeFlushers() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wakeLocked()
}

func (d *Disk) wakeLocked() {
	close(d.grown)
	d.grown = make(chan struct{})
}

// openError classes a failure to open. Whatever is not the operating system
// refusing us is damage: the files exist and do not make sense.
func openError(err error) error {
	for _, os := range []error{
		fs.ErrPermission, syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE,
		syscall.EROFS, syscall.EDQUOT, syscall.ENOMEM,
	} {
		if errors.Is(err, os) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// readError classes a failure to read from an open store.
func readError(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrCorrupt):
		return err
	case pebble.IsCorruptionError(err), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
