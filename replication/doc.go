// Package replication follows a Postgres server by logical replication: it
// checks what that needs, keeps a publication, owns the slot, copies tables
// under the slot's exported snapshot, and reads the stream of messages.
//
// The life of a slot:
//
//	CheckSource        what is missing, all at once; changes nothing
//	EnsurePublication  publication first: a slot never sees an older one's changes
//	CreateSlot         permanent; its snapshot meets its stream without gap or overlap
//	OpenSnapshot, Load the tables as of the slot's consistent point
//	CheckPosition      before every start: does the slot still hold what we lack?
//	Start              transactions, in commit order
//	Ack                what is durable everywhere; the server forgets it
//
// The package knows the replication protocol and the catalogues it depends on.
// It must not know what a transaction's changes mean beyond where it begins and
// ends, nor what becomes of them. It never decides to lose a position: where the
// server cannot continue ours, it says so with a StopError.
package replication
