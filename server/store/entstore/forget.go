package entstore

import (
	"context"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentevent"
	"github.com/orderprocessing/orderprocessing/ent/db/request"
	entsaga "github.com/orderprocessing/orderprocessing/ent/db/saga"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Forget finds what is old along an index, oldest first, and deletes it by its keys, so that no
// transaction is long.
func (s *Store) Forget(ctx context.Context, before store.Forgettable, limit int) (deleted int, err error) {
	for _, kind := range []struct {
		before time.Time
		forget func(context.Context, time.Time, int) (int, error)
	}{
		{before.Requests, s.forgetRequests}, {before.PaymentEvents, s.forgetPaymentEvents}, {before.Sagas, s.forgetSagas},
	} {
		n, err := kind.forget(ctx, kind.before.UTC(), limit)
		deleted += n
		if err != nil {
			return deleted, fromDriver(err)
		}
	}
	return deleted, nil
}

func (s *Store) forgetRequests(ctx context.Context, before time.Time, limit int) (int, error) {
	old, err := s.read.Request.Query().Where(request.CreateTimeLT(before)).
		Order(request.ByCreateTime()).Limit(limit).IDs(ctx)
	if err != nil {
		return 0, err
	}
	return inChunks(ctx, s, old, func(tx *db.Tx, keys []uuid.UUID) (int, error) {
		return tx.Request.Delete().Where(request.IDIn(keys...)).Exec(ctx)
	})
}

func (s *Store) forgetPaymentEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	old, err := s.read.PaymentEvent.Query().Where(paymentevent.CreateTimeLT(before)).
		Order(paymentevent.ByCreateTime()).Limit(limit).IDs(ctx)
	if err != nil {
		return 0, err
	}
	return inChunks(ctx, s, old, func(tx *db.Tx, keys []uuid.UUID) (int, error) {
		return tx.PaymentEvent.Delete().Where(paymentevent.IDIn(keys...)).Exec(ctx)
	})
}

// forgetSagas walks the key, which begins with the subject, whose id begins with its time: what was
// finished by then was begun before. It steps over the few that are old and not finished.
func (s *Store) forgetSagas(ctx context.Context, before time.Time, limit int) (deleted int, err error) {
	first := id.First(before)
	for _, subjects := range [][2]string{
		{order.ID{}.String(), order.ID{UUID: first}.String()},
		{order.ReturnID{}.String(), order.ReturnID{UUID: first}.String()},
		{order.ShipmentID{}.String(), order.ShipmentID{UUID: first}.String()},
	} {
		old, err := s.read.Saga.Query().
			Where(entsaga.IDGT(subjects[0]), entsaga.IDLT(subjects[1]), entsaga.UpdateTimeLT(before), isFinished).
			Order(entsaga.ByID()).Limit(limit - deleted).IDs(ctx)
		if err != nil {
			return deleted, err
		}
		n, err := inChunks(ctx, s, old, func(tx *db.Tx, keys []string) (int, error) {
			return tx.Saga.Delete().Where(entsaga.IDIn(keys...), isFinished).Exec(ctx)
		})
		deleted += n
		if err != nil || deleted >= limit {
			return deleted, err
		}
	}
	return deleted, nil
}

// isFinished is the other side of the indexes of what is unfinished.
func isFinished(sel *entsql.Selector) { sel.Where(entsql.ExprP(sel.C(entsaga.FieldState) + " >= 5")) }

// inChunks deletes rows by their keys, a few in each transaction, and tells how many it deleted.
func inChunks[K any](
	ctx context.Context, s *Store, keys []K, drop func(tx *db.Tx, keys []K) (int, error),
) (deleted int, err error) {
	for chunk := range slices.Chunk(keys, atOnce) {
		n := 0
		err := s.inTx(ctx, func(tx *db.Tx) (err error) {
			n, err = drop(tx, chunk)
			return err
		})
		if err != nil {
			return deleted, err
		}
		deleted += n
	}
	return deleted, nil
}
