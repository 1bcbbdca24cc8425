// Package calls says which calls of functions and operators Go computes, and in which form: as
// they are written or, where they read the present time, rewritten so that the circuit can tell
// when their values change.
//
// It knows functions by their signatures, and the circumstances under which Go's forms are exact. It
// must not know queries, nor whether a call may be part of a view.
package calls

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Calls makes calls of functions as a session would evaluate them.
type Calls struct {
	ctx  context.Context
	cat  *catalog.Catalog
	zone string // "" if local time is UTC
	err  error
}

// New makes calls for a session with a catalogue and a time zone, "" where that is UTC.
func New(ctx context.Context, cat *catalog.Catalog, zone string) *Calls {
	return &Calls{ctx: ctx, cat: cat, zone: zone}
}

// Err is why the time zone could not be asked for, if it was.
func (cs *Calls) Err() error { return cs.err }

// Native is the Go form of a call under a collation; nil if there is none that is exact.
func (cs *Calls) Native(proc *catalog.Proc, args []expr.Expr, result *values.Type, collation uint32) (*expr.Native, error) {
	if OtherCollation(args, collation) {
		return nil, nil
	}
	call, need := cs.lookup(proc, args, result)
	if call == nil {
		return nil, nil
	}
	ok, err := cs.meets(need, collation)
	if !ok || err != nil {
		return nil, err
	}
	return call, nil
}

// OtherCollation says that a call is made under a collation that is not that of the elements of one of its
// arrays: in Go, these are compared by their own.
func OtherCollation(args []expr.Expr, collation uint32) bool {
	return collation != 0 && slices.ContainsFunc(args, func(a expr.Expr) bool {
		elem := a.Type().Innermost()
		return a.Type().Kind == values.KindArray && elem.Collation != 0 && elem.Collation != collation
	})
}

// lookup is the Go form of a call, or nil, and what it needs to be exact.
func (cs *Calls) lookup(proc *catalog.Proc, args []expr.Expr, result *values.Type) (*expr.Native, fn.Need) {
	if proc.Signature == "" || len(args) != len(proc.ArgTypes) {
		return nil, 0
	}
	types := make([]*values.Type, len(args))
	for i, a := range args {
		types[i] = a.Type()
	}
	if values.MixedRecords(types) { // Go takes elements to be of one type
		return nil, 0
	}
	f := fn.Lookup(proc.Signature, types, result)
	if f == nil {
		return nil, 0
	}
	need := f.Need
	if shiftsByHours(proc.Name, args) {
		need &^= fn.NeedUTC
	}
	if need&fn.NeedUTC != 0 && cs.zone != "" {
		if zoned := cs.inZone(proc.Signature, args); zoned != nil {
			f, need = zoned, zoned.Need
		}
	}
	return &expr.Native{Func: f, Name: proc.Signature, Total: proc.Leakproof || totalNames[proc.Name], Args: args, T: result}, need
}

// totalNames are functions that never raise an error although Postgres does
// not mark them leakproof.
var totalNames = map[string]bool{
	"numeric_eq": true, "numeric_ne": true, "numeric_lt": true, "numeric_le": true, "numeric_gt": true, "numeric_ge": true,
	"textlike": true, "textnlike": true, "bpcharlike": true, "bpcharnlike": true, "textcat": true, "lower": true, "upper": true,
	"record_eq": true, "record_ne": true, "record_lt": true, "record_le": true, "record_gt": true, "record_ge": true,
	"range_overlaps": true, "range_contains": true, "range_contained_by": true, "range_contains_elem": true, "elem_contained_by_range": true,
	"range_before": true, "range_after": true, "range_adjacent": true, "range_overleft": true, "range_overright": true,
	"isempty": true, "lower_inc": true, "upper_inc": true, "lower_inf": true, "upper_inf": true,
	"date_lt_timestamp": true, "date_le_timestamp": true, "date_gt_timestamp": true, "date_ge_timestamp": true, "date_eq_timestamp": true, "date_ne_timestamp": true,
}

// Meets says whether the circumstances under which a native function is exact
// are given where there is no collation.
func (cs *Calls) Meets(need fn.Need) bool {
	return need&(fn.NeedCOrder|fn.NeedCCtype) == 0 && (need&fn.NeedUTC == 0 || cs.zone == "")
}

// meets is Meets under a collation, if there is one.
func (cs *Calls) meets(need fn.Need, collation uint32) (bool, error) {
	const ofCollation = fn.NeedCOrder | fn.NeedCCtype | fn.NeedDeterministic
	if collation == 0 || need&ofCollation == 0 {
		return cs.Meets(need), nil
	}
	coll, err := cs.cat.Collation(cs.ctx, collation)
	if err != nil {
		return false, err
	}
	return cs.Meets(need&^ofCollation) &&
		(need&fn.NeedCOrder == 0 || coll.ByBytes) &&
		(need&fn.NeedCCtype == 0 || coll.PlainClasses) &&
		(need&fn.NeedDeterministic == 0 || !coll.NonDeterministic), nil
}

// Builtin calls a strict function of pg_catalog by its signature.
func (cs *Calls) Builtin(signature string, result *values.Type, args ...expr.Expr) expr.Expr {
	name, rest, _ := strings.Cut(signature, "(")
	proc := &catalog.Proc{
		Schema: "pg_catalog", Name: name, Signature: signature, Strict: true,
		ArgTypes: strings.Split(strings.TrimSuffix(rest, ")"), ","),
	}
	if call, need := cs.lookup(proc, args, result); call != nil && cs.Meets(need) {
		return expr.Fold(call)
	}
	sql := []string{pgx.Identifier{"pg_catalog", name}.Sanitize() + "("}
	for i := range args {
		sql = append(sql, map[bool]string{true: ")", false: ", "}[i == len(args)-1])
	}
	e := expr.NewRemote(sql, args, true, result)
	e.Func = signature
	return expr.Fold(e)
}

// shiftsByHours says that a call adds an interval without days and months, which is as
// long in all time zones, to a timestamp with time zone.
func shiftsByHours(name string, args []expr.Expr) bool {
	switch name {
	case "timestamptz_pl_interval", "timestamptz_mi_interval":
		return hours(args[1])
	case "interval_pl_timestamptz":
		return hours(args[0])
	}
	return false
}

// hours says that an interval never has days and months, as far as can be told from how
// it is computed. An infinite one, which has, is as long everywhere, too.
func hours(e expr.Expr) bool {
	switch e := e.(type) {
	case *expr.Const:
		if e.V.IsNull() || e.V.IsErr() || e.T.Kind != values.KindInterval {
			return false
		}
		months, days, _ := e.V.Interval()
		return months == 0 && days == 0
	case *expr.Native:
		switch name, _, _ := strings.Cut(e.Name, "("); name {
		case "interval_mul", "interval_div", "interval_um":
			return hours(e.Args[0])
		case "mul_d_interval":
			return hours(e.Args[1])
		case "interval_pl", "interval_mi":
			return hours(e.Args[0]) && hours(e.Args[1])
		case "make_interval":
			for _, a := range e.Args[:4] { // years, months, weeks, days
				if c, ok := a.(*expr.Const); !ok || c.V != values.Int(0) {
					return false
				}
			}
			return true
		}
	}
	return false
}
