package lifecycletest

import (
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
)

// The lines of a confirmed order change: it reads anew when stock and money are there for that.

// tryEdit asks for other lines of an order.
func (s *shop) tryEdit(orderID, etag string, lines ...*ordersv1.Line) (*ordersv1.Order, error) {
	res, err := s.Orders.UpdateOrder(s.t.Context(), &ordersv1.UpdateOrderRequest{
		Order: &ordersv1.Order{Id: orderID, Etag: etag, Lines: lines}, RequestId: s.request(),
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"lines"}},
	})
	return res.GetOrder(), err
}

// edited waits until the order reads as it was edited, or does not.
func (s *shop) edited(orderID string) *ordersv1.Order {
	s.t.Helper()
	return s.until(orderID, func(o *ordersv1.Order) bool {
		return o.GetAmendment() == nil || o.GetAmendment().GetRefusedReason() != ""
	})
}

func editSmaller(s *shop) {
	sku, other := s.sku(5), s.sku(5)
	orderID := s.confirmed(line(sku, 3), line(other, 1))
	o, err := s.tryEdit(orderID, "", line(sku, 2))
	require.NoError(s.t, err)
	require.Equal(s.t, int64(4000), o.GetTotalMinor(), "until it is done it reads as before")
	require.Equal(s.t, int64(2000), o.GetAmendment().GetTotalMinor())
	require.Equal(s.t, int64(2000), s.edited(orderID).GetTotalMinor())
	s.requireStock(sku, 5, 2)
	s.requireStock(other, 5, 0)
	s.edit(orderID, line(sku, 1), line(other, 1)) // what was let go may be wanted again
	require.Empty(s.t, s.edited(orderID).GetAmendment().GetRefusedReason())
	s.requireStock(other, 5, 1)
	s.edit(orderID, line(sku, 1))
	s.edited(orderID)
	s.deliver(s.parcel(orderID))
	o = s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
	require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_PAID, o.GetPaymentStatus())
	paid := s.payments(orderID)
	require.Len(s.t, paid, 1, "what was set aside at first was enough")
	require.Equal(s.t, []int64{1000, 3000}, []int64{paid[0].GetCapturedMinor(), paid[0].GetReleasedMinor()})
	s.requireStock(sku, 4, 0)
	s.requireStock(other, 5, 0)
}

func editLarger(s *shop) {
	sku, other := s.sku(5), s.sku(5)
	orderID := s.confirmed(line(sku, 1))
	s.edit(orderID, line(sku, 3), line(other, 2))
	o := s.edited(orderID)
	require.Nil(s.t, o.GetAmendment())
	require.Equal(s.t, int64(5000), o.GetTotalMinor())
	require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_AUTHORIZED, o.GetPaymentStatus())
	require.Equal(s.t, int64(5000), s.authorized(orderID))
	s.requireStock(sku, 5, 3)
	s.requireStock(other, 5, 2)
	first := s.parcel(orderID, &ordersv1.ShipmentLine{Position: 1, Quantity: 3})
	s.deliver(first)
	s.deliver(s.parcel(orderID))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
	var captured, open int64
	for _, p := range s.payments(orderID) {
		captured += p.GetCapturedMinor()
		open += p.GetAuthorizedMinor() - p.GetCapturedMinor() - p.GetReleasedMinor()
	}
	require.Equal(s.t, []int64{5000, 0}, []int64{captured, open})
}

func editFree(s *shop) {
	sku := s.sku(1)
	orderID := s.confirmed(line(sku, 1))
	s.edit(orderID, &ordersv1.Line{Sku: sku, Quantity: 1})
	require.Zero(s.t, s.edited(orderID).GetTotalMinor())
	require.Zero(s.t, s.authorized(orderID))
	s.deliver(s.parcel(orderID))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
}

func editInVain(s *shop) {
	sku, other, none := s.sku(5), s.sku(5), s.sku(0)
	costly := func(total int64) *ordersv1.Line {
		return &ordersv1.Line{Sku: other, Quantity: 1, UnitPriceMinor: total - 2000}
	}
	for _, c := range []struct {
		reason string
		more   *ordersv1.Line
	}{
		{"OUT_OF_STOCK", line(other, 6)},
		{"OUT_OF_STOCK", line(none, 1)},
		{"PAYMENT_DECLINED", costly(90_000_001)}, // amounts that the bank refuses
		{"AUTHENTICATION_REQUIRED", costly(90_000_005)},
	} {
		orderID := s.confirmed(line(sku, 2))
		s.edit(orderID, line(sku, 2), c.more)
		o := s.edited(orderID)
		if c.reason != "PAYMENT_DECLINED" { // a bank has its own words for it
			require.Equal(s.t, c.reason, o.GetAmendment().GetRefusedReason())
		}
		require.Equal(s.t, int64(2000), o.GetTotalMinor())
		require.Equal(s.t, int64(2000), s.authorized(orderID))
		s.requireStock(sku, 5, 2)
		s.requireStock(other, 5, 0)
		s.edit(orderID, line(sku, 1), line(other, 1)) // it may ask for less
		require.Nil(s.t, s.edited(orderID).GetAmendment())
		s.cancel(orderID)
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
		require.Zero(s.t, s.authorized(orderID))
		s.requireStock(sku, 5, 0)
		s.requireStock(other, 5, 0)
	}
}

func editRefused(s *shop) {
	sku := s.sku(5)
	orderID := s.confirmed(line(sku, 2))
	_, err := s.tryEdit(orderID, "1", line(sku, 1))
	s.requireReason("STALE_ETAG", err)
	created, err := s.Shipments.CreateShipment(s.t.Context(), &ordersv1.CreateShipmentRequest{
		OrderId: orderID, RequestId: s.request(), Lines: []*ordersv1.ShipmentLine{{Position: 1, Quantity: 1}},
	})
	require.NoError(s.t, err)
	_, err = s.tryEdit(orderID, "", line(sku, 1))
	s.requireReason("PARCEL_PLANNED", err)
	_, err = s.Shipments.ShipShipment(s.t.Context(), &ordersv1.ShipShipmentRequest{ShipmentId: created.GetShipment().GetId(), RequestId: s.request()})
	require.NoError(s.t, err)
	_, err = s.tryEdit(orderID, "", line(sku, 1))
	s.requireReason("TRANSITION_REFUSED", err)
	s.parcel(orderID)
	_, err = s.tryEdit(orderID, "", line(sku, 1))
	s.requireReason("TRANSITION_REFUSED", err)
}

func editRacesShip(s *shop) {
	sku := s.sku(40)
	for range 10 {
		orderID := s.confirmed(line(sku, 2))
		edit, create := s.request(), s.request()
		errs := s.atOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.Orders.UpdateOrder(s.t.Context(), &ordersv1.UpdateOrderRequest{
					Order:     &ordersv1.Order{Id: orderID, Lines: []*ordersv1.Line{line(sku, 3)}},
					RequestId: edit, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"lines"}},
				})
			} else {
				_, err = s.Shipments.CreateShipment(s.t.Context(), &ordersv1.CreateShipmentRequest{OrderId: orderID, RequestId: create})
			}
			return err
		})
		total := int64(2000)
		if errs[0] != nil {
			s.requireReason("PARCEL_PLANNED", errs[0])
		} else if total = 3000; errs[1] != nil {
			s.requireReason("AMENDMENT_UNDER_WAY", errs[1])
		}
		require.Equal(s.t, total, s.edited(orderID).GetTotalMinor())
		require.Equal(s.t, total, s.authorized(orderID))
		s.cancel(orderID)
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
	}
	s.requireStock(sku, 40, 0)
}

func editRacesCancel(s *shop) {
	sku, other := s.sku(60), s.sku(60)
	for range 10 {
		orderID := s.confirmed(line(sku, 2))
		edit, cancel := s.request(), s.request()
		errs := s.atOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.Orders.UpdateOrder(s.t.Context(), &ordersv1.UpdateOrderRequest{
					Order:     &ordersv1.Order{Id: orderID, Lines: []*ordersv1.Line{line(sku, 3), line(other, 1)}},
					RequestId: edit, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"lines"}},
				})
			} else {
				_, err = s.Orders.CancelOrder(s.t.Context(), &ordersv1.CancelOrderRequest{OrderId: orderID, RequestId: cancel})
			}
			return err
		})
		require.NoError(s.t, errs[1])
		if errs[0] != nil {
			s.requireReason("TRANSITION_REFUSED", errs[0])
		}
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
		s.until(orderID, func(*ordersv1.Order) bool { return s.authorized(orderID) == 0 })
	}
	s.requireStock(sku, 60, 0)
	s.requireStock(other, 60, 0)
}

func editPaidByHand(s *shop) {
	sku := s.sku(5)
	orderID := s.confirmed(line(sku, 1))
	_, err := s.Payments.AuthorizePayment(s.t.Context(), &paymentsv1.AuthorizePaymentRequest{
		OrderId: orderID, RequestId: s.request(), AmountMinor: 2000, PaymentMethod: "tok_ok",
	})
	require.NoError(s.t, err)
	s.edit(orderID, line(sku, 2))
	require.Nil(s.t, s.edited(orderID).GetAmendment())
	require.Len(s.t, s.payments(orderID), 2, "the bank was not asked for more")
	require.Equal(s.t, int64(2000), s.authorized(orderID), "and one of them was let go")
}
