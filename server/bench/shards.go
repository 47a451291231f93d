package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/server/config"
)

// shards looks into the shards' databases from outside.
type shards []*pgx.Conn

func openShards(ctx context.Context, urls []string) (shards, error) {
	var s shards
	for _, url := range urls {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			s.close(ctx)
			return nil, err
		}
		s = append(s, conn)
	}
	return s, nil
}

func urlsOf(cfg config.Config) []string {
	var urls []string
	for _, u := range cfg.Store.Shards {
		urls = append(urls, u.Reveal())
	}
	return urls
}

func (s shards) close(ctx context.Context) {
	for _, conn := range s {
		_ = conn.Close(ctx)
	}
}

// unfinished counts the sagas that have something left to do.
func (s shards) unfinished(ctx context.Context) (sum int64, err error) {
	for _, conn := range s {
		var n int64
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM sagas WHERE state < 5").Scan(&n); err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// rest waits until no saga has anything left to do, and tells how many there were and how long it took.
func (s shards) rest(ctx context.Context) (sagas int64, took time.Duration, err error) {
	started, last, progress := time.Now(), int64(-1), time.Now()
	for {
		n, err := s.unfinished(ctx)
		if err != nil || n == 0 {
			return sagas, time.Since(started), err
		}
		if last < 0 {
			sagas = n
		}
		if n != last {
			last, progress = n, time.Now()
		}
		if time.Since(progress) > time.Minute {
			return sagas, 0, fmt.Errorf("%d sagas do not come to rest", n)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return sagas, 0, ctx.Err()
		}
	}
}

// confirmations are the orders that were placed in a time.
type confirmations struct {
	took   []time.Duration // from placed to confirmed
	within int             // how many were confirmed before the time was over
	never  int             // how many were not confirmed
}

// confirmed reads what became of the orders that were placed between two times.
func (s shards) confirmed(ctx context.Context, from, to time.Time) (c confirmations, err error) {
	for _, conn := range s {
		rows, err := conn.Query(ctx, "SELECT create_time, confirm_time FROM orders WHERE create_time BETWEEN $1 AND $2", from, to)
		if err != nil {
			return c, err
		}
		var created time.Time
		var confirmed *time.Time
		_, err = pgx.ForEachRow(rows, []any{&created, &confirmed}, func() error {
			switch {
			case confirmed == nil:
				c.never++
				return nil
			case confirmed.Before(to):
				c.within++
			}
			c.took = append(c.took, confirmed.Sub(created))
			return nil
		})
		if err != nil {
			return c, err
		}
	}
	if len(c.took) == 0 {
		return c, errors.New("no order was confirmed")
	}
	return c, nil
}

// effort is what a whole Postgres has done since it began.
type effort struct {
	commits      float64 // transactions that wrote
	transactions float64 // that were committed, those that only read too
	syncs        float64 // of the log: commits at the same time share one
}

// effort reads what the cluster has done so far. Postgres counts with a delay of a second.
func (s shards) effort(ctx context.Context) (e effort, err error) {
	err = s[0].QueryRow(ctx, `SELECT pg_snapshot_xmax(pg_current_snapshot())::text::float8,
		(SELECT sum(xact_commit)::float8 FROM pg_stat_database), (SELECT wal_sync::float8 FROM pg_stat_wal)`).Scan(
		&e.commits, &e.transactions, &e.syncs)
	return e, err
}
