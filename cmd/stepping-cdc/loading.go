package main

import (
	"io"
	"time"

	"github.com/rs/zerolog"
	"github.com/schollz/progressbar/v3"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

// loading shows how the loading of tables goes: a bar each on a terminal, a line
// now and then in a log.
type loading struct {
	w        io.Writer
	log      zerolog.Logger
	terminal bool

	bar  *progressbar.ProgressBar
	last time.Time
}

// loadingEvery is the distance of lines in a log.
const loadingEvery = 5 * time.Second

func newLoading(w io.Writer, log zerolog.Logger) *loading {
	return &loading{w: w, log: log, terminal: isTerminal(w)}
}

func (l *loading) progress(p pipeline.LoadProgress) {
	if l.terminal {
		l.show(p)
		return
	}
	switch {
	case p.Done:
		l.log.Info().Str("table", p.Table).Int64("rows", p.Rows).Msg("table loaded")
	case p.Rows == 0:
	case time.Since(l.last) < loadingEvery:
		return
	default:
		l.log.Info().Str("table", p.Table).Int64("rows", p.Rows).Int64("estimate", p.Estimate).Msg("loading a table")
	}
	l.last = time.Now()
}

// show draws the bar. The estimate is the planner's: it may be too low.
func (l *loading) show(p pipeline.LoadProgress) {
	if l.bar == nil {
		l.bar = progressbar.NewOptions64(max(p.Estimate, -1),
			progressbar.OptionSetWriter(l.w), progressbar.OptionSetDescription(p.Table), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	}
	if p.Estimate > 0 && p.Rows > p.Estimate {
		l.bar.ChangeMax64(p.Rows)
	}
	// A terminal that cannot be drawn on is no reason to stop loading.
	_ = l.bar.Set64(p.Rows)
	if p.Done {
		_ = l.bar.Finish()
		l.bar = nil
		l.log.Info().Str("table", p.Table).Int64("rows", p.Rows).Msg("table loaded")
	}
}
