package circuit

import (
	"errors"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// AggSpec says how to group and what to compute of each group.
type AggSpec struct {
	// Key is what makes two rows members of one group. Rows that it refuses
	// (ok false) are left out. Nil with Global.
	Key KeyFunc
	// Group copies the group's columns of a row into dst, GroupWidth long. Nil
	// if GroupWidth is 0.
	Group      func(row, dst []values.Datum)
	GroupWidth int
	// Variants says that rows of one group may differ in their group columns,
	// equal to SQL yet not the same (1.0 and 1.00). Then the least encoded one
	// present is shown, at the price of a trace of them; without it the columns
	// must be a function of the key.
	Variants bool
	// Global: one group that exists even when it has no rows.
	Global bool
	// Aggregates, in the order of the output's columns.
	Aggregates []Aggregate
}

// Aggregate is one aggregate of an AggSpec: either Linear or Fold is set.
type Aggregate struct {
	// Args copies the aggregate's arguments, Width of them, into dst and says
	// whether the row takes part (FILTER, or strictness towards NULL). Nil
	// where Width is 0 and all rows take part, as for count(*).
	Args  func(row, dst []values.Datum) (include bool)
	Width int
	// Distinct, if set, is the key by which arguments are the same: the
	// aggregate sees each once, and of equal ones the least encoded.
	Distinct KeyFunc

	// Linear makes an accumulator, for aggregates that can subtract.
	Linear func() Accumulator

	// Fold computes the aggregate from all of the group's arguments, sorted by
	// Order (prefix-free keys, like those of KeyFunc) and, among equals, by
	// encoding. It is called again whenever one of them changed; so one that
	// looks at the first entry only, like min, costs one search.
	Fold  func(entries Entries) values.Datum
	Order func(dst []byte, args []values.Datum) []byte
}

// Accumulator is the state of a linear aggregate over one group: an element of
// an abelian group, so that Add(args, -1) undoes Add(args, 1) exactly.
type Accumulator interface {
	// Reset makes it the aggregate over nothing.
	Reset()
	// Add takes w copies (w may be negative) of one row's arguments.
	Add(args []values.Datum, w int64)
	// Result is the aggregate's value.
	Result() values.Datum
	// AppendState appends the state in a canonical, self-delimiting form: equal
	// states have equal bytes, whatever path led there.
	AppendState(dst []byte) []byte
	// LoadState replaces the state by one that AppendState wrote and returns
	// what follows it.
	LoadState(src []byte) (rest []byte, err error)
}

// Entries walks the multiset of a group's arguments, either forward from First
// or backward from Last, as far as the caller likes.
type Entries interface {
	// First and Last position on the first or last entry; Next goes on from
	// First, Prev from Last. Each reports whether it stands on an entry.
	First() bool
	Last() bool
	Next() bool
	Prev() bool
	// Args is the entry's arguments, good until the next move (their Datums may
	// be kept); Weight its number of copies, always positive.
	Args() []values.Datum
	Weight() int64
}

func (s *AggSpec) check() error {
	switch {
	case s.Key == nil && !s.Global:
		return errors.New("neither a key nor global")
	case s.Key != nil && s.Global:
		return errors.New("both a key and global")
	case s.Global && s.GroupWidth != 0:
		return errors.New("global, yet with group columns")
	case s.GroupWidth > 0 && s.Group == nil:
		return errors.New("no function for the group's columns")
	}
	for i, a := range s.Aggregates {
		switch {
		case (a.Linear == nil) == (a.Fold == nil):
			return fmt.Errorf("aggregate %d: exactly one of Linear and Fold is needed", i)
		case a.Fold != nil && a.Order == nil:
			return fmt.Errorf("aggregate %d: Fold without Order", i)
		case a.Width > 0 && a.Args == nil:
			return fmt.Errorf("aggregate %d: no function for its arguments", i)
		}
	}
	return nil
}
