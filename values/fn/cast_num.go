package fn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Casts between integers, floats and oid. Those from and to numeric are in
// num_numeric.go.

// fromInt casts from any integer type.
func (w *intWidth) fromInt(a values.Datum) values.Datum { return w.fit(a.Int64()) }

// fromFloat rounds to the nearest integer, ties to even (C's rint), before it
// checks the range. The upper bound is exclusive because max+1, not max, is a
// double.
func (w *intWidth) fromFloat(a values.Datum) values.Datum {
	f := math.RoundToEven(a.Float64())
	if !(f >= float64(w.min) && f < -float64(w.min)) {
		return w.overflow
	}
	return values.Int(int64(f))
}

func intToFloat8(a values.Datum) values.Datum { return values.Float(float64(a.Int64())) }

func intToFloat4(a values.Datum) values.Datum { return values.Float(float64(float32(a.Int64()))) }

func float8ToFloat4(a values.Datum) values.Datum {
	f := a.Float64()
	r := float32(f)
	switch {
	case isInf(r) && !isInf(f):
		return errFloatOverflow
	case r == 0 && f != 0:
		return errFloatUnderflow
	}
	return values.Float(float64(r))
}

func int8ToOID(a values.Datum) values.Datum {
	if i := a.Int64(); i < 0 || i > math.MaxUint32 {
		return values.Errorf("22003", "OID out of range")
	}
	return a
}

func init() {
	register("int2(int4)", strict1(width2.fromInt))
	register("int2(int8)", strict1(width2.fromInt))
	register("int4(int2)", strict1(identity))
	register("int4(int8)", strict1(width4.fromInt))
	register("int8(int2)", strict1(identity))
	register("int8(int4)", strict1(identity))
	register("int8(oid)", strict1(identity))
	register("oid(int8)", strict1(int8ToOID))
	for _, w := range []*intWidth{width2, width4, width8} {
		for _, f := range []string{"float4", "float8"} {
			register(w.typname+"("+f+")", strict1(w.fromFloat))
		}
		register("float4("+w.typname+")", strict1(intToFloat4))
		register("float8("+w.typname+")", strict1(intToFloat8))
	}
	register("float8(float4)", strict1(identity))
	register("float4(float8)", strict1(float8ToFloat4))
}
