package replica

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

const (
	// readTimeout is how long a standby may take for one read before the shard is asked.
	readTimeout = 2 * time.Second
	scanPage    = 200
)

// view is one shard, read as a consistency demands. What it does not read itself goes to the shard.
type view struct {
	store.Store
	replicas *Replicas
	shard    int
	need     []store.Position // of this shard; empty: anything will do
}

func needOf(c store.Consistency, shard int) (need []store.Position) {
	for _, p := range c.Positions {
		if p.Shard == shard {
			need = append(need, p)
		}
	}
	return need
}

// Order implements store.Reads.
func (v *view) Order(ctx context.Context, orderID order.ID) (order.Order, error) {
	return read(ctx, v, func(ctx context.Context, from store.Store) (order.Order, error) { return from.Order(ctx, orderID) })
}

// Orders implements store.Reads.
func (v *view) Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error) {
	return read(ctx, v, func(ctx context.Context, from store.Store) ([]order.Order, error) { return from.Orders(ctx, q) })
}

// OrderEvents implements store.Reads.
func (v *view) OrderEvents(ctx context.Context, orderID order.ID, after int64, limit int) ([]order.Event, error) {
	return read(ctx, v, func(ctx context.Context, from store.Store) ([]order.Event, error) {
		return from.OrderEvents(ctx, orderID, after, limit)
	})
}

// Return implements store.Reads.
func (v *view) Return(ctx context.Context, returnID order.ReturnID) (order.Return, error) {
	return read(ctx, v, func(ctx context.Context, from store.Store) (order.Return, error) { return from.Return(ctx, returnID) })
}

// Returns implements store.Reads.
func (v *view) Returns(ctx context.Context, q store.ReturnQuery) ([]order.Return, error) {
	return read(ctx, v, func(ctx context.Context, from store.Store) ([]order.Return, error) { return from.Returns(ctx, q) })
}

// ScanOrders implements store.Reads. Each page is a read of its own, so that a standby may go on the
// way.
func (v *view) ScanOrders(ctx context.Context, q store.OrderQuery, take func([]order.Order) error) error {
	return store.Scan(scanPage, func(after id.UUID) ([]order.Order, error) {
		q.After, q.Limit = after, scanPage
		return v.Orders(ctx, q)
	}, func(o order.Order) id.UUID { return o.ID.UUID }, take)
}

// ScanReturns implements store.Reads.
func (v *view) ScanReturns(ctx context.Context, q store.ReturnQuery, take func([]order.Return) error) error {
	return store.Scan(scanPage, func(after id.UUID) ([]order.Return, error) {
		q.After, q.Limit = after, scanPage
		return v.Returns(ctx, q)
	}, func(r order.Return) id.UUID { return r.ID.UUID }, take)
}

// read reads from a standby that is fresh enough, or else from the shard: also when the standby does
// not answer, which is then left until it was looked at again.
func read[T any](ctx context.Context, v *view, from func(context.Context, store.Store) (T, error)) (T, error) {
	m := v.pick(ctx)
	if m == nil {
		v.replicas.metrics.reads.WithLabelValues(readPrimary).Inc()
		return from(ctx, v.Store)
	}
	value, err := readOne(ctx, m, from)
	if err == nil || answers(err) || ctx.Err() != nil {
		v.replicas.metrics.reads.WithLabelValues(readReplica).Inc()
		return value, err
	}
	m.state.Store(nil)
	v.replicas.metrics.reads.WithLabelValues(readFailed).Inc()
	return from(ctx, v.Store)
}

func readOne[T any](ctx context.Context, m *member, from func(context.Context, store.Store) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return from(ctx, m.Store)
}

// answers tells whether an error is what a healthy store says.
func answers(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.KindNotFound || kind == fault.KindInvalid
}

// pick chooses a standby that is fresh enough, each in its turn; nil for none. When the freshest is
// not fresh enough by what is known of it, it is asked once more.
func (v *view) pick(ctx context.Context) *member {
	members := v.replicas.members
	turn := int(v.replicas.turn.Add(1) % uint64(len(members))) //nolint:gosec // below their number
	var best *member
	var replayed uint64
	for i := range members {
		m := members[(turn+i)%len(members)]
		s := m.state.Load()
		if s == nil || int(m.owner.Load()) != v.shard {
			continue
		}
		if v.fresh(s, s.replayed) {
			return m
		}
		if best == nil || s.replayed > replayed {
			best, replayed = m, s.replayed
		}
	}
	if best == nil || !v.reachable() {
		return nil
	}
	s := best.state.Load()
	if now, err := best.replayedNow(ctx); err == nil && s != nil && v.fresh(s, now) {
		return best
	}
	return nil
}

// fresh tells whether a standby that has replayed the log up to a position is fresh enough.
func (v *view) fresh(s *state, replayed uint64) bool {
	if len(v.need) == 0 {
		return s.lag <= v.replicas.options.MaxLag
	}
	for _, need := range v.need {
		if need.System != s.system || need.Log > replayed {
			return false
		}
	}
	return true
}

// reachable tells whether asking once more can help.
func (v *view) reachable() bool {
	for _, need := range v.need {
		if !need.Known() {
			return false
		}
	}
	return len(v.need) > 0
}
