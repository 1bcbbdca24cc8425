package pipeline

import (
	"context"
	"errors"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// truncation is a TRUNCATE of a partitioned table as a whole, of which the stream
// has told. The partitions are in new files since.
type truncation struct {
	Table uint32
	// XID is the transaction, as the stream has it, until the WAL is asked; then
	// the subtransaction that did it, whose number the new files' entries carry.
	XID    uint32
	Commit decode.LSN
	Record decode.LSN
	Asked  bool `json:",omitempty"`
}

// mostTruncations bounds the list of them between two looks at the storage. More
// than that leave the new files unexplained, which costs a load.
const mostTruncations = 1000

// noteTruncations remembers, with the step, which partitioned tables were truncated.
func (e *engine) noteTruncations(g *generation, ev *replication.Event) error {
	info := e.manifest.generation(g.id)
	if len(ev.Truncates) == 0 || ev.CommitLSN < g.from || info == nil {
		return nil
	}
	list := e.manifest.Truncations
	for _, tr := range ev.Truncates {
		for _, oid := range tr.Relations {
			known := func(t truncation) bool { return t.Table == oid && t.Record == tr.Record }
			if len(info.Storage[oid].Parts) > 1 && !slices.ContainsFunc(list, known) {
				list = append(list, truncation{Table: oid, XID: ev.XID, Commit: ev.CommitLSN, Record: tr.Record})
			}
		}
	}
	if len(list) == len(e.manifest.Truncations) {
		return nil
	}
	e.manifest.Truncations = list[max(0, len(list)-mostTruncations):]
	return e.manifest.write(e.batch)
}

func (m *manifest) truncated(table, xid uint32) bool {
	return slices.ContainsFunc(m.Truncations, func(t truncation) bool { return t.Table == table && t.XID == xid })
}

// readTruncations has the source's WAL say which subtransactions did the TRUNCATEs
// that may explain what is suspected. It must be asked before what they are in is
// acknowledged: the WAL is kept no longer.
func (e *engine) readTruncations(ctx context.Context) error {
	if e.suspect == nil {
		return nil
	}
	asked := false
	for i := len(e.manifest.Truncations) - 1; i >= 0; i-- { // the last one has made the files there are
		t := &e.manifest.Truncations[i]
		if t.Asked || t.Record == 0 || !e.mayExplain(*t) {
			continue
		}
		asked, t.Asked = true, true
		xid, err := e.truncatedBy(ctx, t.Record)
		if err != nil {
			// Not every service lets one read its WAL. In doubt, the views are loaded anew.
			e.log.Info().Err(err).Msg("whether a partitioned table's TRUNCATE explains its new files is not known")
			continue
		}
		t.XID = xid
	}
	if !asked {
		return nil
	}
	return e.writeManifest()
}

// mayExplain says whether a new file of the table is from a subtransaction that may
// be the truncation's: nothing else explains it, and it began after the transaction.
func (e *engine) mayExplain(t truncation) bool {
	for _, p := range e.suspect.storage[t.Table].Parts {
		if p.File != 0 && int32(p.Changed-t.XID) > 0 && !e.manifest.truncated(t.Table, p.Changed) {
			return true
		}
	}
	return false
}

func (e *engine) truncatedBy(ctx context.Context, record decode.LSN) (xid uint32, err error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	conn, err := replication.Connect(ctx, string(e.cfg.Source.DSN))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return conn.TruncatedBy(ctx, record)
}
