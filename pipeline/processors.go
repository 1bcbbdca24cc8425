package pipeline

import (
	"os"
	"runtime"

	"github.com/stepping-cdc/stepping-cdc/circuit"
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
	processors = runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(processors + spareProcessors)
	}
}

// processors is how many there are for this program.
var processors = runtime.GOMAXPROCS(0)

const (
	// sharedRows is from how many rows on a step is evaluated by several goroutines: that of a
	// snapshot or a backlog. What is live is not.
	sharedRows = 2048
	// mostWorkers bounds how many they are; parts of a step wait for others.
	mostWorkers = 8
)

// workers is how many goroutines evaluate a step.
func workers(inputs map[string]*circuit.Batch) int {
	rows := 0
	for _, in := range inputs {
		rows += in.Len()
	}
	if rows < sharedRows {
		return 1
	}
	return min(processors, mostWorkers)
}
