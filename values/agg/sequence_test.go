package agg

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// sequences are the aggregates that TestSequencesEqualPostgres compares.
var sequences = map[string]bool{"array_agg(anynonarray)": true, "string_agg(text,text)": true, "string_agg(bytea,bytea)": true, "any_value(anyelement)": true}

// pairs is a multiset of arguments in the order of OrderKey.
type pairs struct {
	rows    [][]values.Datum
	weights []int64
	at      int
}

func (p *pairs) First() bool          { p.at = 0; return len(p.rows) > 0 }
func (p *pairs) Last() bool           { p.at = len(p.rows) - 1; return len(p.rows) > 0 }
func (p *pairs) Next() bool           { p.at++; return p.at < len(p.rows) }
func (p *pairs) Prev() bool           { p.at--; return p.at >= 0 }
func (p *pairs) Args() []values.Datum { return p.rows[p.at] }
func (p *pairs) Weight() int64        { return p.weights[p.at] }

// TestSequencesEqualPostgres compares over groups with copies and NULLs, in the
// order of the arguments.
func TestSequencesEqualPostgres(t *testing.T) {
	o := newOracle(t)
	for _, c := range []struct {
		signature, sql string
		types          []string
		since          int
	}{
		{"array_agg(anynonarray)", "array_agg(a ORDER BY a)", []string{"int4"}, 0},
		{"array_agg(anynonarray)", `array_agg(a ORDER BY a COLLATE "C")`, []string{"text"}, 0},
		{"array_agg(anynonarray)", "array_agg(a ORDER BY a)", []string{"date"}, 0},
		{"array_agg(anynonarray)", "array_agg(a ORDER BY a)", []string{"bytea"}, 0},
		{"string_agg(text,text)", `string_agg(a, b ORDER BY a COLLATE "C", b COLLATE "C")`, []string{"text", "text"}, 0},
		{"string_agg(bytea,bytea)", "string_agg(a, b ORDER BY a, b)", []string{"bytea", "bytea"}, 0},
		{"any_value(anyelement)", "any_value(a) FILTER (WHERE a = (SELECT min(x) FROM unnest($1::text[]::int4[]) x))", []string{"int4"}, 16},
	} {
		if o.version < c.since {
			continue
		}
		t.Run(c.sql, func(t *testing.T) {
			types := make([]*values.Type, len(c.types))
			for i, name := range c.types {
				types[i] = o.typeOf(t, name)
			}
			result := types[0]
			if c.signature == "array_agg(anynonarray)" {
				result = o.typeOf(t, c.types[0]+"[]")
			}
			a := Lookup(c.signature, types, result)
			if a == nil {
				t.Fatal("not native")
			}
			r := rand.New(rand.NewPCG(uint64(len(c.sql)), 3))
			for range groupsPerSignature {
				columns := [][]*string{{}, {}}
				for range r.IntN(12) {
					var row [2]*string
					for i, name := range c.types {
						if r.IntN(6) > 0 {
							s := texts[name](r)
							row[i] = &s
						}
					}
					for range 1 + r.IntN(3)/2 {
						columns[0], columns[1] = append(columns[0], row[0]), append(columns[1], row[1])
					}
				}
				sql := fmt.Sprintf(`SELECT %s FROM (SELECT t::%s AS a, u::%s AS b FROM unnest($1::text[], $2::text[]) v(t, u)) w`, c.sql, c.types[0], c.types[len(c.types)-1])
				var want values.Datum
				rows, err := o.conn.Query(t.Context(), sql, pgx.QueryResultFormats{pgx.BinaryFormatCode}, columns[0], columns[1])
				if err != nil {
					t.Fatal(err)
				}
				for rows.Next() {
					if b := rows.RawValues()[0]; b != nil {
						if want, err = values.DecodeBinary(result, slices.Clone(b)); err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := rows.Err(); err != nil {
					t.Fatal(err)
				}
				var args [][]values.Datum
				for i := range types {
					args = append(args, o.decode(t, c.types[i], types[i], columns[i]))
				}
				if got := a.Fold(gather(a, args)); got != want {
					t.Fatalf("got %s, want %s", text(result, got), text(result, want))
				}
			}
		})
	}
}

// gather makes the multiset of some columns' rows, copies counted.
func gather(a *Aggregate, columns [][]values.Datum) *pairs {
	p := &pairs{}
	for i := range columns[0] {
		row := make([]values.Datum, len(columns))
		for c := range columns {
			row[c] = columns[c][i]
		}
		if a.SkipNull && row[0].IsNull() {
			continue
		}
		same := func(other []values.Datum) bool { return slices.Equal(other, row) }
		if k := slices.IndexFunc(p.rows, same); k >= 0 {
			p.weights[k]++
			continue
		}
		k, _ := slices.BinarySearchFunc(p.rows, row, func(x, y []values.Datum) int {
			return bytes.Compare(a.OrderKey(nil, x), a.OrderKey(nil, y))
		})
		p.rows, p.weights = slices.Insert(p.rows, k, row), slices.Insert(p.weights, k, int64(1))
	}
	return p
}
