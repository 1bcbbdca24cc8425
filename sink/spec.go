package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Column is one column of an output table.
type Column struct {
	Name    string
	Type    *values.Type
	NotNull bool // no NULL can occur; the column is not declared so
}

// ViewSpec is what the sink has to know of a view.
type ViewSpec struct {
	Name    string
	Schema  string
	Columns []Column
	// Key holds the numbers of columns that together identify a row of the view in
	// every state of it, by the types' equality (NULLs counting as equal); an empty,
	// non-nil Key says there is at most one row. Nil: the view is a multiset.
	Key []int
	// Indexes are further indexes, each a list of column names.
	Indexes [][]string
	Query   string
	// Fingerprint is the planner's mark of the analyzed query; the sink keeps it.
	Fingerprint string
	// Settings are those the view's functions depend on, as pinned when it was made.
	Settings map[string]string
}

// maxName is NAMEDATALEN - 1: Postgres would cut a longer name silently.
const maxName = 63

// Validate reports everything about the spec that Postgres could not store.
func (v *ViewSpec) Validate() error {
	var errs []error
	name := func(what, s string) {
		switch {
		case s == "":
			errs = append(errs, fmt.Errorf("%s is empty", what))
		case len(s) > maxName:
			errs = append(errs, fmt.Errorf("%s %q is longer than %d bytes", what, s, maxName))
		case strings.ContainsRune(s, 0):
			errs = append(errs, fmt.Errorf("%s %q contains a zero byte", what, s))
		}
	}
	name("view name", v.Name)
	name("schema name", v.Schema)
	if len(v.Columns) == 0 {
		errs = append(errs, errors.New("the view has no columns"))
	}
	if len(v.Columns) > 1600 {
		errs = append(errs, fmt.Errorf("the view has %d columns, a table can have 1600", len(v.Columns)))
	}
	seen := map[string]bool{}
	var noBinary, opaque string
	for _, c := range v.Columns {
		name("column name", c.Name)
		if seen[c.Name] {
			errs = append(errs, fmt.Errorf("column %q occurs twice: give one of them an alias", c.Name))
		}
		seen[c.Name] = true
		if systemColumns[c.Name] {
			errs = append(errs, fmt.Errorf("column name %q is one of Postgres' own: give it an alias", c.Name))
		}
		if c.Type.NoBinary {
			noBinary = c.Name
		} else if c.Type.Kind == values.Opaque {
			opaque = c.Name
		}
	}
	if noBinary != "" && opaque != "" {
		errs = append(errs, fmt.Errorf("column %q has a type without binary format and column %q one without a known text format: cast one of them", noBinary, opaque))
	}
	for _, k := range v.Key {
		if k < 0 || k >= len(v.Columns) {
			errs = append(errs, fmt.Errorf("key column %d does not exist", k))
		}
	}
	for _, ix := range v.Indexes {
		if len(ix) == 0 {
			errs = append(errs, errors.New("an index has no columns"))
		}
		for _, c := range ix {
			if !seen[c] {
				errs = append(errs, fmt.Errorf("index on %q: the view has no such column", c))
			}
		}
	}
	return errors.Join(errs...)
}

var systemColumns = map[string]bool{
	"ctid": true, "tableoid": true, "xmin": true, "xmax": true, "cmin": true, "cmax": true,
}

// identity is how a row to be deleted or updated is found.
type identity uint8

const (
	byImage   identity = iota // exact image of the row, helped by a hash index
	byKey                     // btree index on the key columns
	byKeyHash                 // index on the key's hash: the key may be wide
	single                    // the table has at most one row
)

// identity decides by the key's types alone, so that no value can break it.
func (v *ViewSpec) identity() identity {
	if v.Key == nil || v.textual() {
		return byImage
	}
	if len(v.Key) == 0 {
		return single
	}
	width := 0
	for _, k := range v.Key {
		t := v.Columns[k].Type
		switch t.Kind {
		case values.Opaque, values.KindArray, values.KindRecord, values.KindJSON, values.KindJSONB:
			return byImage // no equality by name, or none to rely on
		}
		width += maxWidth(t)
	}
	if width > maxBtreeRow || len(v.Key) > 32 {
		return byKeyHash
	}
	return byKey
}

// maxBtreeRow is safely below the 2704 bytes that a btree entry can hold
// (BTMaxItemSize).
const maxBtreeRow = 2000

// maxWidth bounds a value's size in an index entry.
func maxWidth(t *values.Type) int {
	switch t.Kind {
	case values.KindText, values.KindBPChar:
		if t.Typmod >= 4 && t.OID == t.BaseOID { // VARHDRSZ + characters, at most 4 bytes each
			return 4 * int(t.Typmod)
		}
		return maxBtreeRow + 1
	case values.KindBytea, values.KindNumeric:
		if t.Kind == values.KindNumeric && t.Typmod >= 4 && t.OID == t.BaseOID {
			return 16 + int((t.Typmod-4)>>16&0xffff)/2
		}
		return maxBtreeRow + 1
	case values.KindName:
		return 64
	}
	return 16
}

// textual says that rows travel in text format, because a column has no other.
func (v *ViewSpec) textual() bool {
	for _, c := range v.Columns {
		if c.Type.NoBinary {
			return true
		}
	}
	return false
}

// hashable lists the columns whose types are sure to have a hash function.
func (v *ViewSpec) hashable() []int {
	var cols []int
	for i, c := range v.Columns {
		t := c.Type
		if t.Kind == values.KindArray && t.Elem != nil {
			t = t.Elem
		}
		switch t.Kind {
		case values.Opaque, values.KindArray, values.KindRecord, values.KindJSON:
		default:
			cols = append(cols, i)
		}
	}
	return cols
}

// Shape marks the table's columns and how its rows are found. Two specs of one
// shape can use the same table.
func (v *ViewSpec) Shape() string {
	h := sha256.New()
	for _, c := range v.Columns {
		fmt.Fprintf(h, "%q %q %d\n", c.Name, c.Type.SQL, c.Type.Collation)
	}
	fmt.Fprintf(h, "by %d %v\n", v.identity(), v.Key)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// commentPrefix starts the comment of a table that is ours.
const commentPrefix = "stepping-cdc output, kept by the program: do not write; shape "

func (v *ViewSpec) comment() string { return commentPrefix + v.Shape() }

// quote makes an identifier safe in SQL text.
func quote(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// literal makes a string constant; standard_conforming_strings is pinned on.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// aliases is "c1,c2,…", the names by which statements know the columns of unnested rows.
func aliases(prefix string, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(prefix)
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String()
}
