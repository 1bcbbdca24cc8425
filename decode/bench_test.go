package decode_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// benchTable is of the shape of an order line: numbers, dates and short texts.
var benchTable = decode.Table{OID: 7, Schema: "public", Name: "t", Columns: []decode.Column{
	{Name: "id", Type: values.Int8Type, Key: true}, {Name: "order_id", Type: values.Int8Type}, {Name: "qty", Type: values.Int4Type},
	{Name: "price", Type: values.NumericType}, {Name: "name", Type: values.TextType}, {Name: "at", Type: values.TimestampTZType},
}}

// stream writes a transaction of n changes in binary format.
func stream(n int, change func(dst []byte, i int) []byte) []string {
	rel := []byte("R\x00\x00\x00\x07public\x00t\x00d")
	rel = binary.BigEndian.AppendUint16(rel, uint16(len(benchTable.Columns)))
	for _, c := range benchTable.Columns {
		key := byte(0)
		if c.Key {
			key = 1
		}
		rel = append(append(append(rel, key), c.Name...), 0)
		rel = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(rel, c.Type.OID), 0xffffffff)
	}
	messages := []string{"B" + string(make([]byte, 20)), string(rel)}
	for i := range n {
		messages = append(messages, string(change(nil, i)))
	}
	return append(messages, "C"+string(make([]byte, 25)))
}

func tuple(dst []byte, id, version int) []byte {
	column := func(b ...byte) {
		dst = binary.BigEndian.AppendUint32(append(dst, 'b'), uint32(len(b)))
		dst = append(dst, b...)
	}
	dst = binary.BigEndian.AppendUint16(dst, 6)
	column(binary.BigEndian.AppendUint64(nil, uint64(id))...)
	column(binary.BigEndian.AppendUint64(nil, uint64(id/4))...)
	column(binary.BigEndian.AppendUint32(nil, uint32(version))...)
	column(0, 2, 0, 0, 0, 0, 0, 2, 0, 99, 0x26, 0xac) // 99.99
	column([]byte(fmt.Sprintf("product %d", id%1000))...)
	column(binary.BigEndian.AppendUint64(nil, uint64(7e14+id))...)
	return dst
}

const benchRows = 1000

func insertStream() []string {
	return stream(benchRows, func(dst []byte, i int) []byte { return tuple(append(dst, "I\x00\x00\x00\x07N"...), i, 1) })
}

func perRow(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkParse: messages alone.
func BenchmarkParse(b *testing.B) {
	messages := insertStream()
	var p decode.Parser
	var m decode.Message
	b.ReportAllocs()
	for b.Loop() {
		for _, msg := range messages {
			if err := p.Parse(msg, &m); err != nil {
				b.Fatal(err)
			}
		}
	}
	perRow(b)
}

// BenchmarkDecode: messages to rows. Allocations are of 1,000 rows.
func BenchmarkDecode(b *testing.B) {
	messages := insertStream()
	d := decode.NewDecoder([]decode.Table{benchTable}, nil)
	var out decode.Changes
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := d.Decode(messages, &out); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b)
}

// BenchmarkDeltas: messages to Z-set deltas of a keyed table, an insert and an
// update of each row.
func BenchmarkDeltas(b *testing.B) {
	messages := stream(benchRows, func(dst []byte, i int) []byte {
		if i < benchRows/2 {
			return tuple(append(dst, "I\x00\x00\x00\x07N"...), i, 1)
		}
		return tuple(append(dst, "U\x00\x00\x00\x07N"...), i-benchRows/2, 2)
	})
	tables := []decode.Table{benchTable}
	d := decode.NewDecoder(tables, nil)
	deltas := decode.NewDeltas(tables, nothing{})
	var out decode.Changes
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := d.Decode(messages, &out); err != nil {
			b.Fatal(err)
		}
		if err := deltas.Add(out.List); err != nil {
			b.Fatal(err)
		}
		deltas.Reset()
	}
	perRow(b)
}
