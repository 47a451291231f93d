package orders

import (
	"context"
	"sync"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Hub wakes those who watch orders. Whoever changes orders in this process does so over a store that
// tells it. Make it with NewHub; it is safe for concurrent use.
type Hub struct {
	mu       sync.Mutex
	watchers map[order.ID]map[chan struct{}]struct{}
	closed   chan struct{}
	closing  sync.Once
}

// NewHub makes a hub.
func NewHub() *Hub {
	return &Hub{watchers: map[order.ID]map[chan struct{}]struct{}{}, closed: make(chan struct{})}
}

// Changed wakes all who watch the order. It waits for none of them, and one too many does no harm.
func (h *Hub) Changed(orderID order.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for wake := range h.watchers[orderID] {
		select {
		case wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// Over gives a store that tells the hub of each change.
func (h *Hub) Over(s Storage) Storage { return &telling{s, h} }

type telling struct {
	Storage
	hub *Hub
}

func (t *telling) ChangeOrder(
	ctx context.Context, orderID order.ID, r store.Request, decide store.Decide,
) (order.Order, error) {
	changed, err := t.Storage.ChangeOrder(ctx, orderID, r, decide)
	if err == nil {
		t.hub.Changed(orderID)
	}
	return changed, err
}

func (t *telling) ChangeReturn(ctx context.Context, c store.ReturnChange) (order.Return, error) {
	changed, err := t.Storage.ChangeReturn(ctx, c)
	if err == nil {
		t.hub.Changed(changed.OrderID)
	}
	return changed, err
}

// Close ends every watch, now and later, with SHUTTING_DOWN: a process that drains cannot wait for
// streams that have no end of their own.
func (h *Hub) Close() { h.closing.Do(func() { close(h.closed) }) }

// watch gives a channel that receives after a change of the order, until leave is called.
func (h *Hub) watch(orderID order.ID) (changed <-chan struct{}, leave func()) {
	wake := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers[orderID] == nil {
		h.watchers[orderID] = map[chan struct{}]struct{}{}
	}
	h.watchers[orderID][wake] = struct{}{}
	return wake, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers[orderID], wake)
		if len(h.watchers[orderID]) == 0 {
			delete(h.watchers, orderID)
		}
	}
}
