package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// CoerceViaIO is the cast that Postgres plans as a trip through text: the
// output function of one type, then the input function of the other, without
// type modifiers (those are casts of their own). One side holds text; nil says:
// not natively.
//
// To text, every kind is native whose output the pinned settings decide (ISO
// dates, postgres-style intervals, hex bytea, shortest floats).
func CoerceViaIO(from, to *values.Type) *Func {
	switch {
	case to.Kind == values.KindText || to.Kind == values.KindBPChar:
		return outputFunc(from)
	case from.Kind == values.KindText || from.Kind == values.KindBPChar || from.Kind == values.KindName:
		return inputFunc(to)
	}
	return nil
}

// outputFunc is a type's output function.
func outputFunc(from *values.Type) *Func {
	f := Func{Strict: true}
	switch from.Kind {
	case values.KindText, values.KindName, values.KindJSON, values.KindJSONB, values.KindEnum, values.KindBPChar:
		f.F1 = identity
		return &f
	}
	need, ok := printable(from)
	if !ok {
		return nil
	}
	f.Need = need
	f.F1 = func(a values.Datum) values.Datum {
		var buf [64]byte
		b, err := values.AppendText(buf[:0], from, a)
		if err != nil {
			return values.Errorf("XX000", "%v", err)
		}
		return values.String(string(b))
	}
	return &f
}

// printable says whether Go knows the text of a type's values, and under which
// circumstances.
func printable(t *values.Type) (need Need, ok bool) {
	switch {
	case t == nil || t.Kind == values.Opaque:
		return 0, false
	case t.Kind == values.KindTimestampTZ:
		return NeedUTC, true
	case t.Kind == values.KindArray:
		return printable(t.Elem)
	case t.Kind == values.KindRecord:
		for _, f := range t.Fields {
			of, ok := printable(f.Type)
			if !ok {
				return 0, false
			}
			need |= of
		}
	}
	return need, true
}
