package orders_test

import (
	"crypto/rand"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/orders"
)

const unknownReturn = "ret_01h455vb4pex5vsknk08000000"

// sold gives an order that was shipped and paid.
func (s *shop) sold() order.Order {
	s.t.Helper()
	o := s.confirmed()
	s.ship(s.parcel(o))
	o = s.happen(o, order.PaymentChanged{Payment: order.PaymentPaid})
	total, err := o.Total()
	require.NoError(s.t, err)
	s.till[o.ID] = total
	return o
}

// asked gives a return that was asked for.
func (s *shop) asked(o order.Order, lines ...*ordersv1.ShipmentLine) *ordersv1.Return {
	s.t.Helper()
	return twice(s.t, s.returns.RequestReturn, &ordersv1.RequestReturnRequest{
		OrderId: o.ID.String(), Lines: lines, Reason: "too small", RequestId: rand.Text(),
	}).GetReturn()
}

// received gives a return that has arrived.
func (s *shop) received(o order.Order, lines ...*ordersv1.ShipmentLine) *ordersv1.Return {
	s.t.Helper()
	return twice(s.t, s.returns.ReceiveReturn, &ordersv1.ReceiveReturnRequest{
		ReturnId: s.asked(o, lines...).GetId(), RequestId: rand.Text(),
	}).GetReturn()
}

func TestReturnService(t *testing.T) {
	t.Run("goods come back, and refund and restock are decided apart", func(t *testing.T) {
		s := newShop(t)
		o := s.sold()
		r := s.asked(o, &ordersv1.ShipmentLine{Position: 2, Quantity: 2})
		require.Equal(t, ordersv1.ReturnStatus_RETURN_STATUS_REQUESTED, r.GetStatus())
		require.Equal(t, o.ID.String(), r.GetOrderId())
		require.Equal(t, "too small", r.GetReason())
		require.Equal(t, "cus_1", r.GetCustomerId())
		require.EqualValues(t, 200-6, r.GetTotalMinor())
		s.requireSame(o)

		approved := twice(t, s.returns.ApproveReturn, &ordersv1.ApproveReturnRequest{ReturnId: r.GetId(), RequestId: "approve"})
		require.Equal(t, ordersv1.ReturnStatus_RETURN_STATUS_APPROVED, approved.GetReturn().GetStatus())
		received := twice(t, s.returns.ReceiveReturn, &ordersv1.ReceiveReturnRequest{ReturnId: r.GetId(), RequestId: "receive"})
		require.Equal(t, ordersv1.ReturnStatus_RETURN_STATUS_RECEIVED, received.GetReturn().GetStatus())
		require.EqualValues(t, 2, s.stored(o.ID.String()).ReturnedOf(1))

		closed := twice(t, s.returns.CloseReturn, &ordersv1.CloseReturnRequest{
			ReturnId: r.GetId(), RequestId: "close", Restock: []*ordersv1.ShipmentLine{{Position: 2, Quantity: 1}},
		}).GetReturn()
		require.Equal(t, ordersv1.ReturnStatus_RETURN_STATUS_INSPECTED, closed.GetStatus())
		require.EqualValues(t, 200-6, closed.GetRefundMinor())
		require.EqualValues(t, 1, closed.GetRestock()[0].GetQuantity())
		got, err := s.returns.GetReturn(t.Context(), &ordersv1.GetReturnRequest{ReturnId: r.GetId()})
		require.NoError(t, err)
		require.True(t, proto.Equal(closed, got.GetReturn()))
	})
	t.Run("a return that is refused takes nothing back", func(t *testing.T) {
		s := newShop(t)
		o := s.sold()
		r := s.asked(o, &ordersv1.ShipmentLine{Position: 1, Quantity: 1})
		rejected := twice(t, s.returns.RejectReturn, &ordersv1.RejectReturnRequest{ReturnId: r.GetId(), Reason: "worn", RequestId: "reject"})
		require.Equal(t, ordersv1.ReturnStatus_RETURN_STATUS_REJECTED, rejected.GetReturn().GetStatus())
		require.Equal(t, "worn", rejected.GetReturn().GetReason())
		_, err := s.returns.ReceiveReturn(t.Context(), &ordersv1.ReceiveReturnRequest{ReturnId: r.GetId(), RequestId: "receive"})
		requireRefused(t, precondition, fault.ReasonTransitionRefused, err)
		s.requireSame(o)
	})
}

func TestCloseReturn_Refund(t *testing.T) {
	line := &ordersv1.ShipmentLine{Position: 1, Quantity: 1} // worth 500
	for name, c := range map[string]struct {
		left   int64
		refund *int64
		want   int64
	}{
		"what the goods are worth":         {1635, nil, 500},
		"what is left, when it is less":    {300, nil, 300},
		"less than they are worth":         {1635, proto.Int64(100), 100},
		"more than they are worth":         {1635, proto.Int64(1635), 1635},
		"nothing":                          {1635, proto.Int64(0), 0},
		"nothing, when nothing was taken":  {0, nil, 0},
		"all that is left, when asked for": {300, proto.Int64(300), 300},
	} {
		t.Run("the customer gets "+name, func(t *testing.T) {
			s := newShop(t)
			o := s.sold()
			s.till[o.ID] = money.Minor(c.left)
			closed := twice(t, s.returns.CloseReturn, &ordersv1.CloseReturnRequest{
				ReturnId: s.received(o, line).GetId(), RefundMinor: c.refund, RequestId: "close",
			})
			require.Equal(t, c.want, closed.GetReturn().GetRefundMinor())
		})
	}
	t.Run("a repeat gets its first answer although the money was given back meanwhile", func(t *testing.T) {
		s := newShop(t)
		o := s.sold()
		req := &ordersv1.CloseReturnRequest{ReturnId: s.received(o, line).GetId(), RefundMinor: proto.Int64(1635), RequestId: "close"}
		first := twice(t, s.returns.CloseReturn, req)
		s.till[o.ID] = 0
		require.True(t, proto.Equal(first, twice(t, s.returns.CloseReturn, req)))
	})
	t.Run("without a gateway nothing is given back", func(t *testing.T) {
		s := newShop(t, func(o *orders.Options) { o.Payments = nil })
		r := s.received(s.sold(), line)
		_, err := s.returns.CloseReturn(t.Context(), &ordersv1.CloseReturnRequest{ReturnId: r.GetId(), RefundMinor: proto.Int64(1), RequestId: "close"})
		requireRefused(t, precondition, fault.ReasonRefundTooLarge, err)
		closed := twice(t, s.returns.CloseReturn, &ordersv1.CloseReturnRequest{ReturnId: r.GetId(), RequestId: "close"})
		require.Zero(t, closed.GetReturn().GetRefundMinor())
	})
}

func TestReturnService_BadInput(t *testing.T) {
	type line = ordersv1.ShipmentLine
	t.Run("what did not leave cannot come back", func(t *testing.T) {
		s := newShop(t)
		o, placed := s.sold(), s.place()
		unshipped := s.confirmed()
		for name, c := range map[string]struct {
			orderID string
			lines   []*line
			code    connect.Code
			reason  fault.Reason
		}{
			"an unknown order":         {unknownOrder, []*line{{Position: 1, Quantity: 1}}, connect.CodeNotFound, fault.ReasonOrderNotFound},
			"an order not confirmed":   {placed.ID.String(), []*line{{Position: 1, Quantity: 1}}, precondition, fault.ReasonTransitionRefused},
			"goods that did not leave": {unshipped.ID.String(), []*line{{Position: 1, Quantity: 1}}, precondition, fault.ReasonReturnTooLarge},
			"more than left":           {o.ID.String(), []*line{{Position: 1, Quantity: 3}}, precondition, fault.ReasonReturnTooLarge},
			"a line twice, too much":   {o.ID.String(), []*line{{Position: 1, Quantity: 2}, {Position: 1, Quantity: 1}}, precondition, fault.ReasonReturnTooLarge},
			"a service":                {o.ID.String(), []*line{{Position: 3, Quantity: 1}}, invalidArgument, fault.ReasonLineUnknown},
			"a line that is not there": {o.ID.String(), []*line{{Position: 4, Quantity: 1}}, invalidArgument, fault.ReasonLineUnknown},
			"no lines":                 {o.ID.String(), nil, invalidArgument, fault.ReasonInvalidRequest},
			"no quantity":              {o.ID.String(), []*line{{Position: 1}}, invalidArgument, fault.ReasonInvalidRequest},
		} {
			t.Log(name)
			_, err := s.returns.RequestReturn(t.Context(), &ordersv1.RequestReturnRequest{OrderId: c.orderID, Lines: c.lines, RequestId: "return"})
			requireRefused(t, c.code, c.reason, err)
		}
		_, err := s.returns.RequestReturn(t.Context(), &ordersv1.RequestReturnRequest{
			OrderId: o.ID.String(), Lines: []*line{{Position: 1, Quantity: 1}}, Reason: cardNumber, RequestId: "return",
		})
		requireRefused(t, invalidArgument, fault.ReasonCardNumberRefused, err)
		list, err := s.returns.ListReturns(t.Context(), &ordersv1.ListReturnsRequest{})
		require.NoError(t, err)
		require.Empty(t, list.GetReturns())
	})
	t.Run("goods come back once, whichever return brings them first", func(t *testing.T) {
		s := newShop(t)
		o := s.sold()
		one, two := s.asked(o, &line{Position: 1, Quantity: 2}), s.asked(o, &line{Position: 1, Quantity: 1})
		twice(t, s.returns.ReceiveReturn, &ordersv1.ReceiveReturnRequest{ReturnId: one.GetId(), RequestId: "receive"})
		after := s.stored(o.ID.String())
		_, err := s.returns.ReceiveReturn(t.Context(), &ordersv1.ReceiveReturnRequest{ReturnId: two.GetId(), RequestId: "receive"})
		requireRefused(t, precondition, fault.ReasonReturnTooLarge, err)
		s.requireSame(after)
	})
	t.Run("what cannot be decided is refused and changes nothing", func(t *testing.T) {
		s := newShop(t)
		o := s.sold()
		s.till[o.ID] = 300
		asked, received := s.asked(o, &line{Position: 1, Quantity: 1}), s.received(o, &line{Position: 2, Quantity: 1})
		after := s.stored(o.ID.String())
		closing := func(returnID string, refund int64, restock ...*line) error {
			_, err := s.returns.CloseReturn(t.Context(), &ordersv1.CloseReturnRequest{
				ReturnId: returnID, RefundMinor: proto.Int64(refund), Restock: restock, RequestId: "close",
			})
			return err
		}
		approve := func(returnID string) error {
			_, err := s.returns.ApproveReturn(t.Context(), &ordersv1.ApproveReturnRequest{ReturnId: returnID, RequestId: "approve"})
			return err
		}
		reject := func(returnID, reason string) error {
			_, err := s.returns.RejectReturn(t.Context(), &ordersv1.RejectReturnRequest{ReturnId: returnID, Reason: reason, RequestId: "reject"})
			return err
		}
		requireRefused(t, precondition, fault.ReasonRefundTooLarge, closing(received.GetId(), 301))
		requireRefused(t, invalidArgument, fault.ReasonInvalidRequest, closing(received.GetId(), -1))
		requireRefused(t, precondition, fault.ReasonRestockTooLarge, closing(received.GetId(), 0, &line{Position: 2, Quantity: 2}))
		requireRefused(t, invalidArgument, fault.ReasonLineUnknown, closing(received.GetId(), 0, &line{Position: 1, Quantity: 1}))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, closing(asked.GetId(), 0))
		requireRefused(t, connect.CodeNotFound, fault.ReasonReturnNotFound, closing(unknownReturn, 0))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, approve(received.GetId()))
		requireRefused(t, connect.CodeNotFound, fault.ReasonReturnNotFound, approve(unknownReturn))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, reject(received.GetId(), ""))
		requireRefused(t, invalidArgument, fault.ReasonCardNumberRefused, reject(asked.GetId(), cardNumber))
		requireRefused(t, invalidArgument, fault.ReasonInvalidID, reject("ret_01h455vb4pex5vsknk08000001", ""))
		s.requireSame(after)
		for _, before := range []*ordersv1.Return{asked, received} {
			got, err := s.returns.GetReturn(t.Context(), &ordersv1.GetReturnRequest{ReturnId: before.GetId()})
			require.NoError(t, err)
			require.True(t, proto.Equal(before, got.GetReturn()))
		}
	})
	t.Run("another request with the same id is refused", func(t *testing.T) {
		s := newShop(t)
		req := &ordersv1.CloseReturnRequest{ReturnId: s.received(s.sold(), &line{Position: 1, Quantity: 1}).GetId(), RequestId: "close"}
		twice(t, s.returns.CloseReturn, req)
		req.RefundMinor = proto.Int64(1)
		_, err := s.returns.CloseReturn(t.Context(), req)
		requireRefused(t, connect.CodeAlreadyExists, fault.ReasonRequestIDReused, err)
	})
}
