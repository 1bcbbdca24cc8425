package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// OVERLAPS, whose periods may be given by their ends or by a length, and whose
// NULL ends may leave the answer open.

func init() {
	for _, t := range []struct {
		typname string
		need    Need // of adding a length
		greater func(a, b values.Datum) values.Datum
		add     func(a, span values.Datum) values.Datum
	}{
		{"timestamp", Anywhere, intGT, timestampPlusInterval},
		{"timestamptz", NeedUTC, intGT, timestampPlusInterval},
		{"time", Anywhere, intGT, timePlusInterval},
	} {
		for _, first := range []string{t.typname, "interval"} {
			for _, second := range []string{t.typname, "interval"} {
				need := Anywhere
				if first == "interval" || second == "interval" {
					need = t.need
				}
				end := func(start, end values.Datum, kind string) values.Datum {
					switch {
					case kind != "interval":
						return end
					case start.IsNull() || end.IsNull():
						return values.Null
					}
					return t.add(start, end)
				}
				register("overlaps("+t.typname+","+first+","+t.typname+","+second+")", Func{Need: need,
					FN: func(args []values.Datum) values.Datum {
						return periodsOverlap(t.greater, args[0], end(args[0], args[1], first),
							args[2], end(args[2], args[3], second))
					}})
			}
		}
	}
	greater := comparisonsOf(compareAs(timetzOID))[4]
	register("overlaps(timetz,timetz,timetz,timetz)", Func{FN: func(args []values.Datum) values.Datum {
		return periodsOverlap(greater, args[0], args[1], args[2], args[3])
	}})
}

// period puts the ends in order; a single known end is the start.
func period(greater func(a, b values.Datum) values.Datum, a, b values.Datum) (start, end values.Datum) {
	if a.IsNull() || !b.IsNull() && greater(a, b).IsTrue() {
		return b, a
	}
	return a, b
}

func periodsOverlap(greater func(a, b values.Datum) values.Datum, s1, e1, s2, e2 values.Datum) values.Datum {
	for _, d := range []values.Datum{e1, e2} {
		if d.IsErr() {
			return d
		}
	}
	s1, e1 = period(greater, s1, e1)
	s2, e2 = period(greater, s2, e2)
	if s1.IsNull() || s2.IsNull() {
		return values.Null
	}
	switch {
	case greater(s1, s2).IsTrue():
		s1, e1, s2, e2 = s2, e2, s1, e1
	case !greater(s2, s1).IsTrue():
		// Periods that start together overlap, if both are periods.
		if e1.IsNull() || e2.IsNull() {
			return values.Null
		}
		return values.True
	}
	switch {
	case e1.IsNull():
		return values.Null
	case greater(e1, s2).IsTrue():
		return values.True
	case e2.IsNull():
		return values.Null
	}
	return values.False
}
