package decode_test

import (
	"errors"
	"testing"

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
