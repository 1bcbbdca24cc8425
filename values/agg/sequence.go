package agg

import "github.com/stepping-cdc/stepping-cdc/values"

// array_agg and string_agg write their arguments one after the other, each copy
// of them. Without ORDER BY Postgres takes the rows as they come; here they have
// one order, that of the arguments' keys: a view is a function of the data.
// postgresql.org/docs/current/functions-aggregate.html

// argumentsKey orders arguments by their keys, one after the other.
func argumentsKey(types []*values.Type) func(dst []byte, args []values.Datum) []byte {
	return func(dst []byte, args []values.Datum) []byte {
		for i, t := range types {
			dst = values.AppendKey(dst, t, args[i])
		}
		return dst
	}
}

// makeArrayAgg takes NULLs as elements; of no rows it makes NULL.
func makeArrayAgg(args []*values.Type, result *values.Type) *Aggregate {
	if result == nil || result.Kind != values.KindArray || result.Elem == nil || args[0].NoBinary {
		return nil
	}
	return &Aggregate{
		OrderKey: argumentsKey(args), Sequence: true,
		Fold: func(e Entries) values.Datum {
			var elems []values.Datum
			for ok := e.First(); ok; ok = e.Next() {
				v := e.Args()[0]
				for range e.Weight() {
					elems = append(elems, v)
				}
			}
			if len(elems) == 0 {
				return values.Null
			}
			array, err := values.MakeArray(result, elems)
			if err != nil {
				return values.Errorf("54000", "%v", err)
			}
			return array
		},
	}
}

// Rows is an array of one of the arguments that is empty where there are none: what a
// value that Go does not compute is made of, elsewhere. Values that cannot be inside an
// array are their texts. The arrays of several arguments have the rows in one order.
func Rows(args []*values.Type, which int, array *values.Type) *Aggregate {
	arg := args[which]
	return &Aggregate{
		OrderKey: argumentsKey(args), Sequence: true,
		Fold: func(e Entries) values.Datum {
			var elems []values.Datum
			for ok := e.First(); ok; ok = e.Next() {
				v := e.Args()[which]
				if arg.TextInArrays() && !v.IsNull() {
					text, err := values.AppendText(nil, arg, v)
					if err != nil {
						return values.Errorf("XX000", "%v", err)
					}
					v = values.String(string(text))
				}
				for range e.Weight() {
					elems = append(elems, v)
				}
			}
			rows, err := values.MakeArray(array, elems)
			if err != nil {
				return values.Errorf("54000", "%v", err)
			}
			return rows
		},
	}
}

// makeStringAgg passes over values that are NULL, with their delimiters; the
// delimiter of the first value is not written, a NULL one is empty.
func makeStringAgg(args []*values.Type, _ *values.Type) *Aggregate {
	return &Aggregate{
		OrderKey: argumentsKey(args), Sequence: true,
		Fold: func(e Entries) values.Datum {
			var text []byte
			found := false
			for ok := e.First(); ok; ok = e.Next() {
				v, delimiter := e.Args()[0], e.Args()[1]
				if v.IsNull() {
					continue
				}
				for range e.Weight() {
					if found && !delimiter.IsNull() {
						text = append(text, delimiter.Str()...)
					}
					text = append(text, v.Str()...)
					found = true
				}
			}
			if !found {
				return values.Null
			}
			return values.String(string(text))
		},
	}
}

// makeAnyValue shows the least of the values that are not NULL, by their keys.
func makeAnyValue(args []*values.Type, _ *values.Type) *Aggregate {
	return NewExtreme(First, argumentsKey(args))
}

func init() {
	register("array_agg(anynonarray)", makeArrayAgg)
	register("string_agg(text,text)", makeStringAgg)
	register("string_agg(bytea,bytea)", makeStringAgg)
	register("any_value(anyelement)", makeAnyValue)
}
