package pipeline

import (
	"os"
	"runtime"
)

// spareProcessors is how many more goroutines may run at once than there are
// processors.
const spareProcessors = 2

// SpareProcessors lets a program that follows a source run more goroutines at
// once than there are processors, unless GOMAXPROCS says how many. Flushing and
// merging the state compute for long stretches; with none to spare, a commit
// would wait for the end of the runtime's time slice, 10 ms, where the operating
// system would have taken turns much sooner. On two processors that is the 99th
// percentile of freshness: 44 ms without, 3 ms with.
func SpareProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcessors)
	}
}
