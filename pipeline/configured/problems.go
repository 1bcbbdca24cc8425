package configured

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// ProblemsError is everything that keeps the configured views from being
// maintained.
type ProblemsError struct {
	Views  []plan.Problem
	Source []replication.Problem
	Specs  []*SpecError
}

func (e *ProblemsError) Error() string {
	var lines []string
	for _, p := range e.Views {
		lines = append(lines, p.Error())
	}
	for _, p := range e.Source {
		lines = append(lines, p.String())
	}
	for _, err := range e.Specs {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

// Empty says that there is nothing of the kind.
func (e *ProblemsError) Empty() bool {
	return len(e.Views) == 0 && len(e.Source) == 0 && len(e.Specs) == 0
}

// ByView says which views problems keep from being maintained, and why; none if
// one of them concerns more than views.
func (e *ProblemsError) ByView(a *plan.Analysis) map[string]string {
	views := map[string]string{}
	blame := func(view, cause string) {
		if views[view] == "" {
			views[view] = cause
		}
	}
	for _, p := range e.Views {
		blame(p.View, p.Message)
	}
	for _, err := range e.Specs {
		blame(err.View, err.Err.Error())
	}
	for _, p := range e.Source {
		if p.Table == "" {
			return nil
		}
		for _, o := range a.Outputs {
			if slices.ContainsFunc(TableRefs([]*plan.Output{o}), func(t replication.TableRef) bool { return t.String() == p.Table }) {
				blame(o.Name, p.String())
			}
		}
	}
	return views
}

// SpecError is an output table that cannot be made.
type SpecError struct {
	View string
	Err  error
}

func (e *SpecError) Error() string { return "view " + e.View + ": " + e.Err.Error() }

func (e *SpecError) Unwrap() error { return e.Err }

// NotYet explains the absence of the control schema.
func NotYet(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && slices.Contains([]string{"42P01", "3F000", "42883"}, pg.Code) {
		return fmt.Errorf("the control schema %s is not there; has \"stepping-cdc run\" ever run with this sink? (%w)", ControlSchema, err)
	}
	return err
}
