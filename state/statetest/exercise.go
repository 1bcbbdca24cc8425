// Package statetest is the conformance suite of state.Store: what every
// implementation must do, run against each. It knows the interface alone.
package statetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// Exercise runs the suite; open makes a fresh, empty store, closed by the suite.
func Exercise(t *testing.T, open func(t *testing.T) state.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, state.Store)
	}{
		{"empty", exerciseEmpty},
		{"set and delete", exerciseSet},
		{"weights", exerciseWeights},
		{"delete range", exerciseDeleteRange},
		{"order inside a batch", exerciseOrder},
		{"batches are atomic and reusable", exerciseBatch},
		{"iterators", exerciseIterators},
		{"iterators see one version", exerciseVersions},
		{"callers' memory is copied", exerciseOwnership},
		{"durability", exerciseDurability},
		{"metadata", exerciseMetadata},
		{"many keys", exerciseMany},
		{"large batch", exerciseLarge},
		{"use after close", exerciseClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.run(t, s)
			if err := s.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
		})
	}
}

func commit(t *testing.T, s state.Store, fill func(state.Batch)) uint64 {
	t.Helper()
	b := s.NewBatch()
	fill(b)
	seq, err := b.Commit()
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatalf("close batch: %v", err)
	}
	return seq
}

// Contents lists a store's keys in [lower, upper) as "key=value" in order,
// leaving out the store's own.
func Contents(t testing.TB, s state.Store, lower, upper []byte) []string {
	t.Helper()
	if lower == nil {
		lower = []byte{1}
	}
	it := s.NewIter(lower, upper)
	var out []string
	for ok := it.First(); ok; ok = it.Next() {
		out = append(out, fmt.Sprintf("%s=%q", it.Key(), it.Value()))
	}
	if err := it.Error(); err != nil {
		t.Fatalf("iterate: %v", err)
	}
	if err := it.Close(); err != nil {
		t.Fatalf("close iterator: %v", err)
	}
	return out
}

func want(t *testing.T, s state.Store, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, Contents(t, s, nil, nil)); diff != "" {
		t.Fatalf("contents (-want +got):\n%s", diff)
	}
}

func wantWeight(t *testing.T, s state.Store, key string, w int64) {
	t.Helper()
	v, ok, err := s.Get(nil, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if ok != (w != 0) {
		t.Fatalf("%s exists: %v, want weight %d", key, ok, w)
	}
	if !ok {
		return
	}
	if got, err := state.Weight(v); err != nil || got != w {
		t.Fatalf("weight of %s: %d, %v; want %d", key, got, err, w)
	}
}

func exerciseEmpty(t *testing.T, s state.Store) {
	want(t, s)
	if _, ok, err := s.Get(nil, []byte("a")); ok || err != nil {
		t.Fatalf("get: %v, %v", ok, err)
	}
	if s.Committed() != 0 || s.Durable() != 0 {
		t.Fatalf("committed %d, durable %d", s.Committed(), s.Durable())
	}
}

func exerciseSet(t *testing.T, s state.Store) {
	commit(t, s, func(b state.Batch) {
		b.Set([]byte("a"), []byte("1"))
		b.Set([]byte("b"), nil)
		b.Set([]byte("c"), []byte("3"))
	})
	want(t, s, `a="1"`, `b=""`, `c="3"`)
	commit(t, s, func(b state.Batch) {
		b.Set([]byte("a"), []byte("one"))
		b.Delete([]byte("b"))
		b.Delete([]byte("no such key"))
	})
	want(t, s, `a="one"`, `c="3"`)
	v, ok, err := s.Get([]byte("a is "), []byte("a"))
	if string(v) != "a is one" || !ok || err != nil {
		t.Fatalf("get appends: %q, %v, %v", v, ok, err)
	}
	v, ok, err = s.Get([]byte("b is "), []byte("b"))
	if string(v) != "b is " || ok || err != nil {
		t.Fatalf("get of nothing: %q, %v, %v", v, ok, err)
	}
}

func exerciseWeights(t *testing.T, s state.Store) {
	commit(t, s, func(b state.Batch) {
		b.AddWeight([]byte("a"), 1)
		b.AddWeight([]byte("a"), 2)
		b.AddWeight([]byte("b"), -5)
		b.AddWeight([]byte("c"), 7)
		b.AddWeight([]byte("c"), -7)
		b.AddWeight([]byte("d"), 0)
	})
	wantWeight(t, s, "a", 3)
	wantWeight(t, s, "b", -5)
	if n := len(Contents(t, s, nil, nil)); n != 2 {
		t.Fatalf("%d keys, want 2: a zero weight is no key", n)
	}
	commit(t, s, func(b state.Batch) {
		b.AddWeight([]byte("a"), -3)
		b.AddWeight([]byte("b"), 1<<62)
	})
	wantWeight(t, s, "a", 0)
	wantWeight(t, s, "b", 1<<62-5)
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantWeight(t, s, "a", 0)
	commit(t, s, func(b state.Batch) { b.AddWeight([]byte("a"), 4) })
	wantWeight(t, s, "a", 4)
}

func exerciseDeleteRange(t *testing.T, s state.Store) {
	commit(t, s, func(b state.Batch) {
		for _, k := range []string{"a", "b", "ba", "bb", "c"} {
			b.Set([]byte(k), []byte("x"))
		}
		b.AddWeight([]byte("bw"), 3)
	})
	commit(t, s, func(b state.Batch) {
		b.DeleteRange([]byte("b"), []byte("c"))
		b.Set([]byte("bb"), []byte("y"))
		b.AddWeight([]byte("bw"), 1)
	})
	want(t, s, `a="x"`, `bb="y"`, `bw="\x02"`, `c="x"`)
	commit(t, s, func(b state.Batch) { b.DeleteRange([]byte("c"), []byte("b")) }) // nothing
	want(t, s, `a="x"`, `bb="y"`, `bw="\x02"`, `c="x"`)
}

func exerciseOrder(t *testing.T, s state.Store) {
	commit(t, s, func(b state.Batch) {
		b.Set([]byte("a"), []byte("1"))
		b.Delete([]byte("a"))
		b.Set([]byte("b"), []byte("1"))
		b.Set([]byte("b"), []byte("2"))
		b.AddWeight([]byte("w"), 1)
		b.DeleteRange([]byte("w"), []byte("x"))
		b.AddWeight([]byte("w"), 5)
	})
	want(t, s, `b="2"`, `w="\n"`)
}

func exerciseBatch(t *testing.T, s state.Store) {
	b := s.NewBatch()
	b.Set([]byte("a"), []byte("1"))
	if b.Len() != 1 || b.Size() == 0 {
		t.Fatalf("len %d, size %d", b.Len(), b.Size())
	}
	want(t, s) // not before the commit
	b.Reset()
	if b.Len() != 0 {
		t.Fatalf("len %d after reset", b.Len())
	}
	b.Set([]byte("b"), []byte("2"))
	for i, key := range []string{"b", "c", "d"} {
		if i > 0 {
			b.Set([]byte(key), []byte("2"))
		}
		seq, err := b.Commit()
		if err != nil || seq != uint64(i+1) || s.Committed() != seq {
			t.Fatalf("commit %d: %d, %v; committed %d", i, seq, err, s.Committed())
		}
		if b.Len() != 0 {
			t.Fatalf("len %d after commit", b.Len())
		}
	}
	want(t, s, `b="2"`, `c="2"`, `d="2"`)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func exerciseIterators(t *testing.T, s state.Store) {
	commit(t, s, func(b state.Batch) {
		for _, k := range []string{"a", "b1", "b2", "b3", "c"} {
			b.Set([]byte(k), []byte(k))
		}
	})
	it := s.NewIter([]byte("b"), state.PrefixEnd([]byte("b")))
	defer it.Close()
	if it.Valid() {
		t.Fatal("valid before the first move")
	}
	at := func(what string, ok bool, key string) {
		t.Helper()
		if ok != it.Valid() || ok != (key != "") {
			t.Fatalf("%s: %v, valid %v, want %q", what, ok, it.Valid(), key)
		}
		if ok && (string(it.Key()) != key || string(it.Value()) != key) {
			t.Fatalf("%s: %q = %q, want %q", what, it.Key(), it.Value(), key)
		}
	}
	at("first", it.First(), "b1")
	at("next", it.Next(), "b2")
	at("next", it.Next(), "b3")
	at("next", it.Next(), "")
	at("last", it.Last(), "b3")
	at("prev", it.Prev(), "b2")
	at("next after prev", it.Next(), "b3")
	at("seek", it.SeekGE([]byte("b2")), "b2")
	at("seek between", it.SeekGE([]byte("b20")), "b3")
	at("seek below", it.SeekGE([]byte("a")), "b1")
	at("prev at the bound", it.Prev(), "")
	at("seek above", it.SeekGE([]byte("b4")), "")
	at("seek less", it.SeekLT([]byte("b2")), "b1")
	at("seek less than all", it.SeekLT([]byte("b1")), "")
	at("seek less, above", it.SeekLT([]byte("z")), "b3")

	all := s.NewIter([]byte{1}, nil)
	defer all.Close()
	if !all.Last() || string(all.Key()) != "c" || !all.SeekLT([]byte("zz")) || string(all.Key()) != "c" {
		t.Fatal("open upper bound")
	}
}

func exerciseVersions(t *testing.T, s state.Store) {
	commit(t, s, func(b state.Batch) {
		b.Set([]byte("a"), []byte("1"))
		b.AddWeight([]byte("w"), 1)
	})
	it := s.NewIter([]byte{1}, nil)
	defer it.Close()
	commit(t, s, func(b state.Batch) {
		b.Set([]byte("a"), []byte("2"))
		b.Set([]byte("b"), []byte("2"))
		b.AddWeight([]byte("w"), 1)
	})
	var got []string
	for ok := it.First(); ok; ok = it.Next() {
		got = append(got, fmt.Sprintf("%s=%q", it.Key(), it.Value()))
	}
	if diff := cmp.Diff([]string{`a="1"`, `w="\x02"`}, got); diff != "" {
		t.Fatalf("an older iterator (-want +got):\n%s", diff)
	}
	want(t, s, `a="2"`, `b="2"`, `w="\x04"`)
}

func exerciseOwnership(t *testing.T, s state.Store) {
	key, value := []byte("key"), []byte("value")
	commit(t, s, func(b state.Batch) {
		b.Set(key, value)
		copy(key, "xxx")
		copy(value, "xxxxx")
		b.AddWeight(key, 2)
		copy(key, "yyy")
	})
	want(t, s, `key="value"`, `xxx="\x04"`)
	got, _, err := s.Get(nil, []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	copy(got, "zzzzz")
	want(t, s, `key="value"`, `xxx="\x04"`)
}

func exerciseDurability(t *testing.T, s state.Store) {
	seq := commit(t, s, func(b state.Batch) { b.Set([]byte("a"), []byte("1")) })
	if err := s.StartFlush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s.Durable() < seq {
		t.Fatalf("durable %d after the flush of %d", s.Durable(), seq)
	}
	if err := s.Flush(context.Background()); err != nil { // nothing to do
		t.Fatal(err)
	}
	if m := s.Metrics(); m.Durable != seq || m.Committed != seq {
		t.Fatalf("metrics: %+v", m)
	}
	if _, err := s.SizeOf([]byte("a"), []byte("b")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SizeOf(nil, nil); err != nil {
		t.Fatal(err)
	}
}

func exerciseMetadata(t *testing.T, s state.Store) {
	key := state.MetaKey("position")
	if _, ok, err := state.GetUint64(s, key); ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	commit(t, s, func(b state.Batch) {
		state.SetUint64(b, key, 0xfedcba9876543210)
		b.Set(state.MetaKey("damaged"), []byte("x"))
	})
	if v, ok, err := state.GetUint64(s, key); v != 0xfedcba9876543210 || !ok || err != nil {
		t.Fatalf("%x, %v, %v", v, ok, err)
	}
	if _, _, err := state.GetUint64(s, state.MetaKey("damaged")); err == nil {
		t.Fatal("no error for a number of one byte")
	}
}

func exerciseMany(t *testing.T, s state.Store) {
	const n = 20000
	key := func(i int) []byte { return fmt.Appendf(nil, "k%06d", i*7919%n) }
	for lo := 0; lo < n; lo += 1000 {
		commit(t, s, func(b state.Batch) {
			for i := lo; i < lo+1000; i++ {
				b.AddWeight(key(i), int64(i*7919%n)+1)
			}
		})
	}
	check := func(step int) {
		t.Helper()
		it := s.NewIter([]byte("k"), []byte("l"))
		defer it.Close()
		i := 0
		for ok := it.First(); ok; ok = it.Next() {
			if w, err := state.Weight(it.Value()); !bytes.Equal(it.Key(), fmt.Appendf(nil, "k%06d", i)) || err != nil || w != int64(i)+1 {
				t.Fatalf("at %d: %q weighs %d, %v", i, it.Key(), w, err)
			}
			i += step
		}
		if i != n {
			t.Fatalf("ended at %d", i)
		}
		for ok := it.Last(); ok; ok = it.Prev() {
			i -= step
			if !bytes.Equal(it.Key(), fmt.Appendf(nil, "k%06d", i)) {
				t.Fatalf("backwards at %d: %q", i, it.Key())
			}
		}
		if i != 0 {
			t.Fatalf("backwards ended at %d", i)
		}
	}
	check(1)
	commit(t, s, func(b state.Batch) {
		for i := range n {
			if i%4 != 0 {
				b.AddWeight(fmt.Appendf(nil, "k%06d", i), -int64(i)-1)
			}
		}
	})
	check(4)
}

func exerciseLarge(t *testing.T, s state.Store) {
	value := bytes.Repeat([]byte("v"), 1<<20)
	b := s.NewBatch()
	for range 2 { // the second time a reused one
		for i := range 40 {
			b.Set(fmt.Appendf(nil, "large%02d", i), value)
		}
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(Contents(t, s, []byte("large"), nil)); n != 40 {
		t.Fatalf("%d keys", n)
	}
}

func exerciseClosed(t *testing.T, s state.Store) {
	b := s.NewBatch()
	b.Set([]byte("a"), nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(); !errors.Is(err, state.ErrClosed) {
		t.Fatalf("commit: %v", err)
	}
	if _, _, err := s.Get(nil, []byte("a")); !errors.Is(err, state.ErrClosed) {
		t.Fatalf("get: %v", err)
	}
	it := s.NewIter(nil, nil)
	if it.First() || !errors.Is(it.Error(), state.ErrClosed) {
		t.Fatalf("iterator: %v", it.Error())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	s.Metrics()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}
