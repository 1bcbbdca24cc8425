package remote

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Statement is SQL with the format of its parameters.
type Statement struct {
	SQL  string
	Text []bool // by parameter: it travels as text
}

// One is the statement that evaluates a call for one row: its parameters are
// the arguments.
func One(call *expr.Remote) Statement {
	s := Statement{Text: make([]bool, len(call.Args))}
	s.SQL = "SELECT " + result(call, func(i int) string {
		t := call.Args[i].Type()
		s.Text[i] = t.NoBinary
		if t.Unknown() {
			return fmt.Sprintf("CAST($%d::pg_catalog.text AS unknown)", i+1)
		}
		return fmt.Sprintf("($%d::%s)", i+1, t.SQL)
	})
	return s
}

// Many is the statement that evaluates a call for many rows: its parameters are
// an array for each argument, then the number of rows. An array of arrays does
// not exist in Postgres, so arguments that are arrays travel as text.
func Many(call *expr.Remote) Statement {
	n := len(call.Args)
	s := Statement{Text: make([]bool, n+1)}
	value := result(call, func(i int) string {
		t := call.Args[i].Type()
		name := "a.c" + strconv.Itoa(i+1)
		if t.TextInArrays() {
			name = "CAST(" + name + " AS " + t.SQL + ")"
		}
		return "(" + name + ")"
	})
	if n == 0 {
		s.SQL = fmt.Sprintf("SELECT %s FROM pg_catalog.generate_series(1, $1::pg_catalog.int8)", value)
		return s
	}
	var arrays, names []string
	for i, a := range call.Args {
		t := a.Type().SQL
		if a.Type().TextInArrays() {
			t = "pg_catalog.text"
		}
		arrays = append(arrays, fmt.Sprintf("pg_catalog.unnest($%d::%s[])", i+1, t))
		names = append(names, fmt.Sprintf("c%d", i+1))
	}
	s.SQL = fmt.Sprintf("SELECT %s FROM ROWS FROM (%s) WITH ORDINALITY AS a(%s, o) WHERE o <= $%d::pg_catalog.int8 ORDER BY o",
		value, strings.Join(arrays, ", "), strings.Join(names, ", "), n+1)
	return s
}

// result is the call's expression in a form that can be sent.
func result(call *expr.Remote, arg func(i int) string) string {
	value := call.Query(arg)
	if telling(call) {
		value = told(value)
	}
	if call.T.NoBinary {
		value = "CAST(" + value + " AS pg_catalog.text)"
	}
	return value
}

// together says whether Many can send the arguments: what travels as text has to
// have one that is known here.
func together(call *expr.Remote) bool {
	return !slices.ContainsFunc(call.Args, func(a expr.Expr) bool { return a.Type().TextInArrays() && !values.Printable(a.Type()) })
}

// parameters are the parameters of One.
func parameters(call *expr.Remote, row []values.Datum) ([][]byte, error) {
	params := make([][]byte, len(call.Args))
	for i, a := range call.Args {
		if row[i].IsNull() {
			continue
		}
		t := a.Type()
		encode := values.AppendBinary
		if t.NoBinary {
			encode = values.AppendText
		}
		b, err := encode([]byte{}, t, row[i])
		if err != nil {
			return nil, fmt.Errorf("send an argument of type %s: %w", t.SQL, err)
		}
		params[i] = b
	}
	return params, nil
}

// columns are the parameters of Many.
func columns(call *expr.Remote, rows [][]values.Datum) ([][]byte, error) {
	params := make([][]byte, len(call.Args)+1)
	for c, a := range call.Args {
		var err error
		if params[c], err = column(a.Type(), rows, c); err != nil {
			return nil, err
		}
	}
	n := uint64(len(rows))
	params[len(call.Args)] = binary.BigEndian.AppendUint64(nil, n)
	return params, nil
}

// column builds the binary array of one argument of all rows.
func column(t *values.Type, rows [][]values.Datum, c int) ([]byte, error) {
	elem := t
	if t.TextInArrays() {
		elem = values.TextType
	}
	elems := make([]values.Datum, len(rows))
	for i, r := range rows {
		elems[i] = r[c]
		if t.TextInArrays() && !r[c].IsNull() {
			text, err := values.AppendText(nil, t, r[c])
			if err != nil {
				return nil, fmt.Errorf("send an argument of type %s: %w", t.SQL, err)
			}
			elems[i] = values.String(string(text))
		}
	}
	array := values.ArrayOf(elem)
	d, err := values.MakeArray(array, elems)
	if err != nil {
		return nil, fmt.Errorf("send arguments of type %s: %w", t.SQL, err)
	}
	return values.AppendBinary(nil, array, d)
}
