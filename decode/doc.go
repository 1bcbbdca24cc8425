// Package decode turns the messages of Postgres' pgoutput plugin into
// transactions, and transactions into Z-set deltas of the tables the views read.
//
// The way of a message:
//
//	Parser   message bytes → Message: bounds-checked, copies nothing
//	Decoder  Message → Change: rows of Datums, only the columns in use
//	Deltas   Change → rows with weights +1 and −1, old rows completed
//
// The package knows the logical replication message formats
// (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html)
// and what a replica identity leaves out of an old row. It must not know a
// connection, a slot, a circuit's operators or how state is stored: old rows come
// through the OldRows interface.
//
// Values alias the messages they came in, which therefore must never be
// overwritten; that is why messages are strings.
package decode
