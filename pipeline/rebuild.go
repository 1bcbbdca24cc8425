package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
)

// ErrNotRunning says that nobody is there to rebuild views. The request stays, and
// the next start sees to it.
var ErrNotRunning = errors.New(`nothing was rebuilt yet: "stepping-cdc run" is not running. The request is noted, and done at the next start`)

const (
	// rebuildPoll is how often a rebuild is asked how it is.
	rebuildPoll = 100 * time.Millisecond
	// ringAgain is after how many of these the instance is woken again: it may not have
	// listened, or have looked a moment before.
	ringAgain = 10
	// rebuildGrace is how long an instance may be gone between two sessions.
	rebuildGrace = longestPause + 5*time.Second
)

// Rebuild has the instance that runs compute views anew, from a snapshot, and waits
// until it is done; the outputs are then corrected by the difference in one
// transaction. It returns how the views are.
func Rebuild(ctx context.Context, cfg *config.Config, views []string) ([]ViewStatus, error) {
	out, err := rebuild(ctx, cfg, views)
	return out, config.RedactError(err, string(cfg.Source.DSN), string(cfg.Sink.DSN))
}

func rebuild(ctx context.Context, cfg *config.Config, views []string) ([]ViewStatus, error) {
	for _, name := range views {
		if !slices.ContainsFunc(cfg.Views, func(v config.View) bool { return v.Name == name }) {
			return nil, fmt.Errorf("no view is named %q in %s", name, cfg.Path)
		}
	}
	conn, err := replication.OpenSession(ctx, string(cfg.Sink.DSN))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	asked, err := sink.AskRebuild(ctx, conn, views)
	if err != nil {
		return nil, configured.NotYet(err)
	}
	for _, name := range views {
		if !slices.Contains(asked, name) {
			return nil, fmt.Errorf("view %s has no output yet: start \"stepping-cdc run\" to have it loaded", name)
		}
	}
	seen := time.Now() // when the instance was there
	everSeen := false
	for n := 1; ; n++ {
		var left []string
		if err := conn.QueryRow(ctx, `SELECT coalesce(array_agg(view), '{}') FROM stepping_cdc.rebuilds WHERE view = ANY ($1::text[])`, views).Scan(&left); err != nil {
			return nil, fmt.Errorf("wait for the rebuild: %w", err)
		}
		if len(left) == 0 {
			break
		}
		running, err := sink.Running(ctx, conn)
		if err == nil && n%ringAgain == 0 {
			err = sink.Ring(ctx, conn)
		}
		if err != nil {
			return nil, fmt.Errorf("wait for the rebuild: %w", err)
		}
		switch {
		case running:
			seen, everSeen = time.Now(), true
		case !everSeen, time.Since(seen) > rebuildGrace:
			return nil, ErrNotRunning
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s not rebuilt yet, but asked for: %w", strings.Join(left, ", "), ctx.Err())
		case <-time.After(rebuildPoll):
		}
	}
	st := &Status{}
	if err := st.readViews(ctx, conn, cfg); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(st.Views, func(v ViewStatus) bool { return !slices.Contains(views, v.Name) }), nil
}

// askedRebuilds has views computed anew that were asked to be, and those whose outputs are known to have
// been changed: a crash may have taken the note of that from the state, and the commit that found it
// is not made again.
func (e *engine) askedRebuilds(ctx context.Context) error {
	var err error
	if e.rebuilds, err = e.sink.Rebuilds(ctx); err != nil || e.manifest == nil {
		return err
	}
	for _, r := range e.rebuilds {
		e.manifest.forget(r.View)
	}
	views, err := e.sink.Views(ctx)
	if err != nil {
		return err
	}
	for _, v := range views {
		if v.State == sink.Drifted {
			e.manifest.forgetPublished(v.Name)
		}
	}
	return nil
}

// rebuilt tells those who asked, once all views are loaded. It is said as well of a
// view that is left out, or not configured: its state says why nothing was done.
func (e *engine) rebuilt(ctx context.Context) error {
	if e.joining != nil || len(e.rebuilds) == 0 {
		return nil
	}
	done := e.rebuilds
	e.rebuilds = nil
	return e.sink.Rebuilt(ctx, done)
}

// checkRebuilds ends the session where views are asked to be computed anew.
func (e *engine) checkRebuilds(ctx context.Context) error {
	if e.joining != nil {
		return nil // first that one
	}
	list, err := e.sink.Rebuilds(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	re := &reloadError{cause: "a rebuild was asked for"}
	for _, r := range list {
		re.views = append(re.views, r.View)
	}
	return re
}
