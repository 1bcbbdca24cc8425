package fn

import (
	"testing"
)

// TestRepeatTooLong keeps to texts that are not empty: Postgres repeats nothing,
// too, as often as it is told.
func TestRepeatTooLong(t *testing.T) {
	o := newOracle(t)
	var rows [][]arg
	for _, text := range o.pool("text", []string{"a", "abc", "日本語🙂"}) {
		for _, times := range o.pool("int4", []string{"2147483647", "1073741820", "1073741824", "-2147483648"}) {
			if *text.text == "a" && *times.text == "1073741820" {
				continue // fits
			}
			rows = append(rows, []arg{text, times})
		}
	}
	types := []string{"text", "int4"}
	o.compare(t, Lookup("repeat(text,int4)", nil, nil), `pg_catalog."repeat"(a0, a1)`, types, o.typeOf("text"), rows)
}
