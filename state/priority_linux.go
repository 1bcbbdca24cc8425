package state

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// mergeNice is how much nicer threads are that merge: next to others that want the same
// processor they get a tenth of it, which is a third of what is merged on two processors that
// are never idle.
const mergeNice = 10

// yieldProcessor makes the rest of a goroutine give way to whatever else wants the processor,
// in this process and in others: commits, and the source itself. In Linux priority is a
// thread's (setpriority(2), "C library/kernel differences"). The thread ends with the goroutine, since
// nobody may be allowed to raise its priority again.
func yieldProcessor() {
	runtime.LockOSThread()
	thread := unix.Gettid()
	// The system call gives 20 minus the nice value, as negative numbers are its errors.
	if own, err := unix.Getpriority(unix.PRIO_PROCESS, thread); err == nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, thread, 20-own+mergeNice) // without it, all is as it was
	}
}
