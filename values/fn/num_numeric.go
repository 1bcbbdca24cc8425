package fn

import (
	"math/big"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Arithmetic, comparison and casts of numeric, over package values.

// isSpecialNumeric says whether a numeric is NaN or infinite.
func isSpecialNumeric(d values.Datum) bool {
	_, ok := values.NumericScale(d)
	return !ok
}

func numericScale(a values.Datum) values.Datum {
	scale, ok := values.NumericScale(a)
	if !ok {
		return values.Null
	}
	return values.Int(int64(scale))
}

func numericMinScale(a values.Datum) values.Datum { return numericScale(values.NumericTrimScale(a)) }

// numericGCD and numericLCM work on the unscaled values at the larger scale.
func numericGCD(a, b values.Datum) values.Datum {
	if isSpecialNumeric(a) || isSpecialNumeric(b) {
		return values.NumericNaN
	}
	x, y, scale := alignNumerics(a, b)
	return values.NumericFromBig(x.GCD(nil, nil, x.Abs(x), y.Abs(y)), scale)
}

func numericLCM(a, b values.Datum) values.Datum {
	if isSpecialNumeric(a) || isSpecialNumeric(b) {
		return values.NumericNaN
	}
	x, y, scale := alignNumerics(a, b)
	if x.Sign() == 0 || y.Sign() == 0 {
		return values.NumericFromInt(0, scale)
	}
	g := new(big.Int).GCD(nil, nil, x.Abs(x), y.Abs(y))
	return values.NumericFromBig(x.Mul(x.Quo(x, g), y), scale)
}

func alignNumerics(a, b values.Datum) (x, y *big.Int, scale int32) {
	x, as, _ := values.NumericBig(a)
	y, bs, _ := values.NumericBig(b)
	scale = max(as, bs)
	scaleUp(x, scale-as)
	scaleUp(y, scale-bs)
	return x, y, scale
}

func scaleUp(x *big.Int, digits int32) {
	if digits > 0 {
		x.Mul(x, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
	}
}

func init() {
	registerComparisons("numeric_", "(numeric,numeric)", comparisonsOf(values.NumericCmp))
	register("numeric_add(numeric,numeric)", strict2(values.NumericAdd))
	register("numeric_sub(numeric,numeric)", strict2(values.NumericSub))
	register("numeric_mul(numeric,numeric)", strict2(values.NumericMul))
	register("numeric_div(numeric,numeric)", strict2(values.NumericDiv))
	register("numeric_mod(numeric,numeric)", strict2(values.NumericMod))
	register("mod(numeric,numeric)", strict2(values.NumericMod))
	register("div(numeric,numeric)", strict2(values.NumericDivTrunc))
	register("numeric_div_trunc(numeric,numeric)", strict2(values.NumericDivTrunc))
	register("numeric_uminus(numeric)", strict1(values.NumericNeg))
	register("numeric_uplus(numeric)", strict1(identity))
	register("numeric_abs(numeric)", strict1(values.NumericAbs))
	register("abs(numeric)", strict1(values.NumericAbs))
	register("sign(numeric)", strict1(values.NumericSign))
	register("ceil(numeric)", strict1(values.NumericCeil))
	register("ceiling(numeric)", strict1(values.NumericCeil))
	register("floor(numeric)", strict1(values.NumericFloor))
	register("round(numeric)", strict1(func(a values.Datum) values.Datum { return values.NumericRound(a, 0) }))
	register("trunc(numeric)", strict1(func(a values.Datum) values.Datum { return values.NumericTrunc(a, 0) }))
	register("round(numeric,int4)", strict2(func(a, n values.Datum) values.Datum { return values.NumericRound(a, n.Int64()) }))
	register("trunc(numeric,int4)", strict2(func(a, n values.Datum) values.Datum { return values.NumericTrunc(a, n.Int64()) }))
	register("scale(numeric)", strict1(numericScale))
	register("min_scale(numeric)", strict1(numericMinScale))
	register("trim_scale(numeric)", strict1(values.NumericTrimScale))
	register("gcd(numeric,numeric)", strict2(numericGCD))
	register("lcm(numeric,numeric)", strict2(numericLCM))

	register("numeric(numeric,int4)", strict2(func(a, typmod values.Datum) values.Datum {
		return values.NumericApplyTypmod(a, int32(typmod.Int64()))
	}))
	for _, w := range []*intWidth{width2, width4, width8} {
		register("numeric("+w.typname+")", strict1(func(a values.Datum) values.Datum {
			return values.NumericFromInt(a.Int64(), 0)
		}))
	}
	register("numeric(float4)", strict1(func(a values.Datum) values.Datum { return values.NumericFromFloat4(a.Float64()) }))
	register("numeric(float8)", strict1(func(a values.Datum) values.Datum { return values.NumericFromFloat8(a.Float64()) }))
	register("int2(numeric)", strict1(values.NumericToInt2))
	register("int4(numeric)", strict1(values.NumericToInt4))
	register("int8(numeric)", strict1(values.NumericToInt8))
	register("float4(numeric)", strict1(values.NumericToFloat4))
	register("float8(numeric)", strict1(values.NumericToFloat8))
}
