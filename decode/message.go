package decode

import "time"

// MessageType is the first byte of a pgoutput message.
type MessageType byte

// The messages of protocol versions 1 to 4.
const (
	MsgBegin            MessageType = 'B'
	MsgCommit           MessageType = 'C'
	MsgOrigin           MessageType = 'O'
	MsgRelation         MessageType = 'R'
	MsgType             MessageType = 'Y'
	MsgInsert           MessageType = 'I'
	MsgUpdate           MessageType = 'U'
	MsgDelete           MessageType = 'D'
	MsgTruncate         MessageType = 'T'
	MsgLogical          MessageType = 'M' // pg_logical_emit_message
	MsgStreamStart      MessageType = 'S' // since version 2
	MsgStreamStop       MessageType = 'E'
	MsgStreamCommit     MessageType = 'c'
	MsgStreamAbort      MessageType = 'A'
	MsgBeginPrepare     MessageType = 'b' // since version 3
	MsgPrepare          MessageType = 'P'
	MsgCommitPrepared   MessageType = 'K'
	MsgRollbackPrepared MessageType = 'r'
	MsgStreamPrepare    MessageType = 'p'
)

// Format says how one column of a tuple is written.
type Format byte

const (
	FormatNull      Format = 'n'
	FormatUnchanged Format = 'u' // a TOASTed value that the update left alone
	FormatText      Format = 't'
	FormatBinary    Format = 'b'
)

// Value is one column of a tuple. Data aliases the message.
type Value struct {
	Format Format
	Data   string
}

// OldKind says what a change tells about the row as it was.
type OldKind byte

const (
	OldNone OldKind = 0   // nothing: the key did not change
	OldKey  OldKind = 'K' // the columns of the replica identity, all others null
	OldFull OldKind = 'O' // the complete row: REPLICA IDENTITY FULL
)

// Identity is a table's pg_class.relreplident.
type Identity byte

const (
	IdentityDefault Identity = 'd'
	IdentityNothing Identity = 'n'
	IdentityFull    Identity = 'f'
	IdentityIndex   Identity = 'i'
)

// Relation describes a table as the changes that follow are written.
type Relation struct {
	OID      uint32
	Schema   string
	Name     string
	Identity Identity
	Columns  []RelationColumn
}

// RelationColumn is one published column.
type RelationColumn struct {
	Name    string
	Key     bool // part of the replica identity; under FULL every column is
	TypeOID uint32
	Typmod  int32
}

// Message is one parsed message: Type says which of the fields carry meaning.
// It is filled anew by every Parse; slices in it are reused, strings alias the
// message.
type Message struct {
	Type MessageType

	XID    uint32 // Begin, two-phase and stream messages; others inside a stream block
	SubXID uint32 // StreamAbort

	// FinalLSN is Begin's, equal to the CommitLSN of the Commit that follows.
	// CommitLSN is the start of the commit (prepare, rollback) record, EndLSN the
	// byte after it: the position to acknowledge.
	FinalLSN, CommitLSN, EndLSN LSN
	Time                        time.Time
	GID                         string // two-phase messages
	First                       bool   // StreamStart: the transaction's first block

	Relation *Relation // Relation: newly allocated, may be kept
	RelID    uint32    // Insert, Update, Delete; Type: the type's OID
	OldKind  OldKind
	Old, New []Value

	RelIDs          []uint32 // Truncate
	Cascade         bool
	RestartIdentity bool

	Schema, Name  string // Type; Name also: Origin
	LSN           LSN    // Origin, Logical
	Transactional bool   // Logical
	Prefix        string
	Content       string
}
