package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/explain"
)

// Explain shows the circuits of views, by name, or of all, in one of explain.Formats.
func Explain(ctx context.Context, cfg *config.Config, format string, views ...string) ([]string, error) {
	if !slices.Contains(explain.Formats, format) {
		return nil, fmt.Errorf("format %q is not known: choose one of %s", format, strings.Join(explain.Formats, ", "))
	}
	analysis, err := configured.Analyze(ctx, cfg)
	if err != nil {
		return nil, config.RedactError(err, string(cfg.Source.DSN))
	}
	for _, name := range views {
		if !slices.ContainsFunc(cfg.Views, func(v config.View) bool { return v.Name == name }) {
			return nil, fmt.Errorf("no view is named %q in %s", name, cfg.Path)
		}
	}
	wanted := func(name string) bool { return len(views) == 0 || slices.Contains(views, name) }
	problems := slices.DeleteFunc(analysis.Problems, func(p plan.Problem) bool { return !wanted(p.View) })
	if len(problems) > 0 {
		return nil, &configured.ProblemsError{Views: problems}
	}
	var out []string
	for _, o := range analysis.Outputs {
		if !wanted(o.Name) {
			continue
		}
		text, err := explain.View(o, analysis.Outputs, format)
		if err != nil {
			return nil, fmt.Errorf("explain view %s: %w", o.Name, err)
		}
		out = append(out, text)
	}
	return out, nil
}
