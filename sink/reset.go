package sink

import (
	"context"
	"fmt"
)

// ResetProgress forgets how far the outputs are: the source's positions start
// anew, as after a restore from a backup. The outputs keep their contents until
// the next commit corrects them.
func (s *Sink) ResetProgress(ctx context.Context) error {
	tag, err := s.conn.Exec(ctx, `UPDATE stepping_cdc.progress SET lsn = '0/0', committed_at = NULL, clock = NULL WHERE epoch = $1`, s.epoch)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrFenced
	}
	if err != nil {
		return fmt.Errorf("reset progress: %w", s.lost(err))
	}
	s.pos = Position{}
	s.dur = durability{}
	return nil
}
