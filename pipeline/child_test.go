package pipeline

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
)

// childEnv makes the test binary a pipeline instead: kills need a process.
const childEnv = "STEPPING_TEST_CHILD"

// childMemory is its state.memory.
const childMemory = 32 << 20

// childOptions is what a child runs.
type childOptions struct {
	Source, Sink, Slot, Dir string
	Views                   []config.View
	KillAt                  point // where it kills itself
	KillAfter               int   // at the how manieth time
	GroupBytes, ChunkBytes  int
	PieceBytes              int
	PartRows                int
	StepBytes               int
	Resnapshot              bool
}

func runChild() int {
	var o childOptions
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	// The child ends with the test, whatever becomes of that.
	go func() {
		for os.Getppid() != 1 {
			time.Sleep(time.Second)
		}
		os.Exit(3)
	}()
	opts := Options{groupBytes: o.GroupBytes, chunkBytes: o.ChunkBytes, pieceBytes: o.PieceBytes, partRows: o.PartRows, stepBytes: o.StepBytes, Resnapshot: o.Resnapshot, Live: func() { fmt.Println("live") }}
	if o.KillAt != "" {
		var mu sync.Mutex
		left := o.KillAfter
		opts.reached = func(p point) {
			mu.Lock()
			defer mu.Unlock()
			if p == o.KillAt {
				if left--; left <= 0 {
					_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}
		}
	}
	cfg := &config.Config{
		Source: config.Source{DSN: config.DSN(o.Source), Slot: o.Slot, Publication: "stepping_cdc", ManagePublication: true},
		Sink:   config.Sink{DSN: config.DSN(o.Sink), Schema: "stepping"},
		State:  config.State{Dir: o.Dir, Memory: childMemory},
		Clock:  config.Clock{Tick: testTick},
		Views:  o.Views,
	}
	log := zerolog.New(os.Stderr).Level(zerolog.InfoLevel)
	LimitMemory(ctx, childMemory, log)
	if err := New(cfg, log, opts).Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "ended:", err)
		return 1
	}
	return 0
}

// child is a pipeline in a process of its own.
type child struct {
	cmd    *exec.Cmd
	live   chan struct{} // closed when it says so
	exited chan struct{}
	err    error
	mu     sync.Mutex
	log    []string // the last lines
}

func (w *world) child(o childOptions) *child {
	w.t.Helper()
	o.Source, o.Sink, o.Slot, o.Dir, o.Views = cmp.Or(w.sourceVia, w.dsn), cmp.Or(w.sinkVia, w.sink), w.slot, w.dir, w.views
	text, err := json.Marshal(o)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &child{cmd: exec.Command(os.Args[0]), live: make(chan struct{}), exited: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Add(2)
	go func() {
		defer reading.Done()
		said := false
		for s := bufio.NewScanner(stdout); s.Scan(); {
			if s.Text() == "live" && !said {
				said = true
				close(c.live)
			}
		}
	}()
	go func() {
		defer reading.Done()
		s := bufio.NewScanner(stderr)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			c.mu.Lock()
			if len(c.log) >= 60 {
				c.log = c.log[1:]
			}
			c.log = append(c.log, s.Text())
			c.mu.Unlock()
		}
	}()
	go func() {
		reading.Wait()
		c.err = c.cmd.Wait()
		close(c.exited)
	}()
	w.t.Cleanup(func() { c.kill() })
	return c
}

// kill kills it, at whatever it is doing.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.exited
}

// ended says that it ended by itself, but for a kill at a point.
func (c *child) ended() error {
	select {
	case <-c.exited:
	default:
		return nil
	}
	var exit *exec.ExitError
	if errors.As(c.err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("%v: %s", c.err, c.tail())
}

func (c *child) tail() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.log[max(0, len(c.log)-15):], "\n")
}
