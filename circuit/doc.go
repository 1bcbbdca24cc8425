// Package circuit is DBSP: the incremental maintenance of queries by circuits
// over streams of Z-sets, after
//
//	Mihai Budiu, Tej Chajed, Frank McSherry, Leonid Ryzhyk, Val Tannen.
//	DBSP: Automatic Incremental View Maintenance for Rich Query Languages.
//	PVLDB 16(7), 2023; the long version is arXiv:2203.16684.
//
// It knows rows of values, weights, and a store for the past. It must not know
// SQL, types, Postgres, or where deltas come from and go to. What rows mean is
// in the closures its caller gives it.
//
// # The theory on one page
//
// A stream is a sequence of values, one for each step. A Z-set is a multiset
// whose multiplicities, called weights, may be negative: so it can describe a
// table (all weights positive) and just as well a change of one, and the two
// add. Three operators on streams carry everything:
//
//	z⁻¹  delay          z⁻¹(s)[t] = s[t-1], and zero at first
//	I    integration    I(s)[t] = s[0] + … + s[t]: from changes to contents
//	D    differentiation D(s)[t] = s[t] - s[t-1]: from contents to changes
//
// I and D are each other's inverses. A query Q on tables, applied at every
// step, is the lifted operator ↑Q on streams of contents. What one wants
// instead is to turn the changes of its input into the changes of its output,
// which is the incremental version of it:
//
//	Q^Δ = D ∘ ↑Q ∘ I
//
// Taken at its word this recomputes everything at each step. It need not: the
// incremental version of a composition is the composition of the incremental
// versions (the chain rule), so it is enough to know, operator by operator, a
// better way:
//
//   - Linear operators (filter, projection, sum, negation) are their own
//     incremental versions: Q^Δ = Q. Package files: linear.go.
//   - Bilinear ones (join): (a ⋈ b)^Δ = Δa ⋈ Δb + z⁻¹I(a) ⋈ Δb + Δa ⋈ z⁻¹I(b),
//     in join.go, over the integrals that index.go keeps.
//   - So are joins on an inequality with one row of bounds: when the bounds move,
//     only what they have moved across is looked at: range.go.
//   - And functions of a row and of the time that seldom change as it passes: only the rows
//     are looked at whose turn has come: turn.go.
//   - And joins of rows whose intervals meet, over integrals in which they are found:
//     interval.go and interval_trace.go. When bounds move there, too, what they have moved
//     across is looked at: interval_moved.go.
//   - And joins of each row with the one nearest to it on the other side: asof.go.
//   - Distinct looks at the integral only for the rows in the delta:
//     distinct.go.
//   - Rows that count while there are others, as those that fail do, look at how many others there
//     are when there are such rows: gate.go.
//   - Aggregation looks at, and replaces, only the groups in the delta:
//     aggregate.go.
//   - Windows look at the stretch of a partition that the delta can be seen from:
//     window.go.
//
// # Recursion
//
// A loop is a circuit whose output is fed back to it: recursion.go has the
// operator, loop.go the order in which a step runs it. The paper (its section on
// recursive queries) nests a circuit in the operator, on streams of streams: a
// value then has two times, the step and the iteration. Here the iteration is a
// column of the rows, and first, of the rows that are the same, keeps that of the
// least iteration:
//
//	W = first(base × {0} + step(W) one iteration later)
//
// Nothing in the loop knows of it: the operators are the ordinary ones, over
// ordinary integrals. A step takes the changes that wait in it by iteration,
// ascending. They are final then, since what is of an iteration depends on
// earlier ones only; for the same reason the equation has one solution, and
// deletions need no special treatment, cycles or not.
//
// Package stream, below this one, states the operators on streams in a few
// lines for reading, and for checking the efficient ones against.
//
// # Using it
//
// A Builder puts nodes together, Build binds the circuit to a state.Store, and
// each Step turns deltas of the sources into deltas of the outputs:
//
//	b := circuit.NewBuilder()
//	orders := b.Source("orders", 2)
//	big := b.Map(orders, 2, "amount > 100", filter)
//	b.Output("big", big)
//	c, err := b.Build(store, []byte("demo"))
//	…
//	batch := store.NewBatch()
//	outs, err := c.Step(ctx, map[string]*circuit.Batch{"orders": delta}, batch)
//	state.SetUint64(batch, state.MetaKey("position"), position)
//	batch.Commit()
//
// All of the past is in the store. A step reads it as it was before, gathers
// its changes in the batch (nodes of a loop, which run several times in a step,
// read theirs through an overlay), and the caller commits them together with the
// position they bring it to: after a crash the two cannot disagree.
//
// A large step may be evaluated by several goroutines (Parts.Workers, crew.go), since parts of a
// circuit that do not read each other can be computed in any order.
//
// # Errors in data
//
// An expression that fails for a row is not an error of Step. The function
// given to Map2 sends such rows to its second output; Errors makes of that
// stream an output of its own.
package circuit
