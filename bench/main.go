package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	scale   float64
	quick   bool
	only    string
	backlog string
	// Of growth: rows that are there, ascending, nil for those that are usual, and
	// what the names of the operators match.
	sizes    []int64
	operator *regexp.Regexp
	out      string
	rounds   int
	seconds  int
	dense    bool
	profile  bool
	version  string
	seed     uint64
	older    string // results to compare with newer; "" to measure
	newer    string
	against  string // an older build of this program, to be measured by turns with this one; "" for this one alone
	flame    string // a profile to draw into picture; "" to measure
	picture  string
}

// experiments in the order in which they run; the main ones when none is asked for.
var experiments = []struct {
	name, about string
	main        bool
	run         func(context.Context, *lab) error
}{
	{"load", "snapshot of the tables, memory and state", true, measureLoad},
	{"catchup", "a backlog, against pg_recvlogical", true, measureCatchup},
	{"live", "a writer running flat out while we follow", true, measureLive},
	{"refresh", "REFRESH MATERIALIZED VIEW of the same queries", true, measureRefresh},
	{"freshness", "single-row commits, against a bare consumer", true, measureFreshness},
	{"pgbench", "the source's own throughput while we follow", true, measurePgbench},
	{"triggers", "a view kept by triggers, against us", false, measureTriggers},
	{"load22", "snapshot under all 22 queries of TPC-H", false, measureLoad22},
	{"catchup22", "a backlog under all 22 queries of TPC-H", false, measureCatchup22},
	{"freshness22", "orders come, change and go under all 22 queries of TPC-H", false, measureFreshness22},
	{"change", "one change against REFRESH, each of the 22 queries of TPC-H", false, measureChange},
	{"ancestor", "meter reads and a type checker: the queries of the ancestor", false, measureAncestor},
	{"idle", "no traffic: what is left", false, measureIdle},
	{"many", "500 views over 50 tables", false, measureMany},
	{"large", "a state ten times as large as its memory: changes and restarts", false, measureLarge},
	{"fanout", "one row that a million others join with", false, measureFanout},
	{"circuit", "circuits alone, a row a step, beside published rates", false, measureAlone},
	{"circuit22", "the circuit of all 22 queries of TPC-H alone, node by node", false, measureAlone22},
	{"growth", "one change by the size of the state, operator by operator", false, measureGrowth},
}

func main() {
	if mode := os.Getenv(modeEnv); mode != "" {
		os.Exit(runChild(mode))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions() (*options, error) {
	o := &options{}
	names := make([]string, len(experiments))
	for i, e := range experiments {
		names[i] = e.name
	}
	flag.Float64Var(&o.scale, "scale", 0.1, "scale factor of the data; 1 is 8.7 million rows")
	flag.BoolVar(&o.quick, "quick", false, "scale 0.01, one short round")
	flag.StringVar(&o.only, "only", "", "run these experiments, with commas between, or all; the first six by default: "+strings.Join(names, ", "))
	flag.StringVar(&o.backlog, "backlog", "", "catch up with these backlogs only, with commas between: inserts, mixed, single")
	flag.Func("sizes", "measure growth with so many rows, with commas between, ascending: 100000,1000000,10000000", func(text string) error {
		for _, one := range strings.Split(text, ",") {
			n, err := strconv.ParseInt(one, 10, 64)
			if err != nil || n < 10 || len(o.sizes) > 0 && n <= o.sizes[len(o.sizes)-1] {
				return fmt.Errorf("%q is no larger number of rows", one)
			}
			o.sizes = append(o.sizes, n)
		}
		return nil
	})
	o.operator = regexp.MustCompile("")
	flag.Func("operator", "measure the growth of operators only whose names match this `regexp`, of "+operatorNames(), func(s string) (err error) {
		o.operator, err = regexp.Compile(s)
		return err
	})
	flag.StringVar(&o.out, "out", filepath.Join("bench", "results"), "folder for results.csv, results.md and logs")
	flag.BoolVar(&o.dense, "dense", false, "all queries of TPC-H with parameters that most rows meet, in place of the validation parameters")
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured")
	flag.IntVar(&o.seconds, "seconds", 20, "how long each side of the experiments live, freshness, pgbench and triggers runs")
	flag.BoolVar(&o.profile, "cpuprofile", false, "write CPU profiles of the follower into the folder for results")
	flag.StringVar(&o.version, "pg", "", "major version of Postgres; by default what is installed")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the data")
	flag.StringVar(&o.older, "compare", "", "measure nothing: compare the results.csv of an earlier run with a newer, named behind it")
	flag.StringVar(&o.against, "against", "", "measure an older build of this program and this one by turns, and compare them")
	flag.StringVar(&o.flame, "flame", "", "measure nothing: draw the flame graph of a profile into a file, named behind it")
	flag.Parse()
	if o.flame != "" && flag.NArg() == 1 {
		o.picture = flag.Arg(0)
		return o, nil
	}
	if o.flame != "" {
		return nil, errors.New("flame needs two files: -flame cpu.pprof picture.svg")
	}
	if o.older != "" && flag.NArg() == 1 {
		o.newer = flag.Arg(0)
		return o, nil
	}
	if o.older != "" {
		return nil, errors.New("compare needs two files: -compare old.csv new.csv")
	}
	if flag.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if o.quick {
		o.scale, o.seconds = 0.01, 3
		if o.against == "" {
			o.rounds = 1
		}
	}
	if o.scale <= 0 || o.rounds < 1 || o.seconds < 1 {
		return nil, errors.New("scale, rounds and seconds must be positive")
	}
	if o.only == "all" {
		o.only = strings.Join(names, ",")
	}
	for _, name := range list(o.only) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("there is no experiment %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	return o, nil
}

// list splits a flag's value; nil means everything.
func list(flag string) []string {
	if flag == "" {
		return nil
	}
	return strings.Split(flag, ",")
}

// chosen says whether a flag's value names something, or nothing at all.
func chosen(flag, name string) bool { return flag == "" || slices.Contains(list(flag), name) }

func run(ctx context.Context) (err error) {
	o, err := parseOptions()
	if err != nil {
		return err
	}
	if o.older != "" {
		return compareFiles(os.Stdout, o.older, o.newer)
	}
	if o.flame != "" {
		return flameFile(strings.TrimSuffix(filepath.Base(o.flame), ".pprof"), o.flame, o.picture)
	}
	if o.against != "" {
		return against(ctx, o)
	}
	started := time.Now()
	l, err := openLab(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	for _, e := range experiments {
		if o.only == "" && !e.main || !chosen(o.only, e.name) {
			continue
		}
		l.say("== %s: %s", e.name, e.about)
		l.report.section(e.name, e.about)
		if err := e.run(ctx, l); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	l.report.machine.after = loadAverage()
	l.report.took = time.Since(started)
	l.report.print(os.Stdout)
	if err := l.report.write(o.out); err != nil {
		return err
	}
	l.say("written to %s", o.out)
	return nil
}
