package fn

import (
	"sync/atomic"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// serverVersion is the major version of the Postgres whose answers are given; 0
// while it is unknown.
var serverVersion atomic.Int32

// Versions in which functions changed their answers.
const (
	unifiedErrors     = 15 // errors of lengths, fields and code points were reworded
	checkedJustify    = 15 // justify_days and its like check for overflow
	checkedDifference = 16 // timestamp - timestamp checks for overflow
	infiniteIntervals = 17 // intervals became able to be infinite, their overflow an error
	intervalWeeks     = 18 // EXTRACT(week FROM interval), quarters of negative intervals
)

// SetServerVersion says which major version of Postgres the functions stand in
// for. The few that answer differently from version to version are not found by
// Lookup before it was called.
func SetServerVersion(major int) {
	serverVersion.Store(int32(major))
	values.SetInfiniteIntervals(major >= infiniteIntervals)
}

// serverBefore says whether the server is known to be older than a version. It is
// for the wording of errors alone; what changes values is bound by version, see
// registerVersioned.
func serverBefore(major int32) bool {
	v := serverVersion.Load()
	return v != 0 && v < major
}

// registerVersioned registers a strict function whose answers depend on the
// version of the server.
func registerVersioned(signature string, mk func(version int) Func) {
	registerMake(signature, func([]*values.Type, *values.Type) *Func {
		version := int(serverVersion.Load())
		if version == 0 {
			return nil
		}
		f := mk(version)
		return &f
	})
}
