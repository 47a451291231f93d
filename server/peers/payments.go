package peers

import (
	"context"

	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/payments"
)

// Payments moves money in another process, and reads in the shared databases how it stands. It does what
// payments.Service does, but a record that it gives has the payment alone.
type Payments struct {
	payments.Standing
	peer   *Peer
	client paymentsv1.OrderPaymentServiceClient
}

// NewPayments makes a Payments over a connection to payments.
func NewPayments(p *Peer, standing payments.Standing) *Payments {
	return &Payments{Standing: standing, peer: p, client: paymentsv1.NewOrderPaymentServiceClient(p.conn)}
}

// Authorize sets money aside. A decline is an answer.
func (s *Payments) Authorize(ctx context.Context, a payments.Authorize) (payment.Record, error) {
	res, err := ask(ctx, s.peer, s.client.AuthorizeOrder, &paymentsv1.AuthorizeOrderRequest{Authorization: authorizationToProto(a)})
	if err != nil {
		return payment.Record{}, err
	}
	return s.stored(ctx, res.GetPayment())
}

// Capture takes some or all of what is set aside.
func (s *Payments) Capture(ctx context.Context, c payments.Change) (payment.Record, error) {
	res, err := ask(ctx, s.peer, s.client.CaptureOrder, &paymentsv1.CaptureOrderRequest{
		PaymentId: c.PaymentID.String(), AmountMinor: int64(c.Amount), Final: c.Final, Key: c.Key,
	})
	if err != nil {
		return payment.Record{}, err
	}
	return s.stored(ctx, res.GetPayment())
}

// RefundOrder gives so much back of what was taken for an order, and tells how much that is.
func (s *Payments) RefundOrder(
	ctx context.Context, orderID order.ID, amount money.Minor, note string, on payments.Occasion,
) (given money.Minor, err error) {
	res, err := ask(ctx, s.peer, s.client.RefundOrder, &paymentsv1.RefundOrderRequest{
		OrderId: orderID.String(), AmountMinor: int64(amount), Note: note, Occasion: occasionToProto(on),
	})
	return money.Minor(res.GetGivenMinor()), err
}

// Release lets go of what is still set aside for an order of which nothing more will be taken.
func (s *Payments) Release(ctx context.Context, orderID order.ID, on payments.Occasion) error {
	_, err := ask(ctx, s.peer, s.client.ReleaseOrder, &paymentsv1.ReleaseOrderRequest{
		OrderId: orderID.String(), Occasion: occasionToProto(on),
	})
	return err
}

// LetGoOne gives the customer all back of one payment.
func (s *Payments) LetGoOne(ctx context.Context, paymentID payment.ID, on payments.Occasion) error {
	_, err := ask(ctx, s.peer, s.client.LetGoPayment, &paymentsv1.LetGoPaymentRequest{
		PaymentId: paymentID.String(), Occasion: occasionToProto(on),
	})
	return err
}

// LetGo gives the customer of an order all back, but for one payment if one is named.
func (s *Payments) LetGo(ctx context.Context, orderID order.ID, on payments.Occasion, but payment.ID) error {
	req := &paymentsv1.LetGoOrderRequest{OrderId: orderID.String(), Occasion: occasionToProto(on)}
	if !but.IsZero() {
		req.ButPaymentId = but.String()
	}
	_, err := ask(ctx, s.peer, s.client.LetGoOrder, req)
	return err
}

// Forsake makes sure that a wish to authorize that was never recorded is not carried out later either.
func (s *Payments) Forsake(ctx context.Context, a payments.Authorize) error {
	_, err := ask(ctx, s.peer, s.client.ForsakeOrder, &paymentsv1.ForsakeOrderRequest{Authorization: authorizationToProto(a)})
	return err
}

// stored reads what an answer is about: it was stored before it was sent.
func (s *Payments) stored(ctx context.Context, p *paymentsv1.Payment) (payment.Record, error) {
	paymentID, err := payment.ParseID(p.GetId())
	if err != nil {
		return payment.Record{}, err
	}
	found, err := s.Payments.Payment(ctx, paymentID)
	return payment.Record{Payment: found}, err
}

func authorizationToProto(a payments.Authorize) *paymentsv1.OrderAuthorization {
	return &paymentsv1.OrderAuthorization{
		OrderId: a.OrderID.String(), CustomerId: a.CustomerID, CurrencyCode: string(a.Currency),
		AmountMinor: int64(a.Amount), PaymentMethod: a.Method, Key: a.Key,
	}
}

func occasionToProto(on payments.Occasion) *paymentsv1.Occasion {
	return &paymentsv1.Occasion{Name: on.Name, Afresh: on.Afresh}
}
