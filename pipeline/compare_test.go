package pipeline

import (
	"context"
	"fmt"
	"math/big"
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
	if sums := w.exact[name]; sums != "" {
		missing, extra = difference(w.exactSums(sums), sameText(got, types))
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

// exactSums are the rows of a query, with its arrays of floating-point numbers summed
// without an error and rounded once; those of a column "avg" are divided before.
// Postgres' own sums depend on the order in which it meets the rows, by all of their
// digits where they cancel.
func (w *world) exactSums(sql string) map[string]int {
	w.t.Helper()
	rows, err := w.conn.Query(context.Background(), sql)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	set := map[string]int{}
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			w.t.Fatal(err)
		}
		var b strings.Builder
		for i, v := range row {
			if list, ok := v.([]any); ok {
				v = exactSum(list, rows.FieldDescriptions()[i].Name == "avg")
			}
			if v == nil {
				v = "\x01"
			}
			fmt.Fprint(&b, v, "\x00")
		}
		set[b.String()]++
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return set
}

func exactSum(list []any, mean bool) any {
	sum, n := new(big.Rat), int64(0)
	for _, v := range list {
		if f, ok := v.(float64); ok {
			sum.Add(sum, new(big.Rat).SetFloat64(f))
			n++
		}
	}
	if n == 0 {
		return nil
	}
	if mean {
		sum.Quo(sum, new(big.Rat).SetInt64(n))
	}
	f, _ := sum.Float64()
	return f
}

// sameText writes the floating-point numbers of rows as Go does.
func sameText(rows map[string]int, types []uint32) map[string]int {
	out := map[string]int{}
	for row, n := range rows {
		fields := strings.Split(strings.TrimSuffix(row, "\x00"), "\x00")
		for i, f := range fields {
			if v, err := strconv.ParseFloat(f, 64); err == nil && types[i] == pgtype.Float8OID {
				fields[i] = fmt.Sprint(v)
			}
		}
		out[strings.Join(fields, "\x00")+"\x00"] += n
	}
	return out
}

// counted counts rows by what Postgres defines of them: of a group's equal
// values, which one is shown is a matter of the plan.
func counted(rows map[string]int, types []uint32) map[string]int {
	out := map[string]int{}
	for row, n := range rows {
		fields := strings.Split(strings.TrimSuffix(row, "\x00"), "\x00")
		for i, f := range fields {
			switch types[i] {
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
