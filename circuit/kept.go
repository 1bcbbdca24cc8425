package circuit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// kept says which columns of its rows an index keeps: those that the joins over it look at.
// Rows that differ in others only are one, with the sum of their weights, which to a
// bilinear operator that does not look at those is the same.
type kept struct {
	whole   bool // some join looks at all columns
	columns []int
	row     []values.Datum // scratch
}

// want notes that a join looks at the columns; nil: at all.
func (k *kept) want(columns []int) {
	if columns == nil {
		k.whole = true
		return
	}
	k.columns = append(k.columns, columns...)
	slices.Sort(k.columns)
	k.columns = slices.Compact(k.columns)
}

// append encodes what is kept of a row; nil keeps all of it.
func (k *kept) append(dst []byte, row []values.Datum) []byte {
	if k == nil || k.whole {
		return values.AppendRow(dst, row)
	}
	k.row = k.row[:0]
	for _, c := range k.columns {
		k.row = append(k.row, row[c])
	}
	return values.AppendRow(dst, k.row)
}

// decode appends a row as wide as it was, with NULL for what is not kept.
func (k *kept) decode(src []byte, width int, dst []values.Datum) ([]values.Datum, error) {
	if k.whole {
		return values.DecodeRow(src, dst)
	}
	at := len(dst)
	dst, err := values.DecodeRow(src, slices.Grow(dst, width))
	if err != nil {
		return dst[:at], err
	}
	if len(dst)-at != len(k.columns) {
		return dst[:at], errKept
	}
	// They lie one behind the other, and go to their places from the last on.
	dst = slices.Grow(dst, width)[:at+width]
	row, end := dst[at:], width
	for i := len(k.columns) - 1; i >= 0; i-- {
		c := k.columns[i]
		d := row[i]
		clear(row[c:end])
		row[c], end = d, c
	}
	clear(row[:end])
	return dst, nil
}

var errKept = errors.New("a row of an index has other columns than are kept")

// String is a part of a circuit's fingerprint.
func (k *kept) String() string {
	if k.whole {
		return ""
	}
	return fmt.Sprint(" keeps ", k.columns)
}
