package pipeline

import (
	"encoding/binary"
	"math"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// The first byte of a key of the state says what it holds. Zero bytes begin the
// store's own keys.
const (
	keyCircuit    = 0x10 // generation → the circuit's traces
	keyBase       = 0x11 // generation, table, key or row → row or weight
	keyLog        = 0x12 // log ID, generation, view, row → weight
	keyLogHead    = 0x13 // log ID → header
	keyQuarantine = 0x14 // generation, view, row → weight
	keyErrors     = 0x15 // generation, view → number of errors
	keyLoad       = 0x16 // generation, view, row → weight
)

// traceOf is how many first bytes of a key name what it belongs to: an operator of the circuit, or a
// table or view.
func traceOf(key []byte) int {
	if len(key) > 0 && key[0] == keyCircuit {
		return circuit.NodeEnd(key, generationSize)
	}
	return min(generationSize+2, len(key))
}

var (
	metaManifest = state.MetaKey("manifest")
	metaPosition = state.MetaKey("position")
	metaPartial  = state.MetaKey("partial")
	metaTrimmed  = state.MetaKey("output log starts after")
	metaClock    = state.MetaKey("clock")
	metaParted   = state.MetaKey("output log has parts of")
	metaTrimTime = state.MetaKey("output log starts after time")
)

// generationSize is how many bytes a kind and a generation take.
const generationSize = 1 + 4

func generationKey(kind byte, gen uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{kind}, gen)
}

func viewKey(kind byte, gen uint32, view int) []byte {
	return binary.BigEndian.AppendUint16(generationKey(kind, gen), uint16(view))
}

func baseKey(gen uint32, table int) []byte { return viewKey(keyBase, gen, table) }

// logID names a logged output commit. IDs are in the order of the commits: that of
// a transaction is its commit record, after all ticks before it; that of a tick is
// the position at which it happened, and its time.
type logID struct {
	lsn  decode.LSN
	tick uint64
}

const noTick = math.MaxUint64

func transactionID(commit decode.LSN) logID { return logID{commit, noTick} }

func (id logID) appendTo(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, uint64(id.lsn)), id.tick)
}

func logHeadKey(id logID) []byte { return id.appendTo([]byte{keyLogHead}) }

func logPrefix(id logID) []byte { return id.appendTo([]byte{keyLog}) }

func logViewKey(id logID, gen uint32, view int) []byte {
	k := binary.BigEndian.AppendUint32(logPrefix(id), gen)
	return binary.BigEndian.AppendUint16(k, uint16(view))
}
