// Package sink writes the output tables: it creates them, applies Z-set deltas to
// them in one transaction a batch, and keeps the progress row that says which
// prefix of the source they show.
//
// It knows tables, rows with weights and positions. It must not know where deltas
// come from: no circuit operators, no plan, no replication.
//
// # Order and exactness
//
// Every output transaction first moves stepping_cdc.progress by compare-and-swap
// on the position the caller believes in and on the epoch this instance took when
// it opened. That does three things at once. A second instance is fenced off. A
// commit whose outcome was lost with the connection is decided by reading the row
// again, since taking a new epoch waits for, or defeats, the transaction in flight.
// And deltas can be applied neither twice nor out of order. The small case needs one
// network round trip from first write to COMMIT. How many rows each statement has written
// is read from the server's answers: of a small commit once it has happened, so that whoever made it
// must remember what it tells (Drifts), of a large one before.
//
// # Shape of the writes
//
// All rows of one statement travel as one parameter: a binary array of the output
// table's own row type. unnest() of it yields columns of exactly the table's types,
// with collations, whatever the types are: arrays are not flattened and types
// without a native representation pass as the bytes their send function made.
//
// Where the planner knows columns that identify a row, a delta becomes UPDATEs of
// rows whose key both leaves and comes, then DELETEs by key, then INSERTs. Without
// a key, rows are deleted by their exact image, n copies for weight -n.
//
// Commits do not wait for the disk (synchronous_commit = off). Durable says which
// of them have reached it.
package sink
