package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// spilled is what a layer of a load came to, as one run in a file of its own: blocks of entries, each as a run
// has them. It never changes, and is lost with a crash, as what is in memory is. Of the
// file only where blocks begin is in memory.
//
// What nobody looks for meanwhile waits there, and goes to Pebble together with what comes later:
// so it is merged once, however many layers there are.
type spilled struct {
	fs      vfs.FS
	path    string
	file    vfs.File
	blocks  []spilledBlock
	end     int64
	traces  map[string]int // bytes of each trace's entries
	index   int            // bytes of memory that blocks take
	readers atomic.Int32   // and one for who may give it to readers
}

type spilledBlock struct {
	first []byte // what no key of it is less than, and all before it are
	off   int64
}

const (
	// blockCost is what a block takes in memory besides its first key, about.
	blockCost = 40
	// spilledBytes is how many a block has, about.
	spilledBytes = 16 << 10
	// mostSpilled is how many of them there are. An iterator counts them by the bits of a number, with
	// the runs of two layers.
	mostSpilled = 30
	// mostSpilledBytes is how many they have, about: they take room on the disk besides what the state will.
	mostSpilledBytes = 2 << 30
	// spilledPattern names them.
	spilledPattern = "load-%06d.run"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// spill writes runs, the oldest first, as one into a file, in blocks of about so many bytes. trace tells how a key
// begins, or is nil.
func spill(fs vfs.FS, path string, runs []*run, trace func(key []byte) int, block int) (*spilled, error) {
	file, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	w := spiller{s: &spilled{fs: fs, path: path, file: file, traces: map[string]int{}}, block: newRun(2*block, block/8), full: block, trace: trace}
	if err = mergeRuns(runs, w.add); err == nil {
		err = w.write()
	}
	if err == nil {
		// To be read again, as not every file system lets files be read that are being written.
		err = file.Close()
		if w.s.file = nil; err == nil {
			w.s.file, err = fs.Open(path)
		}
	}
	w.s.readers.Store(1)
	if err != nil {
		w.s.release()
		return nil, err
	}
	return w.s, nil
}

// spiller writes the blocks.
type spiller struct {
	s     *spilled
	block *run
	full  int // bytes of it
	raw   []byte
	trace func(key []byte) int
	end   []byte // the last key of the block before
	last  []byte // the trace of the last entry …
	bytes int    // … and what its entries have so far
}

// add adds the entries i … j-1 of a run.
func (w *spiller) add(of *run, i, j int) error {
	for i < j {
		if len(w.block.data) >= w.full {
			if err := w.write(); err != nil {
				return err
			}
		}
		if w.block.len() == 0 {
			w.begin(of.key(i))
		}
		n := i + 1
		if n < j {
			n = of.ends(n, j, int(of.offs[i])+w.full-len(w.block.data))
		}
		w.block.addAll(of, i, n)
		if w.trace != nil {
			w.tally(of, i, n)
		}
		i = n
	}
	return nil
}

// begin begins a block with a key.
func (w *spiller) begin(key []byte) {
	first := key
	if len(w.s.blocks) > 0 {
		first = key[:common(w.end, key)+1] // keys may be long
	}
	w.s.blocks = append(w.s.blocks, spilledBlock{first: bytes.Clone(first), off: w.s.end})
	w.s.index += len(first) + blockCost
}

// tally counts entries i … j-1 of a run as those of their traces.
func (w *spiller) tally(of *run, i, j int) {
	if last := of.key(j - 1); len(w.last) > 0 && bytes.Equal(last[:w.trace(last)], w.last) {
		w.bytes += int(of.offs[j] - of.offs[i]) // and so are those before
		return
	}
	for ; i < j; i++ {
		key := of.key(i)
		if bytes.Compare(key, metaEnd) < 0 {
			continue
		}
		if t := key[:w.trace(key)]; !bytes.Equal(t, w.last) {
			w.count()
			w.last = append(w.last[:0], t...)
		}
		w.bytes += int(of.offs[i+1] - of.offs[i])
	}
}

// count notes what the last trace had.
func (w *spiller) count() {
	if w.bytes > 0 {
		w.s.traces[string(w.last)] += w.bytes
		w.bytes = 0
	}
}

// write ends a block: its entries, where they begin, how many there are, and a checksum.
func (w *spiller) write() error {
	w.count()
	n := w.block.len()
	if n == 0 {
		return nil
	}
	w.raw = append(w.raw[:0], w.block.data...)
	for _, off := range w.block.offs {
		w.raw = binary.LittleEndian.AppendUint32(w.raw, off)
	}
	w.raw = binary.LittleEndian.AppendUint32(w.raw, uint32(n))
	w.raw = binary.LittleEndian.AppendUint32(w.raw, crc32.Checksum(w.raw, castagnoli))
	if _, err := w.s.file.Write(w.raw); err != nil {
		return err
	}
	w.s.end += int64(len(w.raw))
	w.end = append(w.end[:0], w.block.key(n-1)...)
	w.block.data, w.block.offs = w.block.data[:0], append(w.block.offs[:0], 0)
	return nil
}

// common is how many first bytes two keys have in common, of which the first one is less.
func common(a, b []byte) (n int) {
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return n
}

// release is of who made it, or of a reader: the last one removes the file. If that fails, it is
// removed when the store is opened.
func (s *spilled) release() {
	if s.readers.Add(-1) > 0 {
		return
	}
	if s.file != nil {
		_ = s.file.Close()
	}
	_ = s.fs.Remove(s.path)
}

// spilledPage is a block in memory.
type spilledPage struct {
	run run
	raw []byte
}

// spilledPages are for readers: one that comes takes over from one that has gone.
var spilledPages = sync.Pool{New: func() any { return new(spilledPage) }}

// read reads a block. What cannot be read of what was written is lost, whatever the reason.
func (s *spilled) read(block int, to *spilledPage) error {
	from, end := s.blocks[block].off, s.end
	if block+1 < len(s.blocks) {
		end = s.blocks[block+1].off
	}
	size := int(end - from)
	to.raw = slices.Grow(to.raw[:0], size)[:size]
	if _, err := s.file.ReadAt(to.raw, from); err != nil && err != io.EOF {
		return fmt.Errorf("%w: read %s: %w", ErrCorrupt, s.path, err)
	}
	sum := binary.LittleEndian.Uint32(to.raw[size-4:])
	if crc32.Checksum(to.raw[:size-4], castagnoli) != sum {
		return corruptf("block %d of %s", block, s.path)
	}
	n := int(binary.LittleEndian.Uint32(to.raw[size-8:]))
	data := size - 8 - 4*(n+1)
	to.run.data, to.run.offs = to.raw[:data:data], slices.Grow(to.run.offs[:0], n+1)[:n+1]
	for i := range to.run.offs {
		to.run.offs[i] = binary.LittleEndian.Uint32(to.raw[data+4*i:])
	}
	return nil
}

// block is the last block that begins at or before key, or the first one.
func (s *spilled) block(key []byte) int {
	i := sort.Search(len(s.blocks), func(i int) bool { return bytes.Compare(s.blocks[i].first, key) > 0 })
	return max(i-1, 0)
}

// blocksWithin are those in which there may be keys in [lower, upper); nil is open.
func (s *spilled) blocksWithin(lower, upper []byte) (from, to int) {
	to = len(s.blocks)
	if lower != nil {
		from = s.block(lower)
	}
	if upper != nil {
		to = from + sort.Search(to-from, func(i int) bool { return bytes.Compare(s.blocks[from+i].first, upper) >= 0 })
	}
	return from, to
}

// spilledRest is what has still to be read of it, block by block.
type spilledRest struct {
	s            *spilled
	block, to    int
	lower, upper []byte
	page         spilledPage
}

func (s *spilled) rest(lower, upper []byte) *spilledRest {
	from, to := s.blocksWithin(lower, upper)
	return &spilledRest{s: s, block: from, to: to, lower: lower, upper: upper}
}

// next is the next block, good until the one after it.
func (r *spilledRest) next() (*run, error) {
	if err := r.s.read(r.block, &r.page); err != nil {
		return nil, err
	}
	r.block++
	return r.page.run.within(r.lower, r.upper), nil
}

// get is what it says of a key; nil is nothing.
func (s *spilled) get(key []byte, page *spilledPage) ([]byte, error) {
	if err := s.read(s.block(key), page); err != nil {
		return nil, err
	}
	i := page.run.search(0, page.run.len(), key)
	if i == page.run.len() {
		return nil, nil
	}
	if e := page.run.at(i); bytes.Equal(e.key, key) {
		return bytes.Clone(e.value), nil
	}
	return nil, nil
}

// splitSpilled are keys that cut what is in files into as many parts of about one size.
func splitSpilled(files []*spilled, parts int) (bounds [][]byte) {
	var firsts [][]byte
	for _, s := range files {
		for i := range s.blocks {
			firsts = append(firsts, s.blocks[i].first)
		}
	}
	slices.SortFunc(firsts, bytes.Compare)
	for i := 1; i < parts; i++ {
		if b := firsts[i*len(firsts)/parts]; len(bounds) == 0 || !bytes.Equal(b, bounds[len(bounds)-1]) {
			bounds = append(bounds, b)
		}
	}
	return bounds
}

// spilledIter walks it within bounds, as runIter does a run.
type spilledIter struct {
	s            *spilled
	lower, upper []byte // nil: open
	from, to     int    // the blocks in which there may be something
	at           int    // the block in page; -1: none
	page         *spilledPage
	it           runIter
	prefix       []byte // of SeekPrefix, else empty
	valid        bool
	fail         *error // where an error goes
}

// within is an iterator within bounds, nil if there is nothing. It is a reader, to be released.
func (s *spilled) within(lower, upper []byte, fail *error) *spilledIter {
	from, to := s.blocksWithin(lower, upper)
	if from >= to {
		return nil
	}
	s.readers.Add(1)
	return &spilledIter{s: s, lower: lower, upper: upper, from: from, to: to, at: -1, fail: fail}
}

// load has a block in hand, and says whether it could be read.
func (it *spilledIter) load(block int) bool {
	if it.at == block {
		return true
	}
	if it.at = -1; it.page == nil {
		it.page = spilledPages.Get().(*spilledPage)
	}
	if err := it.s.read(block, it.page); err != nil {
		*it.fail = err
		it.valid = false
		return false
	}
	it.at = block
	r := &it.page.run
	lo, hi := 0, r.len()
	if it.lower != nil && block == it.from {
		lo = r.search(0, hi, it.lower)
	}
	if it.upper != nil && block == it.to-1 {
		hi = r.search(lo, hi, it.upper)
	}
	it.it = runIter{r: r, lo: lo, hi: hi, i: lo}
	return true
}

// close lets go of the page, and of the file.
func (it *spilledIter) close() {
	if it.page != nil {
		spilledPages.Put(it.page)
		it.page = nil
	}
	it.s.release()
}

// settle is where the iterator stands after a move within a block, if it may.
func (it *spilledIter) settle() bool {
	it.valid = it.it.valid && (len(it.prefix) == 0 || bytes.HasPrefix(it.it.at().key, it.prefix))
	return it.valid
}

// ahead goes to the first entry of the blocks from block on, back to the last of those up to it.
func (it *spilledIter) ahead(block int) bool {
	for it.valid = false; block < it.to; block++ {
		if !it.load(block) {
			return false
		}
		if it.it.First() {
			return it.settle()
		}
	}
	return false
}

func (it *spilledIter) back(block int) bool {
	for it.valid = false; block >= it.from; block-- {
		if !it.load(block) {
			return false
		}
		if it.it.Last() {
			return it.settle()
		}
	}
	return false
}

func (it *spilledIter) First() bool { it.prefix = it.prefix[:0]; return it.ahead(it.from) }
func (it *spilledIter) Last() bool  { it.prefix = it.prefix[:0]; return it.back(it.to - 1) }

func (it *spilledIter) SeekGE(key []byte) bool {
	it.prefix = it.prefix[:0]
	return it.seekGE(key)
}

func (it *spilledIter) SeekPrefix(prefix []byte) bool {
	it.prefix = append(it.prefix[:0], prefix...)
	return it.seekGE(prefix)
}

func (it *spilledIter) seekGE(key []byte) bool {
	block := it.find(key)
	if it.valid = false; !it.load(block) {
		return false
	}
	if it.it.SeekGE(key) {
		return it.settle()
	}
	return it.ahead(block + 1)
}

func (it *spilledIter) SeekLT(key []byte) bool {
	it.prefix = it.prefix[:0]
	block := it.find(key)
	if it.valid = false; !it.load(block) {
		return false
	}
	if it.it.SeekLT(key) {
		return it.settle()
	}
	return it.back(block - 1)
}

// find is the block within the bounds that has key, if one does. What is sought is often in the block in hand.
func (it *spilledIter) find(key []byte) int {
	blocks := it.s.blocks
	if at := it.at; at >= 0 && bytes.Compare(blocks[at].first, key) <= 0 && (at+1 == len(blocks) || bytes.Compare(key, blocks[at+1].first) < 0) {
		return at
	}
	return min(max(it.s.block(key), it.from), it.to-1)
}

func (it *spilledIter) step(dir int) bool {
	if !it.valid {
		return false
	}
	if it.it.step(dir) {
		return it.settle()
	}
	if dir > 0 {
		return it.ahead(it.at + 1)
	}
	return it.back(it.at - 1)
}

func (it *spilledIter) entry() treeEntry { return it.it.at() }
