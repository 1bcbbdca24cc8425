package circuit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// TestDeltaSort: entries come in the order of their bytes, whatever they have in common.
func TestDeltaSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, key := range deltaKeys(r) {
		for _, n := range []int{0, 1, 2, dealtFrom - 1, dealtFrom, dealtFrom + 1, 5000} {
			d := deltaOf(key, n)
			want := make([]string, n)
			for i := range want {
				want[i] = string(d.bytes(i))
			}
			slices.Sort(want)
			d.sort()
			for i := range want {
				if string(d.bytes(i)) != want[i] {
					t.Fatalf("%s, %d entries: %x at %d, want %x", name, n, d.bytes(i), i, want[i])
				}
				if d.entries[i].head != head(d.bytes(i)) {
					t.Fatalf("%s, %d entries: the head of another entry at %d", name, n, i)
				}
			}
		}
	}
}

// deltaKeys are kinds of keys.
func deltaKeys(r *rand.Rand) map[string]func(dst []byte, i int) []byte {
	number := func(dst []byte, v int64) []byte { return values.AppendKeyInt(dst, v) }
	return map[string]func(dst []byte, i int) []byte{
		"ascending":    func(dst []byte, i int) []byte { return number(dst, int64(i)) },
		"descending":   func(dst []byte, i int) []byte { return number(dst, int64(-i)) },
		"random":       func(dst []byte, _ int) []byte { return number(dst, r.Int64N(200_000)) },
		"few":          func(dst []byte, _ int) []byte { return number(dst, r.Int64N(3)) },
		"one":          func(dst []byte, _ int) []byte { return number(dst, 77) },
		"two numbers":  func(dst []byte, _ int) []byte { return number(number(dst, r.Int64N(7)*1000), r.Int64()) },
		"short":        func(dst []byte, _ int) []byte { return append(dst, bytes.Repeat([]byte{0}, r.IntN(12))...) },
		"long, common": func(dst []byte, _ int) []byte { return fmt.Appendf(dst, "the same beginning, %d", r.IntN(1000)) },
		"bytes": func(dst []byte, _ int) []byte {
			for range r.IntN(10) {
				dst = append(dst, byte(r.IntN(256)))
			}
			return dst
		},
	}
}

func deltaOf(key func(dst []byte, i int) []byte, n int) *delta {
	d := &delta{}
	for i := range n {
		off := len(d.arena)
		d.arena = key(d.arena, i)
		end := len(d.arena)
		d.arena = append(d.arena, byte(i), byte(i>>8))
		if err := d.seal(off, end, end, 1); err != nil {
			panic(err)
		}
	}
	return d
}

// BenchmarkDeltaSort sorts the entries of a step of a snapshot; its operations are entries.
func BenchmarkDeltaSort(b *testing.B) {
	for name, key := range deltaKeys(rand.New(rand.NewPCG(1, 2))) {
		b.Run(name, func(b *testing.B) {
			const rows = 8192
			d := deltaOf(key, rows)
			unsorted := slices.Clone(d.entries)
			b.ResetTimer()
			for i := 0; i < b.N; i += rows {
				copy(d.entries, unsorted)
				d.sort()
			}
		})
	}
}
