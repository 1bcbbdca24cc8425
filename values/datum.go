// Package values holds Postgres values in Go: the Datum that every row is made
// of, the types, their binary and text codecs, comparison, and the encodings
// that state is kept in.
//
// It knows what a value is and how Postgres writes, orders and equates it. It
// must not know where a value came from or goes to: no connection, no circuit,
// no plan.
package values

import (
	"fmt"
	"math"
)

// tag says which of a Datum's fields carry meaning.
type tag uint8

const (
	tagNull  tag = iota // SQL NULL: the zero Datum
	tagValue            // a value, read by the static type of its column
	tagErr              // an evaluation error that travels as a value
)

// Datum is one SQL value. It does not carry its type: the column it stands in
// does, and reading it as another type is a bug. The zero Datum is NULL.
//
// Fixed-size types live in i, variable-length ones in s, so that a row of
// numbers and dates holds no pointers of its own:
//
//	bool                 i: 0 or 1
//	int2 int4 int8 oid   i
//	float4 float8        i: the IEEE-754 bits of the float64
//	numeric              i: unscaled value, aux: display scale (small form), or
//	                     s: the big form, NaN and the infinities (numeric.go)
//	text varchar bpchar
//	name json jsonb      s: the bytes, UTF-8 as the server sends them
//	bytea uuid           s: the bytes
//	date                 i: days since 2000-01-01 (MinInt32, MaxInt32: infinities)
//	time                 i: microseconds since midnight
//	timetz               i: microseconds since midnight, aux: seconds west of UTC
//	timestamp[tz]        i: microseconds since 2000-01-01 (MinInt64, MaxInt64: infinities)
//	interval             i: microseconds, s: months and days, 4 bytes each, big endian;
//	                     empty when both are 0 (MakeInterval, Datum.Interval)
//	enum                 s: the label
//	array                s: Postgres' binary array format with element type 0 (MakeArray,
//	                     ReadArray), elements in binary format, composite ones encoded as rows
//	composite            s: the row encoding of its fields (record.go)
//	anything else        s: the binary send format, kept unread (Opaque)
//
// A Datum may also be an error (division by zero, overflow …): strict functions
// hand it on, CASE and COALESCE drop it with the branch not taken, and an
// operator that meets it in a result diverts the row to the error Z-set.
type Datum struct {
	s   string
	i   int64
	aux int32
	tag tag
}

// Null is SQL NULL.
var Null = Datum{}

// True and False are the SQL booleans.
var (
	True  = Datum{i: 1, tag: tagValue}
	False = Datum{tag: tagValue}
)

// Bool makes a boolean.
func Bool(b bool) Datum {
	if b {
		return True
	}
	return False
}

// Int makes an integer, oid, date, time or timestamp: any type held in i alone.
func Int(i int64) Datum { return Datum{i: i, tag: tagValue} }

// Float makes a float8 (or a float4, already rounded to float32 by the caller).
// All NaNs are one NaN.
func Float(f float64) Datum {
	if f != f {
		f = math.NaN()
	}
	return Datum{i: int64(math.Float64bits(f)), tag: tagValue}
}

// String makes a value held in bytes alone: text, bytea, uuid, json, enum,
// array, opaque.
func String(s string) Datum { return Datum{s: s, tag: tagValue} }

// Make builds a Datum of all three fields; for the types that need them.
func Make(s string, i int64, aux int32) Datum {
	return Datum{s: s, i: i, aux: aux, tag: tagValue}
}

// Errorf makes an error Datum with a SQLSTATE (five characters) and a message
// worded as Postgres words it.
func Errorf(sqlstate, format string, args ...any) Datum {
	return Datum{s: sqlstate + fmt.Sprintf(format, args...), tag: tagErr}
}

// IsNull says whether d is SQL NULL.
func (d Datum) IsNull() bool { return d.tag == tagNull }

// IsErr says whether d is an evaluation error.
func (d Datum) IsErr() bool { return d.tag == tagErr }

// IsTrue says whether d is the boolean true: neither false, NULL nor an error.
func (d Datum) IsTrue() bool { return d.tag == tagValue && d.i == 1 && d.s == "" }

// Int64 reads a type held in i.
func (d Datum) Int64() int64 { return d.i }

// Float64 reads a float4 or float8.
func (d Datum) Float64() float64 { return math.Float64frombits(uint64(d.i)) }

// Str reads a type held in bytes.
func (d Datum) Str() string { return d.s }

// Aux reads the small extra field (numeric scale, timetz zone).
func (d Datum) Aux() int32 { return d.aux }

// Err reads an error Datum as a Go error; nil when d is none.
func (d Datum) Err() *Error {
	if d.tag != tagErr {
		return nil
	}
	return &Error{SQLState: d.s[:5], Message: d.s[5:]}
}

// Error is an evaluation error of the data, as Postgres would raise it.
type Error struct {
	SQLState string
	Message  string
}

func (e *Error) Error() string { return e.Message + " (SQLSTATE " + e.SQLState + ")" }
