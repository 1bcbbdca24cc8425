// Package pipeline joins replication, decode, plan, circuit, state and sink: it
// is the life of the views, from snapshot to stream, and their recovery.
//
// It alone sees all of them, and adds what none of them can know: which views
// are computed together, from which position, and in which order state and
// outputs become durable. It must not know SQL, operators or protocols.
//
// # Generations
//
// Views that were loaded together are one generation: one circuit, one decoder,
// one set of base traces (the source rows that the stream leaves out), all under
// one prefix of the state. A generation is loaded from an exported snapshot at a
// position N and applies every transaction whose commit record lies at N or
// later, so that snapshot and stream meet without gap or overlap. Views added to
// the configuration make a new generation; the others go on as they are.
//
// # Order of durability
//
// A step commits, in one batch of the state: the traces, the position that the
// step reaches, and what the step changes in the outputs (the output log). The
// outputs are written in one transaction, with the progress: behind that, or, while
// nothing else waits, beside it, as their server needs longer. Three positions follow
// from that:
//
//	state     the last step's position in the state
//	progress  the last output commit's position in the sink
//	acked     what is durable in both: the slot is confirmed up to here
//
// After a crash either of the first two may be ahead. If progress is ahead, the
// stream is replayed with outputs suppressed up to it. If the state is ahead
// (the sink lost commits that had not reached its disk), the output log is
// replayed into the sink. The log is cut where the sink is durable.
//
// # Transactions larger than a chunk
//
// pass through the circuit in several steps, pieces, each committed to the state
// with the number of messages applied so far. So do those that go by more old rows
// than a step should hold (pieces.go), or make more of them: that is seen while the
// step is computed, which is then given up (stride.go). Their output changes gather
// in the output log and are written in one output commit at their end. A crash in
// between resumes after the last step committed.
//
// # Outputs larger than a step should hold
//
// are committed to the log in parts while the step is computed (parts.go), and
// written from there in one output commit.
//
// # Errors in data
//
// While a view's error Z-set is not empty, the view is errored: its output
// changes gather in a quarantine (part of the state) instead of the sink, and
// are written when the last error is gone. Batches in which a view becomes
// errored or recovers are cut into single transactions, so that what the sink
// shows is a function of the position alone.
package pipeline
