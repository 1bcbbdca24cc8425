package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// Comparison operators of the types whose order needs no type information:
// booleans, integers, oid, floats, uuid, bytea. The functions are written out
// one by one, rather than over a common three-way comparison, because they are
// the innermost loop of every filter and join.

// The six comparisons of types held in i (false sorts before true).
func intEQ(a, b values.Datum) values.Datum { return values.Bool(a.Int64() == b.Int64()) }
func intNE(a, b values.Datum) values.Datum { return values.Bool(a.Int64() != b.Int64()) }
func intLT(a, b values.Datum) values.Datum { return values.Bool(a.Int64() < b.Int64()) }
func intLE(a, b values.Datum) values.Datum { return values.Bool(a.Int64() <= b.Int64()) }
func intGT(a, b values.Datum) values.Datum { return values.Bool(a.Int64() > b.Int64()) }
func intGE(a, b values.Datum) values.Datum { return values.Bool(a.Int64() >= b.Int64()) }

// compareFloat orders floats as Postgres' btree does: NaN equals NaN and is
// greater than every other value; zeros are equal.
func compareFloat(a, b values.Datum) int { return values.CompareFloat(a.Float64(), b.Float64()) }

func floatEQ(a, b values.Datum) values.Datum { return values.Bool(compareFloat(a, b) == 0) }
func floatNE(a, b values.Datum) values.Datum { return values.Bool(compareFloat(a, b) != 0) }
func floatLT(a, b values.Datum) values.Datum { return values.Bool(compareFloat(a, b) < 0) }
func floatLE(a, b values.Datum) values.Datum { return values.Bool(compareFloat(a, b) <= 0) }
func floatGT(a, b values.Datum) values.Datum { return values.Bool(compareFloat(a, b) > 0) }
func floatGE(a, b values.Datum) values.Datum { return values.Bool(compareFloat(a, b) >= 0) }

// The six comparisons of types held in s and ordered by unsigned bytes.
func bytesEQ(a, b values.Datum) values.Datum { return values.Bool(a.Str() == b.Str()) }
func bytesNE(a, b values.Datum) values.Datum { return values.Bool(a.Str() != b.Str()) }
func bytesLT(a, b values.Datum) values.Datum { return values.Bool(a.Str() < b.Str()) }
func bytesLE(a, b values.Datum) values.Datum { return values.Bool(a.Str() <= b.Str()) }
func bytesGT(a, b values.Datum) values.Datum { return values.Bool(a.Str() > b.Str()) }
func bytesGE(a, b values.Datum) values.Datum { return values.Bool(a.Str() >= b.Str()) }

// comparisons are the six operators in the order eq ne lt le gt ge.
type comparisons [6]func(a, b values.Datum) values.Datum

var (
	intComparisons   = comparisons{intEQ, intNE, intLT, intLE, intGT, intGE}
	floatComparisons = comparisons{floatEQ, floatNE, floatLT, floatLE, floatGT, floatGE}
	bytesComparisons = comparisons{bytesEQ, bytesNE, bytesLT, bytesLE, bytesGT, bytesGE}

	comparisonNames = [6]string{"eq", "ne", "lt", "le", "gt", "ge"}
)

// comparisonsOf makes the six operators of a three-way comparison.
func comparisonsOf(cmp func(a, b values.Datum) int) comparisons {
	return comparisons{
		func(a, b values.Datum) values.Datum { return values.Bool(cmp(a, b) == 0) },
		func(a, b values.Datum) values.Datum { return values.Bool(cmp(a, b) != 0) },
		func(a, b values.Datum) values.Datum { return values.Bool(cmp(a, b) < 0) },
		func(a, b values.Datum) values.Datum { return values.Bool(cmp(a, b) <= 0) },
		func(a, b values.Datum) values.Datum { return values.Bool(cmp(a, b) > 0) },
		func(a, b values.Datum) values.Datum { return values.Bool(cmp(a, b) >= 0) },
	}
}

// registerComparisons registers prefix+"eq"+two and its five companions.
func registerComparisons(prefix, two string, c comparisons) {
	for i, name := range comparisonNames {
		register(prefix+name+two, strict2(c[i]))
	}
}

func init() {
	registerComparisons("bool", "(bool,bool)", intComparisons)
	registerComparisons("oid", "(oid,oid)", intComparisons)
	for _, t := range []string{"int2", "int4", "int8"} {
		registerComparisons(t, "("+t+","+t+")", intComparisons)
	}
	for _, c := range []struct{ prefix, two string }{
		{"int24", "(int2,int4)"}, {"int42", "(int4,int2)"}, {"int28", "(int2,int8)"},
		{"int82", "(int8,int2)"}, {"int48", "(int4,int8)"}, {"int84", "(int8,int4)"},
	} {
		registerComparisons(c.prefix, c.two, intComparisons)
	}
	for _, c := range []struct{ prefix, two string }{
		{"float4", "(float4,float4)"}, {"float8", "(float8,float8)"},
		{"float48", "(float4,float8)"}, {"float84", "(float8,float4)"},
	} {
		registerComparisons(c.prefix, c.two, floatComparisons)
	}
	registerComparisons("uuid_", "(uuid,uuid)", bytesComparisons)
	registerComparisons("bytea", "(bytea,bytea)", bytesComparisons)
}
