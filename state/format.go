package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The marker file tells a state directory from any other and one format from
// the next. Its text is "stepping-cdc state\nformat N\nREADY\n". It is written
// first without the last line, before the key-value store creates its files,
// and then again with it; so "ready, yet the store's files are missing" is
// known to be damage, and a crash while creating is known to be none.
const (
	markerName  = "STEPPING_STATE"
	markerTitle = "stepping-cdc state"
	// formatVersion is the format that this program writes. 1: weight keys as
	// zigzag varints, the commit number under {0,0}. 2: behind each key the length
	// of its rest. 3: composite values as the encoding of their fields. 4: what is left of a
	// transaction is counted in messages.
	formatVersion = 4
)

type markerState uint8

const (
	markerAbsent markerState = iota // an empty or missing directory
	markerCreating
	markerReady
)

// readMarker says what the directory is, without changing anything.
func readMarker(fsys vfs.FS, dir string) (markerState, error) {
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return markerAbsent, nil
	}
	if err != nil {
		return 0, fmt.Errorf("list %s: %w", dir, err)
	}
	f, err := fsys.Open(fsys.PathJoin(dir, markerName))
	if errors.Is(err, fs.ErrNotExist) {
		for _, name := range names {
			if name != "LOCK" && name != markerName+".tmp" && name != "lost+found" {
				return 0, fmt.Errorf("%w: %s holds %q and no %s", ErrForeign, dir, name, markerName)
			}
		}
		return markerAbsent, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", markerName, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", markerName, err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if lines[0] != markerTitle || len(lines) < 2 {
		return 0, corruptf("%s is not readable", markerName)
	}
	var version int
	if _, err := fmt.Sscanf(lines[1], "format %d", &version); err != nil {
		return 0, corruptf("%s names no format", markerName)
	}
	switch {
	case version > formatVersion:
		return 0, fmt.Errorf("%w: format %d, this program knows %d", ErrNewer, version, formatVersion)
	case version < formatVersion:
		return 0, corruptf("format %d is no longer read", version)
	case len(lines) > 2 && lines[2] == "READY":
		return markerReady, nil
	}
	return markerCreating, nil
}

// writeMarker replaces the marker atomically and durably.
func writeMarker(fsys vfs.FS, dir string, ready bool) (err error) {
	text := fmt.Sprintf("%s\nformat %d\n", markerTitle, formatVersion)
	if ready {
		text += "READY\n"
	}
	path := fsys.PathJoin(dir, markerName)
	f, err := fsys.Create(path+".tmp", vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("create %s: %w", markerName, err)
	}
	if _, err = f.Write([]byte(text)); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", markerName, err)
	}
	if err = fsys.Rename(path+".tmp", path); err != nil {
		return fmt.Errorf("rename %s: %w", markerName, err)
	}
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	if err = errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
