package pipeline

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// manifest is what the state says about itself.
type manifest struct {
	SystemID    string
	Timeline    int32
	Slot        string
	Publication replication.Fingerprint
	NextID      uint32
	Generations []generationInfo
	// Truncations are those that may still have to explain a change of storage.
	Truncations []truncation
}

// generationInfo is what a generation was made of.
type generationInfo struct {
	ID uint32
	// Context is every view of the configuration at the time: views may read each
	// other, so all of them are needed to analyze one again.
	Context []plan.View
	Views   []viewInfo
	From    decode.LSN // the snapshot's position; 0 while it is being loaded
	Clock   instant    // and the time for which it was computed; 0: no view depends on it
	// Storage is where the tables' rows were when they were read, and every change
	// of that since is explained.
	Storage replication.Storage
}

type viewInfo struct {
	Name        string
	Fingerprint string
	Published   bool // its output table is in place
	Forgotten   bool // another generation is to compute it
}

// readManifest returns nil if the state is new.
func readManifest(store state.Store) (*manifest, error) {
	text, ok, err := store.Get(nil, metaManifest)
	if err != nil || !ok {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: manifest: %w", state.ErrCorrupt, err)
	}
	return &m, nil
}

func (m *manifest) write(b state.Batch) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	b.Set(metaManifest, text)
	return nil
}

func (m *manifest) generation(id uint32) *generationInfo {
	for i := range m.Generations {
		if m.Generations[i].ID == id {
			return &m.Generations[i]
		}
	}
	return nil
}

// partial says that a transaction is applied in part.
type partial struct {
	Commit  decode.LSN     // its commit record; 0: none
	Applied map[uint32]int // generation → messages about rows applied
}

func readPartial(store state.Store) (partial, error) {
	p := partial{Applied: map[uint32]int{}}
	v, ok, err := store.Get(nil, metaPartial)
	if err != nil || !ok {
		return p, err
	}
	if len(v) < 8 || (len(v)-8)%12 != 0 {
		return p, fmt.Errorf("%w: partial transaction", state.ErrCorrupt)
	}
	p.Commit = decode.LSN(binary.BigEndian.Uint64(v))
	for v = v[8:]; len(v) > 0; v = v[12:] {
		p.Applied[binary.BigEndian.Uint32(v)] = int(binary.BigEndian.Uint64(v[4:]))
	}
	return p, nil
}

func (p *partial) write(b state.Batch) {
	v := binary.BigEndian.AppendUint64(nil, uint64(p.Commit))
	for gen, n := range p.Applied {
		v = binary.BigEndian.AppendUint32(v, gen)
		v = binary.BigEndian.AppendUint64(v, uint64(n))
	}
	b.Set(metaPartial, v)
}
