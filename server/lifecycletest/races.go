package lifecycletest

import (
	"sync"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// The races: many who want the same at the same time. Nobody gets an error that is not about the race.

// quarter is the width of the slots that a shard owns, where there are four of them.
const quarter = 1024

func buyersRace(s *shop) {
	sku := s.sku(50)
	s.requireSold(s.crowd(64, func(int) []*ordersv1.Line { return []*ordersv1.Line{line(sku, 1)} }), 50)
	s.requireStock(sku, 50, 50)
}

func buyersOfTwoRace(s *shop) {
	for name, apart := range map[string]bool{"on one shard": false, "on two shards": true} {
		first := s.sku(50)
		second := s.skuWhere(50, func(slot int) bool {
			return (slot/quarter != int(stock.SlotOf(first))/quarter) == apart
		})
		orders := s.crowd(64, func(i int) []*ordersv1.Line {
			if i%2 == 0 {
				return []*ordersv1.Line{line(first, 1), line(second, 1)}
			}
			return []*ordersv1.Line{line(second, 1), line(first, 1)}
		})
		s.t.Log(name)
		s.requireSold(orders, 50)
		s.requireStock(first, 50, 50)
		s.requireStock(second, 50, 50)
	}
}

// requireSold holds that so many of the orders are confirmed and paid, and the others were refused for
// want of stock and not charged.
func (s *shop) requireSold(orders []string, want int) {
	s.t.Helper()
	sold := 0
	for _, orderID := range orders {
		o := s.until(orderID, func(o *ordersv1.Order) bool { return o.GetLifecycle() != ordersv1.Lifecycle_LIFECYCLE_PENDING })
		if o.GetLifecycle() == ordersv1.Lifecycle_LIFECYCLE_CONFIRMED {
			sold++
			require.Equal(s.t, o.GetTotalMinor(), s.authorized(orderID))
			continue
		}
		require.Equal(s.t, ordersv1.Lifecycle_LIFECYCLE_REJECTED, o.GetLifecycle())
		require.Equal(s.t, "OUT_OF_STOCK", o.GetStatusReason())
		require.Zero(s.t, s.authorized(orderID))
	}
	require.Equal(s.t, want, sold)
}

func cancelRacesConfirm(s *shop) {
	sku := s.sku(50)
	requests, orders := make([]*ordersv1.CreateOrderRequest, 50), make([]string, 50)
	cancels := make([]string, 50)
	for i := range requests {
		requests[i], cancels[i] = s.ordering("tok_ok", line(sku, 1)), s.request()
	}
	s.requireNone(s.atOnce(len(requests), func(i int) error {
		res, err := s.Orders.CreateOrder(s.t.Context(), requests[i])
		if err != nil {
			return err
		}
		orders[i] = res.GetOrder().GetId()
		_, err = s.Orders.CancelOrder(s.t.Context(), &ordersv1.CancelOrderRequest{OrderId: orders[i], RequestId: cancels[i]})
		return err
	}))
	for _, orderID := range orders {
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
		require.Zero(s.t, s.authorized(orderID), orderID)
	}
	s.requireStock(sku, 50, 0)
}

func shipRacesCancel(s *shop) {
	sku := s.sku(20)
	for range 20 {
		orderID := s.confirmed(line(sku, 1))
		created, err := s.Shipments.CreateShipment(s.t.Context(), &ordersv1.CreateShipmentRequest{OrderId: orderID, RequestId: s.request()})
		require.NoError(s.t, err)
		requests := []string{s.request(), s.request()}
		errs := s.atOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.Shipments.ShipShipment(s.t.Context(), &ordersv1.ShipShipmentRequest{ShipmentId: created.GetShipment().GetId(), RequestId: requests[i]})
			} else {
				_, err = s.Orders.CancelOrder(s.t.Context(), &ordersv1.CancelOrderRequest{OrderId: orderID, RequestId: requests[i]})
			}
			return err
		})
		require.NotEqual(s.t, errs[0] == nil, errs[1] == nil, "exactly one wins: %v", errs)
		if errs[0] == nil {
			s.requireReason("TRANSITION_REFUSED", errs[1])
			s.until(orderID, func(o *ordersv1.Order) bool {
				return o.GetPaymentStatus() == ordersv1.PaymentStatus_PAYMENT_STATUS_PAID
			})
			continue
		}
		require.Equal(s.t, connect.CodeFailedPrecondition, connect.CodeOf(errs[0]))
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
		require.Zero(s.t, s.authorized(orderID))
	}
	res := s.stock(sku)
	require.Zero(s.t, res.GetHeld())
}

func parcelsRace(s *shop) {
	sku, other := s.sku(10), s.sku(10)
	for range 10 {
		orderID := s.confirmed(line(sku, 1), line(other, 1))
		parcels, requests := make([]string, 2), make([]string, 2)
		for i := range parcels {
			created, err := s.Shipments.CreateShipment(s.t.Context(), &ordersv1.CreateShipmentRequest{
				OrderId: orderID, RequestId: s.request(), Lines: []*ordersv1.ShipmentLine{{Position: int32(i + 1), Quantity: 1}}, //nolint:gosec // 1 and 2
			})
			require.NoError(s.t, err)
			parcels[i], requests[i] = created.GetShipment().GetId(), s.request()
		}
		s.requireNone(s.atOnce(2, func(i int) error {
			_, err := s.Shipments.ShipShipment(s.t.Context(), &ordersv1.ShipShipmentRequest{ShipmentId: parcels[i], RequestId: requests[i]})
			return err
		}))
		for _, shipmentID := range parcels {
			s.deliver(shipmentID)
		}
		o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
		require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_PAID, o.GetPaymentStatus())
		paid := s.payments(orderID)
		require.Len(s.t, paid, 1)
		require.Equal(s.t, []int64{2000, 2000}, []int64{paid[0].GetAuthorizedMinor(), paid[0].GetCapturedMinor()})
	}
	s.requireStock(sku, 0, 0)
	s.requireStock(other, 0, 0)
}

func editRacesPlace(s *shop) {
	sku := s.sku(60)
	missing := s.mate(sku)
	for range 10 {
		orderID := s.place("tok_ok", line(sku, 2), line(missing, 1))
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
		requests := []string{s.request(), s.request()}
		errs := s.atOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.Orders.UpdateOrder(s.t.Context(), &ordersv1.UpdateOrderRequest{
					Order:     &ordersv1.Order{Id: orderID, Lines: []*ordersv1.Line{line(sku, 3)}},
					RequestId: requests[i], UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"lines"}},
				})
			} else {
				_, err = s.Orders.PlaceOrder(s.t.Context(), &ordersv1.PlaceOrderRequest{OrderId: orderID, RequestId: requests[i]})
			}
			return err
		})
		require.NoError(s.t, errs[1])
		if errs[0] != nil {
			s.requireReason("FIELD_NOT_EDITABLE", errs[0])
		}
		o := s.until(orderID, func(o *ordersv1.Order) bool { return o.GetLifecycle() != ordersv1.Lifecycle_LIFECYCLE_PENDING })
		if o.GetLifecycle() == ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED { // it was placed as it had been
			s.edit(orderID, line(sku, 3))
			s.placeAgain(orderID, "")
		}
		o = s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
		require.Equal(s.t, int64(3000), o.GetTotalMinor())
		require.Equal(s.t, int64(3000), s.authorized(orderID))
	}
	s.requireStock(sku, 60, 30)
}

// crowd places orders of so many customers at once.
func (s *shop) crowd(n int, lines func(i int) []*ordersv1.Line) []string {
	s.t.Helper()
	requests, orders := make([]*ordersv1.CreateOrderRequest, n), make([]string, n)
	for i := range requests {
		requests[i] = s.ordering("tok_ok", lines(i)...)
	}
	s.requireNone(s.atOnce(n, func(i int) error {
		res, err := s.Orders.CreateOrder(s.t.Context(), requests[i])
		orders[i] = res.GetOrder().GetId()
		return err
	}))
	return orders
}

// atOnce does so many things at the same time, and gives their errors.
func (s *shop) atOnce(n int, do func(i int) error) []error {
	errs, start := make([]error, n), make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

func (s *shop) requireNone(errs []error) {
	s.t.Helper()
	for _, err := range errs {
		require.NoError(s.t, err)
	}
}

// skuWhere gives a product in a slot that fits.
func (s *shop) skuWhere(onHand int64, fits func(slot int) bool) string {
	s.t.Helper()
	for {
		if sku := s.name("SKU"); fits(int(stock.SlotOf(sku))) {
			return s.product(sku, onHand)
		}
	}
}
