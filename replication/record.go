package replication

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
)

// TruncatedBy reads from the source's WAL which transaction, or which
// subtransaction of one, wrote the record of a TRUNCATE. The stream tells the
// transaction alone; the catalogue has the other one. The WAL must not have been
// removed yet. The connection is of no more use afterwards.
func (c *Conn) TruncatedBy(ctx context.Context, record LSN) (xid uint32, err error) {
	fail := func(err error) (uint32, error) {
		return 0, fmt.Errorf("read the WAL record at %s: %w", record, err)
	}
	results, err := c.pg.Exec(ctx, "SHOW wal_block_size").ReadAll()
	if err != nil {
		return fail(err)
	}
	page, err := strconv.Atoi(string(results[0].Rows[0][0]))
	if err != nil {
		return fail(err)
	}
	// A walsender on a database serves physical replication as well.
	c.pg.Frontend().SendQuery(&pgproto3.Query{String: "START_REPLICATION PHYSICAL " + record.String()})
	if err := c.pg.Frontend().Flush(); err != nil {
		return fail(err)
	}
	var wal []byte
	for len(wal) < longPageHeader+recordHeader {
		msg, err := c.pg.ReceiveMessage(ctx)
		if err != nil {
			return fail(err)
		}
		switch m := msg.(type) {
		case *pgproto3.CopyData:
			if len(m.Data) >= 25 && m.Data[0] == 'w' {
				wal = append(wal, m.Data[25:]...)
			}
		case *pgproto3.CopyBothResponse, *pgproto3.NoticeResponse, *pgproto3.ParameterStatus:
		default:
			return fail(fmt.Errorf("unexpected message %T", msg))
		}
	}
	if xid, err = truncateRecord(wal, int(uint64(record)%uint64(page)), page); err != nil {
		return fail(err)
	}
	return xid, nil
}

// The WAL's form, the same in versions 14 to 18: access/xlogrecord.h,
// access/xlog_internal.h.
const (
	recordHeader    = 24
	shortPageHeader = 24
	longPageHeader  = 40     // of a segment's first page
	longHeaderFlag  = 0x0002 // XLP_LONG_HEADER
	heapManager     = 10     // RM_HEAP_ID
	heapOperation   = 0x70   // XLOG_HEAP_OPMASK
	heapTruncate    = 0x30   // XLOG_HEAP_TRUNCATE
)

// truncateRecord reads the header of a record that begins so far into its page.
func truncateRecord(wal []byte, offset, page int) (xid uint32, err error) {
	header := wal
	if rest := page - offset; rest < recordHeader {
		// It goes on behind the next page's header.
		next := wal[rest:]
		size := shortPageHeader
		if binary.LittleEndian.Uint16(next[2:])&longHeaderFlag != 0 {
			size = longPageHeader
		}
		header = append(wal[:rest:rest], next[size:]...)
	}
	// A server of the other byte order, or of a later form, is found out by this.
	if header[17] != heapManager || header[16]&heapOperation != heapTruncate {
		return 0, errors.New("it is not of a TRUNCATE")
	}
	xid = binary.LittleEndian.Uint32(header[4:])
	if length := binary.LittleEndian.Uint32(header); length < recordHeader || length > 1<<30 {
		return 0, fmt.Errorf("it has a length of %d", length)
	}
	return xid, nil
}
