package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// process is a child process of ours: the follower or the bare consumer.
type process struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	log     *os.File
	started time.Time
	live    event
	exited  chan struct{}
	waitErr error
}

// Names of the processes, and of their logs.
const (
	followerName  = "follower"
	writeBackName = "writeback"
)

// startTimeout covers the snapshot of the largest scale that is of use.
const startTimeout = time.Hour

// follow starts the follower and returns once it is live: its snapshot loaded,
// or its state opened and the stream started.
func (l *lab) follow(ctx context.Context, profile string) (*process, error) {
	env := []string{modeEnv + "=" + modeFollow, configEnv + "=" + l.configPath()}
	if profile != "" && l.opts.profile {
		env = append(env, profileEnv+"="+filepath.Join(l.opts.out, profile+".pprof"))
	}
	return l.spawn(ctx, followerName, env)
}

func (l *lab) spawn(ctx context.Context, name string, env []string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	p := &process{cmd: exec.Command(self), exited: make(chan struct{})}
	if p.log, err = os.OpenFile(filepath.Join(l.opts.out, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
		return nil, fmt.Errorf("open the log of the %s: %w", name, err)
	}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.log
	// The write end outlives neither us nor stop, and is what the child lives by.
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, p.log.Close())
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, p.log.Close())
	}
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the %s: %w", name, err), p.log.Close())
	}
	live := make(chan event, 1)
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil && e.Live {
				select {
				case live <- e:
				default: // a second life, after an error; the log says why
				}
			}
		}
		p.waitErr = p.cmd.Wait()
		close(p.exited)
	}()
	select {
	case p.live = <-live:
		return p, nil
	case <-p.exited:
		err = fmt.Errorf("the %s ended: %w", name, p.waitErr)
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(startTimeout):
		err = fmt.Errorf("the %s is not live after %s", name, startTimeout)
	}
	return nil, errors.Join(fmt.Errorf("%w; its log is %s", err, p.log.Name()), p.kill())
}

// kill ends the process at once, as a failed experiment does.
func (p *process) kill() error {
	_ = p.cmd.Process.Kill() // an error means that it is gone already
	<-p.exited
	_ = p.stdin.Close() // Wait may have closed it
	return p.log.Close()
}

// stop ends the process cleanly.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(err, p.kill())
	}
	select {
	case <-p.exited:
	case <-time.After(time.Minute):
		return errors.Join(errors.New("a child process does not stop"), p.kill())
	}
	// The pipe may have been closed with the process already.
	_ = p.stdin.Close()
	err := p.log.Close()
	if p.waitErr != nil {
		err = errors.Join(fmt.Errorf("a child process failed: %w; its log is %s", p.waitErr, p.log.Name()), err)
	}
	return err
}

// peakMemory is the most memory it had, in bytes, once it has ended.
func (p *process) peakMemory() float64 {
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(usage.Maxrss)
	}
	return float64(usage.Maxrss) * 1024
}

func (p *process) cpu() time.Duration { return cpuOf(p.cmd.Process.Pid) }
