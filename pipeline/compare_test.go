package pipeline

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// rows reads a query's result as a multiset of the rows' text, with the columns'
// types.
func (w *world) rows(conn *pgx.Conn, sql string) (map[string]int, []uint32, error) {
	rows, err := conn.Query(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var types []uint32
	for _, f := range rows.FieldDescriptions() {
		types = append(types, f.DataTypeOID)
	}
	set := map[string]int{}
	var b strings.Builder
	for rows.Next() {
		b.Reset()
		for _, v := range rows.RawValues() {
			if v == nil {
				b.WriteString("\x01")
			}
			b.Write(v)
			b.WriteByte(0)
		}
		set[b.String()]++
	}
	return set, types, rows.Err()
}

// compare compares one output with its query as they are. Without writers, and
// after wait, they have to be equal.
func (w *world) compare(name string) {
	w.t.Helper()
	want, types, err := w.rows(w.conn, w.query(name))
	if err != nil {
		w.t.Errorf("view %s: query: %v", name, err)
		return
	}
	got, _, err := w.rows(w.out, "SELECT * FROM stepping."+pgx.Identifier{name}.Sanitize())
	if err != nil {
		w.t.Errorf("view %s: output: %v", name, err)
		return
	}
	missing, extra := difference(want, got)
	if len(missing)+len(extra) > 0 && w.loose[name] {
		missing, extra = difference(counted(missing, types), counted(extra, types))
	}
	if len(missing)+len(extra) > 0 {
		w.t.Errorf("view %s differs: missing %s, extra %s", name, sample(missing), sample(extra))
	}
}

// difference is what only the one, and only the other, has.
func difference(a, b map[string]int) (onlyA, onlyB map[string]int) {
	onlyA, onlyB = map[string]int{}, map[string]int{}
	for row, n := range a {
		if n > b[row] {
			onlyA[row] = n - b[row]
		}
	}
	for row, n := range b {
		if n > a[row] {
			onlyB[row] = n - a[row]
		}
	}
	return onlyA, onlyB
}

// counted counts rows by what Postgres defines of them: of a group's equal
// values, which one is shown is a matter of the plan; so are the last digits of
// sums of floating-point numbers.
func counted(rows map[string]int, types []uint32) map[string]int {
	out := map[string]int{}
	for row, n := range rows {
		fields := strings.Split(strings.TrimSuffix(row, "\x00"), "\x00")
		for i, f := range fields {
			switch types[i] {
			case pgtype.Float8OID, pgtype.Float4OID:
				if v, err := strconv.ParseFloat(f, 64); err == nil {
					fields[i] = strconv.FormatFloat(v, 'g', 6, 64)
				}
				if fields[i] == "-0" {
					fields[i] = "0"
				}
			case pgtype.NumrangeOID:
				fields[i] = trailingZeros.ReplaceAllString(f, "$1")
			case pgtype.NumericOID:
				if strings.Contains(f, ".") {
					fields[i] = strings.TrimRight(strings.TrimRight(f, "0"), ".")
				}
			}
		}
		out[strings.Join(fields, "\x00")] += n
	}
	return out
}

func sample(rows map[string]int) string {
	keys := make([]string, 0, len(rows))
	total := 0
	for k, n := range rows {
		keys = append(keys, k)
		total += n
	}
	sort.Strings(keys)
	s := fmt.Sprintf("%d", total)
	for _, k := range keys[:min(4, len(keys))] {
		s += fmt.Sprintf(" [%.200s]×%d", strings.NewReplacer("\x00", "|", "\x01", "NULL").Replace(k), rows[k])
	}
	return s
}

// trailingZeros are those of numbers in the text of a range.
var trailingZeros = regexp.MustCompile(`\.0+\b|(\.\d*[1-9])0+\b`)
