package replication

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/values"
)

var copyColumns = []decode.Column{
	{Name: "id", Type: values.Int8Type, Key: true}, {Name: "qty", Type: values.Int4Type}, {Name: "name", Type: values.TextType},
}

// copyData is a binary COPY of n rows, every seventh with a NULL.
func copyData(n int) []byte {
	b := append([]byte(copySignature), make([]byte, 8)...)
	for i := range n {
		b = binary.BigEndian.AppendUint16(b, 3)
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(i))
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, 4), uint32(i%5))
		if i%7 == 0 {
			b = binary.BigEndian.AppendUint32(b, 0xffffffff)
			continue
		}
		name := strings.Repeat("n", i%11)
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(name))), name...)
	}
	return append(b, 0xff, 0xff)
}

func someRows() int { return 1000 }

// However the bytes are cut into writes, the rows are the same.
func TestCopyInPiecesOfAnySize(t *testing.T) {
	const n = 20_000
	data := copyData(n)
	for _, piece := range []int{1, 2, 3, 7, 64, 1000, len(data)} {
		next := int64(0)
		most := 0
		rows := func() int { most = most*2 + 1; return most }
		r := &copyReader{columns: copyColumns, next: rows, emit: func(b *circuit.Batch) error {
			if next+int64(b.Len()) < n && b.Len() != most {
				t.Fatalf("batch of %d rows, not %d", b.Len(), most)
			}
			for i := range b.Len() {
				row := b.Row(i)
				want := values.String(strings.Repeat("n", int(next)%11))
				if next%7 == 0 {
					want = values.Null
				}
				if row[0] != values.Int(next) || row[1] != values.Int(next%5) || row[2] != want || b.W[i] != 1 {
					t.Fatalf("pieces of %d: row %d is %v", piece, next, row)
				}
				next++
			}
			return nil
		}}
		buf := make([]byte, piece) // overwritten by every write, as the driver's is
		for rest := data; len(rest) > 0; {
			k := copy(buf, rest)
			if _, err := r.Write(buf[:k]); err != nil {
				t.Fatal(err)
			}
			rest = rest[k:]
		}
		if err := r.finish(); err != nil || next != n || r.rows != n {
			t.Fatalf("pieces of %d: %d rows, %v", piece, next, err)
		}
	}
}

func TestCopyThatIsDamaged(t *testing.T) {
	good := copyData(3)
	head := len(copySignature) + 8
	tests := map[string][]byte{
		"no signature":     append([]byte("x"), good[1:]...),
		"cut":              good[:len(good)-1],
		"no rows, no end":  good[:head],
		"too many columns": append(append([]byte(nil), good[:head]...), 0, 4),
		"negative size":    append(append([]byte(nil), good[:head]...), 0, 3, 0xff, 0xff, 0xff, 0xfe),
		"row after end":    append(append([]byte(nil), good...), 0, 3),
		"wrong width":      append(append([]byte(nil), good[:head]...), 0, 3, 0, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
		"huge extension":   append([]byte(copySignature), 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff),
	}
	for name, data := range tests {
		r := &copyReader{columns: copyColumns, next: someRows, emit: func(*circuit.Batch) error { return nil }}
		_, err := r.Write(data)
		if err == nil {
			err = r.finish()
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCopyStopsWhenToldTo(t *testing.T) {
	stop := errors.New("enough")
	batches := 0
	r := &copyReader{columns: copyColumns, next: someRows, emit: func(*circuit.Batch) error { batches++; return stop }}
	if _, err := r.Write(copyData(3000)); err != stop || batches != 1 {
		t.Fatalf("%d batches, %v", batches, err)
	}
	if _, err := r.Write(nil); err != stop {
		t.Fatalf("goes on with %v", err)
	}
}

func FuzzCopy(f *testing.F) {
	f.Add(copyData(5), 3)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		r := &copyReader{columns: copyColumns, next: someRows, emit: func(*circuit.Batch) error { return nil }}
		for piece = max(1, piece%100); len(data) > 0; {
			k := min(piece, len(data))
			if _, err := r.Write(data[:k]); err != nil {
				return
			}
			data = data[k:]
		}
		_ = r.finish()
	})
}

func BenchmarkCopy(b *testing.B) {
	const n = 50_000
	data := copyData(n)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r := &copyReader{columns: copyColumns, next: someRows, emit: func(*circuit.Batch) error { return nil }}
		for rest := data; len(rest) > 0; {
			k := min(8192, len(rest))
			if _, err := r.Write(rest[:k]); err != nil {
				b.Fatal(err)
			}
			rest = rest[k:]
		}
		if err := r.finish(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{"1min": "1m0s", "0": "0s", "500ms": "500ms", "2s": "2s", "1h": "1h0m0s", "2d": "48h0m0s", "250": "250ms"} {
		if d, err := parseDuration(text); err != nil || d.String() != want {
			t.Errorf("%s: %s, %v", text, d, err)
		}
	}
	if _, err := parseDuration("soon"); err == nil {
		t.Error("soon is a duration")
	}
}
