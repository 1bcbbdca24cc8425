//go:build !linux

package state

// yieldProcessor does nothing where priority is a process's.
func yieldProcessor() {}
