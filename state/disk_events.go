package state

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// listener passes on the few events that a person would want to know of, and
// wakes the watcher after each of them that changes what is on the disk.
func (d *Disk) listener(on func(Event)) *pebble.EventListener {
	ended := func() {
		select {
		case d.changed <- struct{}{}:
		default: // the watcher will look anyway
		}
	}
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			err = readError(err)
			d.lastErr.Store(&err)
			on(Event{Name: "error", Text: "background work failed and will be retried", Err: err})
		},
		// The reader that meets damage gets the error; Pebble's default would
		// end the process.
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			on(Event{Name: "error", Text: info.String(), Err: ErrCorrupt})
		},
		FlushEnd: func(info pebble.FlushInfo) {
			ended()
			// Failures come as BackgroundError; the error here may only say that
			// there was nothing left to write.
			on(Event{Name: "flush", Text: info.String()})
		},
		TableIngested: func(info pebble.TableIngestInfo) {
			if info.Err == nil {
				ended()
				on(Event{Name: "flush", Text: info.String()})
			}
		},
		CompactionEnd: func(info pebble.CompactionInfo) {
			for _, level := range info.Input {
				for _, table := range level.Tables {
					d.compacted.Add(table.Size)
				}
			}
			ended()
			on(Event{Name: "compaction", Text: info.String()})
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			on(Event{Name: "stall", Text: info.String()})
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			on(Event{Name: "disk slow", Text: info.String()})
		},
		LowDiskSpace: func(info pebble.LowDiskSpaceInfo) {
			on(Event{Name: "disk low", Text: info.String()})
		},
	}
}

// pebbleLogger hands Pebble's own messages to the event callback.
type pebbleLogger struct{ on func(Event) }

func (pebbleLogger) Infof(string, ...any) {}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.on(Event{Name: "error", Text: fmt.Sprintf(format, args...)})
}

// Fatalf must not return: Pebble calls it where memory and disk may disagree
// (the manifest could not be written). Ending the process is safe by design.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.on(Event{Name: "fatal", Text: text})
	panic("state: " + text)
}
