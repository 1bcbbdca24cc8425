package state

import (
	"errors"
	"fmt"
)

// Classes of failure, to be asked for with errors.Is. Others (no space, no
// permission) come as the operating system words them.
var (
	// ErrCorrupt: the files are damaged. Remove the directory and rebuild.
	ErrCorrupt = errors.New("state is damaged")
	// ErrNewer: written by a later version of this program.
	ErrNewer = errors.New("state has a newer format")
	// ErrForeign: the directory holds something else; nothing was touched.
	ErrForeign = errors.New("not a state directory")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("state is in use by another process")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("state is closed")
	// ErrAbandoned: a load was given up.
	ErrAbandoned = errors.New("loading the state was given up")
)

var errWeightOnValue = corruptf("a weight was added to a value")

func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
