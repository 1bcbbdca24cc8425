package decode_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/values"
)

var (
	keyedTable = decode.Table{OID: 1, Schema: "public", Name: "keyed", Columns: []decode.Column{
		{Name: "id", Type: values.Int4Type, Key: true}, {Name: "v", Type: values.TextType},
	}}
	fullTable = decode.Table{OID: 2, Schema: "public", Name: "full", Full: true, Columns: keyedTable.Columns}
)

func row(id int64, v string) []values.Datum { return []values.Datum{values.Int(id), values.String(v)} }

func TestStreamThatContradictsTheTrace(t *testing.T) {
	tests := map[string][]decode.Change{
		"update of an unknown row":           {{Table: 0, Kind: decode.Update, New: row(1, "a")}},
		"delete of an unknown row":           {{Table: 0, Kind: decode.Delete, OldKind: decode.OldKey, Old: row(1, "")}},
		"second insert":                      {{Table: 0, Kind: decode.Insert, New: row(1, "a")}, {Table: 0, Kind: decode.Insert, New: row(1, "b")}},
		"update after delete":                {{Table: 0, Kind: decode.Insert, New: row(1, "a")}, {Table: 0, Kind: decode.Delete, OldKind: decode.OldKey, Old: row(1, "")}, {Table: 0, Kind: decode.Update, New: row(1, "c")}},
		"update after truncate":              {{Table: 0, Kind: decode.Insert, New: row(1, "a")}, {Table: 0, Kind: decode.Truncate}, {Table: 0, Kind: decode.Update, New: row(1, "c")}},
		"key changed to an existing one":     {{Table: 0, Kind: decode.Insert, New: row(1, "a")}, {Table: 0, Kind: decode.Insert, New: row(2, "a")}, {Table: 0, Kind: decode.Update, OldKind: decode.OldKey, Old: row(1, ""), New: row(2, "c")}},
		"update without its key":             {{Table: 0, Kind: decode.Insert, New: row(1, "a")}, {Table: 0, Kind: decode.Update, New: row(1, "b"), Unchanged: decode.Bitmap{1}}},
		"incomplete old row of a full table": {{Table: 1, Kind: decode.Delete, OldKind: decode.OldKey, Old: row(1, "")}},
	}
	for name, changes := range tests {
		t.Run(name, func(t *testing.T) {
			d := decode.NewDeltas([]decode.Table{keyedTable, fullTable}, nothing{})
			if err := d.Add(changes); !errors.Is(err, decode.ErrInconsistent) {
				t.Fatalf("have %v", err)
			}
		})
	}
}

// byKey is the base trace of one keyed table.
type byKey map[string][]values.Datum

func (m byKey) Get(_ int, key []byte) ([]values.Datum, bool, error) {
	row, ok := m[string(key)]
	return row, ok, nil
}

func (m byKey) Scan(_ int, visit func([]values.Datum, int64) error) error {
	for _, row := range m {
		if err := visit(row, 1); err != nil {
			return err
		}
	}
	return nil
}

// What a partitioned table's base trace holds is all that was given out, whatever went
// with a partition unseen and came again.
func TestRowsOfPartitionsComeAgain(t *testing.T) {
	table := keyedTable
	table.Partitioned = true
	held, given := byKey{}, map[string]int64{}
	d := decode.NewDeltas([]decode.Table{table}, held)
	give := func(rows *circuit.Batch) {
		for i := range rows.Len() {
			given[string(values.AppendRow(nil, rows.Row(i)))] += rows.W[i]
		}
	}
	for i, changes := range [][]decode.Change{
		{{Kind: decode.Insert, New: row(1, "a")}, {Kind: decode.Insert, New: row(2, "b")}, {Kind: decode.Insert, New: row(3, "c")}},
		{{Kind: decode.Insert, New: row(1, "a")}, {Kind: decode.Insert, New: row(1, "again")}, {Kind: decode.Insert, New: row(4, "d")}},
		{{Kind: decode.Update, OldKind: decode.OldKey, Old: row(2, ""), New: row(4, "moved")}},
		{{Kind: decode.Insert, New: row(3, "c")}, {Kind: decode.Delete, OldKind: decode.OldKey, Old: row(3, "")}, {Kind: decode.Insert, New: row(3, "last")}},
		{{Kind: decode.Insert, New: row(1, "seen")}, {Kind: decode.Truncate}, {Kind: decode.Insert, New: row(1, "alone")}},
	} {
		d.Reset()
		if err := d.Add(changes); err != nil {
			t.Fatal(err)
		}
		if err := d.ExpandTruncate(2, func(_ int, rows *circuit.Batch) error { give(rows); return nil }); err != nil {
			t.Fatal(err)
		}
		give(d.Tables[0].Rows)
		if d.Tables[0].Truncated {
			clear(held)
		}
		for _, k := range d.Tables[0].Keyed {
			if held[k.Key] = k.Row; k.Row == nil {
				delete(held, k.Key)
			}
		}
		maps.DeleteFunc(given, func(_ string, w int64) bool { return w == 0 })
		want := map[string]int64{}
		for _, row := range held {
			want[string(values.AppendRow(nil, row))] = 1
		}
		if !maps.Equal(given, want) {
			t.Fatalf("batch %d: given out %v, held %v", i, given, want)
		}
	}
	if len(held) != 1 {
		t.Fatal(held)
	}
}

// A batch handed over is not touched by the next one.
func TestDeltasAreTheReceivers(t *testing.T) {
	d := decode.NewDeltas([]decode.Table{keyedTable, fullTable}, nothing{})
	if err := d.Add([]decode.Change{{Table: 0, Kind: decode.Insert, New: row(1, "a")}}); err != nil {
		t.Fatal(err)
	}
	taken := d.Tables[0]
	d.Reset()
	if len(d.Touched) != 0 || d.Tables[0].Rows != nil {
		t.Fatalf("after Reset: %+v", d.Tables[0])
	}
	// The first batch's overlay is gone: the key is free again.
	if err := d.Add([]decode.Change{{Table: 0, Kind: decode.Insert, New: row(1, "b")}}); err != nil {
		t.Fatal(err)
	}
	if taken.Rows.Row(0)[1].Str() != "a" || taken.Keyed[0].Row[1].Str() != "a" || len(taken.Keyed) != 1 {
		t.Fatalf("taken: %+v", taken)
	}
}

// An update that changes no column in use is no delta at all.
func TestUpdateOfUnusedColumns(t *testing.T) {
	d := decode.NewDeltas([]decode.Table{keyedTable, fullTable}, nothing{})
	err := d.Add([]decode.Change{
		{Table: 0, Kind: decode.Insert, New: row(1, "a")},
		{Table: 0, Kind: decode.Update, New: row(1, "a")},
		{Table: 1, Kind: decode.Update, OldKind: decode.OldFull, Old: row(1, "a"), New: row(1, "a")},
	})
	if err != nil || d.Tables[0].Rows.Len() != 1 || d.Tables[1].Rows.Len() != 0 {
		t.Fatalf("%+v, %v", d.Tables, err)
	}
}

func TestArenaCopies(t *testing.T) {
	var a decode.Arena
	buf := []byte("first")
	first := a.Copy(buf)
	copy(buf, "FIRST")
	second := a.Copy(buf)
	large := a.Copy(make([]byte, 1<<20))
	if first != "first" || second != "FIRST" || len(large) != 1<<20 || a.Copy(nil) != "" {
		t.Fatalf("%q, %q, %d", first, second, len(large))
	}
}

func TestLSN(t *testing.T) {
	for _, s := range []string{"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"} {
		lsn, err := decode.ParseLSN(s)
		if err != nil || lsn.String() != s {
			t.Errorf("%s: %s, %v", s, lsn, err)
		}
	}
	for _, s := range []string{"", "0", "/", "0/", "x/1", "1/x", "100000000/0", "0/100000000", "-1/0"} {
		if lsn, err := decode.ParseLSN(s); err == nil {
			t.Errorf("%q parses as %s", s, lsn)
		}
	}
}
