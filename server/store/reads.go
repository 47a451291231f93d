package store

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// Reads is what may be read from a copy of a shard that runs behind it.
type Reads interface {
	Order(ctx context.Context, orderID order.ID) (order.Order, error)
	Orders(ctx context.Context, q OrderQuery) ([]order.Order, error)
	ScanOrders(ctx context.Context, q OrderQuery, take func([]order.Order) error) error
	OrderEvents(ctx context.Context, orderID order.ID, after int64, limit int) ([]order.Event, error)
	Return(ctx context.Context, returnID order.ReturnID) (order.Return, error)
	Returns(ctx context.Context, q ReturnQuery) ([]order.Return, error)
	ScanReturns(ctx context.Context, q ReturnQuery, take func([]order.Return) error) error
}

// Freshness says what a read must see.
type Freshness uint8

// What a read may demand.
const (
	Current         Freshness = iota // as the shard stands, or copies of it that every change replaces
	FullyConsistent                  // all that was written before the read began
	AtLeastAsFresh                   // all that was written up to some positions
	MinimalLatency                   // whatever is at hand; it may be seconds old
)

// Consistency is what a read demands. The zero value is content with what is current.
type Consistency struct {
	Freshness Freshness
	Positions []Position // of AtLeastAsFresh; of shards that are not named anything is fresh enough
}

// Position is a place in the log of a shard: whoever has replayed the log up to it sees what was
// written before.
type Position struct {
	Shard  int    // its place in the configuration
	System uint64 // the database system whose log it is
	Log    uint64 // bytes into the log
}

// Unknown gives a position behind all that a shard has written. Only the shard itself is as fresh.
func Unknown(shard int) Position { return Position{Shard: shard, Log: ^uint64(0)} }

// Known tells whether a copy of the shard can ever be as fresh.
func (p Position) Known() bool { return p.Log != ^uint64(0) }

// ReplicaStatus tells how a copy of a shard does.
type ReplicaStatus struct {
	Shard    int  // which it copies; -1 while that is not known
	Serving  bool // whether it answers and follows its shard; it is left alone otherwise
	LagBytes int64
	Lag      time.Duration
}

// Scan reads page after page of at most limit items, and hands each to take, until a page is not full.
func Scan[T any](limit int, read func(after id.UUID) ([]T, error), key func(T) id.UUID, take func([]T) error) error {
	var after id.UUID
	for {
		items, err := read(after)
		if err != nil || len(items) == 0 {
			return err
		}
		if err := take(items); err != nil {
			return err
		}
		if len(items) < limit {
			return nil
		}
		after = key(items[len(items)-1])
	}
}
