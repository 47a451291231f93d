package orders_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/orders"
)

// shelf keeps one order in memory.
type shelf struct {
	orders.Storage
	mu    sync.Mutex
	order order.Order
	err   error
}

func (s *shelf) Order(context.Context, order.ID) (order.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order, s.err
}

func (s *shelf) put(version int64, lifecycle order.Lifecycle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order.Version, s.order.Lifecycle = version, lifecycle
}

// watched is a watch under way on a pending order at version 1.
type watched struct {
	*shelf
	hub   *orders.Hub
	seen  chan order.Order
	ended chan error
}

func asStaff(ctx context.Context) context.Context {
	return auth.WithCaller(ctx, auth.Caller{ID: "usr_staff", Roles: []auth.Role{auth.Staff}})
}

func watch(ctx context.Context, buffer int) *watched {
	w := &watched{shelf: &shelf{}, hub: orders.NewHub(), seen: make(chan order.Order, buffer), ended: make(chan error, 1)}
	w.put(1, order.Pending)
	service := orders.New(orders.Options{Store: w, Hub: w.hub})
	ctx = asStaff(ctx)
	go func() {
		w.ended <- service.Watch(ctx, order.ID{}, func(o order.Order) error { w.seen <- o; return nil })
	}()
	return w
}

func TestService_Watch(t *testing.T) {
	t.Run("an order is told at once, at each change made here without a pause, and no more after its end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began, w := time.Now(), watch(t.Context(), 9)
			require.EqualValues(t, 1, (<-w.seen).Version)
			w.put(2, order.Confirmed)
			w.hub.Changed(order.ID{})
			require.EqualValues(t, 2, (<-w.seen).Version)
			w.put(3, order.Completed)
			w.hub.Changed(order.ID{})
			require.EqualValues(t, 3, (<-w.seen).Version)
			require.NoError(t, <-w.ended)
			require.Zero(t, time.Since(began))
		})
	})
	t.Run("a change made elsewhere is told within two seconds, and none is told twice", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t.Context(), 9)
			<-w.seen
			time.Sleep(time.Minute) // of the bubble
			w.hub.Changed(order.ID{UUID: order.NewID(time.Now(), "cus_2", "").UUID})
			w.hub.Changed(order.ID{})
			synctest.Wait()
			require.Empty(t, w.seen)
			changed := time.Now()
			w.put(2, order.Canceled)
			require.EqualValues(t, 2, (<-w.seen).Version)
			require.LessOrEqual(t, time.Since(changed), 2*time.Second)
			require.NoError(t, <-w.ended)
		})
	})
	t.Run("who is slow gets the newest state only", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t.Context(), 0)
			synctest.Wait() // the first is being sent
			for version := range int64(50) {
				w.put(2+version, order.Confirmed)
				w.hub.Changed(order.ID{})
			}
			w.put(52, order.Completed)
			w.hub.Changed(order.ID{})
			require.EqualValues(t, 1, (<-w.seen).Version)
			require.EqualValues(t, 52, (<-w.seen).Version)
			require.NoError(t, <-w.ended)
		})
	})
	t.Run("it ends with the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			w := watch(ctx, 9)
			<-w.seen
			cancel()
			require.ErrorIs(t, <-w.ended, context.Canceled)
		})
	})
	t.Run("it ends with the hub, and none begins after it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t.Context(), 9)
			<-w.seen
			w.hub.Close()
			w.hub.Close()
			require.Equal(t, fault.ReasonShuttingDown, fault.ReasonOf(<-w.ended))
			err := orders.New(orders.Options{Store: w, Hub: w.hub}).Watch(asStaff(t.Context()), order.ID{}, func(order.Order) error { return nil })
			require.Equal(t, fault.ReasonShuttingDown, fault.ReasonOf(err))
		})
	})
	t.Run("what goes wrong ends it", func(t *testing.T) {
		broken := errors.New("broken")
		one := orders.New(orders.Options{Store: &shelf{err: broken}})
		require.ErrorIs(t, one.Watch(asStaff(t.Context()), order.ID{}, func(order.Order) error { return nil }), broken)
		sent := &shelf{}
		sent.put(1, order.Pending)
		two := orders.New(orders.Options{Store: sent})
		require.ErrorIs(t, two.Watch(asStaff(t.Context()), order.ID{}, func(order.Order) error { return broken }), broken)
	})
}

func TestWatchOrder(t *testing.T) {
	s := newShop(t)
	t.Run("an order is followed to its end, through changes of callers and of sagas", func(t *testing.T) {
		o := s.place()
		stream, err := s.orders.WatchOrder(t.Context(), &ordersv1.WatchOrderRequest{OrderId: o.ID.String()})
		require.NoError(t, err)
		next := func() ordersv1.Lifecycle {
			require.True(t, stream.Receive(), "%v", stream.Err())
			return stream.Msg().GetOrder().GetLifecycle()
		}
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_PENDING, next())
		_, err = s.orders.CancelOrder(t.Context(), &ordersv1.CancelOrderRequest{OrderId: o.ID.String(), RequestId: "cancel"})
		require.NoError(t, err)
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_CANCELING, next())
		s.happen(o, order.Undone{Payment: order.PaymentVoided})
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_CANCELED, next())
		require.False(t, stream.Receive())
		require.NoError(t, errors.Join(stream.Err(), stream.Close()))
	})
	t.Run("goods that come back are told too", func(t *testing.T) {
		o := s.sold()
		stream, err := s.orders.WatchOrder(t.Context(), &ordersv1.WatchOrderRequest{OrderId: o.ID.String()})
		require.NoError(t, err)
		require.True(t, stream.Receive())
		s.received(o, &ordersv1.ShipmentLine{Position: 1, Quantity: 1})
		require.True(t, stream.Receive())
		require.EqualValues(t, 1, stream.Msg().GetOrder().GetLines()[0].GetReturnedQuantity())
		require.NoError(t, stream.Close())
	})
	t.Run("an unknown order is refused", func(t *testing.T) {
		stream, err := s.orders.WatchOrder(t.Context(), &ordersv1.WatchOrderRequest{OrderId: unknownOrder})
		require.NoError(t, err)
		require.False(t, stream.Receive())
		requireRefused(t, connect.CodeNotFound, fault.ReasonOrderNotFound, stream.Err())
		require.NoError(t, stream.Close())
	})
}
