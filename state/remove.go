package state

import (
	"errors"
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Remove deletes a state directory, be it damaged or not. A directory that
// holds something else is left alone: ErrForeign.
func Remove(dir string) error {
	if _, err := readMarker(vfs.Default, dir); errors.Is(err, ErrForeign) {
		return fmt.Errorf("remove state %s: %w", dir, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove state: %w", err)
	}
	return nil
}
