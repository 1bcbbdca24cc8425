package fn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Floating-point arithmetic. Only operations that IEEE 754 defines to the last
// bit are here: what depends on the C library (exp, ln, power, cbrt, sin …) may
// differ from Go's in the last place and is left to Postgres.

var (
	errFloatOverflow  = values.Errorf("22003", "value out of range: overflow")
	errFloatUnderflow = values.Errorf("22003", "value out of range: underflow")
	errSqrtNegative   = values.Errorf("2201F", "cannot take square root of a negative number")
)

// radiansPerDegree is float.h's RADIANS_PER_DEGREE as a double.
const radiansPerDegree float64 = 0.0174532925199432957692

// float is a Go type of Postgres' float arithmetic: float4 operators compute in
// single precision, all others in double.
type float interface{ float32 | float64 }

func isInf[T float](x T) bool { return math.IsInf(float64(x), 0) }

func addFloat[T float](a, b values.Datum) values.Datum {
	x, y := T(a.Float64()), T(b.Float64())
	r := x + y
	if isInf(r) && !isInf(x) && !isInf(y) {
		return errFloatOverflow
	}
	return values.Float(float64(r))
}

func subFloat[T float](a, b values.Datum) values.Datum {
	x, y := T(a.Float64()), T(b.Float64())
	r := x - y
	if isInf(r) && !isInf(x) && !isInf(y) {
		return errFloatOverflow
	}
	return values.Float(float64(r))
}

func mulFloat[T float](a, b values.Datum) values.Datum {
	x, y := T(a.Float64()), T(b.Float64())
	r := x * y
	if isInf(r) && !isInf(x) && !isInf(y) {
		return errFloatOverflow
	}
	if r == 0 && x != 0 && y != 0 {
		return errFloatUnderflow
	}
	return values.Float(float64(r))
}

func divFloat[T float](a, b values.Datum) values.Datum {
	x, y := T(a.Float64()), T(b.Float64())
	if y == 0 && x == x {
		return errDivisionByZero
	}
	r := x / y
	if isInf(r) && !isInf(x) {
		return errFloatOverflow
	}
	if r == 0 && x != 0 && !isInf(y) {
		return errFloatUnderflow
	}
	return values.Float(float64(r))
}

func mapFloat(f func(float64) float64) Func {
	return strict1(func(a values.Datum) values.Datum { return values.Float(f(a.Float64())) })
}

func negate(f float64) float64 { return -f }

func signFloat(f float64) float64 {
	switch {
	case f > 0:
		return 1
	case f < 0:
		return -1
	}
	return 0 // of NaN as well
}

func sqrtFloat(a values.Datum) values.Datum {
	f := a.Float64()
	if f < 0 {
		return errSqrtNegative
	}
	return values.Float(math.Sqrt(f))
}

func init() {
	register("float4pl(float4,float4)", strict2(addFloat[float32]))
	register("float4mi(float4,float4)", strict2(subFloat[float32]))
	register("float4mul(float4,float4)", strict2(mulFloat[float32]))
	register("float4div(float4,float4)", strict2(divFloat[float32]))
	for _, c := range []struct{ name, two string }{
		{"float8", "(float8,float8)"}, {"float48", "(float4,float8)"}, {"float84", "(float8,float4)"},
	} {
		register(c.name+"pl"+c.two, strict2(addFloat[float64]))
		register(c.name+"mi"+c.two, strict2(subFloat[float64]))
		register(c.name+"mul"+c.two, strict2(mulFloat[float64]))
		register(c.name+"div"+c.two, strict2(divFloat[float64]))
	}
	for _, t := range []string{"float4", "float8"} {
		register(t+"um("+t+")", mapFloat(negate))
		register(t+"up("+t+")", strict1(identity))
		register(t+"abs("+t+")", mapFloat(math.Abs))
		register("abs("+t+")", mapFloat(math.Abs))
	}
	for _, c := range []struct {
		names []string
		f     func(float64) float64
	}{
		{[]string{"ceil", "ceiling"}, math.Ceil},
		{[]string{"floor"}, math.Floor},
		{[]string{"round", "dround"}, math.RoundToEven},
		{[]string{"trunc", "dtrunc"}, math.Trunc},
		{[]string{"sign"}, signFloat},
	} {
		for _, n := range c.names {
			register(n+"(float8)", mapFloat(c.f))
		}
	}
	register("sqrt(float8)", strict1(sqrtFloat))
	register("dsqrt(float8)", strict1(sqrtFloat))
	perDegree := values.Float(radiansPerDegree)
	register("degrees(float8)", strict1(func(a values.Datum) values.Datum { return divFloat[float64](a, perDegree) }))
	register("radians(float8)", strict1(func(a values.Datum) values.Datum { return mulFloat[float64](a, perDegree) }))
	register("pi()", Func{Strict: true, FN: func([]values.Datum) values.Datum { return values.Float(math.Pi) }})
}
