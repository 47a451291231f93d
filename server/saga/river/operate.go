package river

import (
	"context"
	"database/sql"

	"github.com/orderprocessing/orderprocessing/server/saga"
)

func (e *Engine) shard(slot int) *shard { return e.shards[e.options.ShardOf(slot)] }

// Find reads one record.
func (e *Engine) Find(ctx context.Context, slot int, subject, name string) (saga.Record, error) {
	return e.all.Find(ctx, slot, subject, name)
}

// List merges the pages of all shards.
func (e *Engine) List(ctx context.Context, page saga.Page) ([]saga.Record, error) {
	return e.all.List(ctx, page)
}

// Signal makes a saga that rests go on.
func (e *Engine) Signal(ctx context.Context, slot int, subject, name string) error {
	s := e.shard(slot)
	return s.inTx(ctx, func(tx *sql.Tx) error { return s.starter.SignalTx(ctx, tx, subject, name) })
}

// Retry makes an unfinished saga go on with its attempts counted from 0.
func (e *Engine) Retry(ctx context.Context, slot int, subject, name string) error {
	s, key := e.shard(slot), saga.Key(subject, name)
	found := false
	if err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
		found, err = s.starter.wake(ctx, tx, key, true)
		return err
	}); err != nil || found {
		return err
	}
	r, err := e.Find(ctx, slot, subject, name)
	if err != nil {
		return err
	}
	return saga.ErrFinished(key, r.State)
}
