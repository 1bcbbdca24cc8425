package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// Enums compare by the sort order of their labels, which the type carries.

// enumRank gives each label its place in the type's order.
func enumRank(t *values.Type) map[string]int64 {
	rank := make(map[string]int64, len(t.Labels))
	for i, l := range t.Labels {
		rank[l] = int64(i)
	}
	return rank
}

// makeEnumComparison binds a comparison of ranks to the enum of a call. A label
// that the type does not know (added since the type was read) is an error, never
// a guess.
func makeEnumComparison(compare func(a, b values.Datum) values.Datum) Make {
	return func(args []*values.Type, _ *values.Type) *Func {
		if args[0].Kind != values.KindEnum || len(args[0].Labels) == 0 {
			return nil
		}
		rank := enumRank(args[0])
		f := strict2(func(a, b values.Datum) values.Datum {
			x, ok := rank[a.Str()]
			if !ok {
				return unknownLabel(a)
			}
			y, ok := rank[b.Str()]
			if !ok {
				return unknownLabel(b)
			}
			return compare(values.Int(x), values.Int(y))
		})
		return &f
	}
}

func unknownLabel(d values.Datum) values.Datum {
	return values.Errorf("XX000", "enum label %q is newer than the view", d.Str())
}

func init() {
	register("enum_eq(anyenum,anyenum)", strict2(bytesEQ))
	register("enum_ne(anyenum,anyenum)", strict2(bytesNE))
	for i, name := range comparisonNames {
		if name != "eq" && name != "ne" {
			registerMake("enum_"+name+"(anyenum,anyenum)", makeEnumComparison(intComparisons[i]))
		}
	}
}
