package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/state/statetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		crashChild(dir)
	}
	goleak.VerifyTestMain(m)
}

// small makes flushes and compactions happen in tests of a few kilobytes.
var small = state.Options{Memory: 16 << 20}

func openDisk(t testing.TB, dir string) *state.Disk {
	t.Helper()
	s, err := state.Open(dir, small)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMemoryConforms(t *testing.T) {
	statetest.Exercise(t, func(*testing.T) state.Store { return state.NewMemory(state.Options{}) })
}

func TestDiskConforms(t *testing.T) {
	statetest.Exercise(t, func(t *testing.T) state.Store { return openDisk(t, t.TempDir()) })
}

// TestLoadingDiskConforms: a load takes another way to the disk.
func TestLoadingDiskConforms(t *testing.T) {
	statetest.Exercise(t, func(t *testing.T) state.Store {
		s := openDisk(t, t.TempDir())
		s.StartLoad()
		return s
	})
}

// TestStoresAgree does the same random operations on both stores, the one on
// disk now and then flushed or closed and reopened, loading or not, and compares
// all they hold.
func TestStoresAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := small
		o.FS = vfs.NewMem() // no fsync to wait for
		reopen := func() *state.Disk {
			s, err := state.Open("state", o)
			if err != nil {
				rt.Fatal(err)
			}
			return s
		}
		disk := reopen()
		memory := state.Store(state.NewMemory(state.Options{}))
		defer func() { disk.Close() }()
		key := rapid.StringMatching(`[a-c]{0,3}`)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			both := []state.Batch{disk.NewBatch(), memory.NewBatch()}
			for range rapid.IntRange(0, 12).Draw(rt, "writes") {
				k, l := key.Draw(rt, "k"), key.Draw(rt, "l")
				w := rapid.Int64Range(-2, 2).Draw(rt, "w")
				op := rapid.IntRange(0, 13).Draw(rt, "op")
				prefix, rest := genUnder.Draw(rt, "prefix"), genRest.Draw(rt, "rest")
				for _, b := range both {
					switch {
					case op < 3:
						b.Set([]byte("v"+k), []byte(l))
					case op < 5:
						b.Delete([]byte("v" + k))
					case op == 5:
						b.DeleteRange([]byte("v"+k), []byte("v"+l))
					case op == 6:
						b.DeleteRange([]byte("w"+k), []byte("w"+l))
					case op == 7:
						b.DeleteRange([]byte(prefix), state.PrefixEnd([]byte(prefix)))
					case op < 11:
						b.AddWeightUnder([]byte(prefix+rest), len(prefix), w)
					default:
						b.AddWeight([]byte("w"+k), w)
					}
				}
			}
			for _, b := range both {
				if _, err := b.Commit(); err != nil {
					rt.Fatal(err)
				}
				if err := b.Close(); err != nil {
					rt.Fatal(err)
				}
			}
			switch rapid.IntRange(0, 7).Draw(rt, "then") {
			case 0:
				if err := disk.Flush(context.Background()); err != nil {
					rt.Fatal(err)
				}
			case 1:
				if err := disk.Flush(context.Background()); err != nil {
					rt.Fatal(err)
				}
				if err := disk.Close(); err != nil {
					rt.Fatal(err)
				}
				disk = reopen()
			case 2:
				disk.StartLoad()
			case 3:
				disk.EndLoad(context.Background(), 0)
			}
			lower := []byte("v" + key.Draw(rt, "lower"))
			if diff := cmp.Diff(statetest.Contents(t, memory, nil, nil), statetest.Contents(t, disk, nil, nil)); diff != "" {
				rt.Fatalf("memory and disk differ (-memory +disk):\n%s", diff)
			}
			probe(rt, memory, disk, lower, []byte("v"+key.Draw(rt, "probe")))
			probePrefixes(rt, memory, disk)
		}
		if memory.Committed() != disk.Committed() {
			rt.Fatalf("commits: %d in memory, %d on disk", memory.Committed(), disk.Committed())
		}
	})
}

// Keys of AddWeightUnder: prefixes that are none of each other, and rests of which
// some are long enough to have their length in more than one byte.
var (
	genUnder = rapid.StringMatching(`u[a-c]{0,2}\.`)
	genRest  = rapid.SampledFrom([]string{"x", "y", "z" + strings.Repeat("-", 254), "z" + strings.Repeat("/", 253), "\x00\xff"})
)

// probePrefixes seeks prefixes, mixed with other moves, and compares what is
// under them.
func probePrefixes(rt *rapid.T, a, b state.Store) {
	x, y := a.NewIter([]byte("u"), []byte("v")), b.NewIter([]byte("u"), []byte("v"))
	defer x.Close()
	defer y.Close()
	for range rapid.IntRange(1, 6).Draw(rt, "seeks") {
		prefix := []byte(genUnder.Draw(rt, "sought"))
		seeks := []func(state.Iterator) bool{
			func(i state.Iterator) bool { return i.SeekPrefix(prefix) },
			func(i state.Iterator) bool { return i.SeekGE(prefix) },
			func(i state.Iterator) bool { return i.SeekLT(state.PrefixEnd(prefix)) },
		}
		seek := seeks[rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(rt, "how")]
		for okX, okY := seek(x), seek(y); ; okX, okY = x.Next(), y.Next() {
			if okX != okY || okX != x.Valid() || okY != y.Valid() {
				rt.Fatalf("prefix %q: %v in memory, %v on disk", prefix, okX, okY)
			}
			if !okX {
				break
			}
			if !bytes.Equal(x.Key(), y.Key()) || !bytes.Equal(x.Value(), y.Value()) {
				rt.Fatalf("prefix %q: at %q = %x in memory, %q = %x on disk", prefix, x.Key(), x.Value(), y.Key(), y.Value())
			}
		}
	}
}

// probe moves two iterators the same way and compares where they stand.
func probe(rt *rapid.T, a, b state.Store, lower, key []byte) {
	x, y := a.NewIter(lower, []byte("wb")), b.NewIter(lower, []byte("wb"))
	defer x.Close()
	defer y.Close()
	var done []string
	for range rapid.IntRange(1, 8).Draw(rt, "moves") {
		name := "first"
		switch move := rapid.IntRange(0, 5).Draw(rt, "move"); {
		case move == 1:
			name = "last"
			x.Last()
			y.Last()
		case move == 2:
			name = "seek " + string(key)
			x.SeekGE(key)
			y.SeekGE(key)
		case move == 3:
			name = "seek below " + string(key)
			x.SeekLT(key)
			y.SeekLT(key)
		case move == 4 && x.Valid() && y.Valid():
			name = "next"
			x.Next()
			y.Next()
		case move == 5 && x.Valid() && y.Valid():
			name = "prev"
			x.Prev()
			y.Prev()
		default:
			x.First()
			y.First()
		}
		done = append(done, name)
		if x.Valid() != y.Valid() || x.Valid() && (string(x.Key()) != string(y.Key()) || string(x.Value()) != string(y.Value())) {
			rt.Fatalf("iterators over [%s, wb) disagree after %v", lower, done)
		}
	}
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "state")
	s := openDisk(t, dir)
	b := s.NewBatch()
	b.Set([]byte("kept"), []byte("1"))
	state.SetUint64(b, state.MetaKey("position"), 7)
	if _, err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.Set([]byte("lost"), []byte("1"))
	if _, err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openDisk(t, dir)
	defer s.Close()
	if got := statetest.Contents(t, s, nil, nil); !cmp.Equal(got, []string{`kept="1"`}) {
		t.Fatalf("after reopening: %v", got)
	}
	if s.Committed() != 1 || s.Durable() != 1 {
		t.Fatalf("committed %d, durable %d", s.Committed(), s.Durable())
	}
}

func TestOnDurable(t *testing.T) {
	told := make(chan uint64, 100)
	o := small
	o.OnDurable = func(seq uint64) { told <- seq }
	s, err := state.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := s.NewBatch()
	defer b.Close()
	// Memtables fill and are flushed with nobody asking.
	value := make([]byte, 64<<10)
	for i := 0; ; i++ {
		b.Set(fmt.Appendf(nil, "k%d", i), value)
		seq, err := b.Commit()
		if err != nil {
			t.Fatal(err)
		}
		select {
		case durable := <-told:
			if durable == 0 || durable > seq || s.Durable() < durable {
				t.Fatalf("told %d of %d; Durable %d", durable, seq, s.Durable())
			}
			return
		default:
		}
		if i > 1e5 {
			t.Fatal("never told")
		}
	}
}

// TestSweep: keys whose weight came to zero disappear from the files, others do
// not, whatever compactions made of them meanwhile.
func TestSweep(t *testing.T) {
	s := openDisk(t, t.TempDir())
	defer s.Close()
	b := s.NewBatch()
	defer b.Close()
	commit := func(from, to int, w int64) {
		t.Helper()
		for i := from; i < to; i++ {
			b.AddWeight(fmt.Appendf(nil, "w%05d", i), w)
		}
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	commit(0, 3000, 1)
	if err := s.CompactAll(); err != nil { // now they are SETs at the bottom
		t.Fatal(err)
	}
	commit(0, 2000, -1)
	if err := s.CompactAll(); err != nil {
		t.Fatal(err)
	}
	commit(0, 500, 1)
	if got := len(statetest.Contents(t, s, nil, nil)); got != 1500 {
		t.Fatalf("%d keys with a weight, want 1500", got)
	}
	seen, dead, err := s.Sweep()
	if err != nil || dead != 1500 {
		t.Fatalf("saw %d, swept %d, want 1500; %v", seen, dead, err)
	}
	commit(600, 700, 1)
	if err := s.CompactAll(); err != nil {
		t.Fatal(err)
	}
	if seen, dead, err = s.Sweep(); err != nil || dead != 0 || seen != 1601 {
		t.Fatalf("second sweep saw %d, swept %d, %v; want 1601 (with the commit number), 0", seen, dead, err)
	}
	if got := len(statetest.Contents(t, s, nil, nil)); got != 1600 {
		t.Fatalf("%d keys with a weight, want 1600", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	made := func(t *testing.T) string {
		dir := t.TempDir()
		s := openDisk(t, dir)
		b := s.NewBatch()
		b.Set([]byte("a"), []byte("1"))
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		b.Close()
		if err := s.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	write := func(t *testing.T, path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   error
		text   string
	}{
		{"newer format", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "STEPPING_STATE"), "stepping-cdc state\nformat 99\nREADY\n")
		}, state.ErrNewer, "format 99"},
		{"older format", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "STEPPING_STATE"), "stepping-cdc state\nformat 0\nREADY\n")
		}, state.ErrCorrupt, "no longer read"},
		{"marker damaged", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "STEPPING_STATE"), "\x00\x00\x00")
		}, state.ErrCorrupt, "STEPPING_STATE"},
		{"marker empty", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "STEPPING_STATE"), "")
		}, state.ErrCorrupt, "STEPPING_STATE"},
		{"somebody else's directory", func(t *testing.T, dir string) {
			os.RemoveAll(dir)
			os.MkdirAll(dir, 0o700)
			write(t, filepath.Join(dir, "thesis.txt"), "chapter 1")
		}, state.ErrForeign, "thesis.txt"},
		{"all of the store's files gone", func(t *testing.T, dir string) {
			for _, f := range files(t, dir, "*") {
				if filepath.Base(f) != "STEPPING_STATE" {
					os.Remove(f)
				}
			}
		}, state.ErrCorrupt, ""},
		{"tables gone", func(t *testing.T, dir string) {
			for _, f := range files(t, dir, "*.sst") {
				os.Remove(f)
			}
		}, state.ErrCorrupt, ""},
		{"manifest gone", func(t *testing.T, dir string) {
			for _, f := range files(t, dir, "MANIFEST*") {
				os.Remove(f)
			}
		}, state.ErrCorrupt, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := made(t)
			c.damage(t, dir)
			s, err := state.Open(dir, small)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Fatalf("got %v, want %v with %q", err, c.want, c.text)
			}
			if errors.Is(c.want, state.ErrForeign) {
				if _, err := os.Stat(filepath.Join(dir, "thesis.txt")); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := openDisk(t, dir)
	defer s.Close()
	if _, err := state.Open(dir, small); !errors.Is(err, state.ErrLocked) {
		t.Fatalf("a second store in one process: %v", err)
	}
	if out, err := childOpens(t, dir); err != nil || !strings.Contains(out, state.ErrLocked.Error()) {
		t.Fatalf("a second process: %v, %s", err, out)
	}
}

func files(t testing.TB, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return found
}
