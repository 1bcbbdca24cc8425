package embedded

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// watchdogScript waits for the end of its standard input, which is the death of
// the process that started it, in whatever way it died. It then ends the server
// in immediate mode, waits for it and removes its folder. $1 is the folder.
// The process id is read at the end, as a restart changes it. Where the server's
// user may not write to the folder above, its own can be emptied, but not removed.
const watchdogScript = `trap '' INT HUP TERM
while read -r _; do :; done
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null; then
  n=0
  while kill -0 "$pid" 2>/dev/null; do
    n=$((n + 1))
    [ "$n" -eq 100 ] && kill -KILL "$pid" 2>/dev/null
    [ "$n" -ge 200 ] && break
    sleep 0.1
  done
fi
rm -rf "$1" 2>/dev/null || [ ! -e "$1/data" ]
`

// watchdog is a shell that outlives this process for just as long as it takes
// to clean up after it. It runs as the server's user, so that it can end
// no process but that user's.
type watchdog struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

func startWatchdog(acct *account, dir string) (*watchdog, error) {
	cmd := exec.Command("/bin/sh", "-c", watchdogScript, "stepping-pg-watchdog", dir)
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: acct.credential()}
	// Go opens pipes close-on-exec: no other child keeps this one open.
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &watchdog{cmd: cmd, pipe: pipe}, nil
}

// release lets the watchdog finish, once the server is down.
func (w *watchdog) release() error {
	if err := w.pipe.Close(); err != nil {
		return fmt.Errorf("close the watchdog's pipe: %w", err)
	}
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("wait for the watchdog: %w", err)
	}
	return nil
}
