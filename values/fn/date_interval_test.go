package fn

import (
	"slices"
	"strconv"
	"testing"
)

// extremeIntervals begin with four that version 14 cannot read.
var extremeIntervals = []string{
	"9223372036854775807 microseconds", "-9223372036854775808 microseconds", "2562047788:00:54.775807", "-2562047788:00:54.775807",
	"2147483647 mons 2147483647 days 23:00:00", "-2147483648 mons -2147483648 days -23:00:00", "1 day", "-1 mon", "0",
}

// TestExtremeIntervals calls every function of intervals with the ends of their
// range and, where there are any, with infinite ones.
func TestExtremeIntervals(t *testing.T) {
	o := newOracle(t)
	version := int(serverVersion.Load())
	texts := slices.Clone(extremeIntervals)
	if version < unifiedErrors {
		texts = texts[4:]
	}
	switch {
	case version >= infiniteIntervals:
		texts = append(texts, "infinity", "-infinity", "infinity", "-infinity")
	case version >= unifiedErrors: // version 14 has them, but cannot read them
		texts = append(texts, "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807", "-178956970 years -8 mons -2147483648 days -9223372036854775808 microseconds")
	}
	for _, key := range []string{"interval", "interval beside text"} {
		o.pools[key] = o.pool("interval", texts)
	}
	for _, signature := range Signatures() {
		name, typnames := splitSignature(signature)
		if !slices.Contains(typnames, "interval") {
			continue
		}
		t.Run(signature, func(t *testing.T) {
			o.t = t
			if o.compareAs(t, signature, name, typnames, nil) == 0 {
				t.Error("not native")
			}
		})
	}
}

// TestPrecisionCasts tries every precision, and every field list of an interval.
func TestPrecisionCasts(t *testing.T) {
	o := newOracle(t)
	precisions := []string{"-1", "0", "1", "2", "3", "4", "5", "6", "7", "-2", "100"}
	var intervals []string
	for _, fields := range []int{2, 4, 6, 8, 1 << 10, 1 << 11, 1 << 12, 1<<3 | 1<<10, 1<<3 | 1<<10 | 1<<11, 1<<3 | 1<<10 | 1<<11 | 1<<12,
		1<<10 | 1<<11, 1<<10 | 1<<11 | 1<<12, 1<<11 | 1<<12, 0x7fff, 0, 1} {
		for _, precision := range []int{0, 1, 3, 6, 7, 0xffff} {
			intervals = append(intervals, strconv.Itoa(fields<<16|precision))
		}
	}
	for _, typname := range []string{"timestamp", "timestamptz", "time", "timetz", "interval"} {
		signature := typname + "(" + typname + ",int4)"
		t.Run(signature, func(t *testing.T) {
			o.t = t
			o.pools["int4"] = o.pool("int4", precisions)
			if typname == "interval" {
				o.pools["int4"] = o.pool("int4", intervals)
			}
			if o.compareAs(t, signature, typname, []string{typname, "int4"}, nil) == 0 {
				t.Error("not native")
			}
		})
	}
}
