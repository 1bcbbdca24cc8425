package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/dashboard"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

func runCommand() *cobra.Command {
	var until string
	var resnapshot bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Load what is new from a snapshot, then follow the source",
		Long: `Loads the views that are new from a snapshot, then follows the source and keeps
the output tables exact to the last commit.

SIGINT or SIGTERM stops it cleanly (exit status 0): the transaction in work is
finished, and a restart goes on from there. A second signal ends it at once; the
restart then replays a few seconds. What may mend itself, like a lost connection
or a restarting server, is tried again for ever. What cannot (a lost slot, a
dropped table) ends it with exit status 1 and the remedy.`,
		Example: `  stepping-cdc run
  stepping-cdc run -c shop.yaml --log-format json
  stepping-cdc run --until-lsn 0/1A2B3C4      # stop once that is applied
  stepping-cdc run --resnapshot               # after the slot was lost: load anew`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			opts := pipeline.Options{Resnapshot: resnapshot}
			if until != "" {
				if opts.UntilLSN, err = decode.ParseLSN(until); err != nil || opts.UntilLSN == 0 {
					return fmt.Errorf("--until-lsn: %q is no position like 0/1A2B3C4", until)
				}
			}
			return run(cmd, cfg, opts)
		},
	}
	cmd.Flags().StringVar(&until, "until-lsn", "", "stop, with exit status 0, once the outputs hold everything up to this `LSN`")
	cmd.Flags().BoolVar(&resnapshot, "resnapshot", false, "give up slot and state and load everything anew; the outputs are corrected by the difference")
	cmd.Flags().String(config.FlagName("http.listen"), "", "override http.listen: `host:port` of the dashboard, or off")
	return cmd
}

func run(cmd *cobra.Command, cfg *config.Config, opts pipeline.Options) error {
	log, err := logger(cmd.ErrOrStderr(), cfg.Log)
	if err != nil {
		return err
	}
	loading := newLoading(cmd.ErrOrStderr(), log)
	opts.Progress = loading.progress
	pipeline.SpareProcessors()
	pipeline.LimitMemory(cmd.Context(), cfg.State.Memory, log)
	p := pipeline.New(cfg, log, opts)
	if cfg.HTTP.Listen != "" {
		server, err := dashboard.Listen(cfg.HTTP.Listen, dashboard.Options{
			Progress: p.Progress,
			Status:   func(ctx context.Context) (*pipeline.Status, error) { return pipeline.ReadStatus(ctx, cfg, false) },
		})
		if err != nil {
			return fmt.Errorf("%w (set http.listen to another address, or off)", err)
		}
		defer func() { _ = server.Close() }()
		log.Info().Str("address", "http://"+server.Address()).Msg("dashboard")
	}
	if err := p.Run(cmd.Context()); err != nil {
		return stopped(cmd, log, err)
	}
	log.Info().Stringer("lsn", p.Progress().Applied).Msg("stopped cleanly")
	return nil
}

// stopped says why the run has ended.
func stopped(cmd *cobra.Command, log zerolog.Logger, err error) error {
	var problems *configured.ProblemsError
	var stop *replication.StopError
	switch {
	case errors.As(err, &problems):
		fmt.Fprintln(cmd.ErrOrStderr(), problems)
		log.Error().Msg("stopped: the configuration cannot be run; \"stepping-cdc check\" shows the place of each problem")
	case errors.As(err, &stop):
		log.Error().Str("code", string(stop.Code)).Str("remedy", stop.Remedy).Err(err).Msg("stopped")
	default:
		log.Error().Err(err).Msg("stopped")
	}
	return errSaid
}
