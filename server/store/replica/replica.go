// Package replica reads orders and returns from streaming standbys of the shards, as fresh as a read
// demands, and from the shard itself when none of them is. It watches how far each standby has come,
// leaves one that does not answer and takes it back when it does. Writes are none of its business.
package replica

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

// Options make Replicas.
type Options struct {
	Shards    *shard.Store
	Primaries []*database.Database // of the shards, in their order
	Replicas  []Replica            // of any of the shards, in any order; may be empty
	MaxLag    time.Duration        // a replica that is further behind serves no read of minimal latency
	Log       *slog.Logger
	Registry  prometheus.Registerer
}

// Replica is a standby. Which shard it copies is asked of itself.
type Replica struct {
	Database *database.Database // need not answer yet
	Store    store.Store        // over Database; Stop closes it
}

// Replicas reads from the standbys of all shards. Make it with New; it is safe for concurrent use.
type Replicas struct {
	options   Options
	primaries []*primary
	members   []*member
	metrics   metrics
	turn      atomic.Uint64 // spreads the reads
	stop      context.CancelFunc
	running   sync.WaitGroup
}

// Resize bounds the connections to each standby anew.
func (r *Replicas) Resize(connections int) {
	for _, m := range r.members {
		m.Database.Resize(connections)
	}
}

// New takes the standbys. None of them serves before Start.
func New(o Options) *Replicas {
	r := &Replicas{options: o, metrics: newMetrics(o.Registry), stop: func() {}}
	for _, d := range o.Primaries {
		r.primaries = append(r.primaries, newPrimary(d))
	}
	for i, one := range o.Replicas {
		r.members = append(r.members, newMember(i, one))
	}
	return r
}

// Start looks at the shards, and begins to watch the standbys. It does not wait for them.
func (r *Replicas) Start(context.Context) error {
	if len(r.members) == 0 {
		return nil
	}
	ctx, stop := context.WithCancel(context.Background()) // lasts until Stop
	r.stop = stop
	var first sync.WaitGroup // a standby is known by its shard
	for _, p := range r.primaries {
		if p.database.Dialect() != database.Postgres {
			continue
		}
		first.Add(1)
		looked := sync.OnceFunc(first.Done)
		r.running.Go(func() {
			watch(ctx, func(ctx context.Context) {
				defer looked()
				p.look(ctx)
			})
		})
	}
	first.Wait()
	for _, m := range r.members {
		r.running.Go(func() { watch(ctx, func(ctx context.Context) { r.look(ctx, m) }) })
	}
	return nil
}

// Stop ends watching and closes the standbys, when nobody reads any more.
func (r *Replicas) Stop(ctx context.Context) error {
	r.stop()
	r.running.Wait()
	for _, p := range r.primaries {
		p.ask.Close(ctx)
	}
	var err error
	for _, m := range r.members {
		m.ask.Close(ctx)
		err = errors.Join(err, m.Store.Close(ctx))
	}
	return err
}

// Any tells whether there are replicas to read from.
func (r *Replicas) Any() bool { return len(r.members) > 0 }

// At gives the shards to read from as a consistency demands.
func (r *Replicas) At(c store.Consistency) store.Reads {
	if c.Freshness <= store.FullyConsistent || !r.Any() {
		return r.options.Shards
	}
	shards := r.options.Shards.Shards()
	for i, one := range shards {
		shards[i] = &view{Store: one, replicas: r, shard: i, need: needOf(c, i)}
	}
	return r.options.Shards.Over(shards)
}

// Position tells how far the shard of a slot has come, for those who wrote there: their write is in
// front of it. It never fails; it is Unknown when the shard cannot be asked or nobody copies anything.
// Those who ask at the same time share a question.
func (r *Replicas) Position(ctx context.Context, slot id.Slot) store.Position {
	owner := r.options.Shards.Owner(slot)
	p := r.primaries[owner]
	now := p.now.Load()
	if len(r.members) == 0 || now == nil {
		return store.Unknown(owner)
	}
	at, err := p.ask.Do(ctx, struct{}{})
	if err != nil {
		return store.Unknown(owner)
	}
	return store.Position{Shard: owner, System: now.system, Log: at}
}

// Statuses tells how the standbys do, in their order.
func (r *Replicas) Statuses() []store.ReplicaStatus {
	all := make([]store.ReplicaStatus, len(r.members))
	for i, m := range r.members {
		all[i].Shard = int(m.owner.Load())
		if s := m.state.Load(); s != nil {
			all[i].Serving, all[i].LagBytes, all[i].Lag = true, s.lagBytes, s.age
		}
	}
	return all
}
