package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/server/pause"
)

// Standby makes a copy of a cluster that is Replicated, and starts it: it follows the cluster by
// streaming, and answers reads. It ends as the cluster does.
func (c *Cluster) Standby(ctx context.Context) (*Cluster, error) {
	s := &Cluster{programs: c.programs, password: c.password}
	if err := s.makeDir(); err != nil {
		return nil, fmt.Errorf("make a folder for the standby: %w", err)
	}
	var err error
	if s.guard, err = startGuard(s.dir, false); err != nil {
		return nil, fmt.Errorf("guard the standby: %w", err)
	}
	from := url.URL{Scheme: "postgres", User: c.admin.User, Host: c.admin.Host, RawQuery: "sslmode=disable"}
	cmd := exec.CommandContext(ctx, c.Program("pg_basebackup"), //nolint:gosec // found, not given
		"--dbname="+from.String(), "--pgdata="+s.data(), "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	cmd.Dir, cmd.SysProcAttr = s.dir, asServer()
	if output, failed := cmd.CombinedOutput(); failed != nil {
		err = fmt.Errorf("copy the test Postgres: %w\n%s", failed, output)
	} else {
		err = s.Restart(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Promote ends following: the standby is a primary of its own from here on.
func (c *Cluster) Promote(ctx context.Context) error { return c.exec(ctx, "SELECT pg_promote()") }

// PauseReplay makes a standby fall behind until ResumeReplay: it receives and does not replay.
func (c *Cluster) PauseReplay(ctx context.Context) error {
	return c.connected(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SELECT pg_wal_replay_pause()"); err != nil {
			return err
		}
		for state := ""; state != "paused"; _ = pause.For(ctx, time.Millisecond) { // so far it is only asked to
			if err := conn.QueryRow(ctx, "SELECT pg_get_wal_replay_pause_state()").Scan(&state); err != nil {
				return err
			}
		}
		return nil
	})
}

// ResumeReplay lets a standby catch up.
func (c *Cluster) ResumeReplay(ctx context.Context) error {
	return c.exec(ctx, "SELECT pg_wal_replay_resume()")
}
