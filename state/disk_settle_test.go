package state_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestEndLoadSettles: what a load leaves on top of each other of a small trace is one file deep
// afterwards, and the same; a large trace stays as it is.
func TestEndLoadSettles(t *testing.T) {
	ctx := context.Background()
	const keys, layers = 1000, 3
	for _, test := range []struct {
		name    string
		size    int
		settled bool
	}{{"small", 16, true}, {"large", 6000, false}} {
		t.Run(test.name, func(t *testing.T) {
			o := small
			o.FS = vfs.NewMem()
			s, err := state.Open("state", o)
			if err != nil {
				t.Fatal(err)
			}
			s.StartLoad()
			b := s.NewBatch()
			rnd := rand.New(rand.NewPCG(1, 2))
			value := make([]byte, test.size)
			key := func(i, layer int) []byte { return binary.BigEndian.AppendUint32([]byte("k"), uint32(i*layers+layer)) }
			for layer := range layers {
				for i := range keys {
					for at := range value {
						value[at] = byte(rnd.Uint32()) // it does not compress
					}
					b.Set(key(i, layer), value)
					b.AddWeight(binary.BigEndian.AppendUint32([]byte("w"), uint32(i)), int64(layer+1))
				}
				if _, err := b.Commit(); err != nil {
					t.Fatal(err)
				}
				if err := s.Flush(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if n := s.Metrics().ReadAmplification; n < layers {
				t.Fatalf("a read looks at %d files before", n)
			}
			if !s.EndLoad(ctx, time.Minute) {
				t.Error("not merged within a minute")
			}
			if n := s.Metrics().ReadAmplification; (n == 1) != test.settled {
				t.Errorf("a read looks at %d files after", n)
			}
			for i := range keys {
				for layer := range layers {
					if v, ok, err := s.Get(nil, key(i, layer)); err != nil || !ok || len(v) != test.size {
						t.Fatalf("key %d of layer %d has %d bytes, %v", i, layer, len(v), err)
					}
				}
				v, ok, err := s.Get(nil, binary.BigEndian.AppendUint32([]byte("w"), uint32(i)))
				if err != nil || !ok {
					t.Fatalf("weight %d: %v", i, err)
				}
				if w, err := state.Weight(v); err != nil || w != 6 {
					t.Fatalf("weight %d is %d, %v", i, w, err)
				}
			}
			if err := errors.Join(b.Close(), s.Close()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
