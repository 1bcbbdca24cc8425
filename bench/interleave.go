package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// against measures two builds by turns, so that what changes with time on the machine
// (other work, temperature, a disk that fills) meets both alike, and compares them. The
// older one is another executable of this package, the newer this one. Each round is a
// process with a Postgres of its own, and which build is first changes from round to
// round.
func against(ctx context.Context, o *options) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if _, err := exec.LookPath(o.against); err != nil {
		return fmt.Errorf("find the older build: %w", err)
	}
	var figures [2][]figure
	builds := [2]struct{ name, path string }{{"old", o.against}, {"new", self}}
	for round := range o.rounds {
		for turn := range builds {
			which := (turn + round) % 2
			out := filepath.Join(o.out, fmt.Sprintf("%s-%d", builds[which].name, round+1))
			cmd := exec.CommandContext(ctx, builds[which].path, append(passedOn(), "-rounds", "1", "-out", out)...)
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("round %d of the %s build: %w", round+1, builds[which].name, err)
			}
			if figures[which], err = gathered(figures[which], filepath.Join(out, "results.csv")); err != nil {
				return err
			}
		}
	}
	var paths [2]string
	for i, b := range builds {
		paths[i] = filepath.Join(o.out, b.name+".csv")
		err = errors.Join(err, (&report{rows: figures[i]}).writeCSV(paths[i]))
	}
	if err != nil {
		return err
	}
	return compareFiles(os.Stdout, paths[0], paths[1])
}

// passedOn are the flags of this run that both builds get.
func passedOn() []string {
	var args []string
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "against", "rounds", "out":
		default:
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	return args
}

// gathered adds the rounds in a file to those of the same figures.
func gathered(all []figure, path string) ([]figure, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	more, err := readFigures(f)
	_ = f.Close() // it was only read
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	at := map[[3]string]int{}
	key := func(f *figure) [3]string { return [3]string{f.section, f.what, f.unit} }
	for i := range all {
		at[key(&all[i])] = i
	}
	for i := range more {
		if j, ok := at[key(&more[i])]; ok {
			all[j].runs = append(all[j].runs, more[i].runs...)
			continue
		}
		all = append(all, more[i])
	}
	return all, nil
}
