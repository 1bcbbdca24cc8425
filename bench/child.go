package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

// What a child process of ours is told through its environment.
const (
	modeEnv    = "BENCH_MODE"    // modeFollow or modeWriteBack
	configEnv  = "BENCH_CONFIG"  // the follower's stepping.yaml
	profileEnv = "BENCH_PROFILE" // where to write a CPU profile
	dsnEnv     = "BENCH_DSN"     // of the bare consumer
)

const (
	modeFollow    = "follow"
	modeWriteBack = "writeback"
)

// event is a line that a child prints.
type event struct {
	Live bool      `json:"live,omitempty"` // it is ready
	At   time.Time `json:"at"`
	// Of a snapshot, once it is loaded.
	Rows int64 `json:"rows,omitempty"`
}

// runChild is what a child does; it ends at SIGTERM, or when its parent is gone.
func runChild(mode string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	signal.Ignore(os.Interrupt) // the terminal's Ctrl-C is for the parent
	go func() {
		// The parent writes nothing; the pipe ends with it.
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	var err error
	switch mode {
	case modeFollow:
		err = followChild(ctx)
	case modeWriteBack:
		err = writeBackChild(ctx)
	default:
		err = fmt.Errorf("no mode %q", mode)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// tell prints an event for the parent.
func tell(e event) {
	e.At = time.Now()
	// A parent that does not read any more ends this process by the other pipe.
	_ = json.NewEncoder(os.Stdout).Encode(e)
}

// followChild is the program's run command, with a profile.
func followChild(ctx context.Context) (err error) {
	cfg, err := config.Load(os.Getenv(configEnv), nil)
	if err != nil {
		return err
	}
	if path := os.Getenv(profileEnv); path != "" {
		stop, err := profileTo(path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	pipeline.SpareProcessors()
	log := zerolog.New(os.Stderr).With().Timestamp().Logger()
	pipeline.LimitMemory(ctx, cfg.State.Memory, log)
	var rows int64
	return pipeline.New(cfg, log, pipeline.Options{
		Progress: func(p pipeline.LoadProgress) {
			if p.Done {
				rows += p.Rows
			}
		},
		Live: func() { tell(event{Live: true, Rows: rows}) },
	}).Run(ctx)
}

// profileTo begins a CPU profile of this process, which stop ends.
func profileTo(path string) (stop func() error, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("write a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("write a profile: %w", err), f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// profileHere profiles this process, if profiles are wanted.
func (l *lab) profileHere(name string) (stop func() error, err error) {
	if !l.opts.profile {
		return func() error { return nil }, nil
	}
	return profileTo(filepath.Join(l.opts.out, name+".pprof"))
}
