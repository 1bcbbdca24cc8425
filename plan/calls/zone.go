package calls

import (
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// inZone is the form in the session's time zone of a function that depends on it and in which row
// and time are mixed: to find when its value changes takes more questions than can be asked of Postgres. Nil
// if there is none.
func (cs *Calls) inZone(signature string, args []expr.Expr) *fn.Func {
	read := map[int]bool{}
	for _, a := range args {
		expr.Columns(a, read)
	}
	if len(read) == 0 || !expr.HasClock(args...) {
		return nil
	}
	zone, err := cs.cat.Zone(cs.ctx, cs.zone)
	if err != nil {
		cs.err = err
	}
	if zone == nil {
		return nil
	}
	return zone.Lookup(signature)
}
