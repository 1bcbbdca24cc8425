package replicationtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Trace keeps base traces in memory; a decode.OldRows.
type Trace struct {
	Tables []decode.Table
	keyed  []map[string][]values.Datum
	counts []map[string]int64 // encoded row → weight, for every table
}

// NewTrace makes empty traces.
func NewTrace(tables []decode.Table) *Trace {
	tr := &Trace{Tables: tables}
	for range tables {
		tr.keyed = append(tr.keyed, map[string][]values.Datum{})
		tr.counts = append(tr.counts, map[string]int64{})
	}
	return tr
}

func (tr *Trace) Get(table int, key []byte) ([]values.Datum, bool, error) {
	row, ok := tr.keyed[table][string(key)]
	return row, ok, nil
}

func (tr *Trace) Scan(table int, visit func([]values.Datum, int64) error) error {
	for encoded, w := range tr.counts[table] {
		row, err := values.DecodeRow([]byte(encoded), nil)
		if err != nil {
			return err
		}
		if err := visit(row, w); err != nil {
			return err
		}
	}
	return nil
}

// Load adds rows of a snapshot.
func (tr *Trace) Load(table int, b *circuit.Batch) {
	for i := range b.Len() {
		if tr.Tables[table].Keyed() {
			tr.keyed[table][string(tr.Tables[table].AppendKey(nil, b.Row(i)))] = slices.Clone(b.Row(i))
		}
		tr.count(table, b.Row(i), b.W[i])
	}
}

func (tr *Trace) count(table int, row []values.Datum, w int64) {
	k := string(values.AppendRow(nil, row))
	if tr.counts[table][k] += w; tr.counts[table][k] == 0 {
		delete(tr.counts[table], k)
	}
}

// Apply brings the traces up to date by deltas, from their rows alone and, for
// keyed tables, also by key: the two have to agree (Check).
func (tr *Trace) Apply(d *decode.Deltas) error {
	err := d.ExpandTruncate(3, func(table int, rows *circuit.Batch) error {
		for i := range rows.Len() {
			tr.count(table, slices.Clone(rows.Row(i)), rows.W[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, i := range d.Touched {
		td := &d.Tables[i]
		for j := range td.Rows.Len() {
			tr.count(i, td.Rows.Row(j), td.Rows.W[j])
		}
		if td.Truncated {
			clear(tr.keyed[i])
		}
		for _, k := range td.Keyed {
			if k.Row == nil {
				delete(tr.keyed[i], k.Key)
			} else {
				tr.keyed[i][k.Key] = k.Row
			}
		}
	}
	return nil
}

// Check compares every trace with its table as it is now.
func (tr *Trace) Check(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	for i := range tr.Tables {
		table := &tr.Tables[i]
		want := map[string]int64{}
		for _, row := range selectRows(t, conn, table) {
			want[string(values.AppendRow(nil, row))]++
		}
		if diff := difference(want, tr.counts[i]); diff != "" {
			t.Fatalf("table %s:\n%s", table.Name, diff)
		}
		if !table.Keyed() {
			continue
		}
		keyed := map[string]int64{}
		for _, row := range tr.keyed[i] {
			keyed[string(values.AppendRow(nil, row))]++
		}
		if diff := difference(want, keyed); diff != "" {
			t.Fatalf("table %s by key:\n%s", table.Name, diff)
		}
	}
}

// selectRows reads a table in binary format, as the server's query protocol
// gives it, by way of neither COPY nor pgoutput.
func selectRows(t testing.TB, conn *pgx.Conn, table *decode.Table) [][]values.Datum {
	t.Helper()
	columns := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		columns[i] = pgx.Identifier{c.Name}.Sanitize()
		if c.Type.NoBinary {
			columns[i] += "::text"
		}
	}
	sql := fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), pgx.Identifier{table.Schema, table.Name}.Sanitize())
	result := conn.PgConn().ExecParams(t.Context(), sql, nil, nil, nil, []int16{1}).Read()
	if result.Err != nil {
		t.Fatalf("%s: %v", sql, result.Err)
	}
	rows := make([][]values.Datum, len(result.Rows))
	for i, raw := range result.Rows {
		rows[i] = make([]values.Datum, len(raw))
		for j, b := range raw {
			if b == nil {
				continue
			}
			var err error
			if table.Columns[j].Type.NoBinary {
				rows[i][j], err = values.DecodeText(table.Columns[j].Type, string(b))
			} else {
				rows[i][j], err = values.DecodeBinaryString(table.Columns[j].Type, string(b))
			}
			if err != nil {
				t.Fatalf("%s, column %s: %v", sql, columns[j], err)
			}
		}
	}
	return rows
}

func difference(want, got map[string]int64) string {
	var b strings.Builder
	for k, w := range want {
		if got[k] != w {
			fmt.Fprintf(&b, "  %q: want %d, have %d\n", k, w, got[k])
		}
	}
	for k, w := range got {
		if _, ok := want[k]; !ok {
			fmt.Fprintf(&b, "  %q: want none, have %d\n", k, w)
		}
	}
	return b.String()
}
