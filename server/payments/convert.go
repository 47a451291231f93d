package payments

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// each converts a list, in order; the result is not nil.
func each[From, To any](items []From, convert func(From) To) []To {
	converted := make([]To, len(items))
	for i, item := range items {
		converted[i] = convert(item)
	}
	return converted
}

func paymentToProto(p payment.Payment) *paymentsv1.Payment {
	return &paymentsv1.Payment{
		Id:                  p.ID.String(),
		OrderId:             p.OrderID.String(),
		CustomerId:          p.CustomerID,
		Gateway:             p.Gateway,
		CurrencyCode:        string(p.Currency),
		State:               paymentsv1.PaymentState(p.State),
		AmountMinor:         int64(p.Amount),
		AuthorizedMinor:     int64(p.Authorized),
		CapturedMinor:       int64(p.Captured),
		ReleasedMinor:       int64(p.Released),
		RefundedMinor:       int64(p.Refunded),
		CapturePendingMinor: int64(p.CapturePending),
		RefundPendingMinor:  int64(p.RefundPending),
		DeclineReason:       p.Decline,
		RedirectUrl:         p.RedirectURL,
		ExpireTime:          timeToProto(p.Expires),
		Etag:                p.Etag(),
		CreateTime:          timestamppb.New(p.Created),
		UpdateTime:          timestamppb.New(p.Updated),
	}
}

// operationToProto gives nil for no operation.
func operationToProto(o payment.Operation) *paymentsv1.Operation {
	if o.ID.IsZero() {
		return nil
	}
	return &paymentsv1.Operation{
		Id:          o.ID.Text(o.Kind),
		Kind:        paymentsv1.OperationKind(o.Kind),
		State:       paymentsv1.OperationState(o.State),
		AmountMinor: int64(o.Amount),
		Reference:   o.Reference,
		Reason:      o.Reason,
		Note:        o.Note,
		CreateTime:  timestamppb.New(o.Created),
		UpdateTime:  timestamppb.New(o.Updated),
	}
}

// timeToProto writes a time; the zero time is none.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func authorizeFromProto(m *paymentsv1.AuthorizePaymentRequest) (a Authorize, err error) {
	a = Authorize{
		Amount:    money.Minor(m.GetAmountMinor()),
		Method:    m.GetPaymentMethod(),
		ReturnURL: m.GetReturnUrl(),
		Key:       m.GetRequestId(),
		ByHand:    true,
	}
	a.OrderID, err = order.ParseID(m.GetOrderId())
	return a, err
}

func captureFromProto(m *paymentsv1.CapturePaymentRequest) (c Change, err error) {
	c = Change{Amount: money.Minor(m.GetAmountMinor()), Final: m.GetFinal(), Key: m.GetRequestId(), Etag: m.GetEtag(), ByHand: true}
	c.PaymentID, err = payment.ParseID(m.GetPaymentId())
	return c, err
}

func voidFromProto(m *paymentsv1.VoidPaymentRequest) (c Change, err error) {
	c = Change{Key: m.GetRequestId(), Etag: m.GetEtag(), ByHand: true}
	c.PaymentID, err = payment.ParseID(m.GetPaymentId())
	return c, err
}

func refundFromProto(m *paymentsv1.RefundPaymentRequest) (c Change, err error) {
	c = Change{Amount: money.Minor(m.GetAmountMinor()), Note: m.GetNote(), Key: m.GetRequestId(), Etag: m.GetEtag(), ByHand: true}
	c.PaymentID, err = payment.ParseID(m.GetPaymentId())
	return c, err
}

func queryFromProto(m *paymentsv1.PaymentFilter) (q store.PaymentQuery, err error) {
	q.CustomerID = m.GetCustomerId()
	q.State = payment.State(m.GetState()) //nolint:gosec // a defined value
	if m.GetOrderId() != "" {
		q.OrderID, err = order.ParseID(m.GetOrderId())
	}
	return q, err
}
