package pipeline

import (
	"encoding/binary"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// The first byte of a key of the state says what it holds. Zero bytes begin the
// store's own keys.
const (
	keyCircuit    = 0x10 // generation → the circuit's traces
	keyBase       = 0x11 // generation, table, key or row → row or weight
	keyLog        = 0x12 // commit LSN, generation, view, row → weight
	keyLogHead    = 0x13 // commit LSN → header
	keyQuarantine = 0x14 // generation, view, row → weight
	keyErrors     = 0x15 // generation, view → number of errors
	keyLoad       = 0x16 // generation, view, row → weight
)

var (
	metaManifest = state.MetaKey("manifest")
	metaPosition = state.MetaKey("position")
	metaPartial  = state.MetaKey("partial")
	metaTrimmed  = state.MetaKey("output log starts after")
)

func generationKey(kind byte, gen uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{kind}, gen)
}

func viewKey(kind byte, gen uint32, view int) []byte {
	return binary.BigEndian.AppendUint16(generationKey(kind, gen), uint16(view))
}

func baseKey(gen uint32, table int) []byte { return viewKey(keyBase, gen, table) }

func logHeadKey(commit decode.LSN) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyLogHead}, uint64(commit))
}

func logPrefix(commit decode.LSN) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyLog}, uint64(commit))
}

func logViewKey(commit decode.LSN, gen uint32, view int) []byte {
	k := binary.BigEndian.AppendUint32(logPrefix(commit), gen)
	return binary.BigEndian.AppendUint16(k, uint16(view))
}
