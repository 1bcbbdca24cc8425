package sink

import (
	"fmt"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/values"
)

func benchTable(b *testing.B, key []int) (*env, *Table) {
	e := setup(b)
	e.exec(`CREATE TABLE src (id int8, region text, total numeric, at timestamptz)`)
	return e, e.publish(e.s, e.spec("v", "src", key))
}

func benchRow(dst *circuit.Batch, id, n, w int64) {
	row := dst.Grow(w)
	row[0], row[1] = values.Int(id), values.String(fmt.Sprintf("region %d", id%100))
	row[2], row[3] = values.Make("", n, 2), values.Int(n)
}

// One commit a row: what a live system does.
func BenchmarkSingleRowCommits(b *testing.B) {
	for name, key := range map[string][]int{"keyed": {0}, "multiset": nil} {
		b.Run(name+" update", func(b *testing.B) {
			e, t := benchTable(b, key)
			load := circuit.NewBatch(4, 1000)
			for i := range int64(1000) {
				benchRow(load, i, 0, 1)
			}
			e.must(e.s.Apply(e.ctx, e.next(ViewDelta{t, load})))
			d := circuit.NewBatch(4, 2)
			n := int64(0)
			b.ResetTimer()
			for b.Loop() {
				d.Reset()
				id := n % 1000
				benchRow(d, id, n/1000, -1)
				benchRow(d, id, n/1000+1, 1)
				e.must(e.s.Apply(e.ctx, e.next(ViewDelta{t, d})))
				n++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// Deltas of n rows, a third each of inserts, updates and deletes.
func BenchmarkBatches(b *testing.B) {
	for _, n := range []int64{300, 3000, 30000} {
		for name, key := range map[string][]int{"keyed": {0}, "multiset": nil} {
			b.Run(fmt.Sprintf("%s %d", name, n), func(b *testing.B) {
				e, t := benchTable(b, key)
				third := n / 3
				load := circuit.NewBatch(4, int(2*third))
				for i := range 2 * third {
					benchRow(load, i, 0, 1)
				}
				e.must(e.s.Apply(e.ctx, e.next(ViewDelta{t, load})))
				d := circuit.NewBatch(4, int(n))
				round := int64(0)
				b.ResetTimer()
				for b.Loop() {
					d.Reset()
					for i := range third {
						from := round * third
						benchRow(d, from+i, min(round, 1), -1)
						benchRow(d, from+third+i, 0, -1)
						benchRow(d, from+third+i, 1, 1)
						benchRow(d, from+2*third+i, 0, 1)
					}
					e.must(e.s.Apply(e.ctx, e.next(ViewDelta{t, d})))
					round++
				}
				b.ReportMetric(float64(int64(b.N)*n)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

// Loading: inserts alone, by COPY.
func BenchmarkLoad(b *testing.B) {
	e, t := benchTable(b, []int{0})
	d := circuit.NewBatch(4, 20000)
	n := int64(0)
	b.ResetTimer()
	for b.Loop() {
		d.Reset()
		for range 20000 {
			benchRow(d, n, 1, 1)
			n++
		}
		e.must(e.s.Apply(e.ctx, e.next(ViewDelta{t, d})))
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
