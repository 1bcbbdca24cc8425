package state

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// metaEnd is behind the keys of metadata, as they lie in Pebble.
var metaEnd = appendWhole(nil, PrefixEnd([]byte{metaPrefix}))

// metaApart has metadata lie in files of its own. While nothing else happens
// positions still move on, and are flushed: what is flushed then is to be merged with a few
// positions, not with a file of which nearly all is something else.
func metaApart(first []byte) (pebble.SpanPolicy, []byte, error) {
	if bytes.Compare(first, metaEnd) < 0 {
		return pebble.SpanPolicy{}, metaEnd, nil
	}
	return pebble.SpanPolicy{}, nil, nil
}
