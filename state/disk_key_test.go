package state

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"
)

// rawKey draws a key as it lies in Pebble: a prefix that is no proper prefix of
// another (it ends where a zero stands), and a rest of one of a few lengths.
func rawKey(t *rapid.T) (raw, prefix, key []byte) {
	prefix = append(rapid.SliceOfN(rapid.ByteRange(1, 3), 0, 3).Draw(t, "prefix"), 0)
	n := rapid.SampledFrom([]int{0, 2, 254, 255, 256}).Draw(t, "rest")
	rest := bytes.Repeat([]byte{rapid.SampledFrom([]byte{0, 1, 254, 255}).Draw(t, "filler")}, n)
	key = slices.Concat(prefix, rest)
	raw = append(bytes.Clone(key), make([]byte, lengthSize(n))...)
	putLength(raw[len(key):], n)
	return raw, prefix, key
}

// What Pebble asks of a Comparer that splits keys.
func TestKeyComparer(t *testing.T) {
	split := func(k []byte) ([]byte, []byte) { n := splitKey(k); return k[:n], k[n:] }
	rapid.Check(t, func(t *rapid.T) {
		a, pa, ka := rawKey(t)
		b, pb, kb := rawKey(t)
		if !bytes.Equal(bare(a), ka) {
			t.Fatalf("%x lies as %x, which reads %x", ka, a, bare(a))
		}
		if p, _ := split(a); !bytes.Equal(p, pa) {
			t.Fatalf("%x is split at %x, not %x", a, p, pa)
		}
		sameLength := len(ka)-len(pa) == len(kb)-len(pb)
		if !bytes.Equal(pa, pb) || sameLength { // rests under one prefix are prefix-free
			if got, want := bytes.Compare(a, b), bytes.Compare(ka, kb); got != want {
				t.Fatalf("%x and %x are ordered %d, as they lie %d", ka, kb, want, got)
			}
		}
		whole := appendWhole(nil, pa)
		if p, _ := split(whole); !bytes.Equal(p, pa) || bytes.Compare(whole, a) > 0 {
			t.Fatalf("%x sought as %x is split at %x, and comes after %x", pa, whole, p, a)
		}
		if bytes.Compare(a, b) >= 0 {
			return
		}
		if bytes.Compare(pa, pb) > 0 {
			t.Fatalf("%x < %x, yet their prefixes are not", a, b)
		}
		sep := keyComparer.Separator([]byte("dst"), a, b)
		if !bytes.HasPrefix(sep, []byte("dst")) {
			t.Fatal("Separator does not append")
		}
		sep = sep[3:]
		if bytes.Compare(a, sep) > 0 || bytes.Compare(sep, b) >= 0 {
			t.Fatalf("separator of %x and %x is %x", a, b, sep)
		}
		if p, _ := split(sep); bytes.Compare(pa, p) > 0 || bytes.Compare(p, pb) > 0 {
			t.Fatalf("separator %x of %x and %x has the prefix %x", sep, a, b, p)
		}
		next := keyComparer.Successor(nil, a)
		if p, _ := split(next); bytes.Compare(a, next) > 0 || bytes.Compare(pa, p) > 0 {
			t.Fatalf("successor of %x is %x", a, next)
		}
	})
}

// Keys that no one wrote (Pebble compares what it likes) are split somewhere.
func TestSplitOfAnyBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "bytes")
		if n := splitKey(b); n < 0 || n > len(b) {
			t.Fatalf("%x is split at %d", b, n)
		}
		if !bytes.HasPrefix(b, bare(b)) {
			t.Fatalf("%x reads %x", b, bare(b))
		}
	})
}

// A prefix that is not there is passed over by the filters, in every level.
func TestSeekPrefixUsesFilters(t *testing.T) {
	d, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b := d.NewBatch()
	defer b.Close()
	key := func(i int) []byte { return []byte{1, byte(i >> 8), byte(i), 'r', 'o', 'w'} }
	for i := 0; i < 4000; i += 2 {
		b.AddWeightUnder(key(i), 3, 1)
	}
	if _, err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	it := d.NewIter([]byte{1}, []byte{2}).(*diskIter)
	defer it.Close()
	for i := range 4000 {
		if found := it.SeekPrefix(key(i)[:3]); found != (i%2 == 0) {
			t.Fatalf("prefix %d: found %v", i, found)
		}
		if i%2 == 0 && (!bytes.Equal(it.Key(), key(i)) || it.Next()) {
			t.Fatalf("prefix %d: stands on %x", i, it.Key())
		}
	}
	if m := d.db.Metrics().Filter; m.Hits < 1800 {
		t.Fatalf("filters passed over %d of 2000 (%+v)", m.Hits, m)
	}
	if _, closer, err := d.db.Get(appendWhole(nil, key(1))); err != pebble.ErrNotFound {
		closer.Close()
		t.Fatalf("get: %v", err)
	}
}
