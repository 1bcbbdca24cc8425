// Package fn is the library of scalar functions that run natively in Go: the
// functions behind Postgres' operators, casts and calls.
//
// It knows how Postgres computes each of them, to the digit, the scale and the
// error message. It must not know of expressions, plans or connections. A
// function that is not here is not lost: the planner asks Postgres for it.
// So a function belongs here only if it gives Postgres' answer for every input.
package fn

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Need says under which circumstances a function's native form is exact.
// Outside them the planner evaluates the call in Postgres.
type Need uint8

const (
	// Anywhere: exact under every collation and setting.
	Anywhere Need = 0
	// NeedCOrder: depends on the order of strings; exact only if the input
	// collation orders by bytes.
	NeedCOrder Need = 1 << iota
	// NeedCCtype: depends on character classes (upper, initcap, ILIKE …);
	// exact only if the input collation is C or POSIX.
	NeedCCtype
	// NeedDeterministic: exact unless the collation equates different strings.
	NeedDeterministic
	// NeedUTC: depends on the session's TimeZone; exact only if that is UTC.
	NeedUTC
)

// Func is one native function. Exactly one of F1, F2, F3 and FN is set, by the
// number of arguments (F0 functions and those of four and more use FN). A
// Strict function is never called with a NULL argument: its result is NULL.
// No function is ever called with an error Datum: errors are handed on before. One may
// be called by several goroutines at once, as several operators may compute one expression.
type Func struct {
	Strict bool
	Need   Need
	Zone   *Zone // the session's time zone, if this is the function's form there
	F1     func(a values.Datum) values.Datum
	F2     func(a, b values.Datum) values.Datum
	F3     func(a, b, c values.Datum) values.Datum
	FN     func(args []values.Datum) values.Datum
}

// Make binds a native implementation to the types of one call. Most functions
// ignore the types; polymorphic ones (array functions, enum comparison) read
// them. A nil result says: not natively for these types.
type Make func(args []*values.Type, result *values.Type) *Func

// registry maps "proname(typname,typname)" of pg_catalog, arguments as declared
// in pg_proc (polymorphic pseudo-types by their name: "anyarray"), to an
// implementation.
var registry = map[string]Make{}

// Lookup finds the native form of a pg_catalog function for a call with these
// argument and result types; nil if there is none.
func Lookup(signature string, args []*values.Type, result *values.Type) *Func {
	if mk, ok := registry[signature]; ok {
		return mk(args, result)
	}
	return nil
}

// Signatures lists what is registered, for tests and documentation.
func Signatures() []string {
	out := make([]string, 0, len(registry))
	for s := range registry {
		out = append(out, s)
	}
	return out
}

// register adds an implementation that ignores the types of the call. A second
// registration of a signature is a bug found at program start.
func register(signature string, f Func) {
	registerMake(signature, func([]*values.Type, *values.Type) *Func { return &f })
}

func registerMake(signature string, mk Make) {
	if _, dup := registry[signature]; dup {
		panic(fmt.Sprintf("fn: %s registered twice", signature))
	}
	registry[signature] = mk
}
