package fn

import (
	"math"
	"math/bits"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Integer arithmetic: https://www.postgresql.org/docs/current/functions-math.html.
// Every operator computes in int64 and is checked against the width of its
// result type, which gives Postgres' own overflow errors.

// intWidth is one of Postgres' integer types.
type intWidth struct {
	typname  string
	min, max int64
	bits     uint // the shift count wraps at this, as the machine's does
	overflow values.Datum
}

var (
	width2 = &intWidth{"int2", math.MinInt16, math.MaxInt16, 32, values.Errorf("22003", "smallint out of range")}
	width4 = &intWidth{"int4", math.MinInt32, math.MaxInt32, 32, values.Errorf("22003", "integer out of range")}
	width8 = &intWidth{"int8", math.MinInt64, math.MaxInt64, 64, values.Errorf("22003", "bigint out of range")}
)

var errDivisionByZero = values.Errorf("22012", "division by zero")

// fit makes an integer of the width, or its overflow error.
func (w *intWidth) fit(i int64) values.Datum {
	if i < w.min || i > w.max {
		return w.overflow
	}
	return values.Int(i)
}

// checkedAdd, checkedSub and checkedMul report whether the result is exact.
func checkedAdd(a, b int64) (int64, bool) {
	c := a + b
	return c, (c > a) == (b > 0)
}

func checkedSub(a, b int64) (int64, bool) {
	c := a - b
	return c, (c < a) == (b > 0)
}

func checkedMul(a, b int64) (int64, bool) {
	if int64(int32(a)) == a && int64(int32(b)) == b {
		return a * b, true
	}
	if a == 0 || b == 0 {
		return 0, true
	}
	if (a == -1 && b == math.MinInt64) || (b == -1 && a == math.MinInt64) {
		return 0, false
	}
	c := a * b
	return c, c/b == a
}

func (w *intWidth) add(a, b values.Datum) values.Datum {
	c, ok := checkedAdd(a.Int64(), b.Int64())
	if !ok {
		return w.overflow
	}
	return w.fit(c)
}

func (w *intWidth) sub(a, b values.Datum) values.Datum {
	c, ok := checkedSub(a.Int64(), b.Int64())
	if !ok {
		return w.overflow
	}
	return w.fit(c)
}

func (w *intWidth) mul(a, b values.Datum) values.Datum {
	c, ok := checkedMul(a.Int64(), b.Int64())
	if !ok {
		return w.overflow
	}
	return w.fit(c)
}

func (w *intWidth) div(a, b values.Datum) values.Datum {
	switch b.Int64() {
	case 0:
		return errDivisionByZero
	case -1:
		return w.neg(a)
	}
	return values.Int(a.Int64() / b.Int64())
}

func (w *intWidth) mod(a, b values.Datum) values.Datum {
	switch b.Int64() {
	case 0:
		return errDivisionByZero
	case -1:
		return values.Int(0)
	}
	return values.Int(a.Int64() % b.Int64())
}

func (w *intWidth) neg(a values.Datum) values.Datum {
	if a.Int64() == w.min {
		return w.overflow
	}
	return values.Int(-a.Int64())
}

func (w *intWidth) abs(a values.Datum) values.Datum {
	if a.Int64() < 0 {
		return w.neg(a)
	}
	return a
}

// narrow wraps i to the width, as a C assignment does.
func (w *intWidth) narrow(i int64) values.Datum {
	switch w {
	case width2:
		return values.Int(int64(int16(i)))
	case width4:
		return values.Int(int64(int32(i)))
	}
	return values.Int(i)
}

// shl and shr wrap their count at the width of the machine's register. C leaves
// this open; x86-64 and arm64 agree on it.
func (w *intWidth) shl(a, b values.Datum) values.Datum {
	return w.narrow(a.Int64() << (uint(b.Int64()) % w.bits))
}

func (w *intWidth) shr(a, b values.Datum) values.Datum {
	return w.narrow(a.Int64() >> (uint(b.Int64()) % w.bits))
}

func magnitude(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}

func gcdUint64(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (w *intWidth) gcd(a, b values.Datum) values.Datum {
	g := gcdUint64(magnitude(a.Int64()), magnitude(b.Int64()))
	if g > uint64(w.max) {
		return w.overflow
	}
	return values.Int(int64(g))
}

func (w *intWidth) lcm(a, b values.Datum) values.Datum {
	x, y := magnitude(a.Int64()), magnitude(b.Int64())
	if x == 0 || y == 0 {
		return values.Int(0)
	}
	hi, lo := bits.Mul64(x/gcdUint64(x, y), y)
	if hi != 0 || lo > uint64(w.max) {
		return w.overflow
	}
	return values.Int(int64(lo))
}

func identity(a values.Datum) values.Datum { return a }

func strict1(f func(a values.Datum) values.Datum) Func { return Func{Strict: true, F1: f} }

func strict2(f func(a, b values.Datum) values.Datum) Func { return Func{Strict: true, F2: f} }

func strict3(f func(a, b, c values.Datum) values.Datum) Func { return Func{Strict: true, F3: f} }

func init() {
	for _, w := range []*intWidth{width2, width4, width8} {
		t := w.typname
		two := "(" + t + "," + t + ")"
		register(t+"pl"+two, strict2(w.add))
		register(t+"mi"+two, strict2(w.sub))
		register(t+"mul"+two, strict2(w.mul))
		register(t+"div"+two, strict2(w.div))
		register(t+"mod"+two, strict2(w.mod))
		register("mod"+two, strict2(w.mod))
		register(t+"um("+t+")", strict1(w.neg))
		register(t+"up("+t+")", strict1(identity))
		register(t+"abs("+t+")", strict1(w.abs))
		register("abs("+t+")", strict1(w.abs))
		register(t+"and"+two, strict2(func(a, b values.Datum) values.Datum { return values.Int(a.Int64() & b.Int64()) }))
		register(t+"or"+two, strict2(func(a, b values.Datum) values.Datum { return values.Int(a.Int64() | b.Int64()) }))
		register(t+"xor"+two, strict2(func(a, b values.Datum) values.Datum { return values.Int(a.Int64() ^ b.Int64()) }))
		register(t+"not("+t+")", strict1(func(a values.Datum) values.Datum { return values.Int(^a.Int64()) }))
		register(t+"shl("+t+",int4)", strict2(w.shl))
		register(t+"shr("+t+",int4)", strict2(w.shr))
	}
	for _, w := range []*intWidth{width4, width8} {
		two := "(" + w.typname + "," + w.typname + ")"
		register("gcd"+two, strict2(w.gcd))
		register("lcm"+two, strict2(w.lcm))
	}
	for _, c := range []struct {
		digits, left, right string
		result              *intWidth
	}{
		{"24", "int2", "int4", width4}, {"42", "int4", "int2", width4},
		{"28", "int2", "int8", width8}, {"82", "int8", "int2", width8},
		{"48", "int4", "int8", width8}, {"84", "int8", "int4", width8},
	} {
		two := "(" + c.left + "," + c.right + ")"
		register("int"+c.digits+"pl"+two, strict2(c.result.add))
		register("int"+c.digits+"mi"+two, strict2(c.result.sub))
		register("int"+c.digits+"mul"+two, strict2(c.result.mul))
		register("int"+c.digits+"div"+two, strict2(c.result.div))
	}
	register("int4inc(int4)", strict1(func(a values.Datum) values.Datum { return width4.add(a, values.Int(1)) }))
	register("int8inc(int8)", strict1(func(a values.Datum) values.Datum { return width8.add(a, values.Int(1)) }))
	register("int8dec(int8)", strict1(func(a values.Datum) values.Datum { return width8.sub(a, values.Int(1)) }))
}
