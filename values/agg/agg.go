// Package agg holds Postgres' aggregates as accumulators that also subtract, so
// that a deletion costs what an insertion costs.
//
// It knows how Postgres computes each aggregate, to the digit and the scale. It
// must not know of groups, traces or plans: circuit keeps the state, plan picks
// the aggregate.
package agg

import "github.com/stepping-cdc/stepping-cdc/values"

// Accumulator is the state of one linear aggregate over one group: an element
// of an abelian group, so that Add(args, -1) undoes Add(args, 1) exactly.
type Accumulator interface {
	// Reset makes it the aggregate over nothing.
	Reset()
	// Add takes w copies (w may be negative) of one row's arguments.
	Add(args []values.Datum, w int64)
	// Result is the aggregate's value; an error Datum where Postgres raises.
	Result() values.Datum
	// AppendState appends the state in a canonical, self-delimiting form:
	// equal states have equal bytes, whatever path led there.
	AppendState(dst []byte) []byte
	// LoadState replaces the state by one that AppendState wrote and returns
	// what follows it.
	LoadState(src []byte) (rest []byte, err error)
}

// Aggregate is a native aggregate bound to the types of one call.
type Aggregate struct {
	// Linear makes a fresh accumulator; nil for an ordered aggregate.
	Linear func() Accumulator
	// Fold computes an ordered aggregate from the group's arguments; nil for
	// a linear one.
	Fold func(entries Entries) values.Datum
	// OrderKey appends the key that Fold's entries are sorted by (Fold only).
	OrderKey func(dst []byte, args []values.Datum) []byte
	// Extreme says which entry's first argument Fold shows, if that is all it does.
	Extreme Extreme
	// SkipNull: rows whose arguments contain a NULL are not seen (Fold only).
	SkipNull bool
	// Sequence: the result shows each entry, its copies and their order, so that
	// ORDER BY and DISTINCT in the call make a difference (Fold only).
	Sequence bool
}

// Extreme is an end of the order of an ordered aggregate's entries.
type Extreme int

// The ends.
const (
	NoExtreme Extreme = iota
	First
	Last
)

// NewExtreme is the aggregate that shows the value, of those that are not NULL, which is
// at an end of the order of the keys.
func NewExtreme(end Extreme, key func(dst []byte, args []values.Datum) []byte) *Aggregate {
	return &Aggregate{
		OrderKey: key, SkipNull: true, Extreme: end,
		Fold: func(e Entries) values.Datum {
			if end == First && e.First() || end == Last && e.Last() {
				return e.Args()[0]
			}
			return values.Null
		},
	}
}

// Entries walks the multiset of a group's arguments in the order of OrderKey.
type Entries interface {
	// First and Last position on the first or last entry; Next and Prev move.
	// Each reports whether it stands on an entry.
	First() bool
	Last() bool
	Next() bool
	Prev() bool
	// Args is the entry's arguments, Weight its number of copies (> 0).
	Args() []values.Datum
	Weight() int64
}

// Make binds an aggregate to the argument types, the input collation's
// properties being part of them (values.Type). A nil result says: not natively
// for these types.
type Make func(args []*values.Type, result *values.Type) *Aggregate

// registry maps "proname(typname)" of pg_catalog to an implementation.
var registry = map[string]Make{}

// Lookup finds the native form of a pg_catalog aggregate; nil if there is none.
func Lookup(signature string, args []*values.Type, result *values.Type) *Aggregate {
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

// register adds an aggregate; a second one of the same signature is a bug found
// at program start.
func register(signature string, mk Make) {
	if _, dup := registry[signature]; dup {
		panic("agg: " + signature + " registered twice")
	}
	registry[signature] = mk
}

// registerLinear adds a linear aggregate that ignores the types of the call.
func registerLinear(signature string, fresh func() Accumulator) {
	a := &Aggregate{Linear: fresh}
	register(signature, func([]*values.Type, *values.Type) *Aggregate { return a })
}
