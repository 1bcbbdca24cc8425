// Command stepping-cdc keeps Postgres tables exactly equal to SELECTs, to the
// last commit.
//
// This package knows flags, the terminal and exit codes. What the commands do is
// package pipeline's; nothing else may depend on this one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/config"
)

// errSaid: the command has printed what is wrong; only the exit code is left.
var errSaid = errors.New("")

func main() { os.Exit(Main()) }

// Main runs the program and returns its exit code.
func Main() int {
	ctx, stop := interruptible()
	defer stop()
	cmd := root()
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var problems *config.Problems
	switch {
	case errors.Is(err, errSaid):
	case errors.As(err, &problems):
		fmt.Fprintln(os.Stderr, problems) // a line each, which begins with its place
	default:
		fmt.Fprintln(os.Stderr, "stepping-cdc:", err)
	}
	return 1
}

// interruptible is a context that ends at the first SIGINT or SIGTERM; the second
// ends the process at once. Nothing is lost by that but the time of a replay.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
			return
		}
		<-signals
		fmt.Fprintln(os.Stderr, "stepping-cdc: stopped at once")
		os.Exit(1)
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stepping-cdc",
		Short: "Keeps Postgres tables exactly equal to SELECTs, to the last commit",
		Long: `stepping-cdc follows a Postgres database by logical replication and keeps the
results of your SELECTs in ordinary tables of it, exact to the last commit.

The queries stand in a YAML file, stepping.yaml unless -c names another:

  source:
    dsn: postgres://app@db/shop
  views:
    - name: revenue_by_region
      query: |
        SELECT c.region, count(*) AS orders, sum(o.amount) AS revenue
        FROM orders o JOIN customers c ON c.id = o.customer_id
        GROUP BY c.region

Every setting of the file can come from the environment instead, as in
STEPPING_SOURCE_DSN=postgres://app@db/shop; libpq's own variables (PGHOST,
PGSERVICE, PGPASSFILE, ...) work as well.`,
		Example: `  stepping-cdc demo                   # see it work, on a throw-away Postgres
  stepping-cdc check                  # is everything there that is needed?
  stepping-cdc run                    # load a snapshot, then follow
  stepping-cdc verify                 # compare every table with its query`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := cmd.PersistentFlags()
	flags.StringP("config", "c", config.DefaultPath, "the configuration `file`")
	flags.String(config.FlagName("state.dir"), "", "override state.dir: the `folder` of the local state")
	flags.String(config.FlagName("log.level"), "", "override log.level: trace, debug, info, warn or error")
	flags.String(config.FlagName("log.format"), "", "override log.format: auto, console or json")
	cmd.AddCommand(runCommand(), checkCommand(), planCommand(), statusCommand(), verifyCommand(), rebuildCommand(), dropCommand(), demoCommand(), versionCommand())
	return cmd
}

// load reads the configuration that the flags name.
func load(cmd *cobra.Command) (*config.Config, error) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	return config.Load(path, cmd.Flags())
}

// isTerminal says whether people watch a stream.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && f.Name() != os.DevNull
}

// completeViews offers the names of the configured views.
func completeViews(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	cfg, err := load(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, v := range cfg.Views {
		if !slices.Contains(args, v.Name) {
			names = append(names, v.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
