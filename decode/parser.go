package decode

import (
	"fmt"
	"strings"
	"time"
)

// ParseError says where a message stops making sense.
type ParseError struct {
	Type   MessageType // zero for an empty message
	Offset int
	What   string
}

func (e *ParseError) Error() string {
	if e.Type == 0 {
		return "parse pgoutput message: " + e.What
	}
	return fmt.Sprintf("parse pgoutput message %q at byte %d: %s", byte(e.Type), e.Offset, e.What)
}

// Parser reads pgoutput messages of protocol versions 1 to 4. It keeps the one
// thing a message's layout depends on besides its own bytes: whether it stands
// inside a block of a streamed transaction.
type Parser struct {
	// ParallelStreaming is set when START_REPLICATION asked for
	// streaming 'parallel' (version 4): StreamAbort then carries a position.
	ParallelStreaming bool

	inStream bool
}

// Parse reads one message into m. Whatever the bytes, it neither panics nor
// allocates more than a small multiple of their number.
func (p *Parser) Parse(msg string, m *Message) error {
	old, new, rels := m.Old[:0], m.New[:0], m.RelIDs[:0]
	*m = Message{Old: old, New: new, RelIDs: rels}
	if msg == "" {
		return &ParseError{What: "empty message"}
	}
	r := reader{s: msg, off: 1}
	m.Type = MessageType(msg[0])
	if p.inStream {
		switch m.Type {
		case MsgRelation, MsgType, MsgInsert, MsgUpdate, MsgDelete, MsgTruncate, MsgLogical:
			m.XID = r.u32()
		case MsgStreamStop, MsgOrigin:
		default:
			return &ParseError{Type: m.Type, What: "not allowed inside a stream block"}
		}
	}
	switch m.Type {
	case MsgBegin:
		m.FinalLSN, m.Time, m.XID = r.lsn(), r.time(), r.u32()
	case MsgCommit:
		r.u8()
		m.CommitLSN, m.EndLSN, m.Time = r.lsn(), r.lsn(), r.time()
	case MsgOrigin:
		m.LSN, m.Name = r.lsn(), r.cstring()
	case MsgRelation:
		m.Relation = r.relation()
	case MsgType:
		m.RelID, m.Schema, m.Name = r.u32(), r.cstring(), r.cstring()
	case MsgInsert:
		m.RelID = r.u32()
		r.expect('N')
		m.New = r.tuple(m.New)
	case MsgUpdate:
		m.RelID = r.u32()
		kind := r.u8()
		if kind == byte(OldKey) || kind == byte(OldFull) {
			m.OldKind = OldKind(kind)
			m.Old = r.tuple(m.Old)
			kind = r.u8()
		}
		if kind != 'N' {
			r.fail("no new tuple")
		}
		m.New = r.tuple(m.New)
	case MsgDelete:
		m.RelID = r.u32()
		m.OldKind = OldKind(r.u8())
		if m.OldKind != OldKey && m.OldKind != OldFull {
			r.fail("no old tuple")
		}
		m.Old = r.tuple(m.Old)
	case MsgTruncate:
		n := int(r.u32())
		options := r.u8()
		m.Cascade, m.RestartIdentity = options&1 != 0, options&2 != 0
		if n > r.left()/4 {
			r.fail("more relations than bytes")
			n = 0
		}
		for range n {
			m.RelIDs = append(m.RelIDs, r.u32())
		}
	case MsgLogical:
		m.Transactional = r.u8()&1 != 0
		m.LSN, m.Prefix = r.lsn(), r.cstring()
		m.Content = r.bytes(int(int32(r.u32())))
	default:
		if err := p.parseStreamOrPrepare(&r, m); err != nil {
			return err
		}
	}
	if r.err == "" && r.left() != 0 {
		r.fail("bytes after the end")
	}
	if r.err != "" {
		return &ParseError{Type: m.Type, Offset: r.off, What: r.err}
	}
	switch m.Type {
	case MsgStreamStart:
		p.inStream = true
	case MsgStreamStop:
		p.inStream = false
	}
	return nil
}

// parseStreamOrPrepare reads what versions 2 and 3 added.
func (p *Parser) parseStreamOrPrepare(r *reader, m *Message) error {
	switch m.Type {
	case MsgStreamStart:
		m.XID, m.First = r.u32(), r.u8() == 1
	case MsgStreamStop:
		if !p.inStream {
			return &ParseError{Type: m.Type, What: "not inside a stream block"}
		}
	case MsgStreamCommit:
		m.XID = r.u32()
		r.u8()
		m.CommitLSN, m.EndLSN, m.Time = r.lsn(), r.lsn(), r.time()
	case MsgStreamAbort:
		m.XID, m.SubXID = r.u32(), r.u32()
		if p.ParallelStreaming {
			m.CommitLSN, m.Time = r.lsn(), r.time()
		}
	case MsgBeginPrepare:
		m.CommitLSN, m.EndLSN, m.Time, m.XID, m.GID = r.lsn(), r.lsn(), r.time(), r.u32(), r.cstring()
	case MsgPrepare, MsgCommitPrepared, MsgStreamPrepare:
		r.u8()
		m.CommitLSN, m.EndLSN, m.Time, m.XID, m.GID = r.lsn(), r.lsn(), r.time(), r.u32(), r.cstring()
	case MsgRollbackPrepared:
		r.u8()
		m.CommitLSN, m.EndLSN = r.lsn(), r.lsn()
		r.time() // of the prepare
		m.Time, m.XID, m.GID = r.time(), r.u32(), r.cstring()
	default:
		return &ParseError{Type: m.Type, What: "unknown message type"}
	}
	return nil
}

// reader takes fields off a message. After the first failure it returns zeros.
type reader struct {
	s   string
	off int
	err string
}

func (r *reader) left() int { return len(r.s) - r.off }

func (r *reader) fail(what string) {
	if r.err == "" {
		r.err = what
	}
}

// bytes takes n bytes. A failed reader consumes no more.
func (r *reader) bytes(n int) string {
	if r.err != "" {
		return ""
	}
	if n < 0 || n > r.left() {
		r.fail("message too short")
		return ""
	}
	b := r.s[r.off : r.off+n]
	r.off += n
	return b
}

func (r *reader) u8() byte {
	if b := r.bytes(1); b != "" {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.bytes(2); b != "" {
		return uint16(b[0])<<8 | uint16(b[1])
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.bytes(4); b != "" {
		return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	return 0
}

func (r *reader) u64() uint64 {
	high := r.u32()
	return uint64(high)<<32 | uint64(r.u32())
}

func (r *reader) lsn() LSN { return LSN(r.u64()) }

// postgresEpoch is 2000-01-01 in Unix microseconds.
const postgresEpoch = 946684800 * 1_000_000

func (r *reader) time() time.Time {
	return time.UnixMicro(int64(r.u64()) + postgresEpoch)
}

func (r *reader) cstring() string {
	if r.err != "" {
		return ""
	}
	n := strings.IndexByte(r.s[r.off:], 0)
	if n < 0 {
		r.fail("string without end")
		return ""
	}
	s := r.bytes(n)
	r.off++
	return s
}

func (r *reader) expect(b byte) {
	if got := r.u8(); got != b && r.err == "" {
		r.fail(fmt.Sprintf("found %q, not %q", got, b))
	}
}

// tuple reads TupleData into dst. Every column takes at least one byte, so the
// count is checked against the rest of the message before anything is reserved.
func (r *reader) tuple(dst []Value) []Value {
	n := int(r.u16())
	if n > r.left() {
		r.fail("more columns than bytes")
		return dst
	}
	for range n {
		if r.err != "" {
			return dst
		}
		v := Value{Format: Format(r.u8())}
		switch v.Format {
		case FormatNull, FormatUnchanged:
		case FormatText, FormatBinary:
			v.Data = r.bytes(int(int32(r.u32())))
		default:
			r.fail("unknown column format")
		}
		dst = append(dst, v)
	}
	return dst
}

// relation reads a table's description. Its strings are copied, because it
// outlives the message.
func (r *reader) relation() *Relation {
	rel := &Relation{OID: r.u32()}
	rel.Schema, rel.Name = strings.Clone(r.cstring()), strings.Clone(r.cstring())
	if rel.Schema == "" {
		rel.Schema = "pg_catalog" // pgoutput leaves this one out
	}
	rel.Identity = Identity(r.u8())
	n := int(r.u16())
	if n > r.left()/10 { // flags, an empty name's end, type and typmod
		r.fail("more columns than bytes")
		return rel
	}
	rel.Columns = make([]RelationColumn, n)
	for i := range rel.Columns {
		c := &rel.Columns[i]
		c.Key = r.u8()&1 != 0
		c.Name = strings.Clone(r.cstring())
		c.TypeOID, c.Typmod = r.u32(), int32(r.u32())
	}
	return rel
}
